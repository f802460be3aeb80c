//! Log-ins that succeed: straight, after a refused suite, after another look-up,
//! with BMCs whose handshake is odd.

use std::time::Instant;

use bmc_sim::{Fault, User, device};
use rmcp_ipmi::Error;
use rmcp_ipmi::PrivilegeLevel;
use rmcp_ipmi::crypto::{CipherSuiteId, Kg, Password, SUITES, Username};
use rmcp_ipmi::session::{Event, RejectReason, Settings};
use rmcp_ipmi::wire::{CompletionCode, RmcpStatus};

use crate::forge::{Forge, Incoming, refuse};
use crate::pair::{GET_DEVICE_ID, PASSWORD, Pair, Setup, USER, ms, opened, settings};
use crate::peers::Scripted;

/// Makes an answer of the handshake longer.
fn append(datagram: &[u8], more: &[u8]) -> Vec<u8> {
    let mut longer = [datagram, more].concat();
    let length = u16::try_from(longer.len() - 16).unwrap();
    longer[14..16].copy_from_slice(&length.to_le_bytes());
    longer
}

#[test]
fn both_default_suites_log_in_and_carry_commands() {
    for suite in [3, 17] {
        let mut pair = Setup::new(1).suites(&[suite], &[3, 17]).pair();
        assert_eq!(pair.log_in(), suite);
        pair.read(7, 1, ms(500)).unwrap();
        let counters = pair.bmc.counters();
        assert_eq!((counters.logins, counters.open_session_requests), (1, 1));
        assert_eq!(counters.dropped_total(), 0);
    }
}

#[test]
fn every_suite_logs_in_and_carries_commands() {
    let all = SUITES.map(|suite| suite.id.0);
    let users = [
        (&b""[..], &b"null user's own"[..]),
        (b"sixteen-byte-usr", b"sixteen-byte-pw!"),
        (b"longpw", b"twenty-byte-passwd!!"),
    ];
    for suite in all {
        for (name, password) in users {
            let settings = Settings::new(
                Username::new(name).unwrap(),
                Password::new(password).unwrap(),
            );
            let key = *b"\0 begins with a zero";
            let mut pair = Setup::new(1)
                .settings(|_| settings.with_k_g(Kg::new(key)))
                .config(|config| config.k_g(key).user(User::administrator(name, password)))
                .suites(&[suite], &all)
                .pair();
            assert_eq!(pair.log_in(), suite);
            // Messages of all lengths, so all pads.
            for mark in 1..=5 {
                pair.read(7, mark, ms(500)).unwrap();
                pair.call(GET_DEVICE_ID, &[], ms(500)).unwrap();
            }
            pair.close();
            let counters = pair.bmc.counters();
            assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
            assert_eq!(counters.dropped_total(), 0, "suite {suite}");
            for reason in RejectReason::ALL {
                assert_eq!(
                    pair.rejected(reason),
                    0,
                    "suite {suite}: {}",
                    reason.label()
                );
            }
        }
    }
}

#[test]
fn a_wrong_password_is_noticed_with_every_suite_that_proves_one() {
    let all = SUITES.map(|suite| suite.id.0);
    for suite in all {
        let mut pair = Setup::new(1)
            .settings(|_| settings("another horse"))
            .suites(&[suite], &all)
            .pair();
        if suite == 0 {
            assert_eq!(pair.log_in(), 0, "this is what is wrong with suite 0");
            pair.read(7, 1, ms(500)).unwrap();
        } else {
            assert_eq!(pair.fail_to_log_in(), Error::WrongPassword, "suite {suite}");
            assert_eq!(pair.bmc.counters().rakp3_with_code, 0, "suite {suite}");
        }
    }
}

#[test]
fn a_check_value_of_suite_0_is_ignored() {
    let mut pair = Pair::with_peer(
        Scripted {
            forge: Forge::new(PASSWORD),
            script: |forge: &mut Forge, incoming: Incoming| match incoming {
                Incoming::Rakp3 { .. } => vec![append(&forge.answer(&incoming), &[0xaa; 12])],
                _ => vec![forge.answer(&incoming)],
            },
        },
        settings(PASSWORD).with_suites(&[CipherSuiteId(0)]),
        1,
        Instant::now(),
    );
    assert_eq!(pair.log_in(), 0);
}

#[test]
fn the_stronger_suite_is_asked_for_first() {
    let mut pair = Setup::new(1).pair();
    assert_eq!(pair.log_in(), 17);
}

#[test]
fn a_log_in_is_one_question_and_three_exchanges() {
    let mut pair = Setup::new(1).pair();
    let (time, _) = pair.time(|pair| pair.log_in());
    assert_eq!(time, ms(4) * 5, "the first one asks for the list of suites");
    let first = pair.sent.len();
    assert_eq!(first, 5);
    let memory = pair.session.memory();
    pair.session.leave(pair.now);
    pair.pass(ms(10));
    let goodbye = pair.sent.len() - first;
    pair.renew(settings(PASSWORD), memory);
    let (time, _) = pair.time(|pair| pair.log_in());
    assert_eq!(time, ms(4) * 4);
    assert_eq!(pair.sent.len() - first - goodbye, 4);

    // Without a choice there is nothing to ask for.
    let mut pair = Setup::new(1).suites(&[3], &[3, 17]).pair();
    pair.log_in();
    assert_eq!(pair.sent.len(), 4);
    assert_eq!(pair.session.offered_suites(), None);
}

#[test]
fn a_refused_suite_is_followed_by_the_other_one() {
    let refusals: [(&[u8], Option<Fault>); 3] = [
        // 04h or 05h: the algorithm is unknown.
        (&[3], None),
        // 11h: the suite is listed, and refused all the same.
        (&[3, 17], Some(Fault::CipherListedButRefused(17))),
        // 01h: some boards say "no resources" when they mean the suite.
        (&[3], Some(Fault::CipherRefusedAs01)),
    ];
    for (enabled, fault) in refusals {
        let mut pair = Setup::new(2).suites(&[17, 3], enabled).pair();
        pair.bmc.set_fault(Fault::CipherListRefused);
        if let Some(fault) = fault.clone() {
            pair.bmc.set_fault(fault);
        }
        assert_eq!(pair.log_in(), 3, "{fault:?}");
        pair.read(1, 1, ms(500)).unwrap();
        assert_eq!(pair.bmc.counters().open_session_requests, 2, "{fault:?}");

        let memory = pair.session.memory();
        pair.close();
        pair.renew(settings(PASSWORD), memory);
        assert_eq!(pair.log_in(), 3);
        let requests = pair.bmc.counters().open_session_requests;
        assert_eq!(requests, 3, "what worked is asked for first: {fault:?}");
    }
}

/// One spoiled log-in must not spoil all that follow.
#[test]
fn a_suite_that_has_worked_is_asked_for_again_after_a_downgrade() {
    let mut pair = Setup::new(2).pair();
    assert_eq!(pair.log_in(), 17);
    pair.bmc.set_fault(Fault::CipherListedButRefused(17));
    for _ in 0..2 {
        let memory = pair.session.memory();
        pair.close();
        pair.renew(settings(PASSWORD), memory);
        assert_eq!(pair.log_in(), 3);
    }
    pair.bmc.clear_faults();
    let memory = pair.session.memory();
    pair.close();
    pair.renew(settings(PASSWORD), memory);
    assert_eq!(pair.log_in(), 17);
}

/// After an update of the BMC a suite that it has lost can look like this.
#[test]
fn what_worked_is_forgotten_when_the_password_seems_wrong() {
    let mut pair = Setup::new(2).suites(&[17, 3], &[3]).pair();
    assert_eq!(pair.log_in(), 3);
    let memory = pair.session.memory();
    assert!(memory.is_some());
    pair.close();
    pair.renew(settings(PASSWORD), memory);
    pair.bmc.set_fault(Fault::Rakp2BadMac);
    assert_eq!(pair.fail_to_log_in(), Error::WrongPassword);
    assert!(pair.session.memory().is_none());
}

#[test]
fn a_one_byte_refusal_is_understood() {
    let mut pair = Setup::new(2).suites(&[17, 3], &[3]).pair();
    pair.bmc.set_fault(Fault::ShortOpenError);
    assert_eq!(pair.log_in(), 3);
}

#[test]
fn a_bmc_that_refuses_the_first_question_is_logged_in_to_all_the_same() {
    let mut pair = Setup::new(3).pair();
    pair.bmc.set_fault(Fault::AuthcapRejects8e);
    assert_eq!(pair.log_in(), 17);
}

#[test]
fn both_keys_make_a_session_when_both_sides_have_k_g() {
    let key = *b"twenty bytes of K_g!";
    let mut pair = Setup::new(4)
        .settings(|settings| settings.with_k_g(Kg::new(key)))
        .config(|config| config.k_g(key))
        .pair();
    pair.log_in();
    pair.read(1, 1, ms(500)).unwrap();
}

#[test]
fn a_bmc_that_finds_users_in_one_form_only_is_asked_in_that_form() {
    for accepts_name_only in [true, false] {
        let peer = Scripted {
            forge: Forge::new(PASSWORD),
            script: move |forge: &mut Forge, incoming: Incoming| {
                let mut answer = forge.answer(&incoming);
                if matches!(incoming, Incoming::Rakp1 { .. })
                    && forge.role().is_name_only() != accepts_name_only
                {
                    refuse(&mut answer, RmcpStatus::UNAUTHORIZED_NAME.0);
                }
                vec![answer]
            },
        };
        let mut pair = Pair::with_peer(peer, settings(PASSWORD), 5, Instant::now());
        pair.log_in();
        let memory = pair.session.memory();
        let packets = pair.sent.len();
        pair.renew(settings(PASSWORD), memory);
        pair.log_in();
        assert_eq!(pair.sent.len() - packets, 4, "the form is remembered");
    }
}

#[test]
fn a_user_below_administrator_is_given_the_level_that_it_has() {
    for (level, expected) in [
        (device::Privilege::Operator, PrivilegeLevel::Operator),
        (device::Privilege::User, PrivilegeLevel::User),
    ] {
        let mut setup = Setup::new(6);
        setup.config.users = vec![User::new(USER, PASSWORD, level)];
        let mut pair = setup.pair();
        let Event::Opened { max_privilege, .. } = pair.open() else {
            panic!("{level:?} could not log in");
        };
        assert_eq!(max_privilege, expected);
        pair.read(1, 1, ms(500)).unwrap();
    }
}

#[test]
fn a_named_level_is_reached_before_the_log_in_counts() {
    let mut pair = Setup::new(7)
        .settings(|settings| settings.with_privilege(Some(PrivilegeLevel::Operator)))
        .pair();
    let Event::Opened { privilege, .. } = pair.open() else {
        panic!("the log-in failed");
    };
    assert_eq!(privilege, PrivilegeLevel::Operator);
}

#[test]
fn wrong_tags_are_tolerated_and_counted() {
    for fault in [Fault::RakpTagZero, Fault::RakpTagWrong, Fault::OpenTagWrong] {
        let mut pair = Setup::new(8).pair();
        pair.bmc.set_fault(fault.clone());
        pair.log_in();
        pair.read(1, 1, ms(500)).unwrap();
        assert!(pair.session.counters().tolerated_tags > 0, "{fault}");
    }
}

#[test]
fn wrong_tags_are_not_tolerated_under_another_session_id() {
    let mut pair = Setup::new(8).pair();
    pair.bmc.set_fault(Fault::RakpTagWrong);
    pair.bmc.set_fault(Fault::RakpSessionWrong);
    let error = pair.fail_to_log_in();
    assert_eq!(error.label(), "silent");
    assert!(pair.rejected(RejectReason::ForeignSession) > 0);
    assert_eq!(pair.session.counters().tolerated_tags, 0);
    assert_eq!(pair.bmc.counters().rakp3_with_code, 0);
}

#[test]
fn late_answers_of_abandoned_attempts_are_dropped() {
    // Both the Open Session response and RAKP message 2 of an attempt come when
    // the next attempt is under way.
    for late in [900, 1_500, 2_500] {
        for fault in [Fault::LateRakp2(ms(late)), Fault::LateHandshake(ms(late))] {
            let mut pair = Setup::new(9).pair();
            pair.bmc.set_fault(fault.clone());
            pair.session.open(pair.now, pair.now + ms(60_000));
            pair.pass(ms(late - 100));
            pair.bmc.clear_faults();
            assert!(
                matches!(pair.event(), Event::Opened { .. }),
                "{fault} {late}"
            );
            pair.pass(ms(10_000));
            pair.read(1, 1, ms(500)).unwrap();
            let stale = pair.rejected(RejectReason::ForeignSession)
                + pair.rejected(RejectReason::OutOfOrder);
            assert!(stale > 0, "{fault} {late}: nothing came late");
            assert_eq!(pair.bmc.counters().rakp3_with_code, 1, "{fault} {late}");
        }
    }
}

#[test]
fn a_slow_handshake_is_waited_for() {
    let mut pair = Setup::new(10).pair();
    pair.bmc.set_fault(Fault::LateHandshake(ms(2_000)));
    pair.log_in();
}

#[test]
fn an_alternately_odd_bmc_ends_in_a_definite_answer() {
    // 08h, then a wrong code: never a proof of ours.
    let mut pair = Setup::new(11).pair();
    pair.bmc.set_fault(Fault::Rakp208OrBadMac);
    let error = pair.fail_to_log_in();
    assert_eq!(error.label(), "wrong_password");
    assert_eq!(pair.bmc.counters().rakp3_with_code, 0);
}

#[test]
fn a_command_before_log_in_is_misuse() {
    let mut pair = Setup::new(12).pair();
    let error = pair.call(GET_DEVICE_ID, &[], ms(100)).unwrap_err();
    assert_eq!(error.label(), "misuse");
    let mut pair = opened(12);
    let (code, data) = pair.call(GET_DEVICE_ID, &[], ms(100)).unwrap();
    assert_eq!(code, CompletionCode::OK);
    assert!(data.len() >= 11);
}
