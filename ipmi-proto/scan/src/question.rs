//! What is asked, in bytes, and what comes back. These three questions are all
//! that a scan ever sends: none opens a session, and none changes anything.

use std::hash::{BuildHasher, RandomState};

use rmcp_ipmi::PrivilegeLevel;
use rmcp_ipmi::command::{
    AuthenticationCapabilities, Command, GetChannelAuthenticationCapabilities,
    GetChannelCipherSuites, request_message,
};
use rmcp_ipmi::wire::{
    CompletionCode, Framing, LanResponse, PacketV15, PacketV20, PayloadType, Pong, RequestSequence,
    decode_rmcp, encode_ping, encode_sessionless_v15,
};

/// One of the three questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Is anybody there?
    Ping,
    /// Which ways to log in are there? With or without asking for IPMI 2.0, which
    /// BMCs from the days of IPMI 1.5 refuse or leave unanswered.
    Capabilities { with_v20: bool },
    /// Which cipher suites? One page of the list.
    Suites { page: u8 },
}

/// The numbers by which answers of one address are known. They follow from the
/// address, so that answers can be told from forgeries long after everything
/// else about the address was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Of pings; never FFh, which asks for no answer.
    pub(super) tag: u8,
    /// Of the first question of IPMI; each copy and each further question has the
    /// next one.
    pub(super) first_sequence: RequestSequence,
}

impl Numbers {
    /// Those of an address with this number. Nobody else has the key.
    pub(super) fn of(address: u64, key: &RandomState) -> Self {
        let [tag, sequence, ..] = key.hash_one(address).to_le_bytes();
        Self {
            tag: tag.min(0xfe),
            first_sequence: RequestSequence::from_low_bits(sequence),
        }
    }

    /// The number of the n-th message.
    pub(super) fn sequence(self, nth: u8) -> RequestSequence {
        RequestSequence::from_low_bits(self.first_sequence.value().wrapping_add(nth))
    }

    /// Which message an answer is for, modulo 64.
    pub(super) fn nth(self, sequence: RequestSequence) -> u8 {
        RequestSequence::from_low_bits(sequence.value().wrapping_sub(self.first_sequence.value()))
            .value()
    }
}

impl Question {
    /// Replaces `out` by the whole datagram.
    pub(super) fn encode(self, numbers: Numbers, nth: u8, out: &mut Vec<u8>) {
        out.clear();
        let sequence = numbers.sequence(nth);
        match self {
            Self::Ping => encode_ping(out, numbers.tag),
            Self::Capabilities { with_v20 } => message(
                &GetChannelAuthenticationCapabilities {
                    with_v20,
                    level: PrivilegeLevel::Administrator,
                },
                sequence,
                out,
            ),
            Self::Suites { page } => message(&GetChannelCipherSuites { page }, sequence, out),
        }
    }
}

fn message<C: Command>(command: &C, sequence: RequestSequence, out: &mut Vec<u8>) {
    encode_sessionless_v15(out, &request_message(command, sequence));
}

/// What a datagram says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Pong {
        tag: u8,
        speaks_ipmi: bool,
    },
    Ipmi {
        sequence: RequestSequence,
        content: Content,
    },
}

/// What an answer of IPMI says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// To [`Question::Capabilities`].
    Capabilities(Verdict<AuthenticationCapabilities>),
    /// To [`Question::Suites`]: a page of the list.
    Suites(Verdict<Vec<u8>>),
}

/// How a question was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict<T> {
    /// With an answer.
    Told(T),
    /// With a refusal, or with something that makes no sense.
    Refused,
    /// With "not now".
    Busy,
}

/// Codes after which the same question may well be answered; after "duplicate
/// request" it is being answered.
const BUSY: [CompletionCode; 4] = [
    CompletionCode::NODE_BUSY,
    CompletionCode::TIMEOUT,
    CompletionCode::DUPLICATE_REQUEST,
    CompletionCode::BMC_INITIALIZING,
];

/// Reads a datagram; `None` when it is no answer to any of the questions.
pub(super) fn decode(datagram: &[u8]) -> Option<Answer> {
    if let Ok(pong) = Pong::decode(datagram) {
        return Some(Answer::Pong {
            tag: pong.tag,
            speaks_ipmi: pong.speaks_ipmi(),
        });
    }
    let (framing, session) = decode_rmcp(datagram).ok()?;
    let message = match framing {
        Framing::V15 => {
            let packet = PacketV15::decode(session).ok()?;
            (packet.session_id == 0 && packet.auth_type == 0).then_some(packet.message)?
        }
        // Some answer in the other framing than they were asked in.
        Framing::V20 => {
            let packet = PacketV20::decode(session).ok()?;
            let is_plain = packet.session_id == 0 && !packet.encrypted && !packet.authenticated;
            (is_plain && packet.payload_type == PayloadType::IPMI).then_some(packet.payload)?
        }
    };
    let response = LanResponse::decode(message).ok()?;
    Some(Answer::Ipmi {
        sequence: response.sequence,
        content: content(&response)?,
    })
}

fn content(response: &LanResponse<'_>) -> Option<Content> {
    type Capabilities = GetChannelAuthenticationCapabilities;
    type Suites = GetChannelCipherSuites;
    if response.net_fn == Capabilities::NET_FN.response()
        && response.command == Capabilities::COMMAND
    {
        let question = Capabilities {
            with_v20: true,
            level: PrivilegeLevel::Administrator,
        };
        return Some(Content::Capabilities(verdict(&question, response)));
    }
    let is_suites =
        response.net_fn == Suites::NET_FN.response() && response.command == Suites::COMMAND;
    is_suites.then(|| Content::Suites(verdict(&Suites { page: 0 }, response)))
}

fn verdict<C: Command>(question: &C, response: &LanResponse<'_>) -> Verdict<C::Response> {
    if BUSY.contains(&response.completion) {
        return Verdict::Busy;
    }
    match question.decode(response.data) {
        Ok(told) if response.completion.is_ok() => Verdict::Told(told),
        _ => Verdict::Refused,
    }
}

#[cfg(test)]
mod tests {
    use rmcp_ipmi::wire::{BMC_ADDRESS, REMOTE_CONSOLE_ADDRESS};

    use super::*;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<char> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect()
    }

    fn numbers() -> Numbers {
        Numbers {
            tag: 7,
            first_sequence: RequestSequence::default(),
        }
    }

    /// A Supermicro X10's exchange (public text of ipmitool issue 154).
    #[test]
    fn capabilities_are_asked_and_read_as_captured() {
        let mut datagram = Vec::new();
        let question = Question::Capabilities { with_v20: true };
        question.encode(numbers(), 0, &mut datagram);
        assert_eq!(
            datagram,
            bytes("0600ff07 00 00000000 00000000 09 2018c8 8100388e04b5")
        );
        let answer = bytes("0600ff07 00 00000000 00000000 10 811c63 2000380001960403455300 0072");
        let Some(Answer::Ipmi {
            sequence,
            content: Content::Capabilities(Verdict::Told(said)),
        }) = decode(&answer)
        else {
            panic!("{:?}", decode(&answer));
        };
        assert_eq!(numbers().nth(sequence), 0);
        assert_eq!((said.auth_types, said.status, said.extended), (0x96, 4, 3));
    }

    #[test]
    fn pings_carry_the_tag() {
        let mut datagram = vec![1];
        Question::Ping.encode(numbers(), 9, &mut datagram);
        assert_eq!(datagram, bytes("0600ff06 000011be 80070000"));
    }

    #[test]
    fn refusals_and_not_now_are_told_apart() {
        for (code, expected) in [
            (0xcc, Verdict::Refused),
            (0xc1, Verdict::Refused),
            (0xc0, Verdict::Busy),
            (0xd2, Verdict::Busy),
            // "Fine", and then nothing.
            (0x00, Verdict::Refused),
        ] {
            let mut message = Vec::new();
            LanResponse {
                requester: REMOTE_CONSOLE_ADDRESS,
                net_fn: GetChannelCipherSuites::NET_FN.response(),
                requester_lun: rmcp_ipmi::wire::Lun::BMC,
                responder: BMC_ADDRESS,
                sequence: numbers().sequence(63),
                responder_lun: rmcp_ipmi::wire::Lun::BMC,
                command: GetChannelCipherSuites::COMMAND,
                completion: CompletionCode(code),
                data: &[],
            }
            .encode(&mut message);
            let mut datagram = Vec::new();
            encode_sessionless_v15(&mut datagram, &message);
            assert_eq!(
                decode(&datagram),
                Some(Answer::Ipmi {
                    sequence: numbers().sequence(63),
                    content: Content::Suites(expected),
                }),
                "{code:02x}"
            );
        }
    }

    #[test]
    fn numbers_wrap_and_the_tag_always_asks_for_an_answer() {
        let key = RandomState::new();
        for address in 0..10_000 {
            let numbers = Numbers::of(address, &key);
            assert_ne!(numbers.tag, 0xff);
            for nth in [0, 1, 31, 63] {
                assert_eq!(numbers.nth(numbers.sequence(nth)), nth);
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&bytes);
            let mut framed = vec![0x06, 0x00, 0xff, 0x07, 0x00];
            framed.extend_from_slice(&bytes);
            let _ = decode(&framed);
        }
    }
}
