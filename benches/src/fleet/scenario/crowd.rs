//! Many targets at once: growing, lossy, sick and cold fleets.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Bench, NO_RATE, PATIENT};
use crate::fleet::driver::{self, Schedule};
use crate::fleet::figures::{Cold, Figures, Growth, Loss, Sick, Summary};
use crate::fleet::floor::Floor;
use crate::fleet::simulator::Spec;
use crate::measure::own_cpu_seconds;

/// Prometheus' own default.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The exporter's default.
const LOG_IN_RATE: u32 = 50;

impl Bench<'_> {
    pub(super) fn growth(&self, figures: &mut Figures) -> Result<()> {
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

    pub(super) fn loss(&self, figures: &mut Figures) -> Result<()> {
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

    pub(super) fn sick(&self, figures: &mut Figures) -> Result<()> {
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

    pub(super) fn cold(&self, figures: &mut Figures) -> Result<()> {
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
