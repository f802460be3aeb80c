//! A deadline is kept to the instant, and a wait costs no more than it must.

use bmc_sim::Fault;
use rmcp_ipmi::Error;

use crate::pair::{GET_SENSOR_READING, ms, opened};

#[test]
fn a_command_ends_at_its_deadline_exactly() {
    for deadline in [1, 3, 4, 5, 150, 200, 201, 1_000, 3_999] {
        let mut pair = opened(1);
        pair.bmc.set_fault(Fault::Silent);
        let (time, result) = pair.time(|pair| pair.call(GET_SENSOR_READING, &[1], ms(deadline)));
        assert!(matches!(result, Err(Error::Deadline { .. })), "{result:?}");
        assert_eq!(time, ms(deadline));
    }
}

#[test]
fn an_answer_at_the_deadline_is_in_time() {
    let mut pair = opened(2);
    assert!(pair.read(1, 1, ms(4)).is_ok());
    assert!(pair.read(1, 2, ms(3)).is_err());
    assert!(pair.read(1, 3, ms(4)).is_ok());
}

#[test]
fn a_deadline_in_the_past_is_over_at_once() {
    let mut pair = opened(3);
    let (time, result) = pair.time(|pair| pair.call(GET_SENSOR_READING, &[1], ms(0)));
    assert!(matches!(result, Err(Error::Deadline { .. })), "{result:?}");
    assert_eq!(time, ms(0));
    pair.read(1, 1, ms(100)).unwrap();
}

#[test]
fn strangers_cannot_stretch_a_deadline() {
    // A talkative peer: a valid late answer, garbage and replays all the time.
    let mut pair = opened(4);
    pair.down.copies = 20;
    pair.down.copy_delay = ms(5_000);
    for mark in 0..10 {
        pair.read(1, mark, ms(100)).unwrap();
    }
    pair.bmc.set_fault(Fault::Delay(ms(700)));
    pair.bmc.set_fault(Fault::Garbage(300));
    for mark in 10..40 {
        let (time, result) = pair.time(|pair| pair.read(2, mark, ms(250)));
        assert!(result.is_err());
        assert_eq!(time, ms(250));
    }
}

#[test]
fn waking_up_too_early_or_too_often_changes_nothing() {
    let mut pair = opened(5);
    pair.bmc.set_fault(Fault::Silent);
    let start = pair.now;
    let deadline = start + ms(1_000);
    pair.session
        .request(start, deadline, GET_SENSOR_READING, &[1])
        .unwrap();
    let mut datagram = Vec::new();
    let mut sent = Vec::new();
    for millisecond in 0..1_000 {
        let now = start + ms(millisecond);
        for _ in 0..3 {
            pair.session.handle_timeout(now);
        }
        while pair.session.poll_transmit(&mut datagram) {
            sent.push(millisecond);
        }
        assert!(pair.session.poll_event().is_none(), "{millisecond}");
        assert!(pair.session.poll_timeout().unwrap() > now);
    }
    assert_eq!(sent, [0, 150, 550]);
    pair.session.handle_timeout(deadline);
    assert!(pair.session.poll_event().is_some());
    assert_eq!(pair.session.poll_timeout(), None);
}

#[test]
fn waking_up_late_is_no_harm() {
    // A machine that was stopped for ten minutes in the middle of a wait.
    let mut pair = opened(6);
    pair.bmc.set_fault(Fault::Silent);
    let start = pair.now;
    pair.session
        .request(start, start + ms(60_000), GET_SENSOR_READING, &[1])
        .unwrap();
    pair.session.handle_timeout(start + ms(600_000));
    assert!(matches!(
        pair.session.poll_event(),
        Some(rmcp_ipmi::session::Event::RequestFailed(
            Error::Deadline { .. }
        ))
    ));
}
