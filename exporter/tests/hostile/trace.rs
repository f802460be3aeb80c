//! Nothing secret is in any log statement of any crate, at the level at which
//! the program itself cannot even be run: the exporter's library in this
//! process, all profiles at once, everything traced.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bmc_sim::User;
use bmc_sim::hostile::{HostileSim, PROFILES};
use ipmi_exporter::app::{App, AppOptions};
use ipmi_exporter::collect::CollectOptions;
use ipmi_exporter::collect::store::Store;
use ipmi_exporter::config::ConfigHolder;
use ipmi_exporter::targets::{Limits, Resolver, Workers};
use ipmi_exporter::web::route;
use tempfile::TempDir;
use tracing::Level;

use crate::canary::leaked;
use crate::lab;
use crate::row::{K_G, PASSWORD, configuration};

/// What is logged, in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The exporter's application in this process.
pub(crate) fn app(home: &Path, configuration: &str, resolver: Resolver) -> Arc<App> {
    let file = home.join("ipmi.yml");
    std::fs::write(&file, configuration).unwrap();
    let (holder, _) = ConfigHolder::start(Some(&file)).unwrap();
    let options = AppOptions {
        timeout_offset: Duration::from_millis(500),
        default_timeout: Duration::from_secs(20),
        login_rate: 1000,
        limits: Limits {
            max_targets: 1000,
            max_concurrent: 1000,
            idle_timeout: Duration::from_secs(60),
        },
        collect: CollectOptions::default(),
    };
    let store = Store::open(Some(&home.join("sdr"))).unwrap();
    App::with_resolver(holder, store, Workers::start().unwrap(), options, resolver)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_traced() {
    let memory = Memory::default();
    let writer = memory.clone();
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let home = TempDir::new().unwrap();
    let app = app(home.path(), &configuration(), Resolver::default());
    let mut liars = Vec::new();
    for (seed, profile) in (0..).zip(&PROFILES) {
        let user = User::administrator(lab::USER, PASSWORD);
        let liar = HostileSim::start(profile, user, Some(K_G.as_bytes()), seed).await;
        liars.push(liar.unwrap());
    }
    let mut scrapes = tokio::task::JoinSet::new();
    for liar in &liars {
        let (app, target) = (Arc::clone(&app), liar.addr().to_string());
        scrapes.spawn(async move {
            let uri = format!("/ipmi?target={target}&module=bmc");
            let request = hyper::Request::get(uri)
                .header("X-Prometheus-Scrape-Timeout-Seconds", "2")
                .body(());
            route::handle(app, request.unwrap()).await
        });
    }
    while let Some(answer) = scrapes.join_next().await {
        drop(answer.expect("no panic"));
    }
    app.shut_down(Instant::now() + Duration::from_secs(5)).await;

    let log = String::from_utf8_lossy(&memory.0.lock().unwrap()).into_owned();
    for level in ["DEBUG", "WARN"] {
        assert!(log.contains(level), "nothing is logged at {level}");
    }
    let mut secrets = vec![PASSWORD.as_bytes().to_vec(), K_G.as_bytes().to_vec()];
    for liar in &liars {
        secrets.extend(liar.liar().ledger().secrets().map(<[u8]>::to_vec));
    }
    assert!(secrets.len() > 60, "{} secrets", secrets.len());
    for secret in secrets {
        if let Some(spelling) = leaked(&secret, &log) {
            panic!("the log shows {spelling}");
        }
    }
}
