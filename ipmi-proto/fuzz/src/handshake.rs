//! Log-ins against a BMC that answers honestly, changed, late, or not at all.
//!
//! Must hold: a code derived from the password leaves only after an unchanged
//! proof of the BMC has come in; a BMC without the password never gets one; the
//! log-in sends a bounded number of datagrams; and once the BMC falls silent it
//! ends soon.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rmcp_ipmi::PrivilegeLevel;
use rmcp_ipmi::crypto::{CipherSuiteId, Password, Username};
use rmcp_ipmi::session::{Event, RttEstimator, Session, Settings};

use super::forge::{Forge, refuse};
use super::input::Input;

const PASSWORD: &str = "correct horse";
/// More datagrams than these no log-in needs, whatever the BMC does.
const MAX_SENT: usize = 120;
/// The longest that a log-in goes on after the last datagram came in.
const LONGEST_SILENCE: Duration = Duration::from_secs(300);

struct Run {
    session: Session,
    forge: Forge,
    now: Instant,
    /// The honest answer to the last datagram of the session.
    answer: Vec<u8>,
    /// All honest answers, to be replayed.
    answers: Vec<Vec<u8>>,
    sent: usize,
    /// The BMC has proved itself with an unchanged RAKP message 2.
    proved: bool,
    event: Option<Event>,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let knows_password = input.byte() & 1 == 0;
    let flags = input.byte();
    let mut run = Run {
        session: session(flags),
        forge: Forge::new(if knows_password { PASSWORD } else { "another" }),
        now: Instant::now(),
        answer: Vec::new(),
        answers: Vec::new(),
        sent: 0,
        proved: false,
        event: None,
    };
    let deadline = run.now + Duration::from_secs(600);
    run.session.open(run.now, deadline);
    run.poll(knows_password);
    while !input.is_empty() && run.event.is_none() {
        run.step(&mut input);
        run.poll(knows_password);
    }
    run.fall_silent(knows_password);
}

fn session(flags: u8) -> Session {
    let suites: &[CipherSuiteId] = match flags & 3 {
        0 => &[CipherSuiteId(17), CipherSuiteId(3)],
        1 => &[CipherSuiteId(3)],
        2 => &[CipherSuiteId(17)],
        _ => &[CipherSuiteId(3), CipherSuiteId(17)],
    };
    let privilege = [
        None,
        Some(PrivilegeLevel::User),
        Some(PrivilegeLevel::Operator),
        Some(PrivilegeLevel::Administrator),
    ][usize::from(flags >> 2 & 3)];
    let settings = Settings::new(
        Username::new(b"monitor").expect("short enough"),
        Password::new(PASSWORD.as_bytes()).expect("short enough"),
    )
    .with_suites(suites)
    .with_privilege(privilege);
    Session::new(
        Arc::new(settings),
        None,
        RttEstimator::default(),
        StdRng::seed_from_u64(u64::from(flags)),
    )
}

impl Run {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            // Time passes.
            0 => {
                self.now += Duration::from_millis(u64::from(input.u16()));
                self.session.handle_timeout(self.now);
            }
            1 | 2 => {
                let answer = self.answer.clone();
                self.proved |= is_proof(&answer);
                self.deliver(&answer);
            }
            3 => {
                let mut answer = self.answer.clone();
                for _ in 0..=input.byte() % 4 {
                    let place = usize::from(input.byte());
                    let change = input.byte();
                    if let Some(byte) = answer.get_mut(place) {
                        *byte ^= change;
                    }
                }
                self.proved |= is_proof(&self.answer) && proof(&answer) == proof(&self.answer);
                self.deliver(&answer);
            }
            4 => {
                let mut answer = self.answer.clone();
                refuse(&mut answer, input.byte());
                self.deliver(&answer);
            }
            5 => {
                let mut answer = self.answer.clone();
                answer.truncate(usize::from(input.byte()));
                self.proved |= is_proof(&self.answer) && proof(&answer) == proof(&self.answer);
                self.deliver(&answer);
            }
            6 => {
                let place = usize::from(input.byte());
                if let Some(answer) = self.answers.get(place % self.answers.len().max(1)) {
                    let answer = answer.clone();
                    // A replayed proof still is the BMC's, if it is for this attempt.
                    self.proved |= is_proof(&answer);
                    self.deliver(&answer);
                }
            }
            _ => self.deliver(input.slice()),
        }
    }

    fn deliver(&mut self, datagram: &[u8]) {
        self.session.handle_datagram(self.now, datagram);
    }

    fn poll(&mut self, knows_password: bool) {
        let mut datagram = Vec::new();
        while self.session.poll_transmit(&mut datagram) {
            self.sent += 1;
            assert!(self.sent <= MAX_SENT, "no end of datagrams");
            assert!(datagram.len() <= 256, "{} bytes", datagram.len());
            let proofs = self.forge.proofs;
            let Some(incoming) = self.forge.receive(&datagram) else {
                continue;
            };
            if self.forge.proofs > proofs {
                assert!(self.proved && knows_password, "a code left too early");
            }
            self.answer = self.forge.answer(&incoming);
            if self.answers.len() < 64 {
                self.answers.push(self.answer.clone());
            }
        }
        if let Some(event) = self.session.poll_event() {
            assert!(self.event.is_none(), "two ends: {event:?}");
            match event {
                Event::Opened { .. } => {
                    assert!(self.proved && knows_password, "logged in to a stranger");
                    assert!(self.session.is_open());
                }
                Event::LoginFailed(error) => {
                    assert!(!error.label().is_empty() && !error.to_string().is_empty());
                    assert!(!self.session.is_open());
                }
                other => panic!("a log-in does not end in {other:?}"),
            }
            self.event = Some(event);
        }
    }

    /// Nothing comes any more: everything ends, and soon.
    fn fall_silent(&mut self, knows_password: bool) {
        let start = self.now;
        for _ in 0..MAX_SENT {
            if self.event.is_some() {
                break;
            }
            let wake_at = self.session.poll_timeout().expect("a log-in has a timeout");
            self.now = self.now.max(wake_at);
            self.session.handle_timeout(self.now);
            self.poll(knows_password);
        }
        assert!(self.event.is_some(), "the log-in never ends");
        assert!(
            self.now - start <= LONGEST_SILENCE,
            "the log-in took too long"
        );

        let start = self.now;
        self.event = None;
        self.session.close(self.now);
        let mut datagram = Vec::new();
        loop {
            while self.session.poll_transmit(&mut datagram) {}
            if let Some(event) = self.session.poll_event() {
                assert_eq!(event, Event::Closed);
                break;
            }
            self.now = self.session.poll_timeout().expect("closing has a timeout");
            self.session.handle_timeout(self.now);
        }
        assert!(self.now - start <= Duration::from_secs(1));
        assert!(self.session.poll_timeout().is_none());
    }
}

/// Session id, random number, GUID and code: what the code covers, and itself.
fn proof(datagram: &[u8]) -> Option<&[u8]> {
    datagram.get(20..)
}

/// Whether this is a RAKP message 2 with a code.
fn is_proof(datagram: &[u8]) -> bool {
    datagram.get(5) == Some(&0x13) && datagram.get(17) == Some(&0)
}
