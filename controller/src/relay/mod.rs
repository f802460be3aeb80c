//! Passes notifications on to robots and workflows that Alertmanager does not know,
//! or not in every version: `DingTalk`, Feishu, `WeCom`'s group robots, Microsoft
//! Teams.
//!
//! They all take a POST with a message in a format of their own. Alertmanager's
//! webhook has another, so it tells the controller, which makes the message (`text`,
//! pure), puts it into the service's format (`robot`, pure) and posts it. What the
//! service answers becomes the answer to Alertmanager: it tries again what may go
//! well later, and counts what never will.

mod robot;
mod text;

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use zeroize::Zeroizing;

pub use text::{Message, Notification};

use crate::clock::Timestamp;
use crate::model::alerting::{Integration, IntegrationSettings, RobotSettings};

/// Longest time for a service to answer. Alertmanager gives up after ten seconds.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Longest time to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Why a notification was not passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The integration is none that is passed on.
    #[error("a {0} is told by Alertmanager itself")]
    NotRelayed(&'static str),
    /// It will not be better later.
    #[error("{0} refuses the message: {1}")]
    Refused(&'static str, String),
    /// It may go well later.
    #[error("{0} cannot take the message now: {1}")]
    Later(&'static str, String),
}

/// The secrets of an integration that is passed on.
#[derive(Clone)]
pub struct RobotSecrets {
    /// Where messages are posted.
    pub url: Zeroizing<String>,
    /// With what they are signed.
    pub signing_key: Option<Zeroizing<String>>,
}

/// A service with a format of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Dingtalk,
    Feishu,
    WecomRobot,
    Msteams,
}

impl Service {
    fn of(settings: &IntegrationSettings) -> Option<(Self, &RobotSettings)> {
        match settings {
            IntegrationSettings::Dingtalk(robot) => Some((Self::Dingtalk, robot)),
            IntegrationSettings::Feishu(robot) => Some((Self::Feishu, robot)),
            IntegrationSettings::WecomRobot(robot) => Some((Self::WecomRobot, robot)),
            IntegrationSettings::Msteams(robot) => Some((Self::Msteams, robot)),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Dingtalk => "DingTalk",
            Self::Feishu => "Feishu",
            Self::WecomRobot => "WeCom",
            Self::Msteams => "Teams",
        }
    }
}

/// Posts messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Relay {
    http: reqwest::Client,
}

impl Relay {
    /// One with a client of its own.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new() -> Result<Self, reqwest::Error> {
        // An error says that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect would take the message elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http })
    }

    /// Passes a notification on, and waits for the service's word.
    ///
    /// # Errors
    /// See [`RelayError`]; no message has a secret in it.
    pub async fn deliver(
        &self,
        integration: &Integration,
        secrets: &RobotSecrets,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<(), RelayError> {
        let Some((service, robot)) = Service::of(&integration.settings) else {
            return Err(RelayError::NotRelayed(integration.settings.kind()));
        };
        let name = service.name();
        let message = notification.message(integration.language);
        let post = robot::post(service, robot, secrets, &message, now)
            .map_err(|what| RelayError::Refused(name, what.to_owned()))?;
        let request = self
            .http
            .post(post.url.as_str())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(post.body);
        // An error's text has the address, which is secret.
        let later = |error: &reqwest::Error| {
            let what = match error.is_timeout() {
                true => format!("it did not answer within {} s", TIMEOUT.as_secs()),
                false => "it cannot be reached".to_owned(),
            };
            RelayError::Later(name, what)
        };
        let mut response = request.send().await.map_err(|error| later(&error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| later(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        judge(service, status, &body)
    }
}

/// What an answer means.
fn judge(service: Service, status: StatusCode, body: &[u8]) -> Result<(), RelayError> {
    let name = service.name();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(RelayError::Later(name, format!("it answers {status}")));
    }
    if !status.is_success() {
        return Err(RelayError::Refused(name, format!("it answers {status}")));
    }
    match robot::verdict(service, body) {
        robot::Verdict::Taken => Ok(()),
        robot::Verdict::TooMany(why) => Err(RelayError::Later(name, why)),
        robot::Verdict::Refused(why) => Err(RelayError::Refused(name, why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_go_well_later_is_tried_again() {
        let ok = StatusCode::OK;
        for (service, status, body, expected) in [
            (
                Service::Dingtalk,
                ok,
                r#"{"errcode":0,"errmsg":"ok"}"#,
                "ok",
            ),
            (
                Service::Dingtalk,
                ok,
                r#"{"errcode":310000,"errmsg":"sign not match"}"#,
                "refused",
            ),
            (
                Service::Dingtalk,
                ok,
                r#"{"errcode":130101,"errmsg":"send too fast"}"#,
                "later",
            ),
            (Service::Feishu, ok, r#"{"code":0,"msg":"success"}"#, "ok"),
            (
                Service::Feishu,
                ok,
                r#"{"StatusCode":0,"StatusMessage":"success"}"#,
                "ok",
            ),
            (
                Service::Feishu,
                ok,
                r#"{"code":19021,"msg":"sign match fail"}"#,
                "refused",
            ),
            (
                Service::Feishu,
                ok,
                r#"{"code":11232,"msg":"frequency limited"}"#,
                "later",
            ),
            (
                Service::WecomRobot,
                ok,
                r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#,
                "later",
            ),
            (Service::WecomRobot, ok, "<html>", "refused"),
            (Service::Msteams, StatusCode::ACCEPTED, "", "ok"),
            (Service::Msteams, StatusCode::TOO_MANY_REQUESTS, "", "later"),
            (Service::Msteams, StatusCode::NOT_FOUND, "", "refused"),
            (Service::Feishu, StatusCode::BAD_GATEWAY, "", "later"),
        ] {
            let found = match judge(service, status, body.as_bytes()) {
                Ok(()) => "ok",
                Err(RelayError::Later(..)) => "later",
                Err(_) => "refused",
            };
            assert_eq!(found, expected, "{service:?} {status} {body}");
        }
    }
}
