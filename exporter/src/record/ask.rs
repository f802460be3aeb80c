//! Asks a BMC and keeps the answers as they are: refusals and silence are facts
//! about the machine, too.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bmc_recording::{Answer, Timing, micros};
use rmcp_ipmi::Error;
use rmcp_ipmi::walk::Outcome;
use rmcp_ipmi::wire::{CompletionCode, Lun, NetFn, Route};

use super::RecordError;
use crate::bmc::Bmc;

/// How long one request may take: a BMC that is written down is not hurried.
const REQUEST_LIMIT: Duration = Duration::from_secs(15);
/// Times that are kept of one command.
const MAX_TIMES: usize = 10_000;
/// How long a busy BMC is left alone.
pub(super) const BUSY_WAIT: Duration = Duration::from_millis(500);

/// A request: family, LUN and number of the command, and its data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) net_fn: NetFn,
    pub(super) lun: Lun,
    pub(super) command: u8,
    pub(super) data: &'a [u8],
}

impl<'a> Request<'a> {
    pub(super) fn new(net_fn: NetFn, command: u8, data: &'a [u8]) -> Self {
        Self {
            net_fn,
            lun: Lun::BMC,
            command,
            data,
        }
    }

    pub(super) fn on(self, lun: Lun) -> Self {
        Self { lun, ..self }
    }
}

/// What is read and how far it has come, for a line that is drawn again and again.
pub(super) type Progress<'a> = &'a mut (dyn FnMut(&str, usize, Option<usize>) + Send);

/// One controller and everything that was measured about it.
pub(super) struct Asker<'a> {
    bmc: &'a mut Bmc,
    route: Route,
    deadline: Instant,
    progress: Progress<'a>,
    times: BTreeMap<(u8, u8), Vec<Duration>>,
    /// Requests that were not answered, by family and command.
    pub(super) silent: BTreeMap<(u8, u8), usize>,
    /// Refusals by family, command and completion code.
    pub(super) refused: BTreeMap<(u8, u8, u8), usize>,
    reply: Vec<u8>,
}

impl<'a> Asker<'a> {
    pub(super) fn new(bmc: &'a mut Bmc, deadline: Instant, progress: Progress<'a>) -> Self {
        Self {
            bmc,
            route: Route::Bmc,
            deadline,
            progress,
            times: BTreeMap::new(),
            silent: BTreeMap::new(),
            refused: BTreeMap::new(),
            reply: Vec::new(),
        }
    }

    /// Goes on to another controller.
    pub(super) fn go_to(&mut self, route: Route) {
        self.route = route;
    }

    /// Begins to count anew.
    pub(super) fn forget(&mut self) {
        self.times.clear();
        self.silent.clear();
        self.refused.clear();
    }

    pub(super) fn progress(&mut self, what: &str, done: usize, of: Option<usize>) {
        (self.progress)(what, done, of);
    }

    /// Asks; the answer may be silence.
    ///
    /// # Errors
    /// When the BMC cannot be asked any more, or the time is over.
    pub(super) async fn ask(&mut self, request: Request<'_>) -> Result<Answer, RecordError> {
        let started = Instant::now();
        if started >= self.deadline {
            return Err(RecordError::TimeLimit);
        }
        let key = (request.net_fn, request.lun, request.command);
        let until = self.deadline.min(started + REQUEST_LIMIT);
        let result = self
            .bmc
            .call_bytes_at(self.route, key, request.data, until, &mut self.reply)
            .await;
        let short = (request.net_fn.0, request.command);
        match result {
            Ok(code) => {
                let took = started.elapsed();
                // The way through a bridge says nothing about the command.
                if self.route == Route::Bmc {
                    let times = self.times.entry(short).or_default();
                    if times.len() < MAX_TIMES {
                        times.push(took);
                    }
                }
                if !code.is_ok() {
                    *self.refused.entry((short.0, short.1, code.0)).or_default() += 1;
                }
                Ok(Answer {
                    completion_code: Some(code.0),
                    response: self.reply.clone(),
                    micros: Some(micros(took)),
                })
            }
            Err(Error::Silent { .. } | Error::Deadline { .. })
                if Instant::now() < self.deadline
                    && (self.bmc.is_open() || self.route.is_bridged()) =>
            {
                *self.silent.entry(short).or_default() += 1;
                Ok(SILENCE)
            }
            Err(Error::Deadline { .. }) => Err(RecordError::TimeLimit),
            // A satellite out of reach is no reason to give up the others.
            Err(_) if self.route.is_bridged() && self.bmc.is_open() => Ok(SILENCE),
            Err(error) => Err(RecordError::Bmc(error)),
        }
    }

    /// Waits for a busy BMC.
    pub(super) async fn wait(&self) {
        tokio::time::sleep(BUSY_WAIT).await;
    }

    /// Response times, summed up by command.
    pub(super) fn timing(&self) -> Vec<Timing> {
        self.times
            .iter()
            .filter_map(|((net_fn, command), times)| Timing::of(*net_fn, *command, times))
            .collect()
    }

    /// The quickest and the slowest answer of all.
    pub(super) fn fastest_and_slowest(&self) -> Option<(Duration, Duration)> {
        let all = || self.times.values().flatten().copied();
        Some((all().min()?, all().max()?))
    }

    /// How many requests were answered.
    pub(super) fn answered(&self) -> usize {
        self.times.values().map(Vec::len).sum()
    }
}

/// No answer.
pub(super) const SILENCE: Answer = Answer {
    completion_code: None,
    response: Vec::new(),
    micros: None,
};

/// An answer in the words of the walks.
pub(super) fn outcome(answer: &Answer) -> Outcome<'_> {
    match answer.completion_code {
        Some(code) if CompletionCode(code).is_ok() => Outcome::Data(&answer.response),
        Some(code) => Outcome::Refused(code),
        None => Outcome::Silence,
    }
}
