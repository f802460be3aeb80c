//! Known answers of IPMI 1.5: recorded sessions between other people's programs,
//! taken apart and put together again, packet by packet and in both directions.
//!
//! The data are described in `data/sessions/PROVENANCE.md`. When one of these
//! tests fails, the code is wrong, not the data.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rmcp_ipmi::PrivilegeLevel;
use rmcp_ipmi::command::{
    ActivateSession, Command, GetChannelAuthenticationCapabilities, GetSessionChallenge,
};
use rmcp_ipmi::crypto::{AuthKey, AuthType, Password, Username};
use rmcp_ipmi::session::{ReplayWindow, Verdict};
use rmcp_ipmi::wire::{
    Framing, LanRequest, LanResponse, NetFn, PacketV15, Pong, decode_rmcp, encode_packet_v15,
    encode_ping,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Session {
    username: String,
    password: String,
    /// Direction, kind, datagram.
    packets: Vec<(String, String, String)>,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn load_sessions() -> BTreeMap<String, Session> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sessions/lan15");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// What the packets so far have told.
struct Known {
    username: Username,
    key: AuthKey,
    auth_type: Option<AuthType>,
    temporary_id: u32,
    challenge: [u8; 16],
    session_id: u32,
    console_sequence: u32,
    window: Option<ReplayWindow>,
    activate: Option<ActivateSession>,
}

/// Decodes a packet, checks its code and that others are refused, and encodes it
/// again. Gives the message inside.
fn verify_packet(known: &Known, datagram: &[u8]) -> (u32, u32, Vec<u8>) {
    let (framing, session) = decode_rmcp(datagram).unwrap();
    assert_eq!(framing, Framing::V15);
    let packet = PacketV15::decode(session).unwrap();
    let auth_type = AuthType::from_number(packet.auth_type).unwrap();
    let (id, sequence) = (packet.session_id, packet.sequence);
    let verify =
        |message: &[u8], code: &[u8]| known.key.verify(auth_type, id, sequence, message, code);
    let code = packet.auth_code.unwrap_or_default();
    assert!(verify(packet.message, &code));
    if auth_type != AuthType::None {
        assert_eq!(Some(auth_type), known.auth_type);
        let mut wrong = code;
        wrong[7] ^= 0x80;
        assert!(!verify(packet.message, &wrong));
    }
    if auth_type.is_digest() {
        let mut forged = packet.message.to_vec();
        forged[4] ^= 0x04;
        assert!(!verify(&forged, &code));
    }
    let mut again = Vec::new();
    let own = known.key.code(auth_type, id, sequence, packet.message);
    encode_packet_v15(
        &mut again,
        packet.auth_type,
        sequence,
        id,
        (auth_type != AuthType::None).then_some(&*own),
        packet.message,
    );
    assert_eq!(again, datagram);
    (id, sequence, packet.message.to_vec())
}

fn request_of(known: &mut Known, message: &[u8]) -> (NetFn, u8) {
    let request = LanRequest::decode(message).unwrap();
    let mut again = Vec::new();
    request.encode(&mut again);
    assert_eq!(again, message);
    let mut data = Vec::new();
    match request.command {
        0x38 if request.net_fn == NetFn::APP => GetChannelAuthenticationCapabilities {
            with_v20: false,
            level: PrivilegeLevel::Administrator,
        }
        .encode(&mut data),
        0x39 => {
            let auth_type = AuthType::from_number(request.data[0]).unwrap();
            known.auth_type = Some(auth_type);
            GetSessionChallenge {
                auth_type,
                username: known.username.clone(),
            }
            .encode(&mut data);
        }
        0x3a => {
            let activate = ActivateSession {
                auth_type: known.auth_type.unwrap(),
                max_privilege: PrivilegeLevel::Administrator,
                challenge: known.challenge,
                bmc_sequence: u32::from_le_bytes(request.data[18..22].try_into().unwrap()),
            };
            known.window = Some(ReplayWindow::v15(activate.bmc_sequence, true));
            known.activate = Some(activate);
            activate.encode(&mut data);
        }
        _ => data = request.data.to_vec(),
    }
    assert_eq!(data, request.data);
    (request.net_fn, request.command)
}

fn answer_of(known: &mut Known, message: &[u8]) -> u8 {
    let response = LanResponse::decode(message).unwrap();
    let mut again = Vec::new();
    response.encode(&mut again);
    assert_eq!(again, message);
    match response.command {
        0x39 => {
            let ask = GetSessionChallenge {
                auth_type: known.auth_type.unwrap(),
                username: known.username.clone(),
            };
            let challenge = ask.decode(response.data).unwrap();
            known.temporary_id = challenge.temporary_id;
            known.challenge = challenge.challenge;
        }
        0x3a => {
            let session = known.activate.unwrap().decode(response.data).unwrap();
            assert_eq!(AuthType::from_number(session.auth_type), known.auth_type);
            assert_eq!(session.max_privilege, 4);
            known.session_id = session.session_id;
            known.console_sequence = session.console_sequence;
        }
        _ => {}
    }
    response.command
}

#[test]
fn every_recorded_session_is_verified_in_both_directions() {
    let mut verified = BTreeMap::new();
    for (name, session) in load_sessions() {
        let mut known = Known {
            username: Username::new(&bytes(&session.username)).unwrap(),
            key: AuthKey::new(&Password::new(&bytes(&session.password)).unwrap()).unwrap(),
            auth_type: None,
            temporary_id: 0,
            challenge: [0; 16],
            session_id: 0,
            console_sequence: 0,
            window: None,
            activate: None,
        };
        for (direction, kind, hex) in &session.packets {
            let datagram = bytes(hex);
            if kind == "asf" {
                if direction == "C" {
                    let mut ping = Vec::new();
                    encode_ping(&mut ping, datagram[9]);
                    assert_eq!(ping, datagram, "{name}");
                } else {
                    assert!(Pong::decode(&datagram).unwrap().speaks_ipmi(), "{name}");
                }
                continue;
            }
            let (id, sequence, message) = verify_packet(&known, &datagram);
            if id != 0 {
                *verified
                    .entry((known.auth_type.unwrap().label(), direction.clone()))
                    .or_insert(0) += 1;
            }
            if direction == "C" {
                if id == known.session_id && id != 0 {
                    assert_eq!(sequence, known.console_sequence, "{name}");
                    known.console_sequence += 1;
                }
                request_of(&mut known, &message);
                continue;
            }
            let window = &mut known.window;
            if id == known.session_id && id != 0 {
                let window = window.as_mut().unwrap();
                let fresh = Verdict::Fresh { jumped: false };
                assert_eq!(window.check(sequence), fresh, "{name}");
                window.accept(sequence);
            } else if id != 0 {
                assert_eq!(id, known.temporary_id, "{name}");
            }
            answer_of(&mut known, &message);
        }
        assert_ne!(known.session_id, 0, "{name}");
    }
    // Packets with a session id, in each direction.
    let expected = [("md2", 5), ("md5", 13), ("none", 8), ("password", 8)];
    let expected = expected
        .into_iter()
        .flat_map(|(label, count)| ["B", "C"].map(|way| ((label, way.to_owned()), count)));
    assert_eq!(verified, expected.collect());
}
