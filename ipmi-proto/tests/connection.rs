//! The UDP client against a simulated BMC on a real socket of the loopback
//! interface.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bmc_sim::{BmcConfig, Device, DeviceBuilder, Fault, SensorKey, Sim, User, device::Privilege};
use rmcp_ipmi::client::Connection;
use rmcp_ipmi::command::{GetDeviceId, GetSupermicroLanMode, GetSystemGuid};
use rmcp_ipmi::crypto::{CipherSuiteId, Password, Username};
use rmcp_ipmi::session::Settings;
use rmcp_ipmi::wire::{CompletionCode, Lun, NetFn};
use rmcp_ipmi::{Error, Stage};
use tokio::net::UdpSocket;

const USER: &str = "monitor";
const PASSWORD: &str = "correct horse";
const GET_SENSOR_READING: (NetFn, Lun, u8) = (NetFn::SENSOR_EVENT, Lun::BMC, 0x2d);
/// How long a test waits for what must come at once.
const SOON: Duration = Duration::from_secs(5);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn within(time: Duration) -> Instant {
    Instant::now() + time
}

fn settings() -> Settings {
    Settings::new(
        Username::new(USER.as_bytes()).unwrap(),
        Password::new(PASSWORD.as_bytes()).unwrap(),
    )
}

fn device() -> Device {
    DeviceBuilder::new().supermicro_lan_mode(1).build()
}

async fn start() -> (Sim, Connection) {
    start_with(BmcConfig::new().user(User::administrator(USER, PASSWORD))).await
}

async fn start_with(config: BmcConfig) -> (Sim, Connection) {
    let sim = Sim::start(config, device()).await.unwrap();
    let connection = Connection::new(sim.addr(), Arc::new(settings()));
    (sim, connection)
}

/// Reads a sensor with a value that only this one read can give.
async fn read(sim: &Sim, connection: &mut Connection, number: u8, mark: u8) -> Result<(), Error> {
    let value = vec![number, 0xc0, mark, 0x80];
    sim.device(|device| device.set_response(SensorKey::bmc(number), value.clone()));
    let (code, data) = connection
        .call_bytes(GET_SENSOR_READING, &[number], within(SOON))
        .await?;
    assert!(code.is_ok(), "{code}");
    assert_eq!(data, value, "somebody else's answer");
    Ok(())
}

/// No session is left at the BMC, and each one that there was was closed.
async fn assert_all_closed(sim: &Sim) {
    let counters = sim
        .wait_for(SOON, |counters| counters.sessions_open == 0)
        .await
        .unwrap();
    assert_eq!(counters.sessions_closed, counters.logins);
    assert_eq!(counters.sessions_expired, 0);
}

#[tokio::test]
async fn a_session_from_log_in_to_close() {
    let (sim, mut connection) = start().await;
    assert!(!connection.is_open());
    let opened = connection.open(within(SOON)).await.unwrap();
    assert_eq!(opened.negotiated.suite(), Some(CipherSuiteId(17)));
    assert!(connection.is_open());
    let identity = connection.call(&GetDeviceId, within(SOON)).await.unwrap();
    assert_eq!(identity.ipmi_version, 0x02);
    for mark in 0..100 {
        read(&sim, &mut connection, mark + 1, mark).await.unwrap();
    }
    connection.keep_alive(within(SOON)).await.unwrap();
    connection.close().await;
    assert!(!connection.is_open());

    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sessions_closed), (1, 1));
    // Nothing that is not needed, and never two at a time.
    assert_eq!(counters.commands, 1 + 100 + 1 + 1);
    assert_eq!(counters.commands_in_work_peak, 1);
    assert_eq!(counters.dropped_total(), 0);
    let ours = connection.take_counters();
    assert_eq!(ours.sent, counters.datagrams_received);
    assert_eq!(ours.received, counters.datagrams_sent);
    assert_eq!(connection.take_counters().sent, 0);
}

#[tokio::test]
async fn calls_without_a_session_are_misuse() {
    let (sim, mut connection) = start().await;
    let error = connection
        .call(&GetDeviceId, within(SOON))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Misuse(_)));
    connection.close().await;
    assert_eq!(sim.counters().datagrams_received, 0);
}

#[tokio::test]
async fn a_dropped_call_does_not_disturb_the_next() {
    let (sim, mut connection) = start().await;
    connection.open(within(SOON)).await.unwrap();
    sim.set_fault(Fault::Delay(ms(15)));
    for mark in 0..40 {
        let cancel_after = Duration::from_micros(u64::from(mark) * 500);
        let key = SensorKey::bmc(200);
        sim.device(|device| device.set_response(key, vec![0xee, 0xc0, mark, 0x80]));
        let abandoned = connection.call_bytes(GET_SENSOR_READING, &[200], within(SOON));
        // Dropped half-way, at another point each time.
        let _ = tokio::time::timeout(cancel_after, abandoned).await;
        read(&sim, &mut connection, mark + 1, mark).await.unwrap();
    }
    connection.close().await;
    assert_all_closed(&sim).await;
}

#[tokio::test]
async fn a_call_that_was_polled_once_is_as_good_as_none() {
    let (sim, mut connection) = start().await;
    connection.open(within(SOON)).await.unwrap();
    for mark in 0..100 {
        sim.device(|device| device.set_response(SensorKey::bmc(9), vec![0xee, 0xc0, 0xee, 0x80]));
        {
            let call = pin!(connection.call_bytes(GET_SENSOR_READING, &[9], within(SOON)));
            poll_once(call).await;
        }
        read(&sim, &mut connection, 10, mark).await.unwrap();
    }
}

async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) {
    std::future::poll_fn(|context| {
        let _ = future.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn dropped_log_ins_and_connections_leave_no_session() {
    let (sim, mut connection) = start_with(
        BmcConfig::new()
            .user(User::administrator(USER, PASSWORD))
            .slots(60),
    )
    .await;
    // The log-in takes four exchanges; each of these stops somewhere else.
    sim.set_fault(Fault::Latency(ms(3)));
    for step in 0..40 {
        let _ = tokio::time::timeout(
            Duration::from_micros(step * 500),
            connection.open(within(SOON)),
        )
        .await;
    }
    drop(connection);
    assert_all_closed(&sim).await;

    // Open, and dropped: in the middle of nothing, and of a call.
    sim.clear_faults();
    let mut connection = Connection::new(sim.addr(), Arc::new(settings()));
    connection.open(within(SOON)).await.unwrap();
    drop(connection);
    assert_all_closed(&sim).await;
    let mut connection = Connection::new(sim.addr(), Arc::new(settings()));
    connection.open(within(SOON)).await.unwrap();
    {
        let call = pin!(connection.call(&GetDeviceId, within(SOON)));
        poll_once(call).await;
    }
    drop(connection);
    assert_all_closed(&sim).await;
}

#[tokio::test]
async fn opening_again_closes_what_was_open() {
    let (sim, mut connection) = start().await;
    for round in 1..=10 {
        connection.open(within(SOON)).await.unwrap();
        let counters = sim
            .wait_for(SOON, |counters| counters.sessions_open == 1)
            .await
            .unwrap();
        assert_eq!(counters.logins, round);
        // Each session has its own port: late answers cannot cross over.
        assert_eq!(counters.peers.len() as u64, round);
    }
    connection.close().await;
    assert_all_closed(&sim).await;
}

#[tokio::test]
async fn the_level_is_raised_for_the_command_that_needs_it() {
    let (sim, mut connection) = start().await;
    connection.open(within(SOON)).await.unwrap();
    for _ in 0..3 {
        let mode = connection.call(&GetSupermicroLanMode, within(SOON)).await;
        assert!(mode.is_ok(), "{mode:?}");
    }
    // Refused once, raised once, then three answers.
    let counters = sim.counters();
    assert_eq!(counters.command(NetFn::APP, 0x3b), 1);
    assert_eq!(counters.commands, 1 + 1 + 3);
    connection.close().await;
}

#[tokio::test]
async fn a_level_that_cannot_be_had_is_asked_for_once() {
    let (sim, mut connection) =
        start_with(BmcConfig::new().user(User::new(USER, PASSWORD, Privilege::Operator))).await;
    connection.open(within(SOON)).await.unwrap();
    for _ in 0..3 {
        let error = connection
            .call(&GetSupermicroLanMode, within(SOON))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Completion(_)), "{error}");
    }
    // USER to OPERATOR is all there is.
    assert_eq!(sim.counters().command(NetFn::APP, 0x3b), 1);
    assert!(connection.is_open());
}

#[tokio::test]
async fn a_dead_target_costs_one_bounded_wait() {
    // A port where nobody answers, and one where nobody listens.
    let deaf = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let closed: SocketAddr = {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.local_addr().unwrap()
    };
    let open = |address| async move {
        let mut connection = Connection::new(address, Arc::new(settings()));
        let start = Instant::now();
        let error = connection.open(within(ms(60_000))).await.unwrap_err();
        assert!(!connection.is_open());
        (error, start.elapsed())
    };
    let ((silent, deaf_wait), (refused, closed_wait)) =
        tokio::join!(open(deaf.local_addr().unwrap()), open(closed));
    assert!(
        matches!(
            silent,
            Error::Silent {
                stage: Stage::Capabilities,
                ..
            }
        ),
        "{silent}"
    );
    assert_eq!(
        refused,
        Error::Network(std::io::ErrorKind::ConnectionRefused)
    );
    for wait in [deaf_wait, closed_wait] {
        assert!((ms(3_400)..ms(5_000)).contains(&wait), "{wait:?}");
    }
    // And a deadline cuts it short.
    let mut connection = Connection::new(deaf.local_addr().unwrap(), Arc::new(settings()));
    let start = Instant::now();
    let error = connection.open(within(ms(300))).await.unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error}");
    assert!((ms(300)..ms(1_000)).contains(&start.elapsed()));
}

#[tokio::test]
async fn a_lost_session_is_noticed_and_replaced() {
    let (sim, mut connection) = start().await;
    connection.open(within(SOON)).await.unwrap();
    read(&sim, &mut connection, 1, 1).await.unwrap();
    sim.forget_sessions();
    let start = Instant::now();
    let error = loop {
        // Scrapes with a short deadline, one after the other.
        match connection.call(&GetDeviceId, within(ms(700))).await {
            Err(Error::Deadline { .. }) => assert!(start.elapsed() < ms(8_000)),
            other => break other.unwrap_err(),
        }
    };
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert!(!connection.is_open());

    let opened = connection.open(within(SOON)).await.unwrap();
    assert_eq!(opened.negotiated.suite(), Some(CipherSuiteId(17)));
    read(&sim, &mut connection, 1, 2).await.unwrap();
    connection.close().await;
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.sessions_closed), (2, 1));
}

#[tokio::test]
async fn a_command_that_is_never_answered_keeps_its_deadline_and_the_session() {
    let (sim, mut connection) = start().await;
    connection.open(within(SOON)).await.unwrap();
    sim.set_fault(Fault::SilentCommand {
        net_fn: GET_SENSOR_READING.0,
        command: GET_SENSOR_READING.2,
    });
    for deadline in [50, 300, 1_000] {
        let start = Instant::now();
        let error = connection
            .call_bytes(GET_SENSOR_READING, &[1], within(ms(deadline)))
            .await
            .unwrap_err();
        let time = start.elapsed();
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
        assert!(
            (ms(deadline)..ms(deadline + 400)).contains(&time),
            "{deadline}: {time:?}"
        );
        assert!(connection.is_open());
        connection.call(&GetDeviceId, within(SOON)).await.unwrap();
    }
}

/// A BMC that has become slower still works on repetitions when the next command
/// comes.
#[tokio::test]
async fn who_the_bmc_is_is_no_mixture_of_answers() {
    let (sim, mut connection) = start().await;
    connection.open(within(SOON)).await.unwrap();
    let identity = connection.call(&GetDeviceId, within(SOON)).await.unwrap();
    let guid = connection.call(&GetSystemGuid, within(SOON)).await.unwrap();
    connection.close().await;

    sim.set_fault(Fault::TornReply);
    sim.set_fault(Fault::Delay(ms(400)));
    let mut connection = Connection::new(sim.addr(), Arc::new(settings()));
    connection.open(within(SOON)).await.unwrap();
    read(&sim, &mut connection, 1, 1).await.unwrap();
    assert!(connection.take_counters().retransmitted > 0);
    let told = connection.call(&GetDeviceId, within(3 * SOON)).await;
    assert_eq!(told.unwrap(), identity);
    sim.set_fault(Fault::Delay(ms(1_000)));
    read(&sim, &mut connection, 1, 2).await.unwrap();
    let told = connection.call(&GetSystemGuid, within(3 * SOON)).await;
    assert_eq!(told.unwrap(), guid);
    // Where there is no time to be sure there is no answer.
    let given_up = connection.call_bytes(GET_SENSOR_READING, &[1], within(ms(500)));
    given_up.await.unwrap_err();
    let error = connection.call(&GetDeviceId, within(ms(2_200))).await;
    assert!(matches!(error, Err(Error::Deadline { .. })), "{error:?}");
}

/// The question whether the session is alive must not outlast the caller's
/// deadline.
#[tokio::test]
async fn the_proof_of_life_keeps_the_deadline_too() {
    let (sim, mut connection) = start().await;
    connection.open(within(SOON)).await.unwrap();
    sim.set_fault(Fault::Silent);
    // Silence is told after 6.2 s; half a second is left then.
    let deadline = ms(6_700);
    let start = Instant::now();
    let error = connection
        .call(&GetDeviceId, within(deadline))
        .await
        .unwrap_err();
    let time = start.elapsed();
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert!(time < deadline + ms(400), "{time:?}");
}

#[tokio::test]
async fn a_bmc_that_comes_back_is_found_again() {
    let (sim, mut connection) = start().await;
    sim.set_fault(Fault::Silent);
    let error = connection.open(within(ms(200))).await.unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error}");
    sim.clear_faults();
    connection.open(within(SOON)).await.unwrap();
    connection.close().await;
    assert_all_closed(&sim).await;
}

#[tokio::test]
async fn what_worked_is_tried_first_next_time() {
    let config = BmcConfig::new()
        .user(User::administrator(USER, PASSWORD))
        .suites(&[3]);
    let (sim, mut connection) = start_with(config).await;
    // The BMC listed what it has.
    for expected in [1, 2, 3] {
        let opened = connection.open(within(SOON)).await.unwrap();
        assert_eq!(opened.negotiated.suite(), Some(CipherSuiteId(3)));
        connection.close().await;
        assert_eq!(sim.counters().open_session_requests, expected);
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_and_leaves_nothing() {
    let config = BmcConfig::new().user(User::administrator(USER, "another one"));
    let (sim, mut connection) = start_with(config).await;
    let error = connection.open(within(SOON)).await.unwrap_err();
    assert_eq!(error, Error::WrongPassword);
    let counters = sim
        .wait_for(SOON, |counters| counters.rakp3_with_error == 1)
        .await
        .unwrap();
    assert_eq!(counters.rakp3_with_code, 0);
    assert_eq!(counters.slots_in_use, 0);
}

/// Sockets of this machine that are connected to `peer`.
#[cfg(target_os = "linux")]
fn sockets_to(peer: SocketAddr) -> usize {
    let table = std::fs::read_to_string("/proc/net/udp").unwrap();
    let SocketAddr::V4(peer) = peer else {
        panic!("an IPv4 address")
    };
    let address = u32::from_ne_bytes(peer.ip().octets());
    let remote = format!("{address:08X}:{:04X}", peer.port());
    table
        .lines()
        .filter(|line| line.split_whitespace().nth(2) == Some(remote.as_str()))
        .count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn neither_sockets_nor_tasks_are_left() {
    let (sim, mut connection) = start().await;
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    for round in 0..50 {
        connection.open(within(SOON)).await.unwrap();
        assert_eq!(sockets_to(sim.addr()), 1);
        connection.call(&GetDeviceId, within(SOON)).await.unwrap();
        if round % 2 == 0 {
            connection.close().await;
            assert_eq!(sockets_to(sim.addr()), 0);
        }
    }
    let _ = tokio::time::timeout(ms(1), connection.call(&GetDeviceId, within(SOON))).await;
    drop(connection);
    assert_eq!(sockets_to(sim.addr()), 0);
    let left = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(left, tasks);
    assert_all_closed(&sim).await;
}

/// Set Session Privilege Level is never answered: the command that wanted it is
/// refused, the session lives on, and the question is not asked again.
#[tokio::test]
async fn a_bmc_that_does_not_answer_the_wish_for_more_keeps_its_session() {
    let (sim, mut connection) =
        start_with(BmcConfig::new().user(User::administrator(USER, PASSWORD))).await;
    sim.set_fault(Fault::SilentCommand {
        net_fn: NetFn::APP,
        command: 0x3b,
    });
    connection.open(within(SOON)).await.unwrap();
    let asked = Instant::now();
    let refused = connection
        .call(&GetSupermicroLanMode, within(Duration::from_secs(30)))
        .await;
    assert_eq!(
        refused,
        Err(Error::Completion(CompletionCode::INSUFFICIENT_PRIVILEGE))
    );
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert!(connection.is_open());
    connection.call(&GetDeviceId, within(SOON)).await.unwrap();

    let asked = Instant::now();
    // This BMC did what it was asked to, without a word.
    let mode = connection.call(&GetSupermicroLanMode, within(SOON)).await;
    assert!(mode.is_ok(), "{mode:?}");
    assert!(asked.elapsed() < Duration::from_secs(1), "asked again");
    connection.close().await;
    assert_all_closed(&sim).await;
}
