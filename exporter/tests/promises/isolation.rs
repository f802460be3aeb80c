//! One sick BMC never delays or removes another's samples.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bmc_sim::{Device, DeviceBuilder, Fault, Sim};

use crate::lab::{Lab, Scrape, deaf_port, heard, machine, module, scrape_target};
use crate::support::exporter::Exporter;
use crate::support::free_udp_address;

const SENSORS: u16 = 10;
/// Healthy scrapes beside sick ones may take this much longer than alone: what
/// scheduling on a busy machine costs, far less than any wait for a BMC.
const SLACK: Duration = Duration::from_millis(400);

/// Scrapes all targets at once; the answers are in their order.
fn scrape_all(exporter: &Exporter, targets: &[String]) -> Vec<Scrape> {
    thread::scope(|scope| {
        let scrapes: Vec<_> = targets
            .iter()
            .map(|target| scope.spawn(|| scrape_target(exporter, target, "bmc", Some("10"))))
            .collect();
        let join = |scrape: thread::ScopedJoinHandle<'_, Scrape>| scrape.join().expect("an answer");
        scrapes.into_iter().map(join).collect()
    })
}

fn addresses(sims: &[Sim]) -> Vec<String> {
    sims.iter().map(|sim| sim.addr().to_string()).collect()
}

fn slowest(scrapes: &[Scrape]) -> Duration {
    scrapes
        .iter()
        .map(|scrape| scrape.took)
        .max()
        .unwrap_or_default()
}

fn assert_whole(scrapes: &[Scrape], sims: &[Sim]) {
    for (scrape, sim) in scrapes.iter().zip(sims) {
        assert!(scrape.is_complete(), "{:?}", scrape.up());
        assert_eq!(scrape.values().len(), usize::from(SENSORS));
        scrape.assert_served(sim);
    }
}

#[test]
fn twenty_dead_targets_take_nothing_from_twenty_healthy_ones() {
    let lab = Lab::new();
    let healthy: Vec<_> = (0..20).map(|_| lab.start(machine(SENSORS))).collect();
    let deaf: Vec<_> = (0..10).map(|_| deaf_port()).collect();
    // The other half refuses: there is nobody on the port.
    let mut targets = addresses(&healthy);
    targets.extend(
        deaf.iter()
            .map(|socket| socket.local_addr().expect("bound").to_string()),
    );
    targets.extend((0..10).map(|_| free_udp_address().to_string()));
    let exporter = Exporter::ours_with(&module(""), |_| vec!["--login.rate=1000".to_owned()]);

    // Cold: all log-ins at once, the dead ones among them.
    let mut scrapes = scrape_all(&exporter, &targets);
    let dead = scrapes.split_off(healthy.len());
    assert_whole(&scrapes, &healthy);
    assert!(dead.iter().all(Scrape::is_empty));
    assert!(
        slowest(&dead) < Duration::from_secs(5),
        "{:?}",
        slowest(&dead)
    );
    assert!(
        slowest(&scrapes) < slowest(&dead),
        "{:?}",
        slowest(&scrapes)
    );

    let alone = (0..3)
        .map(|_| slowest(&scrape_all(&exporter, &targets[..20])))
        .max();
    let limit = alone.expect("three rounds") * 3 + SLACK;
    let asked: usize = deaf.iter().map(heard).sum();
    assert!((10..=30).contains(&asked), "{asked} questions in one wait");
    // The circuit is open: the dead ones are answered at once, without a packet.
    let mut scrapes = scrape_all(&exporter, &targets);
    let dead = scrapes.split_off(healthy.len());
    assert_whole(&scrapes, &healthy);
    assert!(dead.iter().all(Scrape::is_empty));
    assert!(slowest(&dead) < limit, "{:?}", slowest(&dead));
    assert_eq!(deaf.iter().map(heard).sum::<usize>(), 0);
    assert!(slowest(&scrapes) < limit, "{:?}", slowest(&scrapes));
    // Until they are tried again, and beyond.
    for _ in 0..6 {
        let mut scrapes = scrape_all(&exporter, &targets);
        let dead = scrapes.split_off(healthy.len());
        assert_whole(&scrapes, &healthy);
        assert!(dead.iter().all(Scrape::is_empty));
        assert!(slowest(&scrapes) < limit, "{:?}", slowest(&scrapes));
        thread::sleep(Duration::from_millis(300));
    }
    for sim in &healthy {
        let counters = sim.counters();
        assert_eq!((counters.logins, counters.sessions_open_peak), (1, 1));
    }
}

/// Answers each datagram with its own bytes, or with floods of something else,
/// until it is dropped.
struct Rogue {
    address: String,
    stop: std::sync::Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Rogue {
    fn start(answer: impl Fn(&UdpSocket, std::net::SocketAddr, &[u8]) + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port on loopback");
        let timeout = Some(Duration::from_millis(20));
        socket.set_read_timeout(timeout).expect("a time-out");
        let address = socket.local_addr().expect("bound").to_string();
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let stopped = std::sync::Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    answer(&socket, from, &buffer[..length]);
                }
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(thread::JoinHandle::join));
    }
}

/// A machine whose records lie about their lengths and lead in circles.
fn hostile_machine() -> Device {
    let mut builder = DeviceBuilder::new();
    for id in 1..200_u8 {
        let mut record = vec![id, 0, 0x51, 1 + id % 4, id, 0x20, 0, id];
        record.extend((0..id).map(|byte| byte.wrapping_mul(37)));
        // An id string that claims more than there is.
        record.extend([0xdf, b'"', b'\n', b'\\', 0xff, 0x1b]);
        builder = builder.sdr(record);
    }
    builder.analogs(3).build()
}

#[test]
fn hostile_neighbours_do_not_disturb() {
    let lab = Lab::new();
    let healthy: Vec<_> = (0..8).map(|_| lab.start(machine(SENSORS))).collect();
    let sick: Vec<_> = [
        Fault::Garbage(1500),
        Fault::DuplicateReply(Duration::ZERO),
        Fault::ReplyBadAuthcode,
        Fault::WrongRequestSequence,
        Fault::Rakp2BadMac,
        Fault::SeqStuck,
        Fault::ConfPadGarbage,
        Fault::CipherPagesBad,
        Fault::SdrWholeShort(3),
        Fault::SdrReservationThrash(1_000_000),
    ]
    .into_iter()
    .map(|fault| {
        let sim = lab.start(machine(SENSORS));
        sim.set_fault(fault);
        sim
    })
    .chain([lab.start(hostile_machine())])
    .collect();
    let rogues = [
        // The exporter's own packets.
        Rogue::start(|socket, from, bytes| drop(socket.send_to(bytes, from))),
        // A hundred datagrams for one, of all lengths.
        Rogue::start(|socket, from, bytes| {
            for length in 0..100 {
                let mut flood = bytes.repeat(20);
                flood.truncate(length * 14);
                drop(socket.send_to(&flood, from));
            }
        }),
        // RMCP headers with nothing behind, and with a lie behind.
        Rogue::start(|socket, from, _| {
            drop(socket.send_to(&[0x06, 0x00, 0xff, 0x07], from));
            let lie = [6, 0, 0xff, 7, 6, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
            drop(socket.send_to(&lie, from));
        }),
    ];
    let mut exporter = Exporter::ours_with(&module(""), |_| vec!["--login.rate=1000".to_owned()]);
    let alone = addresses(&healthy);
    assert_whole(&scrape_all(&exporter, &alone), &healthy);
    let limit = slowest(&scrape_all(&exporter, &alone)) * 3 + SLACK;
    let mut all = alone.clone();
    all.extend(addresses(&sick));
    all.extend(rogues.iter().map(|rogue| rogue.address.clone()));
    thread::scope(|scope| {
        // The sick ones are being scraped all the time ...
        let sick = &all[healthy.len()..];
        let asking = scope.spawn(|| scrape_all(&exporter, sick));
        // ... while the healthy ones are.
        while !asking.is_finished() {
            let scrapes = scrape_all(&exporter, &alone);
            assert_whole(&scrapes, &healthy);
            assert!(slowest(&scrapes) < limit, "{:?}", slowest(&scrapes));
            thread::sleep(Duration::from_millis(100));
        }
        for scrape in asking.join().expect("answers") {
            assert!(scrape.took < Duration::from_secs(10), "{:?}", scrape.took);
        }
    });
    assert_eq!(exporter.process.ended(), None);
    let log = exporter.process.log();
    assert!(!log.contains("panicked"), "{log}");
}
