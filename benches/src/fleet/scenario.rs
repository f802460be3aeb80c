//! The scenarios: which fleet, who scrapes it, what is noted.

mod cost;
mod crowd;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tempfile::TempDir;

use super::driver::{self, Truth};
use super::figures::{Figures, Latency, Summary, Throughput};
use super::floor::Floor;
use super::simulator::{Fleet, Spec};
use super::subject::Subject;
use super::{Arguments, Scenario, machine, values};

/// Longer than any scrape here takes; the stock exporter's are slow.
const PATIENT: Duration = Duration::from_secs(60);
/// Warm scrapes before any figure is taken.
const WARM_UP: usize = 5;
/// Flags of ours where a log-in rate would only make the benchmark wait.
const NO_RATE: &[&str] = &["--login.rate=100000"];

/// What all scenarios share.
pub(super) struct Bench<'a> {
    arguments: &'a Arguments,
    machine: TempDir,
    truth: Arc<Truth>,
}

impl<'a> Bench<'a> {
    /// Writes the machine, and finds out what it says.
    ///
    /// # Errors
    /// When a program cannot be started.
    pub(super) fn new(arguments: &'a Arguments) -> Result<Self> {
        let machine = TempDir::new()?;
        machine::write(machine.path(), arguments.sensors)?;
        let mut bench = Self {
            arguments,
            machine,
            truth: Arc::default(),
        };
        let fleet = bench.fleet(&Spec {
            count: 1,
            serve_log: true,
            ..Spec::default()
        })?;
        bench.truth = Arc::new(values::truth(&bench.ours(NO_RATE), &fleet)?);
        Ok(bench)
    }

    /// Runs one scenario.
    ///
    /// # Errors
    /// When it cannot be measured.
    pub(super) fn run(&self, scenario: Scenario, figures: &mut Figures) -> Result<()> {
        match scenario {
            Scenario::Values => self.values(figures),
            Scenario::Cost => self.cost(figures),
            Scenario::Latency => self.latency(figures),
            Scenario::Throughput => self.throughput(figures),
            Scenario::Growth => self.growth(figures),
            Scenario::Loss => self.loss(figures),
            Scenario::Sick => self.sick(figures),
            Scenario::Cold => self.cold(figures),
        }
    }

    fn fleet(&self, spec: &Spec<'_>) -> Result<Fleet> {
        Fleet::start(&self.arguments.simulator, self.machine.path(), spec)
    }

    fn ours(&self, flags: &[&str]) -> Subject {
        Subject::ours(&self.arguments.exporter, flags)
    }

    /// Everybody who is measured beside ours.
    fn others(&self) -> Result<Vec<Subject>> {
        let mut others = Vec::new();
        if !self.arguments.no_stock {
            others.push(Subject::stock());
        }
        for other in &self.arguments.other {
            others.push(Subject::other(other)?);
        }
        Ok(others)
    }

    /// Scrapes of the same few targets, one after the other.
    fn in_turn(
        &self,
        subject: &Subject,
        targets: &[SocketAddr],
        count: usize,
    ) -> Result<Vec<driver::Scrape>> {
        let targets: Vec<SocketAddr> = targets.iter().copied().cycle().take(count).collect();
        driver::at_once(subject, &targets, 1, PATIENT, &self.truth)
    }

    fn values(&self, figures: &mut Figures) -> Result<()> {
        let fleet = self.fleet(&Spec {
            count: 10,
            moving: true,
            serve_log: true,
            ..Spec::default()
        })?;
        let mut subjects = vec![self.ours(NO_RATE)];
        subjects.extend(self.others()?);
        for subject in subjects {
            let found = values::compare(&subject, &fleet, 3)?;
            figures.values.insert(subject.name.clone(), found);
        }
        Ok(())
    }

    fn latency(&self, figures: &mut Figures) -> Result<()> {
        for latency_ms in [3, 20] {
            let fleet = self.fleet(&Spec {
                count: 1,
                latency: Some(&format!("{latency_ms}ms")),
                ..Spec::default()
            })?;
            let targets = fleet.addresses();
            let ours = self.ours(NO_RATE);
            let mut floor = Floor::log_in(targets[0], self.arguments.sensors)?;
            self.in_turn(&ours, &targets, 2)?;
            let mut row = Latency {
                latency_ms,
                requests: 0.0,
                ours_ms: Vec::new(),
                floor_ms: Vec::new(),
            };
            for _ in 0..self.arguments.rounds {
                let before = fleet.counts()?;
                let summary = Summary::of(&self.in_turn(&ours, &targets, 3)?);
                let counts = fleet.counts()? - before;
                #[expect(clippy::cast_precision_loss, reason = "small counts")]
                let requests = counts.datagrams as f64 / 2.0 / 3.0;
                row.requests = requests;
                row.ours_ms.push(summary.p50_ms);
                let taken = floor.run(3)?;
                #[expect(clippy::cast_precision_loss, reason = "small counts")]
                let each = taken.wall.as_secs_f64() * 1e3 / taken.requests as f64;
                row.floor_ms.push(each * requests);
            }
            figures.latency.push(row);
        }
        Ok(())
    }

    fn throughput(&self, figures: &mut Figures) -> Result<()> {
        let fleet = self.fleet(&Spec {
            count: 64,
            ..Spec::default()
        })?;
        let targets = fleet.addresses();
        let ours = self.ours(NO_RATE);
        let others = self.others()?;
        for (subject, count, at_a_time) in
            std::iter::once((&ours, 1000, 64)).chain(others.iter().map(|other| (other, 64, 8)))
        {
            driver::at_once(subject, &targets, at_a_time, PATIENT, &self.truth)?;
            let mut found = Throughput {
                scrapes_per_second: Vec::new(),
                cpu_ms: Vec::new(),
                at_a_time,
                incomplete: 0,
            };
            for _ in 0..self.arguments.rounds {
                let many: Vec<SocketAddr> = targets.iter().copied().cycle().take(count).collect();
                let (started, cpu) = (Instant::now(), subject.cpu_seconds());
                let scrapes = driver::at_once(subject, &many, at_a_time, PATIENT, &self.truth)?;
                #[expect(clippy::cast_precision_loss, reason = "small counts")]
                let number = count as f64;
                let rate = number / started.elapsed().as_secs_f64();
                let cpu = subject.cpu_seconds().zip(cpu);
                found
                    .cpu_ms
                    .extend(cpu.map(|(after, before)| (after - before) / number * 1e3));
                found.scrapes_per_second.push(rate);
                let incomplete = scrapes.iter().filter(|scrape| !scrape.complete);
                found.incomplete += incomplete.count();
            }
            figures.throughput.insert(subject.name.clone(), found);
        }
        Ok(())
    }
}
