//! An open session, and a BMC that has the keys and no scruples.
//!
//! Must hold: an answer is only ever one that was sealed for the command that
//! is waiting, under a number that this very command used; nothing else that
//! comes in is an answer; requests end by their deadline; closing takes less
//! than a second.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rmcp_ipmi::Error;
use rmcp_ipmi::crypto::{CipherSuiteId, Password, Username};
use rmcp_ipmi::session::{Event, RttEstimator, Session, Settings};
use rmcp_ipmi::wire::{
    BMC_ADDRESS, CompletionCode, Hop, LanResponse, Lun, NetFn, PayloadType, REMOTE_CONSOLE_ADDRESS,
    RequestSequence, Route, SEND_MESSAGE,
};

use super::forge::{Forge, Incoming, Request, message};
use super::input::Input;

const PASSWORD: &str = "correct horse";

/// The command in flight, as the test knows it.
struct Waiting {
    route: Route,
    key: (NetFn, Lun, u8),
    numbers: HashSet<u8>,
    deadline: Instant,
}

struct Run {
    session: Session,
    forge: Forge,
    now: Instant,
    waiting: Option<Waiting>,
    last: Option<Request>,
    /// BMC sequence numbers that were delivered in a good packet.
    used: HashSet<u32>,
    closing: bool,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(mut run) = Run::open(input.byte()) else {
        panic!("an honest BMC was not logged in to");
    };
    while !input.is_empty() && !run.closing {
        run.step(&mut input);
    }
    run.close();
}

impl Run {
    fn open(flags: u8) -> Option<Self> {
        let suite = if flags & 1 == 0 { 3 } else { 17 };
        let settings = Settings::new(
            Username::new(b"monitor").ok()?,
            Password::new(PASSWORD.as_bytes()).ok()?,
        )
        .with_suites(&[CipherSuiteId(suite)]);
        let mut session = Session::new(
            Arc::new(settings),
            None,
            RttEstimator::default(),
            StdRng::seed_from_u64(u64::from(flags)),
        );
        let mut forge = Forge::new(PASSWORD);
        let now = Instant::now();
        session.open(now, now + Duration::from_secs(10));
        let mut datagram = Vec::new();
        while session.poll_transmit(&mut datagram) {
            let incoming = forge.receive(&datagram)?;
            session.handle_datagram(now, &forge.answer(&incoming));
        }
        matches!(session.poll_event(), Some(Event::Opened { .. })).then_some(Self {
            session,
            forge,
            now,
            waiting: None,
            last: None,
            used: HashSet::new(),
            closing: false,
        })
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 10 {
            0 | 1 => self.request(input),
            2 | 3 => self.honest_answer(input),
            4 => self.any_response(input),
            5 => self.any_message(input),
            6 => self.any_envelope(input),
            7 => {
                let datagram = input.slice();
                self.deliver_nothing(datagram);
            }
            8 => self.changed_packet(input),
            _ => self.pass(input),
        }
    }

    fn request(&mut self, input: &mut Input<'_>) {
        let first = input.byte();
        let hop = Hop {
            channel: 6,
            address: 0x2c,
        };
        let route = match first & 0xc0 {
            0x80 => Route::Satellite(hop),
            0xc0 => Route::Behind {
                transit: hop,
                target: hop,
            },
            _ => Route::Bmc,
        };
        let key = (
            NetFn(first & 0x3e),
            Lun::from_low_bits(input.byte()),
            input.byte(),
        );
        let deadline = self.now + Duration::from_millis(u64::from(input.u16()));
        let busy = self.waiting.is_some();
        let result = self
            .session
            .request_at(self.now, deadline, route, key, input.slice());
        assert_eq!(result.is_err(), busy, "{result:?}");
        if !busy {
            self.waiting = Some(Waiting {
                route,
                key,
                numbers: HashSet::new(),
                deadline,
            });
        }
        self.poll();
    }

    /// The answer to the last request that was sent, whether it waits or not.
    fn honest_answer(&mut self, input: &mut Input<'_>) {
        let Some(request) = self.last.clone() else {
            return;
        };
        let mut response = request.response(CompletionCode(input.byte()), input.slice());
        // What the BMC says to Send Message, or what the satellite says.
        if let Some(waiting) = &self.waiting
            && waiting.route.is_bridged()
            && response.completion.0 & 1 == 0
        {
            let (net_fn, lun, command) = waiting.key;
            response.net_fn = net_fn.response();
            response.responder_lun = lun;
            response.command = command;
        }
        let envelope = self.forge.envelope();
        self.deliver_sealed(&response, envelope.sequence);
    }

    fn any_response(&mut self, input: &mut Input<'_>) {
        let mut response = LanResponse {
            requester: REMOTE_CONSOLE_ADDRESS,
            net_fn: NetFn(0x07),
            requester_lun: Lun::BMC,
            responder: BMC_ADDRESS,
            sequence: RequestSequence::default(),
            responder_lun: Lun::BMC,
            command: 1,
            completion: CompletionCode::OK,
            data: &[],
        };
        if let Some(request) = &self.last {
            response = request.response(CompletionCode::OK, &[]);
        }
        response.sequence = RequestSequence::from_low_bits(input.byte());
        let changes = input.byte();
        if changes & 0x01 != 0 {
            response.net_fn = NetFn(input.byte() & 0x3f);
        }
        if changes & 0x02 != 0 {
            response.command = input.byte();
        }
        if changes & 0x04 != 0 {
            response.requester = input.byte();
        }
        if changes & 0x08 != 0 {
            response.responder_lun = Lun::from_low_bits(input.byte());
        }
        response.completion = CompletionCode(input.byte());
        response.data = input.slice();
        let sequence = if changes & 0x10 != 0 {
            input.u32()
        } else {
            self.forge.envelope().sequence
        };
        self.deliver_sealed(&response, sequence);
    }

    /// Bytes that need not be a message, sealed as if they were.
    fn any_message(&mut self, input: &mut Input<'_>) {
        let bytes = input.slice();
        let packet = self.forge.seal_next(bytes);
        if let Ok(response) = LanResponse::decode(bytes) {
            let allowed = self.may_answer(&response);
            self.deliver(&packet, allowed);
        } else {
            self.deliver_nothing(&packet);
        }
    }

    /// The right answer under any envelope.
    fn any_envelope(&mut self, input: &mut Input<'_>) {
        let Some(request) = self.last.clone() else {
            return;
        };
        let good = self.forge.envelope();
        let mut envelope = good;
        let changes = input.byte();
        if changes & 0x01 != 0 {
            envelope.session_id = input.u32();
        }
        if changes & 0x02 != 0 {
            envelope.payload_type = PayloadType(input.byte() & 0x3f);
        }
        envelope.encrypted = changes & 0x04 == 0;
        envelope.authenticated = changes & 0x08 == 0;
        let response = request.response(CompletionCode::OK, input.slice());
        let packet = self.forge.seal(envelope, &message(&response));
        let unchanged = envelope.session_id == good.session_id
            && envelope.payload_type == good.payload_type
            && envelope.encrypted
            && envelope.authenticated;
        if unchanged {
            let allowed = self.may_answer(&response);
            self.deliver(&packet, allowed);
        } else {
            self.deliver_nothing(&packet);
        }
    }

    /// The right answer in a packet with some bytes changed.
    fn changed_packet(&mut self, input: &mut Input<'_>) {
        let Some(request) = self.last.clone() else {
            return;
        };
        let response = request.response(CompletionCode::OK, &[0x66]);
        let good = self.forge.seal_next(&message(&response));
        let mut packet = good.clone();
        for _ in 0..=input.byte() % 4 {
            let place = usize::from(input.byte());
            let change = input.byte();
            if let Some(byte) = packet.get_mut(place) {
                *byte ^= change;
            }
        }
        // Two bytes of the RMCP header mean nothing, and no code covers them.
        let same = packet.get(..1) == good.get(..1) && packet.get(3..) == good.get(3..);
        if same {
            let allowed = self.may_answer(&response);
            self.deliver(&packet, allowed);
        } else {
            self.deliver_nothing(&packet);
        }
    }

    fn pass(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        match choice % 4 {
            0 => {
                self.session.abandon_request();
                self.waiting = None;
            }
            1 => self.now += Duration::from_millis(u64::from(input.u16())),
            2 => {
                if let Some(wake_at) = self.session.poll_timeout() {
                    self.now = self.now.max(wake_at);
                }
            }
            _ => self.now += Duration::from_secs(u64::from(input.byte())),
        }
        self.session.handle_timeout(self.now);
        self.poll();
    }

    fn deliver_sealed(&mut self, response: &LanResponse<'_>, sequence: u32) {
        let mut envelope = self.forge.envelope();
        envelope.sequence = sequence;
        let packet = self.forge.seal(envelope, &message(response));
        let allowed = self
            .may_answer(response)
            .filter(|_| !self.used.contains(&sequence));
        self.used.insert(sequence);
        self.deliver(&packet, allowed);
    }

    /// What this can mean to the request that waits: its answer, or that the BMC could
    /// not pass it on.
    fn may_answer<'r>(
        &self,
        response: &LanResponse<'r>,
    ) -> Option<Result<LanResponse<'r>, CompletionCode>> {
        let waiting = self.waiting.as_ref()?;
        if !waiting.numbers.contains(&response.sequence.value()) {
            return None;
        }
        let (net_fn, lun, command) = waiting.key;
        let answers = |response: &LanResponse<'_>| {
            response.net_fn == net_fn.response() && response.command == command
        };
        if !waiting.route.is_bridged() {
            let fits = answers(response)
                && response.responder_lun == lun
                && response.requester == REMOTE_CONSOLE_ADDRESS;
            return fits.then_some(Ok(*response));
        }
        let is_relay = |response: &LanResponse<'_>| {
            response.net_fn == NetFn::APP.response() && response.command == SEND_MESSAGE
        };
        if !is_relay(response) {
            let fits = answers(response)
                && [lun, Lun::BMC].contains(&response.responder_lun)
                && [REMOTE_CONSOLE_ADDRESS, BMC_ADDRESS].contains(&response.requester);
            return fits.then_some(Ok(*response));
        }
        let mut relayed = *response;
        for _ in 0..2 {
            if !relayed.completion.is_ok() {
                return Some(Err(relayed.completion));
            }
            relayed = LanResponse::decode(relayed.data).ok()?;
            if !is_relay(&relayed) {
                return answers(&relayed).then_some(Ok(relayed));
            }
        }
        None
    }

    fn deliver_nothing(&mut self, datagram: &[u8]) {
        self.deliver(datagram, None);
    }

    /// Delivers a datagram that may mean only what `allowed` says.
    fn deliver(
        &mut self,
        datagram: &[u8],
        allowed: Option<Result<LanResponse<'_>, CompletionCode>>,
    ) {
        self.session.handle_datagram(self.now, datagram);
        if let Some(event) = self.session.poll_event() {
            match allowed {
                None => panic!("{event:?} came of {datagram:02x?}"),
                Some(Err(code)) => assert_eq!(event, Event::RequestFailed(Error::Relay(code))),
                Some(Ok(response)) => {
                    assert_eq!(event, Event::Answered(response.completion));
                    assert_eq!(self.session.reply(), response.data);
                }
            }
            self.waiting = None;
        }
        self.poll();
        let counters = *self.session.counters();
        assert!(counters.rejected.iter().sum::<u64>() <= counters.received);
    }

    /// Takes what the session sends and says of itself.
    fn poll(&mut self) {
        let mut datagram = Vec::new();
        let mut sent = 0;
        while self.session.poll_transmit(&mut datagram) {
            sent += 1;
            assert!(sent <= 1, "more than one request at a time");
            assert!(datagram.len() <= 450, "{} bytes", datagram.len());
            let Some(Incoming::Request(request)) = self.forge.receive(&datagram) else {
                panic!("not a request: {datagram:02x?}");
            };
            if let Some(waiting) = &mut self.waiting {
                waiting.numbers.insert(request.sequence.value());
                self.last = Some(request);
            }
        }
        if let Some(event) = self.session.poll_event() {
            let Event::RequestFailed(error) = event else {
                panic!("{event:?} came of nothing");
            };
            let is_time = matches!(error.label(), "silent" | "deadline" | "satellite_silent");
            assert!(is_time, "{error}");
            self.waiting = None;
        }
        if let Some(waiting) = &self.waiting {
            let wake_at = self
                .session
                .poll_timeout()
                .expect("a request has a timeout");
            assert!(wake_at <= waiting.deadline);
        }
    }

    fn close(&mut self) {
        let start = self.now;
        self.session.close(self.now);
        let mut datagram = Vec::new();
        let mut sent = 0;
        loop {
            while self.session.poll_transmit(&mut datagram) {
                sent += 1;
            }
            if let Some(event) = self.session.poll_event() {
                assert_eq!(event, Event::Closed);
                break;
            }
            self.now = self.session.poll_timeout().expect("closing has a timeout");
            self.session.handle_timeout(self.now);
        }
        assert!(sent <= 3);
        assert!(self.now - start < Duration::from_secs(1));
        assert!(!self.session.is_open());
    }
}
