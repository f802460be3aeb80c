//! Bytes to values and back; no state, no clock, no keys.
//!
//! Every decoder takes a whole byte slice that came from the network, so every
//! decoder must be total: any input gives a value or a [`DecodeError`].
//! Encoders append to a caller's buffer, so that a warm session allocates
//! nothing per packet. Both directions of every message are here: a simulator
//! and its tests need the half that a client does not send.

mod completion_code;
mod lan_message;
mod open_session;
mod ping;
mod rakp;
mod reader;
mod rmcp;
mod route;
mod session_v15;
mod session_v20;
mod status;

pub use completion_code::CompletionCode;
pub use lan_message::{
    BMC_ADDRESS, LanRequest, LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, RequestSequence,
};
pub use open_session::{AlgorithmTriple, OpenSessionRequest, OpenSessionResponse};
pub use ping::{Pong, encode_ping};
pub use rakp::{Rakp1, Rakp2, Rakp2Proof, Rakp3, Rakp4, Role};
pub use reader::{DecodeError, Reader};
pub use rmcp::{Framing, MAX_DATAGRAM_BYTES, decode_rmcp, encode_rmcp};
pub(crate) use route::Relayed;
pub use route::{CommandKey, Hop, Route, SEND_MESSAGE};
pub use session_v15::{PacketV15, encode_packet_v15, encode_sessionless_v15};
pub use session_v20::{
    PacketV20, PayloadType, SESSION_HEADER_BYTES, encode_header_v20, encode_integrity_pad,
    encode_sessionless_v20,
};
pub use status::RmcpStatus;
