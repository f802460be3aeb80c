//! Receivers are tried out, and how their deliveries go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use futures_util::StreamExt;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use utoipa::ToSchema;

use super::extract::{Json, Path};
use super::rules::expect_all_groups;
use super::{AppState, Problem, ProblemBody};
use crate::alertmanager::Alertmanager;
use crate::auth::Principal;
use crate::delivery::{Deliveries, DeliveryReport};
use crate::model::alerting::{
    AlertingSettings, Integration, IntegrationSettings, NotificationTemplate, Receiver,
    ReceiverBody, ReceiverDraft, Route, SIGNING_KEY, URL,
};
use crate::model::{Id, Labels, RESERVED_LABELS};
use crate::relay::{Notification, RobotSecrets};
use crate::render::alertmanager::{AlertmanagerFile, Uplink, Vault, dry_run};
use crate::sandbox::{Outcome, Sandbox, SandboxError};
use crate::store::{Tx, WriteTx};

/// Integrations that are tried at a time.
const AT_ONCE: usize = 4;
/// How long a test alert that goes through production fires.
const LENGTH: Duration = Duration::from_secs(60);

/// With what receivers are tried out and watched. Cheap to clone.
#[derive(Clone)]
pub struct ReceiverTools {
    /// Where they are tried out.
    pub sandbox: Sandbox,
    /// Who tells them in production.
    pub alertmanagers: Arc<[Alertmanager]>,
    /// What comes of that.
    pub deliveries: Deliveries,
}

/// What the alert is like that a receiver is told of.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TestAlertBody {
    /// Labels besides `alertname="TestNotification"`, `severity="info"` and
    /// `test="true"`; they may replace these. In production they say where it goes.
    labels: BTreeMap<String, String>,
}

/// A receiver that is not saved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiverTestBody {
    /// The receiver as it would be saved.
    receiver: ReceiverBody,
    /// Which one it is a change of: secrets that are not given are taken from there.
    #[serde(default)]
    id: Option<Id>,
    /// What it is told of.
    #[serde(default)]
    alert: TestAlertBody,
}

/// How a receiver was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TestWay {
    /// By a second Alertmanager, which ended again.
    Sandbox,
    /// By the one in production, on the way of its routes.
    Production,
}

/// What became of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TestOutcome {
    /// Whoever was told took it.
    Delivered,
    /// It failed; `message` has what was answered.
    Failed,
    /// There was no answer in time.
    Unanswered,
    /// It was not tried, or what came of it is not known; `message` says why.
    Unknown,
}

/// What became of one integration of a receiver.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IntegrationTest {
    /// Key of the integration.
    key: String,
    /// What became of it.
    outcome: TestOutcome,
    /// What the mail server or whoever else answered, without secrets.
    message: Option<String>,
}

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReceiverTest {
    /// How it was told.
    way: TestWay,
    /// Each integration.
    integrations: Vec<IntegrationTest>,
    /// The receivers that production's routes lead such an alert to.
    routed_to: Vec<String>,
}

/// What is needed to try one out.
struct Trial {
    receiver: Receiver,
    is_saved: bool,
    settings: AlertingSettings,
    templates: Vec<NotificationTemplate>,
    route: Route,
    vault: Vault,
    /// Leads nowhere: what goes this way is not tried in Alertmanager.
    uplink: Uplink,
}

impl Trial {
    async fn read(tx: &mut Tx, receiver: Receiver, is_saved: bool) -> Result<Self, Problem> {
        let alerting = tx.alerting().await?;
        let receivers = std::slice::from_ref(&receiver);
        let vault = tx.alerting_vault(receivers, &alerting.settings).await?;
        let url = Url::parse("http://127.0.0.1/").map_err(|error| Problem::internal(&error))?;
        let uplink = Uplink {
            url,
            token: String::new(),
            ca_file: None,
        };
        Ok(Self {
            receiver,
            is_saved,
            settings: alerting.settings,
            templates: alerting.templates,
            route: alerting.route,
            vault,
            uplink,
        })
    }
}

/// Tells a saved receiver of a test alert, in a second Alertmanager which touches
/// nothing of production. Where there is no program for that, the one in production
/// tells it, if its routes lead there.
#[utoipa::path(post, path = "/receivers/{id}/test", tag = "alerting", params(("id" = Id, Path)),
    request_body = TestAlertBody, responses((status = 200, body = ReceiverTest),
        (status = 502, description = "Alertmanager fails", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn test_receiver(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Json(body): Json<TestAlertBody>,
) -> Result<Json<ReceiverTest>, Problem> {
    expect_all_groups(&principal)?;
    let labels = labels(&body)?;
    let mut tx = state.store.write().await?;
    let receiver: Receiver = tx.alerting_part(id).await?;
    let trial = Trial::read(&mut tx, receiver, true).await?;
    note(tx, &principal, &format!("receivers/{id}")).await?;
    try_out(&state, &trial, &labels).await
}

/// Tells a receiver that is not saved of a test alert, in a second Alertmanager.
#[utoipa::path(post, path = "/receivers/test", tag = "alerting", request_body = ReceiverTestBody,
    responses((status = 200, body = ReceiverTest),
        (status = 502, description = "Alertmanager fails", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn test_unsaved_receiver(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<ReceiverTestBody>,
) -> Result<Json<ReceiverTest>, Problem> {
    expect_all_groups(&principal)?;
    let labels = labels(&body.alert)?;
    let draft = ReceiverDraft::parse(&body.receiver).map_err(Problem::invalid)?;
    // Saved as far as it takes to seal and open its secrets, and then given up.
    let mut tx = state.store.write().await?;
    let receiver = match body.id {
        Some(id) => tx.update_alerting_part(id, None, &draft).await?.1,
        None => tx.insert_alerting_part(&draft).await?,
    };
    let trial = Trial::read(&mut tx, receiver, false).await?;
    drop(tx);
    note(state.store.write().await?, &principal, "receivers").await?;
    try_out(&state, &trial, &labels).await
}

/// How deliveries to a receiver go, as Alertmanager counts them.
#[utoipa::path(get, path = "/receivers/{id}/delivery", tag = "alerting",
    params(("id" = Id, Path)), responses((status = 200, body = Vec<DeliveryReport>)))]
pub(super) async fn get_delivery(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Json<Vec<DeliveryReport>>, Problem> {
    let receiver: Receiver = state.store.read().await?.alerting_part(id).await?;
    let mut kinds: Vec<&str> = receiver
        .integrations
        .iter()
        .map(|integration| kind(&integration.settings))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    Ok(Json(state.receivers.deliveries.of(&receiver.name, &kinds)))
}

/// A kind of integration in the words of Alertmanager's metrics.
fn kind(settings: &IntegrationSettings) -> &str {
    match settings {
        IntegrationSettings::Wecom(_) => "wechat",
        IntegrationSettings::Raw(raw) => raw.kind.trim_end_matches("_configs"),
        relayed if relayed.is_relayed() => "webhook",
        other => other.kind(),
    }
}

/// The labels of the alert.
fn labels(body: &TestAlertBody) -> Result<BTreeMap<String, String>, Problem> {
    let mut labels: BTreeMap<String, String> = [
        ("alertname", "TestNotification"),
        ("severity", "info"),
        ("test", "true"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    labels.extend(body.labels.clone());
    // What the system sets itself may be given here.
    let own = labels
        .iter()
        .filter(|(name, _)| !RESERVED_LABELS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Labels::parse(&own).map_err(|message| Problem::invalid_field("labels", message))?;
    Ok(labels)
}

/// Writes down that somebody was told.
async fn note(mut tx: WriteTx, principal: &Principal, resource: &str) -> Result<(), Problem> {
    let event = principal.event("receiver.test", resource.to_owned());
    tx.append_audit(&event).await?;
    tx.commit().await?;
    Ok(())
}

fn alert(labels: &BTreeMap<String, String>, by: &str) -> serde_json::Value {
    json!({
        "labels": labels,
        "annotations": {
            "summary": "Test notification",
            "summary_zh": "测试通知",
            "description": format!("Somebody tries out the receiver \"{by}\"; nothing is broken."),
            "description_zh": format!("有人在测试接收者“{by}”，没有发生故障。"),
        },
    })
}

async fn try_out(
    state: &AppState,
    trial: &Trial,
    labels: &BTreeMap<String, String>,
) -> Result<Json<ReceiverTest>, Problem> {
    let found = dry_run(&trial.route, labels);
    let mut routed_to: Vec<String> = found.into_iter().map(|found| found.receiver).collect();
    routed_to.dedup();
    let alert = alert(labels, &trial.receiver.name);
    let one = |at: usize| try_integration(state, trial, at, &alert);
    let tests: Vec<Result<IntegrationTest, SandboxError>> =
        stream::iter((0..trial.receiver.integrations.len()).map(one))
            .buffered(AT_ONCE)
            .collect()
            .await;
    let tests: Result<Vec<IntegrationTest>, SandboxError> = tests.into_iter().collect();
    match tests {
        Ok(integrations) => Ok(Json(ReceiverTest {
            way: TestWay::Sandbox,
            integrations,
            routed_to,
        })),
        Err(SandboxError::Absent) => through_production(state, trial, labels, routed_to).await,
        Err(error) => Err(error.into()),
    }
}

async fn try_integration(
    state: &AppState,
    trial: &Trial,
    at: usize,
    alert: &serde_json::Value,
) -> Result<IntegrationTest, SandboxError> {
    let mut receiver = trial.receiver.clone();
    let integration = receiver.integrations.swap_remove(at);
    let key = integration.key.clone();
    if integration.settings.is_relayed() {
        return Ok(relay(state, trial, &integration, alert).await);
    }
    receiver.integrations = vec![integration];
    let file = AlertmanagerFile::sandbox(
        &receiver,
        &trial.settings,
        &trial.templates,
        &trial.uplink,
        &trial.vault,
    )
    .map_err(|error| SandboxError::Refused(error.to_string()))?;
    let (outcome, message) = match state
        .receivers
        .sandbox
        .try_out(&file, alert, &trial.vault)
        .await
    {
        Ok(Outcome::Delivered) => (TestOutcome::Delivered, None),
        Ok(Outcome::Failed(message)) => (TestOutcome::Failed, Some(message)),
        Ok(Outcome::Unanswered) => (TestOutcome::Unanswered, None),
        // That says more of this integration than of the others.
        Err(error @ SandboxError::Refused(_)) => (TestOutcome::Failed, Some(error.to_string())),
        Err(error) => return Err(error),
    };
    Ok(IntegrationTest {
        key,
        outcome,
        message,
    })
}

/// Passes a notification on to a robot or a workflow, as is done for Alertmanager.
async fn relay(
    state: &AppState,
    trial: &Trial,
    integration: &Integration,
    alert: &serde_json::Value,
) -> IntegrationTest {
    let secret = |name: &str| {
        let place = integration.secrets.get(name)?;
        trial.vault.get(&place.id).cloned()
    };
    let mut alert = alert.clone();
    alert["status"] = "firing".into();
    let notification = json!({"status": "firing", "alerts": [alert]});
    let passed = async {
        let url = secret(URL).ok_or_else(|| "its address is missing".to_owned())?;
        let secrets = RobotSecrets {
            url,
            signing_key: secret(SIGNING_KEY),
        };
        let notification: Notification =
            serde_json::from_value(notification).map_err(|error| error.to_string())?;
        let now = state.store.clock().now();
        let delivering = state
            .relay
            .deliver(integration, &secrets, &notification, now);
        delivering.await.map_err(|error| error.to_string())
    };
    let (outcome, message) = match passed.await {
        Ok(()) => (TestOutcome::Delivered, None),
        Err(message) => (TestOutcome::Failed, Some(message)),
    };
    IntegrationTest {
        key: integration.key.clone(),
        outcome,
        message,
    }
}

/// Lets the Alertmanager in production tell of it, where its routes lead there.
async fn through_production(
    state: &AppState,
    trial: &Trial,
    labels: &BTreeMap<String, String>,
    routed_to: Vec<String>,
) -> Result<Json<ReceiverTest>, Problem> {
    let name = &trial.receiver.name;
    let absent = SandboxError::Absent;
    if !trial.is_saved || !routed_to.contains(name) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "Not possible",
            format!(
                "{absent}, and production's routes lead such an alert to {}; install it, or give labels that lead to a saved receiver",
                routed_to.join(", ")
            ),
        ));
    }
    let Some(alertmanager) = state.receivers.alertmanagers.first() else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "Not configured",
            format!("{absent}, and the controller knows no Alertmanager; set `alertmanager.url`"),
        ));
    };
    let mut alert = alert(labels, name);
    alert["endsAt"] = json!(state.store.clock().now().after(LENGTH));
    let told = alertmanager.tell(&json!([alert])).await;
    told.map_err(|error| {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            "Alertmanager fails",
            error.to_string(),
        )
    })?;
    let message = format!(
        "{absent}; the Alertmanager in production was given the alert, and tells it when its routes have it wait no longer"
    );
    let integrations = trial.receiver.integrations.iter();
    let integrations = integrations.map(|integration| IntegrationTest {
        key: integration.key.clone(),
        outcome: TestOutcome::Unknown,
        message: Some(message.clone()),
    });
    Ok(Json(ReceiverTest {
        way: TestWay::Production,
        integrations: integrations.collect(),
        routed_to,
    }))
}

impl From<SandboxError> for Problem {
    fn from(error: SandboxError) -> Self {
        let text = error.to_string();
        match error {
            SandboxError::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", text).retry_after(5)
            }
            SandboxError::Absent | SandboxError::Refused(_) => {
                Self::new(StatusCode::CONFLICT, "Not possible", text)
            }
            SandboxError::Failed(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "Alertmanager fails", text)
            }
        }
    }
}
