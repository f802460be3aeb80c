//! Requests that travel through controllers: Send Message (IPMI 2.0 sections
//! 6.13 and 22.7).

use super::{
    BMC_ADDRESS, CompletionCode, LanRequest, LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS,
    RequestSequence,
};

/// Command number of Send Message, in [`NetFn::APP`].
pub const SEND_MESSAGE: u8 = 0x34;
/// Tracking: the controller remembers who asked and sends the answer on.
const TRACK: u8 = 0x40;

/// One controller on the way: where it is as seen from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop {
    /// Channel of the controller before it, 0-15; 0 is the primary IPMB.
    pub channel: u8,
    /// Slave address in its 8-bit form (bit 0 is 0).
    pub address: u8,
}

/// Where a request goes. The LUN is that of the controller at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// To the BMC itself.
    #[default]
    Bmc,
    /// To a satellite controller on one of the BMC's channels.
    Satellite(Hop),
    /// To a controller behind a satellite.
    Behind {
        /// The satellite.
        transit: Hop,
        /// The controller on one of the satellite's channels.
        target: Hop,
    },
}

/// Network function, LUN and command number: what names a command.
pub type CommandKey = (NetFn, Lun, u8);

impl Route {
    /// The controller at `address` on `channel`, which is the BMC itself when the
    /// address is the BMC's.
    pub fn to(channel: u8, address: u8) -> Self {
        if address == BMC_ADDRESS {
            Self::Bmc
        } else {
            Self::Satellite(Hop { channel, address })
        }
    }

    /// Whether the BMC only passes the request on.
    pub fn is_bridged(self) -> bool {
        self != Self::Bmc
    }

    /// How many controllers pass the request on, 0 to 2.
    pub fn depth(self) -> u8 {
        match self {
            Self::Bmc => 0,
            Self::Satellite(_) => 1,
            Self::Behind { .. } => 2,
        }
    }

    /// Appends the message that a remote console sends to have `command` executed
    /// at the end of this route. The messages inside bear the same sequence number:
    /// some controllers do not put their own in its place.
    pub fn encode(
        self,
        sequence: RequestSequence,
        (net_fn, lun, command): CommandKey,
        data: &[u8],
        out: &mut Vec<u8>,
    ) {
        let request = |hop: Option<Hop>, (net_fn, lun, command), data: &[u8], out: &mut Vec<u8>| {
            LanRequest {
                responder: hop.map_or(BMC_ADDRESS, |hop| hop.address),
                net_fn,
                lun,
                // On a bus the asking controller signs, not the console.
                requester: hop.map_or(REMOTE_CONSOLE_ADDRESS, |_| BMC_ADDRESS),
                sequence,
                command,
                data,
            }
            .encode(out);
        };
        let wrapped = |hop: Hop, key, data: &[u8]| {
            let mut message = vec![TRACK | (hop.channel & 0x0f)];
            request(Some(hop), key, data, &mut message);
            message
        };
        let send = (NetFn::APP, Lun::BMC, SEND_MESSAGE);
        let key = (net_fn, lun, command);
        match self {
            Self::Bmc => request(None, key, data, out),
            Self::Satellite(hop) => request(None, send, &wrapped(hop, key, data), out),
            Self::Behind { transit, target } => {
                let inner = wrapped(target, key, data);
                request(None, send, &wrapped(transit, send, &inner), out);
            }
        }
    }
}

/// What the answer of a controller that was to pass a message on says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relayed<'a> {
    /// It has passed the message on; the answer is to come.
    Sent,
    /// It could not.
    Failed(CompletionCode),
    /// The answer to the message inside is in it.
    Answer(LanResponse<'a>),
}

impl<'a> Relayed<'a> {
    /// Whether `response` comes from a controller that was to pass something on.
    pub(crate) fn is_from_relay(response: &LanResponse<'_>) -> bool {
        response.net_fn == NetFn::APP.response() && response.command == SEND_MESSAGE
    }

    /// Takes such a response apart, also where the answer of the controller behind
    /// the next one stands inside.
    pub(crate) fn new(response: &LanResponse<'a>) -> Self {
        let mut outer = *response;
        // As deep as a route goes.
        for _ in 0..2 {
            if !outer.completion.is_ok() {
                return Self::Failed(outer.completion);
            }
            match LanResponse::decode(outer.data) {
                Ok(inner) if Self::is_from_relay(&inner) => outer = inner,
                Ok(inner) => return Self::Answer(inner),
                // Nothing, or the stray bytes that some controllers add.
                Err(_) => return Self::Sent,
            }
        }
        Self::Sent
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    const READ: CommandKey = (NetFn::SENSOR_EVENT, Lun::BMC, 0x2d);
    /// Intel's Management Engine: channel 6, address 2Ch.
    const ENGINE: Hop = Hop {
        channel: 6,
        address: 0x2c,
    };

    fn encoded(route: Route, sequence: u8, key: CommandKey, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let sequence = RequestSequence::from_low_bits(sequence);
        route.encode(sequence, key, data, &mut bytes);
        bytes
    }

    #[test]
    fn a_request_to_the_bmc_is_not_wrapped() {
        let bytes = encoded(Route::Bmc, 2, READ, &[0x30]);
        assert_eq!(bytes, hex!("2010d0 81082d 30 1a"));
        assert_eq!(Route::to(0, 0x20), Route::Bmc);
        assert_eq!(Route::to(6, 0x2c), Route::Satellite(ENGINE));
    }

    /// By the tables of Send Message and of the IPMB request (IPMI 2.0 sections
    /// 22.7 and the IPMB protocol's 2.11): channel with tracking, then address,
    /// function and LUN, checksum, requester, sequence and LUN, command, data,
    /// checksum.
    #[test]
    fn a_request_to_a_satellite_is_wrapped_once() {
        let key = (NetFn::SENSOR_EVENT, Lun::from_low_bits(1), 0x2d);
        let bytes = encoded(Route::Satellite(ENGINE), 5, key, &[0xc0]);
        assert_eq!(
            bytes,
            hex!("2018c8 811434 46 2c11c3 20142d c0 df f1"),
            "{bytes:02x?}"
        );
    }

    #[test]
    fn a_request_behind_a_satellite_is_wrapped_twice() {
        let route = Route::Behind {
            transit: Hop {
                channel: 0,
                address: 0x82,
            },
            target: Hop {
                channel: 7,
                address: 0x72,
            },
        };
        let key = (NetFn::APP, Lun::BMC, 0x01);
        let bytes = encoded(route, 1, key, &[]);
        let outer = LanRequest::decode(&bytes).unwrap();
        assert_eq!((outer.net_fn, outer.command), (NetFn::APP, 0x34));
        assert_eq!((outer.responder, outer.requester), (0x20, 0x81));
        let (channel, rest) = outer.data.split_first().unwrap();
        let middle = LanRequest::decode(rest).unwrap();
        assert_eq!(
            (*channel, middle.responder, middle.command),
            (0x40, 0x82, 0x34)
        );
        let (channel, rest) = middle.data.split_first().unwrap();
        assert_eq!(*channel, 0x47);
        let inner = LanRequest::decode(rest).unwrap();
        assert_eq!((inner.responder, inner.requester), (0x72, 0x20));
        assert_eq!((inner.net_fn, inner.command), (NetFn::APP, 0x01));
        assert_eq!(route.depth(), 2);
    }

    fn relay(completion: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        LanResponse {
            requester: 0x81,
            net_fn: NetFn::APP.response(),
            requester_lun: Lun::BMC,
            responder: 0x20,
            sequence: RequestSequence::from_low_bits(5),
            responder_lun: Lun::BMC,
            command: SEND_MESSAGE,
            completion: CompletionCode(completion),
            data,
        }
        .encode(&mut bytes);
        bytes
    }

    #[test]
    fn relayed_answers_are_told_apart() {
        let reading = hex!("20 14 cc 2c 14 2d 00 41 c0 00 92");
        let cases: [(Vec<u8>, &str); 5] = [
            (relay(0, &[]), "Sent"),
            (relay(0, &[1, 2, 3]), "Sent"),
            (relay(0xd3, &[]), "Failed(CompletionCode(D3h))"),
            (relay(0, &reading), "Answer"),
            (relay(0, &relay(0x83, &[])), "Failed(CompletionCode(83h))"),
        ];
        for (bytes, expected) in cases {
            let response = LanResponse::decode(&bytes).unwrap();
            assert!(Relayed::is_from_relay(&response));
            let text = format!("{:?}", Relayed::new(&response));
            assert!(text.starts_with(expected), "{text}");
        }
        let twice = relay(0, &relay(0, &reading));
        let response = LanResponse::decode(&twice).unwrap();
        match Relayed::new(&response) {
            Relayed::Answer(inner) => assert_eq!(inner.data, [0x41, 0xc0, 0x00]),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn any_relayed_bytes_are_told_apart(data in proptest::collection::vec(any::<u8>(), 0..60)) {
            let bytes = relay(0, &data);
            let response = LanResponse::decode(&bytes).unwrap();
            let _ = Relayed::new(&response);
        }
    }
}
