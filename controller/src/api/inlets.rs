//! Where alerts come in: from Prometheus, to which the controller is one more
//! Alertmanager, and from Alertmanager, to which it is a webhook receiver.
//!
//! An answer 2xx means that everything in the delivery is on disk. What can
//! never be right is 4xx, so that nobody sends it again and again in vain;
//! what could not be stored is 503, and both senders come again. Both also
//! give up on a delivery after about ten seconds, so nothing here takes longer.

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;

use super::extract::Json;
use super::{AppState, Problem};
use crate::alert::{BadDelivery, Delivery, parse_push, parse_webhook};
use crate::telemetry::{Inlet, Outcome};

/// Largest delivery. Prometheus sends 64 alerts at a time, however many there
/// are; Alertmanager sends a whole group, and this is one of about 50,000.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a delivery waits for its turn.
const TURN_TIME: Duration = Duration::from_secs(5);
/// Deliveries of unknown size or larger than [`SMALL_BYTES`] at once, so that
/// a flood of large ones does not fill the memory.
const LARGE_AT_ONCE: usize = 2;
/// A delivery that counts as small.
const SMALL_BYTES: u64 = 1024 * 1024;

static LARGE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(LARGE_AT_ONCE));

/// An alert as Prometheus sends it to an Alertmanager.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what the parser takes")]
pub(super) struct PostableAlert {
    /// At least one; those with empty values are left out.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: (),
    /// Annotations by name.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    annotations: (),
    /// When it began to fire (RFC 3339).
    #[schema(value_type = String)]
    starts_at: (),
    /// Until when it fires unless it is sent again, or when it ended.
    #[schema(value_type = Option<String>)]
    ends_at: (),
    /// Where the rule can be looked at.
    #[schema(value_type = Option<String>, rename = "generatorURL")]
    generator_url: (),
}

/// A notification as Alertmanager sends it, version 4.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it only describes what the parser takes")]
pub(super) struct WebhookBody {
    /// Always `4`.
    #[schema(value_type = String)]
    version: (),
    /// Which group of alerts.
    #[schema(value_type = String)]
    group_key: (),
    /// Whom Alertmanager notifies.
    #[schema(value_type = String)]
    receiver: (),
    /// How many alerts were left out.
    #[schema(value_type = Option<u64>)]
    truncated_alerts: (),
    /// Alerts, each with a `status`.
    #[schema(value_type = Vec<PostableAlert>)]
    alerts: (),
}

/// What the sender of a webhook is told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Received {
    /// Always `success`; everything else is a problem.
    status: &'static str,
    /// How much was taken, for a person.
    message: String,
}

/// Alerts from Prometheus.
#[utoipa::path(post, path = "/api/v2/alerts", tag = "alerts", request_body = Vec<PostableAlert>,
    responses((status = 200, description = "Everything is on disk"),
        (status = 400, description = "Some alerts can never be right; the others are on disk"),
        (status = 408, description = "The body took too long"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is compressed"),
        (status = 503, description = "Nothing was stored; send it again")))]
pub(super) async fn push_alerts(
    State(state): State<AppState>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let clock = state.store.clock().clone();
    receive(&state, Inlet::Prometheus, request, move |body| {
        parse_push(body, clock.now())
    })
    .await?;
    Ok(StatusCode::OK)
}

/// Notifications of Alertmanager.
#[utoipa::path(post, path = "/monitoring/alerts/webhook", tag = "alerts",
    request_body = WebhookBody,
    responses((status = 200, description = "Everything is on disk", body = Received),
        (status = 400, description = "Some alerts can never be right; the others are on disk"),
        (status = 408, description = "The body took too long"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is compressed"),
        (status = 503, description = "Nothing was stored; send it again")))]
pub(super) async fn receive_webhook(
    State(state): State<AppState>,
    request: Request,
) -> Result<Json<Received>, Problem> {
    let delivery = receive(&state, Inlet::Alertmanager, request, parse_webhook).await?;
    if delivery.truncated > 0 {
        tracing::warn!(
            alerts = delivery.truncated,
            "Alertmanager left alerts out; set max_alerts of this receiver to 0"
        );
    }
    Ok(Json(Received {
        status: "success",
        message: format!("{} alerts stored", delivery.sightings.len()),
    }))
}

/// Deals with a delivery, and counts it.
async fn receive(
    state: &AppState,
    inlet: Inlet,
    request: Request,
    parse: impl FnOnce(&[u8]) -> Result<Delivery, BadDelivery> + Send + 'static,
) -> Result<Delivery, Problem> {
    let telemetry = &state.telemetry;
    let received = take(state, request, parse).await.and_then(|delivery| {
        telemetry.alerts(inlet, Outcome::Ok, delivery.sightings.len());
        telemetry.alerts(inlet, Outcome::Refused, delivery.refused.len());
        complete(delivery)
    });
    let outcome = match &received {
        Ok(_) => Outcome::Ok,
        Err(problem) if problem.status().is_server_error() => Outcome::Failed,
        Err(_) => Outcome::Refused,
    };
    telemetry.delivery(inlet, outcome);
    received
}

/// Reads, parses and stores a delivery.
async fn take(
    state: &AppState,
    request: Request,
    parse: impl FnOnce(&[u8]) -> Result<Delivery, BadDelivery> + Send + 'static,
) -> Result<Delivery, Problem> {
    let (parts, body) = request.into_parts();
    check_head(&parts.headers)?;
    let _turn = wait_for_turn(&parts.headers).await?;
    let body = read(body).await?;
    // Megabytes of JSON would hold up others on this thread.
    let parsed = tokio::task::spawn_blocking(move || parse(&body)).await;
    let delivery = parsed
        .map_err(|_| Problem::bad_request("the body cannot be read"))?
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    if !delivery.sightings.is_empty() {
        store(state, &delivery).await?;
    }
    Ok(delivery)
}

/// A delivery of which something can never be right is a bad request, when the
/// rest of it is on disk.
fn complete(delivery: Delivery) -> Result<Delivery, Problem> {
    match delivery.refused.first() {
        None => Ok(delivery),
        Some(first) => Err(Problem::bad_request(format!(
            "{} of {} alerts are refused; alert {}: {}",
            delivery.refused.len(),
            delivery.refused.len() + delivery.sightings.len(),
            first.index,
            first.message
        ))),
    }
}

async fn store(state: &AppState, delivery: &Delivery) -> Result<(), Problem> {
    let result = async {
        let tx = tokio::time::timeout(TURN_TIME, state.store.write()).await;
        // Who waits longer may find its sender gone.
        let mut tx = tx.unwrap_or(Err(sqlx::Error::PoolTimedOut.into()))?;
        let recorded = tx.record_alerts(&delivery.sightings).await?;
        tx.commit().await?;
        Ok::<_, crate::store::StoreError>(recorded)
    };
    match result.await {
        Ok(recorded) => {
            tracing::debug!(
                alerts = delivery.sightings.len(),
                alerts.opened = recorded.opened,
                alerts.changed = recorded.changed,
                "A delivery was stored"
            );
            Ok(())
        }
        Err(error) => {
            tracing::error!(error = %error, "A delivery of alerts was not stored");
            Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Not stored",
                "the alerts could not be stored; send them again",
            ))
        }
    }
}

/// Large deliveries wait for one another.
async fn wait_for_turn(headers: &HeaderMap) -> Result<Option<SemaphorePermit<'static>>, Problem> {
    if length(headers).is_some_and(|bytes| bytes <= SMALL_BYTES) {
        return Ok(None);
    }
    match tokio::time::timeout(TURN_TIME, LARGE.acquire()).await {
        Ok(Ok(permit)) => Ok(Some(permit)),
        _ => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Busy",
            "other large deliveries are being stored; send it again",
        )),
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Refuses what need not be read.
fn check_head(headers: &HeaderMap) -> Result<(), Problem> {
    // Neither sender compresses; who does may hide a gigabyte in a kilobyte.
    let is_plain = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !is_plain {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Compressed",
            "the body must not be compressed",
        ));
    }
    if length(headers).is_some_and(|bytes| bytes > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    Ok(())
}

/// The body, within its limits of size and time.
async fn read(body: Body) -> Result<axum::body::Bytes, Problem> {
    match tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // The limit is the only error that is not the connection's own end.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "Too slow",
            "the body did not arrive in time",
        )),
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "Too large",
        format!("a delivery may have {MAX_BODY_BYTES} bytes"),
    )
}
