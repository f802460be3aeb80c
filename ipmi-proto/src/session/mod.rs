//! One session with one BMC, from log-in to close, as a state machine that does
//! no I/O and never asks the clock.
//!
//! It is driven through five doors: datagrams go in with
//! [`Session::handle_datagram`], the passing of time with
//! [`Session::handle_timeout`]; datagrams to send come out of
//! [`Session::poll_transmit`], the next instant at which to call back out of
//! [`Session::poll_timeout`], and results out of [`Session::poll_event`]. After
//! each call into the first two, or into [`Session::open`], [`Session::request`]
//! and [`Session::close`], the other three are to be polled.
//!
//! There is at most one request in flight: real BMCs mix up answers when they
//! are hurried. Every command of this crate only reads, so an unanswered request
//! is sent again, each copy under numbers of its own.

mod activation;
mod active;
mod counters;
mod handshake;
mod listing;
mod login;
mod open;
mod protection;
mod question;
mod quirks;
mod relay;
mod request;
mod rtt;
mod sequence;
mod settings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;

pub use counters::{Counters, RejectReason};
pub use login::LoginMemory;
pub use protection::Negotiated;
pub use quirks::Quirks;
pub use rtt::RttEstimator;
pub use sequence::{OutboundSequence, ReplayWindow, Verdict};
pub use settings::{Generation, Settings};

use activation::Activation;
use active::Active;
use handshake::Expect;
use listing::Listing;
use open::{Attempt, Probe};
use request::{Pending, Purpose};

use crate::command::OfferedSuite;
use crate::error::{Error, Stage};
use crate::privilege::PrivilegeLevel;
use crate::wire::{CommandKey, CompletionCode, Framing, Lun, NetFn, PacketV20, Route, decode_rmcp};

/// How often a request is sent before its BMC counts as silent.
const MAX_ATTEMPTS: u32 = 5;
/// Close Session is waited for this long, three times: some BMCs never answer it.
const CLOSE_WAIT: Duration = Duration::from_millis(260);
const CLOSE_ATTEMPTS: u32 = 3;

const SET_SESSION_PRIVILEGE_LEVEL: u8 = 0x3b;
const CLOSE_SESSION: u8 = 0x3c;

/// A result of something that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The log-in succeeded; requests may be made.
    Opened {
        /// What protects the session.
        negotiated: Negotiated,
        /// The privilege level that the session has now.
        privilege: PrivilegeLevel,
        /// The highest level that the log-in entitles to.
        max_privilege: PrivilegeLevel,
    },
    /// The log-in failed; the session is closed.
    LoginFailed(Error),
    /// The request was answered; the data is in [`Session::reply`].
    Answered(CompletionCode),
    /// The request failed. The session may be dead or alive.
    RequestFailed(Error),
    /// The session is closed.
    Closed,
}

enum State {
    Closed,
    Probing(Probe),
    Listing(Listing),
    Handshaking(Attempt),
    Activating(Activation),
    Active(Box<Active>),
}

/// See the [module documentation](self).
pub struct Session {
    settings: Arc<Settings>,
    memory: Option<LoginMemory>,
    offered: Option<Vec<OfferedSuite>>,
    rtt: RttEstimator,
    rng: StdRng,
    state: State,
    /// The datagram to send; empty when there is none.
    out: Vec<u8>,
    /// A Close Session that nobody waits for, to be sent before `out`.
    farewell: Vec<u8>,
    event: Option<Event>,
    reply: Vec<u8>,
    counters: Counters,
}

impl Session {
    /// A closed session. `rng` makes session ids, random numbers and
    /// initialisation vectors: seed it from the operating system, and with fixed
    /// numbers only in tests. `memory` is what [`Self::memory`] gave after an
    /// earlier log-in to the same BMC.
    pub fn new(
        settings: Arc<Settings>,
        memory: Option<LoginMemory>,
        rtt: RttEstimator,
        rng: StdRng,
    ) -> Self {
        Self {
            settings,
            memory,
            offered: None,
            rtt,
            rng,
            state: State::Closed,
            out: Vec::new(),
            farewell: Vec::new(),
            event: None,
            reply: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Starts the log-in, to be finished before `deadline`. Ends in
    /// [`Event::Opened`] or [`Event::LoginFailed`]. A session that is still there
    /// is [left](Self::leave).
    pub fn open(&mut self, now: Instant, deadline: Instant) {
        self.leave(now);
        self.start_login(now, deadline);
    }

    /// Whether requests may be made.
    pub fn is_open(&self) -> bool {
        matches!(&self.state, State::Active(active) if active.is_open())
    }

    /// Starts a request. Ends in [`Event::Answered`] or [`Event::RequestFailed`]
    /// by `deadline`. When the deadline passes and the session has heard nothing
    /// over several requests, the failure is [`Error::Silent`].
    ///
    /// # Errors
    /// [`Error::Misuse`] when the session is not open or a request is in flight.
    pub fn request(
        &mut self,
        now: Instant,
        deadline: Instant,
        key: CommandKey,
        data: &[u8],
    ) -> Result<(), Error> {
        self.request_at(now, deadline, Route::Bmc, key, data)
    }

    /// Like [`Self::request`], to a controller that the BMC passes messages on to.
    /// Fails with [`Error::Relay`] when the BMC cannot, and with
    /// [`Error::SatelliteSilent`] when it has and no answer comes within the five
    /// seconds after which BMCs forget who asked. The answer counts whether it comes
    /// after what the BMC says to Send Message, before it, inside it or without it.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn request_at(
        &mut self,
        now: Instant,
        deadline: Instant,
        route: Route,
        key: CommandKey,
        data: &[u8],
    ) -> Result<(), Error> {
        let State::Active(active) = &mut self.state else {
            return Err(Error::Misuse("the session is not open"));
        };
        if active.is_busy() {
            return Err(Error::Misuse("a request is in flight"));
        }
        active.start(Purpose::Caller, route, key, data, now, deadline);
        self.transmit(now);
        Ok(())
    }

    /// Forgets the request in flight, if any: nobody waits for it any more. Its
    /// late answers will not be taken for others.
    pub fn abandon_request(&mut self) {
        if let State::Active(active) = &mut self.state {
            active.abandon();
        }
        self.out.clear();
        self.event = None;
    }

    /// Starts to close the session. Ends in [`Event::Closed`] within a second,
    /// whatever the BMC does; at once when there is no open session.
    pub fn close(&mut self, now: Instant) {
        self.out.clear();
        match &mut self.state {
            State::Active(active) => {
                active.start_close(now);
                self.transmit(now);
            }
            _ => {
                self.leave(now);
                self.event = Some(Event::Closed);
            }
        }
    }

    /// Ends whatever there is, at once and without an event: for those who cannot
    /// wait. If the BMC has a session by now it is told so, once.
    pub fn leave(&mut self, now: Instant) {
        self.out.clear();
        self.event = None;
        match std::mem::replace(&mut self.state, State::Closed) {
            // Who has not proved himself yet has no session. While Activate Session
            // is not answered, nobody knows the session's number.
            State::Closed | State::Probing(_) | State::Listing(_) | State::Activating(_) => {}
            State::Handshaking(attempt) => self.say_farewell(now, attempt.expect),
            State::Active(active) => self.close_unheard(now, active),
        }
    }

    /// Tells the BMC that an attempt is given up, if it may have taken our last
    /// message and so have a session. If it has none, it will drop this.
    fn say_farewell(&mut self, now: Instant, expect: Expect) {
        if let Some(established) = expect.half_established() {
            let active = self.active(now, now, established);
            self.close_unheard(now, Box::new(active));
        }
    }

    fn close_unheard(&mut self, now: Instant, mut active: Box<Active>) {
        active.start_close(now);
        active.transmit(now, &self.rtt, &mut self.rng, &mut self.farewell);
    }

    /// The answer's data, without its completion code; valid after
    /// [`Event::Answered`] until the next request.
    pub fn reply(&self) -> &[u8] {
        &self.reply
    }

    /// Whether the BMC can have worked on nothing else in this session while it made
    /// that answer: its request went out once, and whatever was sent before had been
    /// answered. There are BMCs that put fields of one answer into another, in a
    /// packet that is valid in every way, when they have two things to do.
    pub fn answered_alone(&self) -> bool {
        match &self.state {
            State::Active(active) => active.answered_alone(),
            _ => false,
        }
    }

    /// Whether the BMC may still work on a request of this session that nobody waits
    /// for. What has arrived and was not handed in yet may say that it does not.
    pub fn may_be_in_work(&self) -> bool {
        match &self.state {
            State::Active(active) => active.may_be_in_work(),
            _ => false,
        }
    }

    /// What worked at log-in, for the next session.
    pub fn memory(&self) -> Option<LoginMemory> {
        self.memory
    }

    /// The cipher suites that the BMC lists. `None` when it was not asked, which it
    /// only is before a log-in without [memory](Self::memory) that has a choice, or
    /// told nothing of use.
    pub fn offered_suites(&self) -> Option<&[OfferedSuite]> {
        self.offered.as_deref()
    }

    /// The learned round-trip time, for the next session.
    pub fn rtt(&self) -> RttEstimator {
        self.rtt
    }

    /// What was counted so far.
    pub fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }

    /// Starts Set Session Privilege Level; ends like a request, and on success
    /// changes what [`Self::privilege`] says.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn raise_privilege(
        &mut self,
        now: Instant,
        deadline: Instant,
        level: PrivilegeLevel,
    ) -> Result<(), Error> {
        self.request(
            now,
            deadline,
            (NetFn::APP, Lun::BMC, SET_SESSION_PRIVILEGE_LEVEL),
            &[level.value()],
        )
    }

    /// The level of the open session, and the highest it is entitled to.
    pub fn privilege(&self) -> Option<(PrivilegeLevel, PrivilegeLevel)> {
        match &self.state {
            State::Active(active) => Some((active.privilege(), active.max_privilege())),
            _ => None,
        }
    }

    // The five doors.

    /// Takes a datagram that came from the BMC's address and port.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        self.counters.received += 1;
        let result = match decode_rmcp(datagram) {
            Err(_) => Err(RejectReason::Malformed),
            Ok(packet) if matches!(self.state, State::Active(_)) => {
                self.handle_in_session(now, packet)
            }
            Ok((Framing::V15, session)) => self.handle_v15_login(now, session),
            Ok((Framing::V20, session)) => self.handle_v20_login(now, session),
        };
        if let Err(reason) = result {
            self.counters.reject(reason);
        }
    }

    /// Takes note that `now` is at or past what [`Self::poll_timeout`] said.
    pub fn handle_timeout(&mut self, now: Instant) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => {}
            State::Probing(probe) => self.probe_timeout(now, probe),
            State::Listing(listing) => self.listing_timeout(now, listing),
            State::Handshaking(attempt) => self.attempt_timeout(now, attempt),
            State::Activating(activation) => self.activation_timeout(now, activation),
            State::Active(active) => {
                self.state = State::Active(active);
                self.request_timeout(now);
            }
        }
    }

    /// The datagram to send now, once.
    pub fn poll_transmit(&mut self, datagram: &mut Vec<u8>) -> bool {
        let next = if self.farewell.is_empty() {
            &mut self.out
        } else {
            &mut self.farewell
        };
        if next.is_empty() {
            return false;
        }
        datagram.clear();
        std::mem::swap(datagram, next);
        self.counters.sent += 1;
        true
    }

    /// When to call [`Self::handle_timeout`] at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Closed => None,
            State::Probing(probe) => Some(probe.question.resend_at.min(probe.login.deadline)),
            State::Listing(listing) => Some(listing.question.resend_at.min(listing.login.deadline)),
            State::Activating(activation) => {
                Some(activation.question.resend_at.min(activation.login.deadline))
            }
            State::Handshaking(attempt) => Some(attempt.give_up_at.min(attempt.login.deadline)),
            State::Active(active) => active.pending().map(Pending::wake_at),
        }
    }

    /// Whether [`Self::poll_transmit`] or [`Self::poll_event`] has something.
    pub fn has_news(&self) -> bool {
        self.event.is_some() || !self.out.is_empty() || !self.farewell.is_empty()
    }

    /// What has come to its end.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.event.take()
    }

    fn fail_login(&mut self, error: Error) {
        // After an update of the BMC, a suite that it no longer has can look like a
        // wrong password: begin anew with the preferred one.
        if matches!(error, Error::WrongPassword | Error::WrongKey) {
            self.memory = None;
        }
        self.end(Event::LoginFailed(error));
    }

    fn end(&mut self, event: Event) {
        self.state = State::Closed;
        self.event = Some(event);
    }

    /// Takes a packet with an IPMI 2.0 header while a log-in is under way.
    fn handle_v20_login(&mut self, now: Instant, session: &[u8]) -> Result<(), RejectReason> {
        let packet = PacketV20::decode(session).map_err(|_| RejectReason::Malformed)?;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Handshaking(attempt) => self.handle_handshake(now, attempt, &packet),
            state => {
                self.state = state;
                Err(RejectReason::OutOfOrder)
            }
        }
    }

    // In session.

    /// Sends the request in flight (again).
    fn transmit(&mut self, now: Instant) {
        if let State::Active(active) = &mut self.state {
            let again = active.transmit(now, &self.rtt, &mut self.rng, &mut self.out);
            if again {
                self.counters.retransmitted += 1;
            }
        }
    }

    fn request_timeout(&mut self, now: Instant) {
        let State::Active(active) = &mut self.state else {
            return;
        };
        let Some(pending) = active.pending() else {
            return;
        };
        let purpose = pending.purpose;
        let max_attempts = match purpose {
            Purpose::Close => CLOSE_ATTEMPTS,
            Purpose::Caller | Purpose::Privilege(_) => MAX_ATTEMPTS,
        };
        let stage = match purpose {
            Purpose::Privilege(_) => Stage::Privilege,
            Purpose::Caller | Purpose::Close => Stage::Request,
        };
        let is_expired = pending.expires_at().is_some_and(|expires| now >= expires);
        let error = if now >= pending.deadline || is_expired {
            // Callers whose deadlines are short would never hear of silence else.
            match (pending.satellite_silent_for(now), active.deaf_for(now)) {
                (Some(waited), _) => Error::SatelliteSilent { waited },
                (None, Some(waited)) => Error::Silent { stage, waited },
                (None, None) if is_expired => Error::Silent {
                    stage,
                    waited: now.saturating_duration_since(pending.first_sent),
                },
                (None, None) => Error::Deadline { stage },
            }
        } else if now < pending.resend_at {
            return;
        } else if pending.attempts < max_attempts {
            self.transmit(now);
            return;
        } else {
            Error::Silent {
                stage,
                waited: now.saturating_duration_since(pending.first_sent),
            }
        };
        active.abandon();
        match purpose {
            Purpose::Caller => self.event = Some(Event::RequestFailed(error)),
            Purpose::Privilege(_) => {
                self.leave(now);
                self.fail_login(error);
            }
            Purpose::Close => self.end(Event::Closed),
        }
    }

    fn handle_in_session(
        &mut self,
        now: Instant,
        packet: (Framing, &[u8]),
    ) -> Result<(), RejectReason> {
        let State::Active(active) = &mut self.state else {
            return Err(RejectReason::OutOfOrder);
        };
        let answer = active.receive(
            now,
            packet,
            &mut self.rtt,
            &mut self.counters,
            &mut self.reply,
        )?;
        match answer {
            None => {}
            Some((Purpose::Close, _)) => self.end(Event::Closed),
            Some((Purpose::Privilege(level), Ok(completion))) => {
                self.privilege_answered(now, level, completion);
            }
            Some((_, Ok(completion))) => self.event = Some(Event::Answered(completion)),
            Some((_, Err(error))) => self.event = Some(Event::RequestFailed(error)),
        }
        Ok(())
    }
}
