//! Sessions of IPMI 1.5: with each authentication type, with BMCs that deviate,
//! and over links that lose.

use std::time::Instant;

use bmc_sim::V15Config;
use rmcp_ipmi::crypto::{AuthType, Password, Username};
use rmcp_ipmi::session::{Event, Generation, Negotiated, Quirks, RejectReason, Settings};
use rmcp_ipmi::wire::CompletionCode;
use rmcp_ipmi::{Error, PrivilegeLevel, Refusal, Retry};

use crate::pair::{
    GET_SENSOR_READING, PASSWORD, Pair, Route, Setup, USER, ms, seeds, sensor, settings,
};
use crate::v15_bmc::{BmcV15, Ways};

const ALL: [AuthType; 4] = AuthType::STRONGEST_FIRST;

fn v15(settings: Settings) -> Settings {
    settings
        .with_generation(Generation::V15)
        .with_auth_types(&ALL)
}

fn pair_with(settings: Settings, ways: Ways, seed: u64) -> Pair<BmcV15> {
    Pair::with_peer(BmcV15::new(ways), settings, seed, Instant::now())
}

fn pair(ways: Ways) -> Pair<BmcV15> {
    pair_with(v15(settings(PASSWORD)), ways, 1)
}

fn only(auth_type: AuthType) -> Ways {
    Ways {
        types: vec![auth_type],
        ..Ways::default()
    }
}

fn with_quirks(ways: &Ways, quirks: Quirks) -> Pair<BmcV15> {
    pair_with(v15(settings(PASSWORD)).with_quirks(quirks), ways.clone(), 1)
}

impl Pair<BmcV15> {
    fn log_in_v15(&mut self) -> AuthType {
        match self.open() {
            Event::Opened {
                negotiated: Negotiated::V15(auth_type),
                ..
            } => auth_type,
            other => panic!("the log-in ended in {other:?}"),
        }
    }

    /// Reads a sensor; the value must be its own.
    fn read_v15(&mut self, sensor: u8, within: u64) -> Result<(), Error> {
        let (code, data) = self.call(GET_SENSOR_READING, &[sensor], ms(within))?;
        assert_eq!(
            (code, data),
            (CompletionCode::OK, vec![sensor, 0xc0, !sensor])
        );
        Ok(())
    }
}

#[test]
fn every_type_logs_in_carries_commands_and_closes() {
    for auth_type in ALL {
        let mut pair = pair(only(auth_type));
        assert_eq!(pair.log_in_v15(), auth_type);
        assert_eq!(
            pair.sent.len(),
            3,
            "a question, a challenge, the activation"
        );
        for sensor in 1..50 {
            pair.read_v15(sensor, 500).unwrap();
        }
        pair.close();
        assert_eq!((pair.bmc.closed, pair.bmc.wrong_codes), (1, 0));
        assert_eq!(pair.bmc.dropped, 0);
        for reason in RejectReason::ALL {
            assert_eq!(pair.rejected(reason), 0, "{auth_type}: {}", reason.label());
        }
    }
}

#[test]
fn the_strongest_offered_type_that_is_allowed_is_taken() {
    use AuthType::{Md2, Md5, None, Password};
    for (allowed, offered, expected) in [
        (&[None, Password, Md2, Md5][..], &[None, Md5, Md2][..], Md5),
        (&[Md5, Md2], &[Md2, Password], Md2),
        (&[Password], &[Md5, Password], Password),
        (&[Password, None], &[None], None),
    ] {
        let ways = Ways {
            types: offered.to_vec(),
            ..Ways::default()
        };
        let settings = v15(settings(PASSWORD)).with_auth_types(allowed);
        assert_eq!(pair_with(settings, ways, 1).log_in_v15(), expected);
    }
    // The list is a hint.
    let lies = Ways {
        lies: true,
        types: vec![Md2],
        ..Ways::default()
    };
    assert_eq!(pair(lies).log_in_v15(), Md2);
}

#[test]
fn a_password_is_shown_to_nobody_unless_that_is_allowed() {
    let weak = Ways {
        types: vec![AuthType::Password, AuthType::None],
        ..Ways::default()
    };
    let settings = settings(PASSWORD).with_generation(Generation::V15);
    let mut pair = pair_with(settings, weak, 1);
    let error = pair.fail_to_log_in();
    assert!(matches!(error, Error::NoCommonAuthType { .. }), "{error}");
    assert_eq!(error.retry(), Retry::AfterMinutes);
    assert_eq!(pair.bmc.activations, 0);
    let shown = |datagram: &Vec<u8>| {
        datagram
            .windows(PASSWORD.len())
            .any(|bytes| bytes == PASSWORD.as_bytes())
    };
    assert!(!pair.sent.iter().any(shown));
}

#[test]
fn a_wrong_password_is_told_and_not_tried_often() {
    let settings = v15(settings("another horse"));
    let mut pair = pair_with(settings, Ways::default(), 1);
    let (time, error) = pair.time(Pair::fail_to_log_in);
    assert_eq!(error, Error::ActivationIgnored);
    assert_eq!(error.retry(), Retry::AfterMinutes);
    assert_eq!((pair.bmc.challenges, pair.bmc.wrong_codes), (3, 3));
    assert!(time < ms(4_000), "{time:?}");
}

#[test]
fn refusals_are_told_by_their_meaning() {
    let challenge = |code| Some((0x39, code));
    let activate = |code| Some((0x3a, code));
    for (refuses, label, challenges) in [
        (challenge(0x81), "unknown_user", 1),
        (challenge(0x82), "unknown_user", 1),
        (challenge(0xcc), "no_common_auth_type", 4),
        (activate(0x81), "no_slots", 1),
        (activate(0x82), "no_slots", 1),
        (activate(0x83), "no_slots", 1),
        (activate(0x84), "login_refused", 3),
        (activate(0x85), "login_refused", 3),
        (activate(0xd4), "login_refused", 1),
        (activate(0x86), "privilege_refused", 3),
    ] {
        let mut pair = pair(Ways {
            refuses,
            ..Ways::default()
        });
        let error = pair.fail_to_log_in();
        assert_eq!(error.label(), label, "{refuses:02x?}: {error}");
        assert_eq!(pair.bmc.challenges, challenges, "{refuses:02x?}");
        assert_ne!(error.retry(), Retry::Now);
    }
    let mut pair = pair(Ways {
        refuses: challenge(0x81),
        ..Ways::default()
    });
    let refusal = Refusal::Completion(CompletionCode(0x81));
    assert_eq!(pair.fail_to_log_in(), Error::UnknownUser(refusal));
}

#[test]
fn the_level_is_the_users_and_a_named_one_is_reached() {
    let user = Ways {
        max_privilege: 2,
        ..Ways::default()
    };
    let mut pair = pair(user);
    let Event::Opened { max_privilege, .. } = pair.open() else {
        panic!("a user could not log in");
    };
    assert_eq!(max_privilege, PrivilegeLevel::User);
    // The level is remembered.
    let memory = pair.session.memory();
    let before = pair.bmc.activations;
    pair.close();
    pair.renew(v15(settings(PASSWORD)), memory);
    pair.log_in_v15();
    assert_eq!(pair.bmc.activations - before, 1);

    let named = v15(settings(PASSWORD)).with_privilege(Some(PrivilegeLevel::Operator));
    let mut pair = pair_with(named, Ways::default(), 1);
    pair.log_in_v15();
    assert_eq!(pair.bmc.privilege, 3);
}

/// The Dell iDRAC6 takes a log-in with MD5 and goes on without.
#[test]
fn the_type_of_the_answer_is_adopted_unless_it_shows_the_password() {
    let mut pair = pair(Ways {
        adopts: Some(AuthType::None),
        types: vec![AuthType::Md5],
        ..Ways::default()
    });
    assert_eq!(pair.log_in_v15(), AuthType::Md5);
    pair.read_v15(1, 500).unwrap();

    let ways = Ways {
        adopts: Some(AuthType::Password),
        ..Ways::default()
    };
    let strict = settings(PASSWORD).with_generation(Generation::V15);
    let mut pair = pair_with(strict, ways, 1);
    assert!(matches!(pair.fail_to_log_in(), Error::Misbehaved(_)));
}

#[test]
fn replies_are_judged_by_what_was_agreed() {
    let none = Some(AuthType::None);
    let ok = |ways: &Ways, quirks: Quirks| {
        let mut pair = with_quirks(ways, quirks);
        pair.log_in_v15();
        pair.read_v15(1, 2_000).is_ok()
    };
    let strict = Quirks::default();
    // Replies without a code, announced or not.
    let bare = Ways {
        replies_with: none,
        ..Ways::default()
    };
    let announced = Ways {
        says_no_message_authentication: true,
        ..bare.clone()
    };
    let forced = Quirks {
        force_message_authentication: true,
        ..strict
    };
    assert!(!ok(&bare, strict));
    assert!(ok(&announced, strict));
    assert!(!ok(&announced, forced));
    // Announced, but there all the same.
    let coy = Ways {
        says_no_message_authentication: true,
        ..Ways::default()
    };
    assert!(ok(&coy, strict) && ok(&coy, forced));
    // A code where none was agreed on.
    let surplus = Ways {
        adopts: none,
        replies_with: Some(AuthType::Md5),
        ..Ways::default()
    };
    let tolerant = Quirks {
        unexpected_authentication: true,
        ..strict
    };
    assert!(!ok(&surplus, strict));
    assert!(ok(&surplus, tolerant));
    assert!(!ok(
        &Ways {
            replies_with: Some(AuthType::Md2),
            ..surplus
        },
        tolerant
    ));
    // Session id 0, swapped numbers, wrong checksums.
    for (ways, quirks) in [
        (
            Ways {
                session_id_zero: true,
                ..Ways::default()
            },
            Quirks {
                session_id_zero: true,
                ..strict
            },
        ),
        (
            Ways {
                swapped_sequence: true,
                ..Ways::default()
            },
            Quirks {
                swapped_sequence: true,
                ..strict
            },
        ),
    ] {
        assert!(!ok(&ways, strict), "{ways:?}");
        assert!(ok(&ways, quirks), "{ways:?}");
        assert!(!ok(&Ways::default(), quirks) || quirks.session_id_zero);
    }
}

#[test]
fn wrong_codes_and_checksums_are_tolerated_by_name_only() {
    let wrong_code = Ways {
        wrong_code: true,
        ..Ways::default()
    };
    let mut pair = pair(wrong_code.clone());
    assert_eq!(pair.fail_to_log_in(), Error::ActivationIgnored);
    assert!(pair.rejected(RejectReason::BadAuthCode) > 0);
    let quirks = Quirks {
        no_auth_code_check: true,
        ..Quirks::default()
    };
    let mut pair = with_quirks(&wrong_code, quirks);
    pair.log_in_v15();
    pair.read_v15(1, 500).unwrap();

    let quirks = Quirks {
        no_checksum_check: true,
        ..Quirks::default()
    };
    let sums = Ways {
        bad_checksums: true,
        ..Ways::default()
    };
    let mut pair = with_quirks(&sums, quirks);
    pair.log_in_v15();
    pair.read_v15(1, 500).unwrap();
    // Nothing else protects these.
    let mut pair = with_quirks(
        &Ways {
            types: vec![AuthType::None],
            ..sums
        },
        quirks,
    );
    pair.log_in_v15();
    assert!(pair.read_v15(1, 2_000).is_err());
    assert!(pair.rejected(RejectReason::BadChecksum) > 0);
}

#[test]
fn a_first_number_that_is_off_by_one_is_taken() {
    for off_by in [-1, 0, 1, 5] {
        let mut pair = pair(Ways {
            off_by,
            ..Ways::default()
        });
        pair.log_in_v15();
        for sensor in 1..20 {
            pair.read_v15(sensor, 500).unwrap();
        }
        assert_eq!(pair.session.counters().retransmitted, 0, "{off_by}");
    }
}

#[test]
fn replays_are_dropped() {
    for auth_type in ALL {
        let mut pair = pair(only(auth_type));
        pair.log_in_v15();
        pair.record();
        pair.read_v15(1, 500).unwrap();
        let recorded = pair.recorded();
        for _ in 0..3 {
            pair.inject(&recorded[0]);
        }
        assert_eq!(pair.rejected(RejectReason::Replayed), 3, "{auth_type}");
        pair.read_v15(2, 500).unwrap();
    }
}

#[test]
fn passwords_of_more_than_16_bytes_open_nothing() {
    let settings = Settings::new(
        Username::new(USER.as_bytes()).unwrap(),
        Password::new(b"seventeen bytes!!").unwrap(),
    );
    let mut pair = pair_with(v15(settings), Ways::default(), 1);
    let error = pair.fail_to_log_in();
    assert!(error.to_string().contains("too long for IPMI 1.5"));
    assert_eq!(pair.bmc.challenges, 0);
}

#[test]
fn an_unanswered_activation_ends_the_log_in() {
    let mut pair = pair(Ways {
        ignores_activation: true,
        ..Ways::default()
    });
    assert_eq!(pair.fail_to_log_in(), Error::ActivationIgnored);
    assert!(!pair.session.is_open());
    assert!(pair.sent.len() < 10);
}

#[test]
fn each_single_loss_at_log_in_is_survived() {
    for nth in 0..3 {
        for up in [true, false] {
            let mut pair = pair(Ways::default());
            let route = if up { &mut pair.up } else { &mut pair.down };
            route.lose = [nth].into();
            pair.log_in_v15();
            pair.read_v15(1, 500).unwrap();
            assert!(pair.bmc.has_session());
        }
    }
}

/// The figures of a shared network interface, and worse.
#[test]
fn reads_under_loss_and_reordering_give_right_values_or_none() {
    for seed in seeds(12) {
        for auth_type in ALL {
            let mut pair = pair_with(v15(settings(PASSWORD)), only(auth_type), seed);
            pair.log_in_v15();
            pair.routes(&Route {
                jitter: ms(20),
                straggle: 0.05,
                straggle_delay: ms(900),
                loss: 0.1,
                copy: 0.1,
                copy_delay: ms(2_000),
                ..Route::default()
            });
            let mut read = 0;
            for sensor in 1..=60 {
                match pair.read_v15(sensor, 10_000) {
                    Ok(()) => read += 1,
                    Err(error) => assert!(
                        ["silent", "deadline"].contains(&error.label()),
                        "seed {seed}: {error}"
                    ),
                }
            }
            assert!(read > 50, "seed {seed}: {read} of 60");
            pair.routes(&Route::default());
            pair.pass(ms(5_000));
            pair.close();
            assert!(!pair.bmc.has_session(), "seed {seed}: left behind");
        }
    }
}

/// The same against the simulator, which shares no code with the session: every
/// answer must be that of the very read.
#[test]
fn the_simulators_sessions_survive_loss_with_every_type() {
    use bmc_sim::AuthType as Theirs;
    let types = [
        (AuthType::Md5, Theirs::Md5),
        (AuthType::Md2, Theirs::Md2),
        (AuthType::Password, Theirs::Password),
        (AuthType::None, Theirs::None),
    ];
    for seed in seeds(6) {
        for (ours, theirs) in types {
            let mut pair = Setup::new(seed)
                .settings(v15)
                .config(|config| config.v15_only(V15Config::new(&[theirs])))
                .pair();
            let Event::Opened { negotiated, .. } = pair.open() else {
                panic!("seed {seed}: {ours} could not log in");
            };
            assert_eq!(negotiated, Negotiated::V15(ours));
            pair.routes(&Route {
                loss: 0.1,
                copy: 0.1,
                copy_delay: ms(700),
                jitter: ms(15),
                ..Route::default()
            });
            let mut read = 0;
            for mark in 0..100 {
                read += u32::from(pair.read(sensor(mark), mark, ms(10_000)).is_ok());
            }
            assert!(read > 90, "seed {seed}, {ours}: {read} of 100");
            pair.routes(&Route::default());
            pair.close();
            assert_eq!(pair.bmc.counters().sessions_open, 0);
        }
    }
}
