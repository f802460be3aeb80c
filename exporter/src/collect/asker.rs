//! How the additional collectors ask: a BMC that does not have a command is not
//! asked for it again and again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, DeviceId};
use rmcp_ipmi::wire::{CompletionCode, Route};

use super::CollectError;
use crate::bmc::Bmc;

/// How long a "no" is believed while nothing else has changed.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// Most refusals that are kept. The commands are fixed ones, a few for each
/// collector; this only bounds what a mistake could cost.
const MAX_REFUSALS: usize = 256;

/// Codes that say that a command, or this form of it, does not exist here
/// (IPMI 2.0 table 5-2): other than "busy" or "not now", they do not pass.
const NO: [CompletionCode; 5] = [
    CompletionCode::INVALID_COMMAND,
    CompletionCode::INVALID_FOR_LUN,
    CompletionCode::INVALID_DATA_FIELD,
    CompletionCode::PARAMETER_OUT_OF_RANGE,
    // Depends on the state of the machine: forgotten with its power state.
    CompletionCode::NOT_IN_PRESENT_STATE,
];

/// What was asked: of whom, family, LUN and number of the command, its data.
type Request = (Route, u8, u8, u8, Vec<u8>);

fn request<C: Command>(route: Route, command: &C) -> Request {
    let mut data = Vec::new();
    command.encode(&mut data);
    let lun = command.lun().value();
    (route, C::NET_FN.0, lun, C::COMMAND, data)
}

/// What a BMC said that it does not have.
#[derive(Default)]
pub(super) struct Refusals(HashMap<Request, (Instant, CompletionCode)>);

impl Refusals {
    /// Everything is asked again.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn get(&self, request: &Request) -> Option<CompletionCode> {
        let (since, code) = self.0.get(request)?;
        (since.elapsed() < REMEMBERED).then_some(*code)
    }

    fn note(&mut self, request: Request, code: CompletionCode) {
        if NO.contains(&code) && self.0.len() < MAX_REFUSALS {
            self.0.insert(request, (Instant::now(), code));
        }
    }
}

/// Sends an additional collector's commands to one BMC.
pub(super) struct Asker<'a> {
    pub(super) bmc: &'a mut Bmc,
    pub(super) refusals: &'a mut Refusals,
    pub(super) identity: DeviceId,
    pub(super) deadline: Instant,
}

impl Asker<'_> {
    /// Sends a command, unless the BMC has said that it does not have it.
    ///
    /// # Errors
    /// As [`Bmc::call`]; a remembered refusal is one again.
    pub(super) async fn ask<C: Command>(
        &mut self,
        command: &C,
    ) -> Result<C::Response, CollectError> {
        self.ask_at(Route::Bmc, command).await
    }

    /// The same to a controller that the BMC passes commands on to.
    ///
    /// # Errors
    /// As [`Bmc::call_at`]; a remembered refusal is one again.
    pub(super) async fn ask_at<C: Command>(
        &mut self,
        route: Route,
        command: &C,
    ) -> Result<C::Response, CollectError> {
        let request = request(route, command);
        if let Some(code) = self.refusals.get(&request) {
            return Err(CollectError::NotSupported(code));
        }
        let result = self.bmc.call_at(route, command, self.deadline).await;
        if let Err(Error::Completion(code)) = &result {
            self.refusals.note(request, *code);
        }
        Ok(result?)
    }

    /// The same with the answer's bytes, for commands whose refusals carry data
    /// too: the completion code, and what came behind it.
    ///
    /// # Errors
    /// As [`ask`](Self::ask), but for completion codes other than remembered ones.
    pub(super) async fn ask_bytes<C: Command>(
        &mut self,
        command: &C,
    ) -> Result<(CompletionCode, Vec<u8>), CollectError> {
        let request = request(Route::Bmc, command);
        if let Some(code) = self.refusals.get(&request) {
            return Err(CollectError::NotSupported(code));
        }
        let key = (C::NET_FN, command.lun(), C::COMMAND);
        let mut reply = Vec::new();
        let code = self
            .bmc
            .call_bytes(key, &request.4, self.deadline, &mut reply)
            .await?;
        if !code.is_ok() {
            self.refusals.note(request, code);
        }
        Ok((code, reply))
    }

    /// The same for what may be missing: a refusal, a malformed answer and
    /// silence to this one command are `None`.
    ///
    /// # Errors
    /// When the deadline comes first, or there is no session any more: that says
    /// nothing about the command.
    pub(super) async fn ask_if_there<C: Command>(
        &mut self,
        command: &C,
    ) -> Result<Option<C::Response>, CollectError> {
        self.ask_at_if_there(Route::Bmc, command).await
    }

    /// The same to a controller that the BMC passes commands on to.
    ///
    /// # Errors
    /// As [`ask_if_there`](Self::ask_if_there), and when the controller cannot be
    /// reached.
    pub(super) async fn ask_at_if_there<C: Command>(
        &mut self,
        route: Route,
        command: &C,
    ) -> Result<Option<C::Response>, CollectError> {
        match self.ask_at(route, command).await {
            Ok(response) => Ok(Some(response)),
            Err(CollectError::NotSupported(_)) => Ok(None),
            Err(CollectError::Ipmi(Error::Completion(_) | Error::Malformed(_))) => Ok(None),
            Err(CollectError::Ipmi(Error::Silent { .. })) if self.bmc.is_open() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A description that hardly ever changes, kept for a while.
pub(super) struct Kept<T>(Option<(Instant, T)>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone> Kept<T> {
    /// How long a description is believed while nothing else has changed.
    const FRESH: Duration = Duration::from_secs(3600);

    /// What is known, unless it is too old.
    pub(super) fn get(&self) -> Option<T> {
        self.0
            .as_ref()
            .filter(|(since, _)| since.elapsed() < Self::FRESH)
            .map(|(_, value)| value.clone())
    }

    /// Keeps `value` from now on.
    pub(super) fn keep(&mut self, value: T) -> T {
        self.0 = Some((Instant::now(), value.clone()));
        value
    }
}
