//! Closing: always ends, soon, and leaves nothing behind.

use bmc_sim::Fault;
use rmcp_ipmi::session::Event;
use rmcp_ipmi::wire::NetFn;
use rmcp_ipmi::{Error, PrivilegeLevel};

use crate::pair::{GET_SENSOR_READING, Route, Setup, ms, opened, seeds};

#[test]
fn a_closed_session_is_closed_on_both_sides() {
    let mut pair = opened(1);
    assert_eq!(pair.close(), ms(4));
    assert!(!pair.session.is_open());
    let counters = pair.bmc.counters();
    assert_eq!((counters.sessions_closed, counters.slots_in_use), (1, 0));
    assert_eq!(pair.session.poll_timeout(), None);
    let error = pair.call(GET_SENSOR_READING, &[1], ms(100)).unwrap_err();
    assert_eq!(error.label(), "misuse");
}

#[test]
fn closing_ends_within_a_second_whatever_happens() {
    for fault in [
        Fault::Silent,
        Fault::CloseSilent,
        Fault::SessionLostSilent(0),
        Fault::BadChecksum,
        Fault::ReplyUnauthenticated,
        Fault::SeqStuck,
        Fault::Delay(ms(5_000)),
        Fault::WrongCommand,
        Fault::Garbage(900),
    ] {
        let mut pair = opened(2);
        pair.read(1, 0, ms(1_000)).unwrap();
        pair.bmc.set_fault(fault.clone());
        let time = pair.close();
        assert!(time < ms(1_000), "{fault}: {time:?}");
        assert!(!pair.session.is_open());
    }
    for seed in seeds(200) {
        let mut pair = opened(seed);
        pair.routes(&Route {
            loss: 0.7,
            jitter: ms(900),
            copy: 0.5,
            copy_delay: ms(900),
            ..Route::default()
        });
        assert!(pair.close() < ms(1_000));
    }
}

#[test]
fn closing_in_the_middle_of_a_command_closes() {
    let mut pair = opened(3);
    pair.session
        .request(pair.now, pair.now + ms(1_000), GET_SENSOR_READING, &[1])
        .unwrap();
    pair.pass_until_sent();
    assert_eq!(pair.close(), ms(4));
    assert_eq!(pair.bmc.counters().sessions_closed, 1);
}

#[test]
fn closing_in_the_middle_of_a_log_in_closes_at_once() {
    for time in [0, 1, 5, 9, 13] {
        let mut pair = Setup::new(4).pair();
        pair.session.open(pair.now, pair.now + ms(1_000));
        pair.pass(ms(time));
        assert_eq!(pair.close(), ms(0));
        pair.pass(ms(10_000));
        assert!(!pair.session.is_open());
    }
}

#[test]
fn closing_what_is_closed_is_no_harm() {
    let mut pair = Setup::new(5).pair();
    assert_eq!(pair.close(), ms(0));
    pair.log_in();
    pair.close();
    assert_eq!(pair.close(), ms(0));
    assert_eq!(pair.bmc.counters().sessions_closed, 1);
}

#[test]
fn leaving_tells_the_bmc_and_waits_for_nothing() {
    let mut pair = opened(7);
    pair.session.leave(pair.now);
    assert!(!pair.session.is_open());
    assert_eq!(pair.session.poll_timeout(), None);
    pair.pass(ms(10));
    assert_eq!(pair.bmc.counters().sessions_closed, 1);

    // Also when the log-in is between RAKP messages 3 and 4, and in a request.
    for time in [17, 19] {
        let mut pair = Setup::new(7).pair();
        pair.session.open(pair.now, pair.now + ms(1_000));
        pair.pass(ms(time));
        pair.session.leave(pair.now);
        pair.pass(ms(10));
        let counters = pair.bmc.counters();
        assert_eq!((counters.logins, counters.sessions_open), (1, 0));
    }
    let mut pair = opened(8);
    pair.start_read(1, 1);
    pair.session.leave(pair.now);
    pair.pass(ms(10));
    assert_eq!(pair.bmc.counters().sessions_open, 0);
    assert_eq!(pair.session.poll_event(), None);
}

#[test]
fn logging_in_anew_leaves_the_old_session() {
    let mut pair = opened(9);
    for _ in 0..10 {
        pair.log_in();
        assert_eq!(pair.bmc.counters().sessions_open, 1);
    }
    pair.close();
    assert_eq!(pair.bmc.counters().sessions_open, 0);
}

/// The last step of a log-in at a named level happens inside the session. When
/// it fails, the BMC has a session that nobody will ever use: it must be closed.
#[test]
fn a_log_in_that_fails_inside_the_session_closes_it() {
    let mut pair = Setup::new(6)
        .settings(|settings| settings.with_privilege(Some(PrivilegeLevel::Administrator)))
        .pair();
    pair.bmc.set_fault(Fault::SilentCommand {
        net_fn: NetFn::APP,
        command: 0x3b,
    });
    for within in [ms(1_000), ms(60_000)] {
        pair.session.open(pair.now, pair.now + within);
        let event = pair.event();
        assert!(matches!(
            event,
            Event::LoginFailed(Error::Silent { .. } | Error::Deadline { .. })
        ));
        pair.pass(ms(100));
        let counters = pair.bmc.counters();
        assert_eq!(counters.sessions_open, 0, "a session was left behind");
        assert_eq!(counters.sessions_closed, counters.logins);
    }
}
