//! A canary for a password and another for K_g go through everything; nothing
//! that leaves the crate may hold them, in any common spelling.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::VecDeque;
use std::fmt::{Debug, Display, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bmc_sim::{Bmc, BmcConfig, DeviceBuilder, Fault, User};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rmcp_ipmi::PrivilegeLevel;
use rmcp_ipmi::command::{Command, GetDeviceId};
use rmcp_ipmi::crypto::{
    AesCbc, CipherSuiteId, ExchangeCode, KeyExchange, KeyStream, KeyedHash, Kg, Password,
    PayloadCipher, SUITES, SessionIntegrityKey, SessionKeys, Username, XRc4,
};
use rmcp_ipmi::session::{Event, RttEstimator, Session, Settings};
use rmcp_ipmi::wire::Lun;
use zeroize::ZeroizeOnDrop;

const USER: &str = "monitor";
const PASSWORD: &[u8; 20] = b"canary-PW-7h3Qz!x#d9";
const K_G: &[u8; 20] = b"canary-KG-Vb2~kW$8s0";

/// `text` as base64 would hold it at each of the three alignments, without the
/// characters that its neighbours share.
fn base64_cores(bytes: &[u8]) -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..3)
        .map(|shift| {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(bytes);
            let text: String = padded
                .chunks_exact(3)
                .flat_map(|chunk| {
                    let [a, b, c] = [chunk[0], chunk[1], chunk[2]].map(u32::from);
                    let group = a << 16 | b << 8 | c;
                    [18, 12, 6, 0].map(|bits| char::from(ALPHABET[(group >> bits & 63) as usize]))
                })
                .collect();
            let shared = if shift == 0 { 0 } else { 4 };
            text[shared..].to_owned()
        })
        .collect()
}

/// Every spelling to look for.
fn spellings() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for secret in [PASSWORD, K_G] {
        all.push(secret.to_vec());
        all.push(secret.iter().rev().copied().collect());
        all.push(hex::encode(secret).into_bytes());
        all.push(hex::encode_upper(secret).into_bytes());
        all.extend(base64_cores(secret).into_iter().map(String::into_bytes));
        // As `{:?}` and `{:x?}` of bytes show them.
        all.push(format!("{secret:?}").trim_matches(['[', ']']).into());
        all.push(format!("{secret:02x?}").trim_matches(['[', ']']).into());
        all.push(format!("{secret:x?}").trim_matches(['[', ']']).into());
    }
    // A part is as bad as the whole.
    all.push(PASSWORD[..10].to_vec());
    all.push(PASSWORD[10..].to_vec());
    all
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for spelling in spellings() {
        let found = bytes
            .windows(spelling.len())
            .any(|window| window == spelling);
        assert!(
            !found,
            "{what} holds a secret: {}",
            String::from_utf8_lossy(bytes)
        );
    }
}

/// Everything that a session said.
struct Heard {
    datagrams: Vec<Vec<u8>>,
    text: String,
}

impl Heard {
    fn note(&mut self, value: &(impl Debug + ?Sized)) {
        write!(self.text, "{value:?} {value:#?} ").unwrap();
    }

    fn show(&mut self, value: &(impl Display + ?Sized)) {
        write!(self.text, "{value} {value:#} ").unwrap();
    }
}

fn settings() -> Settings {
    Settings::new(
        Username::new(USER.as_bytes()).unwrap(),
        Password::new(PASSWORD).unwrap(),
    )
    .with_privilege(Some(PrivilegeLevel::Operator))
}

/// A whole session, over a link without faults.
fn run(settings: Settings, mut bmc: Bmc, start: Instant) -> Heard {
    let console = SocketAddr::from(([192, 0, 2, 1], 40_000));
    let mut session = Session::new(
        Arc::new(settings),
        None,
        RttEstimator::default(),
        StdRng::seed_from_u64(1),
    );
    let mut heard = Heard {
        datagrams: Vec::new(),
        text: String::new(),
    };
    let mut now = start;
    let mut answers = VecDeque::new();
    let mut datagram = Vec::new();
    let mut asked = false;
    session.open(now, now + Duration::from_secs(30));
    loop {
        while session.poll_transmit(&mut datagram) {
            heard.datagrams.push(datagram.clone());
            answers.extend(bmc.handle(now, console, &datagram));
        }
        if let Some(event) = session.poll_event() {
            heard.note(&event);
            heard.note(session.counters());
            heard.note(&session.memory());
            heard.note(&session.rtt());
            heard.note(&session.privilege());
            match event {
                Event::Opened { .. } | Event::Answered(_) if !asked => {
                    asked = true;
                    let deadline = now + Duration::from_secs(5);
                    let key = (GetDeviceId::NET_FN, Lun::BMC, GetDeviceId::COMMAND);
                    session.request(now, deadline, key, &[]).unwrap();
                    let busy = session.request(now, deadline, key, &[]).unwrap_err();
                    heard.note(&busy);
                    heard.show(&busy);
                }
                Event::Opened { .. } | Event::Answered(_) => session.close(now),
                Event::LoginFailed(error) | Event::RequestFailed(error) => {
                    heard.note(&error);
                    heard.show(&error);
                    heard.show(error.label());
                    return heard;
                }
                Event::Closed => return heard,
            }
        } else if let Some(answer) = answers.pop_front() {
            session.handle_datagram(now, &answer.bytes);
        } else {
            now = session.poll_timeout().expect("something to wait for");
            session.handle_timeout(now);
        }
    }
}

#[test]
fn no_datagram_and_no_text_holds_a_secret() {
    let faults = [
        None,
        Some(Fault::Rakp2BadMac),
        Some(Fault::Rakp4BadMac),
        Some(Fault::AlgorithmDowngrade),
        Some(Fault::SlotsExhausted),
        Some(Fault::Silent),
        Some(Fault::SilentAfter(6)),
        Some(Fault::Rakp1Ignored),
        Some(Fault::BadChecksum),
        Some(Fault::Garbage(100)),
    ];
    for suite in SUITES.map(|suite| suite.id.0) {
        for k_g in [None, Some(*K_G)] {
            for fault in faults.clone() {
                let now = Instant::now();
                let mut config = BmcConfig::new()
                    .suites(&[suite])
                    .user(User::administrator(USER, PASSWORD));
                config.k_g = k_g;
                let mut bmc = Bmc::new(config, DeviceBuilder::new().build(), now);
                let name = format!("suite {suite}, {fault:?}");
                if let Some(fault) = fault {
                    bmc.set_fault(fault);
                }
                let settings = settings()
                    .with_suites(&[CipherSuiteId(suite)])
                    .with_k_g(k_g.and_then(Kg::new));
                let heard = run(settings, bmc, now);
                assert!(!heard.datagrams.is_empty());
                for datagram in &heard.datagrams {
                    assert_clean(&name, datagram);
                }
                assert_clean(&name, heard.text.as_bytes());
            }
        }
    }
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for spelling in spellings() {
        let mut haystack = b"before".to_vec();
        haystack.extend_from_slice(&spelling);
        haystack.extend_from_slice(b"after");
        let caught = std::panic::catch_unwind(|| assert_clean("this", &haystack));
        assert!(caught.is_err(), "{}", String::from_utf8_lossy(&spelling));
    }
    // RFC 4648, section 10.
    assert_eq!(base64_cores(b"foobar")[0], "Zm9vYmFy");
}

#[test]
fn a_password_that_is_too_long_is_not_shown() {
    let mut long = PASSWORD.to_vec();
    long.extend_from_slice(b"and more");
    let Err(error) = Password::new(&long) else {
        panic!("28 bytes are too long");
    };
    assert_clean("the error", format!("{error} {error:?}").as_bytes());
    let Err(error) = Username::new(PASSWORD) else {
        panic!("20 bytes are too long for a name");
    };
    assert_clean("the error", format!("{error} {error:?}").as_bytes());
}

/// Does not compile when the type can be shown: both implementations of the
/// trait then fit, and none is chosen.
macro_rules! assert_cannot_be_shown {
    ($($secret:ty),+ $(,)?) => {$({
        trait Fits<Which> {
            fn fits() {}
        }
        struct Debugged;
        struct Displayed;
        impl<T: ?Sized> Fits<()> for T {}
        impl<T: ?Sized + Debug> Fits<Debugged> for T {}
        impl<T: ?Sized + Display> Fits<Displayed> for T {}
        <$secret as Fits<_>>::fits();
    })+};
}

#[test]
fn what_holds_a_secret_cannot_be_shown() {
    assert_cannot_be_shown!(
        Password,
        Kg,
        ExchangeCode,
        SessionIntegrityKey,
        SessionKeys,
        KeyExchange<'static>,
        KeyedHash,
        KeyStream,
        PayloadCipher,
        AesCbc,
        XRc4,
        Settings,
        Session,
    );
    #[cfg(feature = "tokio")]
    assert_cannot_be_shown!(rmcp_ipmi::client::Connection);
}

#[test]
fn secrets_are_wiped_when_they_are_dropped() {
    fn is_wiped<T: ZeroizeOnDrop>() {}
    is_wiped::<Password>();
    is_wiped::<Kg>();
    is_wiped::<ExchangeCode>();
    is_wiped::<XRc4>();
}
