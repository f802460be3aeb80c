//! IPMI 1.5: log-ins and sessions with a BMC that answers honestly, changed, late,
//! or not at all, and that may not know the password.
//!
//! Must hold: the password itself leaves only where that is allowed; where a
//! digest is agreed on, a BMC without the password opens nothing and answers
//! nothing; a log-in sends a bounded number of datagrams; requests end by their
//! deadline; and once the BMC falls silent everything ends soon.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rmcp_ipmi::crypto::{AuthKey, AuthType, Password, Username};
use rmcp_ipmi::session::{Event, Generation, Quirks, RttEstimator, Session, Settings};
use rmcp_ipmi::wire::{
    CompletionCode, Framing, LanRequest, LanResponse, Lun, NetFn, PacketV15, decode_rmcp,
    encode_packet_v15,
};

use super::input::Input;

const PASSWORD: &[u8] = b"correct horse";
const TEMPORARY_ID: u32 = 0x0200_0700;
const SESSION_ID: u32 = 0x0200_0800;
const CHALLENGE: [u8; 16] = [0xc4; 16];
/// More datagrams than these no log-in needs, whatever the BMC does.
const MAX_SENT: usize = 60;
/// The longest that anything goes on after the last datagram came in.
const LONGEST_SILENCE: Duration = Duration::from_secs(300);

/// The BMC: honest, but for what `Run` does to its answers.
struct Bmc {
    key: AuthKey,
    /// The type of its packets after the log-in.
    adopted: AuthType,
    next: u32,
}

impl Bmc {
    fn answer(&mut self, datagram: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let (Framing::V15, session) = decode_rmcp(datagram).ok()? else {
            return None;
        };
        let packet = PacketV15::decode(session).ok()?;
        let request = LanRequest::decode(packet.message).ok()?;
        let asked = AuthType::from_number(packet.auth_type)?;
        let id = packet.session_id;
        let mut answer = Vec::new();
        let (auth_type, sequence) = match (id, request.command) {
            (0, 0x38) => {
                answer.extend([1, 0x17, 0x04, 0, 0, 0, 0, 0]);
                (AuthType::None, 0)
            }
            (0, 0x39) => {
                answer.extend(TEMPORARY_ID.to_le_bytes());
                answer.extend(CHALLENGE);
                (AuthType::None, 0)
            }
            (TEMPORARY_ID, 0x3a) => {
                let first: [u8; 4] = request.data.get(18..22)?.try_into().ok()?;
                self.next = u32::from_le_bytes(first);
                answer.push(self.adopted.number());
                answer.extend(SESSION_ID.to_le_bytes());
                answer.extend([7, 0, 0, 0, 4]);
                (asked, self.next)
            }
            _ => {
                let sequence = self.next;
                self.next = self.next.wrapping_add(1);
                answer.extend(data);
                (self.adopted, sequence)
            }
        };
        let mut message = Vec::new();
        LanResponse {
            requester: request.requester,
            net_fn: request.net_fn.response(),
            requester_lun: Lun::BMC,
            responder: request.responder,
            sequence: request.sequence,
            responder_lun: request.lun,
            command: request.command,
            completion: CompletionCode::OK,
            data: &answer,
        }
        .encode(&mut message);
        let code = self.key.code(auth_type, id, sequence, &message);
        let mut out = Vec::new();
        encode_packet_v15(
            &mut out,
            auth_type.number(),
            sequence,
            id,
            (auth_type != AuthType::None).then_some(&*code),
            &message,
        );
        Some(out)
    }
}

struct Run {
    session: Session,
    bmc: Bmc,
    now: Instant,
    answer: Vec<u8>,
    answers: Vec<Vec<u8>>,
    sent: usize,
    deadline: Instant,
    knows_password: bool,
    allowed: Vec<AuthType>,
    opened: bool,
    over: bool,
    /// A request waits.
    waiting: bool,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut run = Run::new(input.byte(), input.byte());
    let deadline = run.now + Duration::from_secs(600);
    run.deadline = deadline;
    run.session.open(run.now, deadline);
    run.poll();
    while !input.is_empty() && !run.over {
        run.step(&mut input);
        run.poll();
    }
    run.fall_silent();
}

fn key(password: &[u8]) -> AuthKey {
    let password = Password::new(password).expect("short enough");
    AuthKey::new(&password).expect("short enough")
}

impl Run {
    fn new(flags: u8, types: u8) -> Self {
        let knows_password = flags & 1 == 0;
        let allowed: Vec<AuthType> = AuthType::STRONGEST_FIRST
            .into_iter()
            .enumerate()
            .filter(|(place, _)| types >> place & 1 == 0)
            .map(|(_, auth_type)| auth_type)
            .collect();
        let settings = Settings::new(
            Username::new(b"monitor").expect("short enough"),
            Password::new(PASSWORD).expect("short enough"),
        )
        .with_generation(Generation::V15)
        .with_auth_types(&allowed)
        .with_quirks(Quirks {
            force_message_authentication: flags & 2 != 0,
            swapped_sequence: flags & 4 != 0,
            ..Quirks::default()
        });
        let place = usize::from(types >> 4 & 3);
        Self {
            session: Session::new(
                Arc::new(settings),
                None,
                RttEstimator::default(),
                StdRng::seed_from_u64(u64::from(flags)),
            ),
            bmc: Bmc {
                key: key(if knows_password { PASSWORD } else { b"another" }),
                adopted: AuthType::STRONGEST_FIRST[place],
                next: 0,
            },
            now: Instant::now(),
            answer: Vec::new(),
            answers: Vec::new(),
            sent: 0,
            deadline: Instant::now(),
            knows_password,
            allowed,
            opened: false,
            over: false,
            waiting: false,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 => {
                self.now += Duration::from_millis(u64::from(input.u16()));
                self.session.handle_timeout(self.now);
            }
            1 | 2 => {
                let answer = self.answer.clone();
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
                self.deliver(&answer);
            }
            4 => {
                let mut answer = self.answer.clone();
                answer.truncate(usize::from(input.byte()));
                self.deliver(&answer);
            }
            5 => {
                let place = usize::from(input.byte());
                if let Some(answer) = self.answers.get(place % self.answers.len().max(1)) {
                    let answer = answer.clone();
                    self.deliver(&answer);
                }
            }
            6 => self.request(input),
            _ => self.deliver(input.slice()),
        }
    }

    fn request(&mut self, input: &mut Input<'_>) {
        let key = (NetFn(input.byte() & 0x3e), Lun::BMC, input.byte());
        let deadline = self.now + Duration::from_millis(u64::from(input.u16()));
        let result = self.session.request(self.now, deadline, key, input.slice());
        if !self.opened || self.waiting {
            assert!(result.is_err());
        } else if result.is_ok() {
            self.waiting = true;
            self.deadline = deadline;
        }
    }

    fn deliver(&mut self, datagram: &[u8]) {
        self.session.handle_datagram(self.now, datagram);
        let counters = *self.session.counters();
        assert!(counters.rejected.iter().sum::<u64>() <= counters.received);
    }

    fn poll(&mut self) {
        let mut datagram = Vec::new();
        while self.session.poll_transmit(&mut datagram) {
            self.sent += 1;
            assert!(self.opened || self.sent <= MAX_SENT, "no end of datagrams");
            assert!(datagram.len() <= 400, "{} bytes", datagram.len());
            let shown = datagram
                .windows(PASSWORD.len())
                .any(|bytes| bytes == PASSWORD);
            assert!(!shown || self.allowed.contains(&AuthType::Password));
            if let Some(answer) = self.bmc.answer(&datagram, &[0x66]) {
                self.answer = answer.clone();
                if self.answers.len() < 64 {
                    self.answers.push(answer);
                }
            }
        }
        match self.session.poll_event() {
            None => {}
            Some(Event::Opened { .. }) => {
                assert!(!self.opened);
                assert!(self.knows_password || self.allowed.contains(&AuthType::None));
                self.opened = true;
            }
            Some(Event::LoginFailed(error)) => {
                assert!(!self.opened && !error.to_string().is_empty());
                self.over = true;
            }
            Some(Event::Answered(_)) => {
                assert!(self.waiting);
                self.waiting = false;
            }
            Some(Event::RequestFailed(_)) => self.waiting = false,
            Some(other) => panic!("{other:?} came of nothing"),
        }
        if let Some(wake_at) = self.session.poll_timeout() {
            assert!(wake_at <= self.deadline, "nobody looks at the deadline");
        }
    }

    fn fall_silent(&mut self) {
        let start = self.now;
        for _ in 0..MAX_SENT {
            let Some(wake_at) = self.session.poll_timeout() else {
                break;
            };
            self.now = self.now.max(wake_at);
            self.session.handle_timeout(self.now);
            self.poll();
        }
        assert!(self.session.poll_timeout().is_none(), "it never ends");
        assert!(self.now - start <= LONGEST_SILENCE, "it took too long");

        let start = self.now;
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
    }
}
