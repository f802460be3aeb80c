//! The parts of a scrape, each on its own: `cargo bench -p fleet-bench`.
//!
//! Session and BMC are coupled in memory; only the last bench has sockets.

use std::hint::black_box;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bmc_sim::{Bmc, BmcConfig, Device, DeviceBuilder, Sim, User};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http_body_util::BodyExt;
use hyper::Request;
use ipmi_exporter::app::{App, AppOptions};
use ipmi_exporter::collect::CollectOptions;
use ipmi_exporter::collect::store::Store;
use ipmi_exporter::config::ConfigHolder;
use ipmi_exporter::exposition::{Format, LabelText, Writer};
use ipmi_exporter::targets::{Limits, Workers};
use ipmi_exporter::web::route;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rmcp_ipmi::crypto::{
    CipherSuite, CipherSuiteId, IntegrityAlgorithm, KeyedHash, Password, PayloadCipher, Username,
};
use rmcp_ipmi::sdr::Record;
use rmcp_ipmi::session::{Event, RttEstimator, Session, Settings};
use rmcp_ipmi::wire::{
    BMC_ADDRESS, LanRequest, LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, RequestSequence,
};

const USER: &str = "monitor";
const PASSWORD: &str = "correct horse";
const SENSORS: u16 = 100;
/// HMAC-SHA256-128 and AES-CBC-128, which every BMC of today has.
const SUITE: CipherSuiteId = CipherSuiteId(17);
const AMPLE: Duration = Duration::from_secs(60);
const CONSOLE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

fn codec(criterion: &mut Criterion) {
    let request = LanRequest {
        responder: BMC_ADDRESS,
        net_fn: NetFn::SENSOR_EVENT,
        lun: Lun::BMC,
        requester: REMOTE_CONSOLE_ADDRESS,
        sequence: RequestSequence::default(),
        command: 0x2d,
        data: &[7],
    };
    let mut out = Vec::with_capacity(64);
    criterion.bench_function("codec/request", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(&request).encode(&mut out);
        });
    });
    let answer = [
        0x81, 0x14, 0x6b, 0x20, 0x00, 0x2d, 0x00, 0x29, 0xc0, 0xc0, 0x0a,
    ];
    criterion.bench_function("codec/response", |bencher| {
        bencher.iter(|| LanResponse::decode_unchecked(black_box(&answer)).is_ok());
    });
}

fn crypto(criterion: &mut Criterion) {
    let suite = CipherSuite::by_id(SUITE).expect("suite 17 is in the table");
    let cipher = PayloadCipher::new(suite.confidentiality, &[7; 16]);
    let hash = KeyedHash::for_integrity(
        IntegrityAlgorithm::HmacSha256_128,
        &[9; 32],
        &Password::default(),
    );
    let mut out = Vec::with_capacity(64);
    criterion.bench_function("crypto/encrypt", |bencher| {
        bencher.iter(|| {
            out.clear();
            cipher.encrypt([3; 16], black_box(&[5; 8]), &mut out);
        });
    });
    let datagram = [1; 52];
    criterion.bench_function("crypto/sign", |bencher| {
        bencher.iter(|| hash.code(&[black_box(&datagram)], |code| code.first().copied()));
    });
}

/// A session and its BMC, and the moment.
struct Pair {
    session: Session,
    bmc: Bmc,
    now: Instant,
    datagram: Vec<u8>,
}

impl Pair {
    fn new() -> Self {
        let username = Username::new(USER.as_bytes()).expect("short enough");
        let password = Password::new(PASSWORD.as_bytes()).expect("short enough");
        let settings = Settings::new(username, password).with_suites(&[SUITE]);
        let now = Instant::now();
        let config = BmcConfig::new().user(User::administrator(USER, PASSWORD));
        Self {
            session: Session::new(
                Arc::new(settings),
                None,
                RttEstimator::default(),
                StdRng::seed_from_u64(1),
            ),
            bmc: Bmc::new(config, machine(), now),
            now,
            datagram: Vec::new(),
        }
    }

    /// Carries datagrams back and forth until something has come to its end.
    fn run(&mut self) -> Event {
        loop {
            while self.session.poll_transmit(&mut self.datagram) {
                for reply in self.bmc.handle(self.now, CONSOLE, &self.datagram) {
                    self.session.handle_datagram(self.now, &reply.bytes);
                }
            }
            self.now += Duration::from_micros(10);
            if let Some(event) = self.session.poll_event() {
                return event;
            }
        }
    }

    fn log_in(&mut self) {
        self.session.open(self.now, self.now + AMPLE);
        let event = self.run();
        assert!(matches!(event, Event::Opened { .. }), "{event:?}");
    }
}

fn machine() -> Device {
    DeviceBuilder::new()
        .analogs(SENSORS)
        .dcmi_power(158)
        .build()
}

fn sessions(criterion: &mut Criterion) {
    criterion.bench_function("session/handshake, with the BMC's half", |bencher| {
        bencher.iter_batched(Pair::new, |mut pair| pair.log_in(), BatchSize::SmallInput);
    });
    let mut pair = Pair::new();
    pair.log_in();
    let key = (NetFn::SENSOR_EVENT, Lun::BMC, 0x2d);
    criterion.bench_function("session/request, with the BMC's half", |bencher| {
        bencher.iter(|| {
            let deadline = pair.now + AMPLE;
            let started = pair.session.request(pair.now, deadline, key, &[7]);
            assert!(started.is_ok());
            pair.run()
        });
    });
}

fn sensors(criterion: &mut Criterion) {
    let device = machine();
    let records: Vec<&[u8]> = device
        .sdr
        .records()
        .iter()
        .map(|record| record.bytes.as_slice())
        .collect();
    criterion.bench_function("sdr/decode 100 records", |bencher| {
        bencher.iter(|| {
            let good = records
                .iter()
                .filter(|record| Record::decode(black_box(record)).is_ok());
            assert_eq!(good.count(), records.len());
        });
    });
    let conversion = records
        .iter()
        .filter_map(|record| Record::decode(record).ok())
        .find_map(|record| Some(record.as_sensor()?.analog()?.conversion))
        .expect("the machine has analog sensors");
    criterion.bench_function("sensor/convert", |bencher| {
        bencher.iter(|| conversion.convert(black_box(41)));
    });
}

fn exposition(criterion: &mut Criterion) {
    let labels: Vec<LabelText> = (0..SENSORS)
        .map(|n| {
            let (id, name) = (n.to_string(), format!("Sensor {n}"));
            LabelText::none().with("id", &id).with("name", &name)
        })
        .collect();
    criterion.bench_function("exposition/200 samples", |bencher| {
        bencher.iter(|| {
            let mut writer = Writer::new(Format::Text, 16 * 1024);
            writer.gauge("ipmi_temperature_celsius", "Temperature.");
            for (labels, value) in labels.iter().zip(1_u16..) {
                writer.sample(labels, f64::from(value) / 100.0);
            }
            writer.gauge("ipmi_temperature_state", "State.");
            for labels in &labels {
                writer.sample(labels, 0.0);
            }
            writer.finish()
        });
    });
}

/// A warm scrape from the request's head to the answer's body, over UDP on loopback.
fn http(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let config = BmcConfig::new().user(User::administrator(USER, PASSWORD));
    let sim = runtime
        .block_on(Sim::start(config, machine()))
        .expect("a UDP port");
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let modules = format!("modules:\n  bench:\n    user: {USER}\n    pass: {PASSWORD}\n");
    file.write_all(modules.as_bytes())
        .expect("room on the disk");
    let (holder, _) = ConfigHolder::start(Some(file.path())).expect("a good configuration");
    let app = App::new(
        holder,
        Store::open(None).expect("no directory is needed"),
        Workers::start().expect("threads"),
        AppOptions {
            timeout_offset: Duration::from_millis(500),
            default_timeout: AMPLE,
            login_rate: 1000,
            limits: Limits {
                max_targets: 10,
                max_concurrent: 10,
                idle_timeout: AMPLE,
            },
            collect: CollectOptions::default(),
        },
    );
    let uri = format!("/ipmi?target={}&module=bench", sim.addr());
    let scrape = || {
        runtime.block_on(async {
            let request = Request::builder()
                .uri(&uri)
                .header("accept-encoding", "gzip")
                .body(())
                .expect("a good request");
            let answer = route::handle(Arc::clone(&app), request).await;
            assert_eq!(answer.status(), 200);
            let body = answer.into_body().collect().await;
            body.expect("the body is whole").to_bytes()
        })
    };
    // Records and texts are read, and what is absent is learned.
    for _ in 0..5 {
        scrape();
    }
    criterion.bench_function("http/warm scrape, with the simulator", |bencher| {
        bencher.iter(scrape);
    });
}

criterion_group! {
    name = parts;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = codec, crypto, sessions, sensors, exposition, http
}
criterion_main!(parts);
