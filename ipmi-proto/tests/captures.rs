//! Known answers: recorded sessions between other people's programs, taken
//! apart and put together again with the packets and keys of this crate.
//!
//! The data are described in `data/sessions/PROVENANCE.md`. When one of these
//! tests fails, the code is wrong, not the data.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rmcp_ipmi::crypto::{
    CipherSuite, CipherSuiteId, KeyExchange, KeyStream, Kg, Password, SessionKeys, Username,
};
use rmcp_ipmi::wire::{
    Framing, LanRequest, LanResponse, OpenSessionRequest, OpenSessionResponse, PacketV15,
    PacketV20, PayloadType, Rakp1, Rakp2, Rakp3, Rakp4, RmcpStatus, Role, decode_rmcp,
    encode_header_v20, encode_integrity_pad, encode_sessionless_v15, encode_sessionless_v20,
};
use serde::Deserialize;

/// Bytes of the RMCP header, which no code covers.
const RMCP_BYTES: usize = 4;

#[derive(Deserialize)]
struct Session {
    suite: u8,
    password: String,
    k_g: String,
    username: String,
    rakp2_code: String,
    rakp3_code: String,
    sik: String,
    k1: String,
    k2: String,
    rakp4_check: String,
    /// Direction, kind, datagram, clear text.
    packets: Vec<(String, String, String, String)>,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn load_sessions() -> BTreeMap<String, Session> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sessions");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let session = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, session)
        })
        .collect()
}

impl Session {
    fn suite(&self) -> &'static CipherSuite {
        CipherSuite::by_id(CipherSuiteId(self.suite)).unwrap()
    }

    fn password(&self) -> Password {
        Password::new(&bytes(&self.password)).unwrap()
    }

    fn k_g(&self) -> Option<Kg> {
        let mut key = [0; 20];
        let stated = bytes(&self.k_g);
        key[..stated.len()].copy_from_slice(&stated);
        Kg::new(key)
    }

    /// The datagram of this kind, of which there is one.
    fn datagram(&self, kind: &str) -> Option<Vec<u8>> {
        let mut found = self.packets.iter().filter(|packet| packet.1 == kind);
        let datagram = found.next().map(|packet| bytes(&packet.2));
        assert!(found.next().is_none(), "two packets of kind {kind}");
        datagram
    }

    /// The payload of this kind, after checking that nothing else is wrong with
    /// the packet and that encoding it again gives the recorded datagram.
    fn payload(&self, kind: &str, payload_type: PayloadType) -> Option<Vec<u8>> {
        let datagram = self.datagram(kind)?;
        let (framing, session) = decode_rmcp(&datagram).unwrap();
        assert_eq!(framing, Framing::V20);
        let packet = PacketV20::decode(session).unwrap();
        assert_eq!(packet.payload_type, payload_type);
        assert!(!packet.encrypted && !packet.authenticated);
        assert_eq!((packet.session_id, packet.sequence), (0, 0));
        assert!(packet.trailer.is_empty());
        let mut again = Vec::new();
        encode_sessionless_v20(&mut again, payload_type, packet.payload);
        assert_eq!(again, datagram, "{kind}");
        Some(packet.payload.to_vec())
    }

    /// Open Session up to RAKP message 2, decoded and encoded again.
    fn handshake(&self) -> Handshake {
        let open = self
            .payload("open_req", PayloadType::OPEN_SESSION_REQUEST)
            .unwrap();
        let open = OpenSessionRequest::decode(&open).unwrap();
        assert_eq!(open.algorithms, self.suite().algorithms());
        let mut again = Vec::new();
        open.encode(&mut again);
        assert_eq!(
            Some(again),
            self.payload("open_req", PayloadType::OPEN_SESSION_REQUEST)
        );

        let response = self
            .payload("open_rsp", PayloadType::OPEN_SESSION_RESPONSE)
            .unwrap();
        let accepted = OpenSessionResponse::decode(&response).unwrap();
        let mut again = Vec::new();
        accepted.encode(&mut again);
        assert_eq!(again, response);
        let OpenSessionResponse::Accepted {
            tag,
            console_session_id,
            bmc_session_id,
            algorithms,
            ..
        } = accepted
        else {
            panic!("Open Session was refused: {accepted:?}");
        };
        assert_eq!(tag, open.tag);
        assert_eq!(console_session_id, open.console_session_id);
        assert_eq!(algorithms, open.algorithms);

        let payload = self.payload("rakp1", PayloadType::RAKP1).unwrap();
        let rakp1 = Rakp1::decode(&payload).unwrap();
        assert_eq!(rakp1.bmc_session_id, bmc_session_id);
        let mut again = Vec::new();
        rakp1.encode(&mut again);
        assert_eq!(again, payload);
        Handshake {
            console_session_id,
            bmc_session_id,
            console_random: rakp1.console_random,
            role: rakp1.role,
            username: rakp1.username.to_vec(),
        }
    }
}

/// What the console said by RAKP message 1.
struct Handshake {
    console_session_id: u32,
    bmc_session_id: u32,
    console_random: [u8; 16],
    role: Role,
    username: Vec<u8>,
}

/// Checks all of the exchange, and gives the keys.
fn verify_exchange(name: &str, session: &Session) -> SessionKeys {
    let handshake = session.handshake();
    let username = Username::new(&bytes(&session.username)).unwrap();
    assert_eq!(handshake.username, username.as_bytes(), "{name}");

    let payload = session.payload("rakp2", PayloadType::RAKP2).unwrap();
    let rakp2 = Rakp2::decode(&payload).unwrap();
    let proof = rakp2.outcome.unwrap();
    assert_eq!(rakp2.console_session_id, handshake.console_session_id);
    let mut again = Vec::new();
    rakp2.encode(&mut again);
    assert_eq!(again, payload, "{name}");

    let password = session.password();
    let k_g = session.k_g();
    let exchange = KeyExchange {
        suite: session.suite(),
        password: &password,
        k_g: k_g.as_ref(),
        console_session_id: handshake.console_session_id,
        bmc_session_id: handshake.bmc_session_id,
        console_random: &handshake.console_random,
        bmc_random: &proof.bmc_random,
        bmc_guid: &proof.guid,
        role: handshake.role,
        username: &handshake.username,
    };
    let code = exchange.rakp2_code();
    assert_eq!(hex::encode(code.as_bytes()), session.rakp2_code, "{name}");
    assert!(code.matches(proof.auth_code), "{name}");

    let payload = session.payload("rakp3", PayloadType::RAKP3).unwrap();
    let rakp3 = Rakp3::decode(&payload).unwrap();
    assert_eq!(rakp3.bmc_session_id, handshake.bmc_session_id);
    let code = exchange.rakp3_code();
    assert_eq!(hex::encode(code.as_bytes()), session.rakp3_code, "{name}");
    assert!(code.matches(rakp3.outcome.unwrap()), "{name}");
    let mut again = Vec::new();
    rakp3.encode(&mut again);
    assert_eq!(again, payload, "{name}");

    let sik = exchange.session_integrity_key();
    assert_eq!(hex::encode(sik.as_bytes()), session.sik, "{name}");
    for (number, key) in [(1, &session.k1), (2, &session.k2)] {
        let derived = sik.additional_key(number);
        assert_eq!(&hex::encode(derived.as_bytes()), key, "{name}: K{number}");
    }

    let payload = session.payload("rakp4", PayloadType::RAKP4).unwrap();
    let rakp4 = Rakp4::decode(&payload).unwrap();
    let check = exchange.rakp4_check(&sik);
    assert_eq!(hex::encode(check.as_bytes()), session.rakp4_check, "{name}");
    assert!(check.matches(rakp4.outcome.unwrap()), "{name}");
    let mut again = Vec::new();
    rakp4.encode(&mut again);
    assert_eq!(again, payload, "{name}");

    sik.session_keys(&password)
}

/// Authenticates, decrypts and rebuilds one packet, as far as its suite does
/// these things.
fn verify_packet(
    keys: &SessionKeys,
    handshake: &Handshake,
    direction: &str,
    hex: &str,
    clear: &str,
) {
    let datagram = bytes(hex);
    let expected = bytes(clear);
    let (framing, session) = decode_rmcp(&datagram).unwrap();
    assert_eq!(framing, Framing::V20);
    let packet = PacketV20::decode(session).unwrap();
    let authenticated = keys.integrity.code_bytes() > 0;
    assert_eq!(packet.encrypted, keys.cipher.encrypts());
    assert_eq!(packet.authenticated, authenticated);
    assert_eq!(packet.payload_type, PayloadType::IPMI);
    let from_console = direction == "C";
    assert_eq!(
        packet.session_id,
        if from_console {
            handshake.bmc_session_id
        } else {
            handshake.console_session_id
        }
    );

    if authenticated {
        verify_integrity(keys, session);
    } else {
        assert!(packet.trailer.is_empty());
    }

    // Confidentiality.
    let mut payload = packet.payload.to_vec();
    assert_eq!(
        keys.cipher.decrypt(&mut payload, &mut KeyStream::default()),
        Ok(expected.as_slice())
    );

    // The message inside.
    let mut message = Vec::new();
    if from_console {
        LanRequest::decode(&expected).unwrap().encode(&mut message);
    } else {
        LanResponse::decode(&expected).unwrap().encode(&mut message);
    }
    assert_eq!(message, expected);

    // And back: with the same vector, the same datagram comes out.
    let mut encrypted = Vec::new();
    let vector = packet.payload.first_chunk().copied().unwrap_or_default();
    keys.cipher.encrypt(vector, &message, &mut encrypted);
    let mut again = Vec::new();
    encode_header_v20(
        &mut again,
        packet.payload_type,
        packet.encrypted,
        packet.authenticated,
        packet.session_id,
        packet.sequence,
        u16::try_from(encrypted.len()).unwrap(),
    );
    again.extend_from_slice(&encrypted);
    if authenticated {
        encode_integrity_pad(&mut again);
        let code = keys.integrity.code(&[&again[RMCP_BYTES..]], <[u8]>::to_vec);
        again.extend_from_slice(&code);
    }
    assert_eq!(again, datagram);
}

/// Everything from the session header to the next-header byte is covered.
fn verify_integrity(keys: &SessionKeys, session: &[u8]) {
    let code_at = session.len() - keys.integrity.code_bytes();
    let (covered, code) = session.split_at(code_at);
    assert!(keys.integrity.verify(&[covered], code));
    let (header, rest) = covered.split_at(7);
    assert!(keys.integrity.verify(&[header, rest], code), "in two parts");
    let mut forged = covered.to_vec();
    let last = forged.len() / 2;
    forged[last] ^= 0x01;
    assert!(!keys.integrity.verify(&[&forged], code), "a flipped bit");
    assert!(
        !keys.integrity.verify(&[covered], &code[1..]),
        "a short code"
    );
}

#[test]
fn every_recorded_session_is_authenticated_and_decrypted() {
    let mut logins = BTreeMap::new();
    let mut packets = BTreeMap::new();
    for (name, session) in load_sessions() {
        if name.contains("-error-") {
            continue;
        }
        let keys = verify_exchange(&name, &session);
        let handshake = session.handshake();
        *logins.entry(session.suite).or_insert(0) += 1;
        for (direction, kind, datagram, clear) in &session.packets {
            if kind == "ipmi20" {
                verify_packet(&keys, &handshake, direction, datagram, clear);
                *packets
                    .entry((session.suite, direction.clone()))
                    .or_insert(0) += 1;
            }
        }
    }
    // Suite, log-ins, packets in each direction. Nobody else speaks xRC4.
    let expected = [
        (0, 2, 14),
        (1, 2, 14),
        (2, 2, 14),
        (3, 7, 40),
        (6, 2, 14),
        (7, 1, 7),
        (8, 1, 7),
        (11, 1, 3),
        (12, 1, 3),
        (15, 1, 7),
        (16, 1, 7),
        (17, 4, 49),
    ];
    let expected_logins = expected.iter().map(|(suite, count, _)| (*suite, *count));
    assert_eq!(logins, expected_logins.collect());
    let expected_packets = expected.iter().flat_map(|(suite, _, count)| {
        ["B", "C"].map(|direction| ((*suite, direction.to_owned()), *count))
    });
    assert_eq!(packets, expected_packets.collect());
}

#[test]
fn every_message_before_a_session_survives_decoding_and_encoding() {
    let mut messages = 0;
    for (name, session) in load_sessions() {
        for (direction, kind, datagram, _) in &session.packets {
            if kind != "ipmi15" {
                continue;
            }
            let datagram = bytes(datagram);
            let (framing, session) = decode_rmcp(&datagram).unwrap();
            assert_eq!(framing, Framing::V15, "{name}");
            let packet = PacketV15::decode(session).unwrap();
            assert_eq!((packet.session_id, packet.sequence), (0, 0), "{name}");
            let mut message = Vec::new();
            if direction == "C" {
                LanRequest::decode(packet.message)
                    .unwrap()
                    .encode(&mut message);
            } else {
                LanResponse::decode(packet.message)
                    .unwrap()
                    .encode(&mut message);
            }
            let mut again = Vec::new();
            encode_sessionless_v15(&mut again, &message);
            assert_eq!(again, datagram, "{name}");
            messages += 1;
        }
    }
    assert_eq!(messages, 2 * 28);
}

/// ipmitool asked with another password; it must see that, and it did not send
/// RAKP message 3.
#[test]
fn a_wrong_password_shows_in_rakp_message_2() {
    let sessions = load_sessions();
    let session = &sessions["ipmisim-error-wrong-password"];
    let handshake = session.handshake();
    let payload = session.payload("rakp2", PayloadType::RAKP2).unwrap();
    let proof = Rakp2::decode(&payload).unwrap().outcome.unwrap();
    let matches = |password: &[u8]| {
        let password = Password::new(password).unwrap();
        let exchange = KeyExchange {
            suite: session.suite(),
            password: &password,
            k_g: None,
            console_session_id: handshake.console_session_id,
            bmc_session_id: handshake.bmc_session_id,
            console_random: &handshake.console_random,
            bmc_random: &proof.bmc_random,
            bmc_guid: &proof.guid,
            role: handshake.role,
            username: &handshake.username,
        };
        exchange.rakp2_code().matches(proof.auth_code)
    };
    assert!(matches(&bytes(&session.password)));
    assert!(!matches(b"wrong"));
    assert_eq!(session.payload("rakp3", PayloadType::RAKP3), None);
}

/// This BMC sends a random number and a code along with the error; the status
/// decides.
#[test]
fn an_unknown_user_is_a_refusal_with_status_0d() {
    let sessions = load_sessions();
    let session = &sessions["ipmisim-error-unknown-user"];
    let handshake = session.handshake();
    let payload = session.payload("rakp2", PayloadType::RAKP2).unwrap();
    let rakp2 = Rakp2::decode(&payload).unwrap();
    assert_eq!(rakp2.outcome, Err(RmcpStatus::UNAUTHORIZED_NAME));
    assert_eq!(rakp2.console_session_id, handshake.console_session_id);
}

#[test]
fn a_refused_suite_is_a_refusal_of_two_bytes() {
    let sessions = load_sessions();
    let session = &sessions["ipmisim-error-suite17-refused"];
    let payload = session
        .payload("open_rsp", PayloadType::OPEN_SESSION_RESPONSE)
        .unwrap();
    assert_eq!(
        OpenSessionResponse::decode(&payload),
        Ok(OpenSessionResponse::Refused {
            tag: Some(0),
            status: RmcpStatus::INVALID_AUTH_ALGORITHM,
            console_session_id: None,
        })
    );
}

/// A log-in to a physical machine, a Dell PowerEdge T710 with an iDRAC6.
#[test]
fn a_login_to_an_idrac6_has_our_codes_and_keys() {
    let random = |hex: &str| -> [u8; 16] { bytes(hex).try_into().unwrap() };
    let id = |hex: &str| u32::from_le_bytes(bytes(hex).try_into().unwrap());
    let password = Password::new(b"calvin").unwrap();
    let exchange = KeyExchange {
        suite: CipherSuite::by_id(CipherSuiteId(3)).unwrap(),
        password: &password,
        k_g: None,
        console_session_id: id("a4a3a2a0"),
        bmc_session_id: id("00260002"),
        console_random: &random("13dd765a462cac254002aef6e6ba6ec9"),
        bmc_random: &random("f027ffcf96be8ce7a8e9d88ad175f557"),
        bmc_guid: &random("44454c4c580010548033b5c04f475131"),
        role: Role(0x14),
        username: b"root",
    };
    let sik = exchange.session_integrity_key();
    for (code, expected) in [
        (
            exchange.rakp2_code(),
            "bad04a77402721e42a930d574300e195ea42853f",
        ),
        (
            exchange.rakp3_code(),
            "d5d7624b1bab807db28c520f9df3d006d4518c31",
        ),
        (exchange.rakp4_check(&sik), "700cc77772d802dafe32026d"),
    ] {
        assert_eq!(hex::encode(code.as_bytes()), expected);
    }
    assert_eq!(
        hex::encode(sik.as_bytes()),
        "52392ca8e6a9660c23a7f9845cec2b30fd62ce4d"
    );
}
