//! The scenarios: which fleet, who scrapes it, what is noted.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tempfile::TempDir;

use super::driver::{self, Schedule, Truth};
use super::figures::{Cold, Cost, Figures, Growth, Latency, Loss, Sick, Summary, Throughput};
use super::floor::Floor;
use super::simulator::{Fleet, Spec};
use super::subject::Subject;
use super::{Arguments, Scenario, machine, values};
use crate::measure::own_cpu_seconds;

/// Longer than any scrape here takes; the stock exporter's are slow.
const PATIENT: Duration = Duration::from_secs(60);
/// Prometheus' own default.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Warm scrapes before any figure is taken.
const WARM_UP: usize = 5;
/// Scrapes under `strace`.
const TRACED: usize = 20;
/// Flags of ours where a log-in rate would only make the benchmark wait.
const NO_RATE: &[&str] = &["--login.rate=100000"];
/// The exporter's default.
const LOG_IN_RATE: u32 = 50;

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

    fn cost(&self, figures: &mut Figures) -> Result<()> {
        // Waking another, idle processor costs a virtual machine more than a whole
        // IPMI request; whether that happens is up to the scheduler.
        let _pinned = Pinned::to_one()?;
        let fleet = self.fleet(&Spec {
            count: 4,
            ..Spec::default()
        })?;
        let targets = fleet.addresses();
        let ours = self.ours(NO_RATE);
        let others = self.others()?;
        let mut floor = Floor::log_in(targets[0], self.arguments.sensors)?;
        for subject in others.iter().chain([&ours]) {
            let warm = self.in_turn(subject, &targets, WARM_UP * targets.len())?;
            let last = warm.last().is_some_and(|scrape| scrape.complete);
            anyhow::ensure!(last, "{} is not up:\n{}", subject.name, subject.log());
        }
        floor.run(WARM_UP)?;
        let few = (self.arguments.scrapes / 20).max(2);
        for _ in 0..self.arguments.rounds {
            self.cost_round(figures, &ours, &fleet, self.arguments.scrapes)?;
            let taken = floor.run(self.arguments.scrapes)?;
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let scrapes = self.arguments.scrapes as f64;
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let requests = taken.requests as f64;
            figures
                .cost
                .entry("floor".to_owned())
                .or_default()
                .push(Cost {
                    scrapes: self.arguments.scrapes,
                    complete: self.arguments.scrapes,
                    wrong: 0,
                    cpu_ms: Some(taken.cpu / scrapes * 1e3),
                    wall_ms: taken.wall.as_secs_f64() / scrapes * 1e3,
                    datagrams: requests / scrapes * 2.0,
                    log_ins: 0,
                    resident_mib: None,
                    system_calls: Some(requests / scrapes * 2.0),
                });
            for other in &others {
                self.cost_round(figures, other, &fleet, few)?;
            }
        }
        if let Some(rounds) = figures.cost.get_mut(&ours.name) {
            let system_calls = self.system_calls(&ours, &targets)?;
            for round in rounds {
                round.system_calls = system_calls;
            }
        }
        Ok(())
    }

    fn cost_round(
        &self,
        figures: &mut Figures,
        subject: &Subject,
        fleet: &Fleet,
        count: usize,
    ) -> Result<()> {
        let (before, cpu) = (fleet.counts()?, subject.cpu_seconds());
        let scrapes = self.in_turn(subject, &fleet.addresses(), count)?;
        let cpu = subject
            .cpu_seconds()
            .zip(cpu)
            .map(|(after, before)| after - before);
        let counts = fleet.counts()? - before;
        let summary = Summary::of(&scrapes);
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let per_scrape = 1.0 / count as f64;
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let cost = Cost {
            scrapes: count,
            complete: summary.complete,
            wrong: summary.wrong,
            cpu_ms: cpu.map(|cpu| cpu * per_scrape * 1e3),
            wall_ms: summary.p50_ms,
            datagrams: counts.datagrams as f64 * per_scrape,
            log_ins: counts.log_ins,
            resident_mib: subject
                .resident_bytes()
                .map(|bytes| bytes / 1024.0 / 1024.0),
            system_calls: None,
        };
        figures
            .cost
            .entry(subject.name.clone())
            .or_default()
            .push(cost);
        Ok(())
    }

    /// System calls of one scrape, if `strace` is there and may look.
    fn system_calls(&self, subject: &Subject, targets: &[SocketAddr]) -> Result<Option<f64>> {
        let Some(process) = subject.process() else {
            return Ok(None);
        };
        let counts = self.machine.path().join("strace");
        let tracer = Command::new("strace")
            .args(["-c", "-f", "-q", "-U", "calls,name", "-o"])
            .arg(&counts)
            .args(["-p", &process.to_string()])
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut tracer) = tracer else {
            return Ok(None);
        };
        // It says nothing when it has attached; a scrape more or less is no matter.
        std::thread::sleep(Duration::from_millis(500));
        self.in_turn(subject, targets, TRACED)?;
        Command::new("kill")
            .args(["-s", "INT", &tracer.id().to_string()])
            .status()?;
        tracer.wait()?;
        let text = std::fs::read_to_string(&counts).unwrap_or_default();
        let total = text.lines().find_map(|line| {
            let (count, name) = line.trim().split_once(' ')?;
            (name.trim() == "total").then(|| count.parse::<f64>().ok())?
        });
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        Ok(total.map(|total| total / TRACED as f64))
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

    fn growth(&self, figures: &mut Figures) -> Result<()> {
        let interval = Duration::from_secs(self.arguments.interval);
        for (targets, interval, rounds) in [
            (100.min(self.arguments.targets), interval / 6, 5),
            (self.arguments.targets, interval, 2),
        ] {
            let row = self.grown(targets, interval, rounds)?;
            eprintln!("  {row:?}");
            figures.growth.push(row);
        }
        Ok(())
    }

    fn grown(&self, count: usize, interval: Duration, rounds: usize) -> Result<Growth> {
        let fleet = self.fleet(&Spec {
            count,
            latency: Some(&self.arguments.latency),
            ..Spec::default()
        })?;
        let targets = fleet.addresses();
        let ours = self.ours(NO_RATE);
        self.in_turn(&ours, &targets[..1], 10)?;
        let mib = |bytes: Option<f64>| bytes.unwrap_or(f64::NAN) / 1024.0 / 1024.0;
        let with_one = mib(ours.resident_bytes());
        let started = Instant::now();
        let schedule = |rounds| Schedule {
            interval,
            rounds,
            timeout: TIMEOUT.min(interval),
        };
        // As many at a time as a scrape with a full table of connections.
        driver::at_once(&ours, &targets, 200, PATIENT, &self.truth)?;
        let cold_s = started.elapsed().as_secs_f64();
        driver::by_schedule(&ours, &targets, schedule(1), &self.truth)?;
        let simulator = fleet.process.id();
        let before = (
            fleet.counts()?,
            ours.cpu_seconds().context("CPU time of ours")?,
            own_cpu_seconds(simulator),
        );
        let started = Instant::now();
        let scrapes = driver::by_schedule(&ours, &targets, schedule(rounds), &self.truth)?;
        let took = started.elapsed().as_secs_f64();
        let cpu = ours.cpu_seconds().context("CPU time of ours")? - before.1;
        let simulator_cpu = own_cpu_seconds(simulator) - before.2;
        let counts = fleet.counts()? - before.0;
        let resident = mib(ours.resident_bytes());
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let (number, further) = (scrapes.len() as f64, (count - 1).max(1) as f64);
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        Ok(Growth {
            targets: count,
            interval_s: interval.as_secs_f64(),
            cold_s,
            summary: Summary::of(&scrapes),
            scrapes_per_second: number / took,
            cpu_ms: cpu / number * 1e3,
            simulator_cpu_ms: simulator_cpu / number * 1e3,
            log_ins: counts.log_ins,
            datagrams: counts.datagrams as f64 / number,
            resident_mib_with_one: with_one,
            resident_mib: resident,
            kib_per_target: (resident - with_one) * 1024.0 / further,
        })
    }

    fn loss(&self, figures: &mut Figures) -> Result<()> {
        const TARGETS: usize = 20;
        let fleet = self.fleet(&Spec {
            count: TARGETS,
            latency: Some("20ms"),
            ..Spec::default()
        })?;
        let targets = fleet.addresses();
        let ours = self.ours(NO_RATE);
        let all = || driver::at_once(&ours, &targets, TARGETS, PATIENT, &self.truth);
        for _ in 0..2 {
            all()?;
        }
        let mut loss = Loss {
            without: Vec::new(),
            with: Vec::new(),
        };
        for _ in 0..self.arguments.rounds {
            loss.without.push(Summary::of(&all()?));
            fleet.change("PUT", "/bmcs/all/faults/drop_p", "{\"figures\": 0.02}")?;
            loss.with.push(Summary::of(&all()?));
            fleet.change("DELETE", "/bmcs/all/faults/drop_p", "")?;
        }
        figures.loss = Some(loss);
        Ok(())
    }

    fn sick(&self, figures: &mut Figures) -> Result<()> {
        const HEALTHY: usize = 160;
        const SICK: usize = 40;
        let fleet = self.fleet(&Spec {
            count: HEALTHY + SICK,
            latency: Some(&self.arguments.latency),
            ..Spec::default()
        })?;
        let targets = fleet.addresses();
        let ours = self.ours(NO_RATE);
        let schedule = Schedule {
            interval: Duration::from_secs(10),
            rounds: 2,
            timeout: TIMEOUT,
        };
        driver::at_once(&ours, &targets, 50, PATIENT, &self.truth)?;
        driver::by_schedule(&ours, &targets, schedule, &self.truth)?;
        let healthy = |scrapes: Vec<driver::Scrape>| {
            let healthy: Vec<driver::Scrape> = scrapes
                .into_iter()
                .filter(|scrape| scrape.target < HEALTHY)
                .collect();
            Summary::of(&healthy)
        };
        let mut sick = Sick {
            without: Vec::new(),
            with: Vec::new(),
        };
        let all = || driver::by_schedule(&ours, &targets, schedule, &self.truth);
        for _ in 0..self.arguments.rounds {
            sick.without.push(healthy(all()?));
            for bmc in HEALTHY..HEALTHY + SICK {
                let (method, path, body) = match bmc % 4 {
                    0 => ("PUT", "faults/silent", ""),
                    1 => ("PUT", "faults/delay_ms", "{\"figures\": 1000}"),
                    2 => ("PUT", "hostile/mb10", ""),
                    _ => ("PUT", "hostile/mb11", ""),
                };
                fleet.change(method, &format!("/bmcs/{bmc}/{path}"), body)?;
            }
            sick.with.push(healthy(all()?));
            for bmc in HEALTHY..HEALTHY + SICK {
                let what = if bmc % 4 < 2 { "faults" } else { "hostile" };
                fleet.change("DELETE", &format!("/bmcs/{bmc}/{what}"), "")?;
            }
        }
        figures.sick = Some(sick);
        Ok(())
    }

    fn cold(&self, figures: &mut Figures) -> Result<()> {
        const TARGETS: usize = 1000;
        let fleet = self.fleet(&Spec {
            count: TARGETS,
            latency: Some("20ms"),
            ..Spec::default()
        })?;
        let targets = fleet.addresses();
        let (round_trip, requests) = {
            let mut floor = Floor::log_in(targets[0], self.arguments.sensors)?;
            let taken = floor.run(1)?;
            let ours = self.ours(NO_RATE);
            let before = fleet.counts()?;
            self.in_turn(&ours, &targets[..1], 1)?;
            let counts = fleet.counts()? - before;
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            (
                taken.wall.as_secs_f64() / taken.requests as f64,
                counts.datagrams as f64 / 2.0,
            )
        };
        // With the log-in rate that it has by default, and a connection for each target.
        let ours = self.ours(&["--web.max-connections=2000"]);
        let started = Instant::now();
        let scrapes = driver::at_once(&ours, &targets, TARGETS, 5 * PATIENT, &self.truth)?;
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let waiting = (TARGETS - LOG_IN_RATE as usize) as f64 / f64::from(LOG_IN_RATE);
        figures.cold = Some(Cold {
            targets: TARGETS,
            log_in_rate: LOG_IN_RATE,
            requests,
            round_trip_ms: round_trip * 1e3,
            took_s: started.elapsed().as_secs_f64(),
            allowed_s: waiting + requests * round_trip,
            summary: Summary::of(&scrapes),
        });
        Ok(())
    }
}

/// Keeps this thread, and whatever it starts meanwhile, on one processor.
struct Pinned(CpuSet);

impl Pinned {
    fn to_one() -> Result<Self> {
        let before = sched_getaffinity(None)?;
        let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| before.is_set(*cpu));
        let mut one = CpuSet::new();
        one.set(last.context("a processor")?);
        sched_setaffinity(None, &one)?;
        Ok(Self(before))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // What cannot be undone makes the next figures slower, not wrong.
        let _ = sched_setaffinity(None, &self.0);
    }
}
