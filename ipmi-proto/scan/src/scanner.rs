//! The scan as a state machine: what to send next and when, and what an answer
//! means. It does no I/O and never asks the clock.
//!
//! Every address is asked by ping and for its authentication capabilities, both
//! as often as there are tries. What answers the latter is asked for its cipher
//! suites. Addresses that do not answer are forgotten after the last try; what
//! they say later still counts.

mod hearing;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::RandomState;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rmcp_ipmi::command::CipherSuiteList;

use super::bmc::{Bmc, MAX_SUITES};
use super::pacer::Pacer;
use super::plan::Plan;
use super::question::{Answer, Content, Numbers, Question, decode};

/// Most addresses whose answers are waited for at once; further ones wait.
const MAX_WAITING: usize = 16_384;
/// Most addresses that are remembered for having answered: four times a /16.
const MAX_FOUND: usize = 1 << 18;
/// How to scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanSettings {
    /// UDP port of every address.
    pub port: u16,
    /// Datagrams a second, over all addresses; at least 1.
    pub rate: u32,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How often each question is asked, 1 to 16.
    pub tries: u8,
}

/// Datagrams that came and told nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// From addresses or ports that were not asked.
    pub strangers: u64,
    /// No answers to any of the questions.
    pub malformed: u64,
    /// With numbers that this address was not given: forgeries, or mistakes.
    pub unmatched: u64,
    /// What was known already: answers to further copies, or the same ones again.
    pub repeated: u64,
    /// From more addresses than can be remembered.
    pub surplus: u64,
}

impl Ignored {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.strangers + self.malformed + self.unmatched + self.repeated + self.surplus
    }
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Addresses that are done with.
    pub done: u64,
    /// All addresses.
    pub addresses: u64,
    /// BMCs found so far.
    pub bmcs: usize,
}

/// What an address is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Both ways to find out whether somebody is there. Every second copy does not
    /// ask for IPMI 2.0: some BMCs answer only that.
    Presence,
    /// The other form of the question, once the address has answered one form.
    Capabilities { with_v20: bool },
    /// Its cipher suites.
    Suites { page: u8 },
}

/// An address whose answer is waited for, or that is to be asked.
#[derive(Debug)]
struct Asked {
    stage: Stage,
    /// Copies of this stage's question that were sent.
    copies: u8,
    /// How many messages of IPMI were sent in all, modulo 256.
    messages: u8,
    /// When to look at it again, unless it is in line for sending.
    due: Option<Instant>,
    is_in_line: bool,
    list: CipherSuiteList,
}

impl Asked {
    fn new() -> Self {
        Self {
            stage: Stage::Presence,
            copies: 0,
            messages: 0,
            due: None,
            is_in_line: false,
            list: CipherSuiteList::default(),
        }
    }

    /// Whether the nth message, modulo 64, is a copy of this stage's question.
    fn is_copy(&self, nth: u8) -> bool {
        self.behind(nth) < self.copies
    }

    /// Whether the nth message, modulo 64, was sent at all.
    fn is_former(&self, nth: u8) -> bool {
        self.behind(nth) < self.messages
    }

    /// How many messages were sent after the nth one, modulo 64.
    fn behind(&self, nth: u8) -> u8 {
        self.messages.wrapping_sub(1).wrapping_sub(nth) & 0x3f
    }
}

/// Who is in line for sending, and for what.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Ping(u64),
    Message(u64),
}

/// The scan of a [`Plan`], without sockets and without a clock.
///
/// Datagrams come out of [`Self::poll_transmit`], the next instant at which to
/// ask for them out of [`Self::poll_timeout`]; answers go into
/// [`Self::handle_datagram`].
#[derive(Debug)]
pub struct Scanner {
    plan: Plan,
    settings: ScanSettings,
    pacer: Pacer,
    key: RandomState,
    /// The first address that was not asked yet.
    next: u64,
    asked: HashMap<u64, Asked>,
    due: BTreeSet<(Instant, u64)>,
    line: VecDeque<Turn>,
    found: BTreeMap<u64, Bmc>,
    sent: u64,
    ignored: Ignored,
}

impl Scanner {
    /// Starts at this instant; nothing is sent yet.
    #[must_use]
    pub fn new(plan: Plan, settings: ScanSettings, now: Instant) -> Self {
        Self {
            pacer: Pacer::new(settings.rate, now),
            settings: ScanSettings {
                tries: settings.tries.clamp(1, 16),
                ..settings
            },
            plan,
            key: RandomState::new(),
            next: 0,
            asked: HashMap::new(),
            due: BTreeSet::new(),
            line: VecDeque::new(),
            found: BTreeMap::new(),
            sent: 0,
            ignored: Ignored::default(),
        }
    }

    /// Replaces `out` by a datagram that is to be sent now, and says whereto;
    /// `None` when there is none, or none may leave yet. To be called until it
    /// says so.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<SocketAddr> {
        self.look_after_due(now);
        if now < self.pacer.ready_at() {
            return None;
        }
        loop {
            let Some(turn) = self.line.pop_front() else {
                self.begin_next()?;
                continue;
            };
            if let Some(to) = self.transmit(now, turn, out) {
                self.pacer.take(now);
                self.sent += 1;
                return Some(to);
            }
        }
    }

    /// When to call [`Self::poll_transmit`] again, if nothing comes before; `None`
    /// when the scan is finished.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let can_send = !self.line.is_empty() || self.may_begin();
        let send_at = can_send.then(|| self.pacer.ready_at());
        let due_at = self.due.first().map(|(at, _)| *at);
        send_at.into_iter().chain(due_at).min()
    }

    /// Takes a datagram that came from this address.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let number = (from.port() == self.settings.port)
            .then(|| self.plan.number(from.ip().to_canonical()))
            .flatten()
            .filter(|number| *number < self.next);
        let Some(number) = number else {
            self.ignored.strangers += 1;
            return;
        };
        let Some(answer) = decode(datagram) else {
            self.ignored.malformed += 1;
            return;
        };
        if self.found.len() >= MAX_FOUND && !self.found.contains_key(&number) {
            self.ignored.surplus += 1;
            return;
        }
        let numbers = Numbers::of(number, &self.key);
        match answer {
            Answer::Pong { tag, speaks_ipmi } => {
                if tag == numbers.tag {
                    self.hear_pong(number, speaks_ipmi);
                } else {
                    self.ignored.unmatched += 1;
                }
            }
            Answer::Ipmi { sequence, content } => {
                let nth = numbers.nth(sequence);
                match content {
                    Content::Capabilities(verdict) => {
                        self.hear_capabilities(now, number, nth, verdict);
                    }
                    Content::Suites(verdict) => self.hear_suites(number, nth, verdict),
                }
            }
        }
    }

    /// Whether everybody was asked and nobody is waited for.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.poll_timeout().is_none()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let waiting = u64::try_from(self.asked.len()).unwrap_or(u64::MAX);
        Progress {
            done: self.next.saturating_sub(waiting),
            addresses: self.plan.len(),
            bmcs: self.bmcs().count(),
        }
    }

    /// The BMCs found so far, in ascending order of addresses.
    pub fn bmcs(&self) -> impl Iterator<Item = (SocketAddr, &Bmc)> {
        let bmcs = self.found.iter().filter(|(_, bmc)| bmc.is_bmc());
        bmcs.filter_map(|(number, bmc)| {
            let ip = self.plan.address(*number)?;
            Some((SocketAddr::new(ip, self.settings.port), bmc))
        })
    }

    /// How many answered the ping, but neither say nor show that they speak IPMI.
    #[must_use]
    pub fn others(&self) -> usize {
        self.found.values().filter(|other| !other.is_bmc()).count()
    }

    /// How many addresses are waited for: what a scan remembers beside those
    /// that answered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.asked.len()
    }

    /// Datagrams that were given out.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What came and was not used.
    #[must_use]
    pub fn ignored(&self) -> Ignored {
        self.ignored
    }

    fn may_begin(&self) -> bool {
        self.next < self.plan.len() && self.asked.len() < MAX_WAITING
    }

    /// Puts the next address in line; `None` when there is none.
    fn begin_next(&mut self) -> Option<()> {
        if !self.may_begin() {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.asked.insert(number, Asked::new());
        self.stand_in_line(number);
        Some(())
    }

    /// Puts an address in line, once.
    fn stand_in_line(&mut self, number: u64) {
        let Some(asked) = self.asked.get_mut(&number) else {
            return;
        };
        if let Some(due) = asked.due.take() {
            self.due.remove(&(due, number));
        }
        if std::mem::replace(&mut asked.is_in_line, true) {
            return;
        }
        let answers_ping = self.found.get(&number).is_some_and(|bmc| bmc.answers_ping);
        if asked.stage == Stage::Presence && !answers_ping {
            self.line.push_back(Turn::Ping(number));
        }
        self.line.push_back(Turn::Message(number));
    }

    /// Writes the datagram of a turn, if it is still worth sending.
    fn transmit(&mut self, now: Instant, turn: Turn, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let (Turn::Ping(number) | Turn::Message(number)) = turn;
        let to = SocketAddr::new(self.plan.address(number)?, self.settings.port);
        let numbers = Numbers::of(number, &self.key);
        let asked = self.asked.get_mut(&number)?;
        if let Turn::Ping(_) = turn {
            let is_wanted = asked.stage == Stage::Presence;
            is_wanted.then(|| Question::Ping.encode(numbers, 0, out))?;
            return Some(to);
        }
        let question = match asked.stage {
            Stage::Presence => Question::Capabilities {
                with_v20: asks_for_v20(asked.copies),
            },
            Stage::Capabilities { with_v20 } => Question::Capabilities { with_v20 },
            Stage::Suites { page } => Question::Suites { page },
        };
        question.encode(numbers, asked.messages, out);
        asked.messages = asked.messages.wrapping_add(1);
        asked.copies = asked.copies.saturating_add(1);
        asked.is_in_line = false;
        let due = now + self.settings.timeout;
        asked.due = Some(due);
        self.due.insert((due, number));
        Some(to)
    }

    /// Sends again or gives up, where an answer was waited for long enough.
    fn look_after_due(&mut self, now: Instant) {
        while let Some(&(at, number)) = self.due.first()
            && at <= now
        {
            self.due.pop_first();
            let Some(asked) = self.asked.get_mut(&number) else {
                continue;
            };
            asked.due = None;
            if asked.copies < self.settings.tries {
                self.stand_in_line(number);
                continue;
            }
            let speaks_ipmi = self.found.get(&number).is_some_and(|bmc| bmc.answers_ipmi);
            match asked.stage {
                // It had no time to say more than that.
                Stage::Presence if speaks_ipmi => self.ask_for_suites(number),
                Stage::Presence => {
                    self.asked.remove(&number);
                }
                Stage::Capabilities { .. } => self.ask_for_suites(number),
                Stage::Suites { .. } => self.end_of_list(number),
            }
        }
    }

    fn enter(&mut self, number: u64, stage: Stage) {
        if let Some(asked) = self.asked.get_mut(&number) {
            asked.stage = stage;
            asked.copies = 0;
            self.stand_in_line(number);
        }
    }

    fn ask_for_suites(&mut self, number: u64) {
        self.enter(number, Stage::Suites { page: 0 });
    }

    /// Keeps what was listed, and lets the address go.
    fn end_of_list(&mut self, number: u64) {
        let Some(asked) = self.asked.remove(&number) else {
            return;
        };
        if let Some(due) = asked.due {
            self.due.remove(&(due, number));
        }
        let mut suites = asked.list.suites();
        suites.truncate(MAX_SUITES);
        suites.shrink_to_fit();
        if let Some(bmc) = self.found.get_mut(&number).filter(|_| !suites.is_empty()) {
            bmc.suites = Some(suites);
        }
    }
}

/// Whether this copy of the first question asks for IPMI 2.0: the first one does.
fn asks_for_v20(copy: u8) -> bool {
    copy.is_multiple_of(2)
}

#[cfg(test)]
mod tests;
