//! What one scrape costs, beside the floor and the others.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{Bench, NO_RATE, WARM_UP};
use crate::fleet::figures::{Cost, Figures, Summary};
use crate::fleet::floor::Floor;
use crate::fleet::simulator::{Fleet, Spec};
use crate::fleet::subject::Subject;

/// Scrapes under `strace`.
const TRACED: usize = 20;

impl Bench<'_> {
    pub(super) fn cost(&self, figures: &mut Figures) -> Result<()> {
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
