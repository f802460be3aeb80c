//! MB30: a name leads elsewhere once it was checked. Between check and packet
//! there is no second look-up, and each look-up is checked.
//!
//! The name service is a stand-in, because the real one cannot be made to lie
//! without privileges; everything behind it is the exporter's own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bmc_sim::hostile::{HostileSim, Profile};
use bmc_sim::{Sim, User};
use ipmi_exporter::app::{App, Refusal};
use ipmi_exporter::config::Collector;
use ipmi_exporter::targets::{LookUp, NameService, Resolver};
use tempfile::TempDir;

use crate::lab;
use crate::trace::app;

/// Where the BMC really is; on the loopback interface, as all of 127.0.0.0/8.
const BMC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 1, 1));

/// Answers that are given in turn; the last one for ever.
#[derive(Clone)]
struct Fickle {
    answers: Arc<Mutex<Vec<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Fickle {
    fn new(answers: &[&[IpAddr]]) -> Self {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Self {
            answers: Arc::new(Mutex::new(answers)),
            asked: Arc::default(),
        }
    }
}

impl NameService for Fickle {
    fn look_up<'a>(&'a self, _: &'a str) -> LookUp<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers.first().cloned().unwrap_or_default()
        };
        Box::pin(async move {
            if answer.is_empty() {
                return Err(io::ErrorKind::NotFound.into());
            }
            Ok(answer)
        })
    }
}

/// An honest BMC at [`BMC`], and a trap at 127.0.0.1 on the same port.
struct Scene {
    _bmc: Sim,
    trap: HostileSim,
    port: u16,
    home: TempDir,
}

impl Scene {
    async fn new() -> Self {
        for _ in 0..20 {
            let profile = Profile::find("mb30").unwrap();
            let user = User::administrator(lab::USER, lab::PASSWORD);
            let trap = HostileSim::start(profile, user, None, 0).await.unwrap();
            let port = trap.addr().port();
            let address = SocketAddr::new(BMC, port);
            // Somebody else may have that port at the other address.
            if let Ok(bmc) = Sim::start_at(address, lab::config(), lab::machine(3)).await {
                return Self {
                    _bmc: bmc,
                    trap,
                    port,
                    home: TempDir::new().unwrap(),
                };
            }
        }
        panic!("no port is free at both addresses");
    }

    fn app(&self, names: &Fickle, fresh: Duration) -> Arc<App> {
        let resolver = Resolver::new(Box::new(names.clone()), fresh);
        let listed = "    targets: [\"bmc.example:*\", \"127.0.1.0/24:*\"]";
        app(self.home.path(), &lab::module(listed), resolver)
    }

    async fn scrape(&self, app: &App) -> Result<bool, Refusal> {
        let target = format!("bmc.example:{}", self.port);
        let scraped = app
            .scrape(&target, "bmc", Some(Duration::from_secs(5)))
            .await?;
        Ok(scraped.results.is_up(Collector::Ipmi))
    }

    fn trapped(&self) -> u64 {
        self.trap.liar().ledger().heard
    }
}

/// Loopback, the clouds' metadata service, everybody, nobody, a group.
const ELSEWHERE: [[u8; 4]; 5] = [
    [127, 0, 0, 1],
    [169, 254, 169, 254],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
    [224, 0, 0, 1],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_moves_after_the_check_leads_nowhere() {
    for elsewhere in ELSEWHERE.map(IpAddr::from) {
        let scene = Scene::new().await;
        let names = Fickle::new(&[&[BMC], &[elsewhere]]);
        // Each answer is used once: the next scrape asks again.
        let app = scene.app(&names, Duration::ZERO);
        assert!(scene.scrape(&app).await.unwrap(), "the BMC itself");
        for _ in 0..3 {
            let refused = scene.scrape(&app).await;
            assert!(matches!(refused, Err(Refusal::Denied(_))), "{elsewhere}");
        }
        assert_eq!(names.asked.load(Ordering::Relaxed), 4, "one look-up each");
        assert_eq!(scene.trapped(), 0, "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_addresses_only_listed_ones_are_asked() {
    let scene = Scene::new().await;
    let mut all: Vec<IpAddr> = ELSEWHERE.map(IpAddr::from).to_vec();
    all.push(BMC);
    let names = Fickle::new(&[&all]);
    let app = scene.app(&names, Duration::ZERO);
    assert!(scene.scrape(&app).await.unwrap());
    assert_eq!(scene.trapped(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_used_as_long_as_it_is_fresh() {
    let scene = Scene::new().await;
    let elsewhere = IpAddr::from(ELSEWHERE[0]);
    let names = Fickle::new(&[&[BMC], &[elsewhere]]);
    let app = scene.app(&names, Duration::from_secs(3600));
    for _ in 0..3 {
        assert!(scene.scrape(&app).await.unwrap());
    }
    assert_eq!(names.asked.load(Ordering::Relaxed), 1);
    assert_eq!(scene.trapped(), 0);
}
