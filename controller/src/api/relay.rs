//! Notifications that the controller passes on for Alertmanager.

use axum::extract::State;
use axum::http::StatusCode;
use zeroize::Zeroizing;

use super::extract::{Json, Path};
use super::inlets::WebhookBody;
use super::{AppState, Problem};
use crate::model::Id;
use crate::model::alerting::{Integration, Receiver, SIGNING_KEY, URL};
use crate::relay::{Notification, RelayError, RobotSecrets};
use crate::store::{StoreError, Tx};

/// Passes a notification of Alertmanager on to a robot or a workflow, and waits for
/// its answer: 503 is tried again, 400 is not.
#[utoipa::path(post, path = "/monitoring/alerts/relay/{id}/{key}", tag = "alerts",
    params(("id" = Id, Path, description = "Number of the receiver"),
        ("key" = String, Path, description = "Key of the integration")),
    request_body = WebhookBody,
    responses((status = 204, description = "The service took it"),
        (status = 400, description = "The service will never take it"),
        (status = 503, description = "The service did not take it now; send it again")))]
pub(super) async fn relay_notification(
    State(state): State<AppState>,
    Path((id, key)): Path<(Id, String)>,
    Json(notification): Json<Notification>,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.read().await?;
    let receiver: Receiver = tx.alerting_part(id).await?;
    let integration = receiver.integrations.iter().find(|one| one.key == key);
    let integration = integration.ok_or_else(|| {
        Problem::not_found("the receiver has no integration of this key; publish it again")
    })?;
    if !integration.settings.is_relayed() {
        return Err(Problem::bad_request(format!(
            "a {} is told by Alertmanager itself",
            integration.settings.kind()
        )));
    }
    let secrets = secrets(&mut tx, integration).await?;
    drop(tx);
    let now = state.store.clock().now();
    let passed = state
        .relay
        .deliver(integration, &secrets, &notification, now);
    match passed.await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => {
            let name = receiver.name.as_str();
            tracing::warn!(receiver = name, key, %error, "A notification was not passed on");
            Err(match error {
                RelayError::Later(..) => Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Not now",
                    error.to_string(),
                ),
                RelayError::NotRelayed(_) | RelayError::Refused(..) => {
                    Problem::bad_request(error.to_string())
                }
            })
        }
    }
}

async fn secrets(tx: &mut Tx, integration: &Integration) -> Result<RobotSecrets, StoreError> {
    let mut open = async |name: &str| -> Result<Option<Zeroizing<String>>, StoreError> {
        match integration.secrets.get(name) {
            None => Ok(None),
            Some(place) => Ok(Some(tx.secret_text(&place.id).await?)),
        }
    };
    let url = open(URL).await?;
    Ok(RobotSecrets {
        url: url.ok_or(StoreError::NotFound { what: "secret" })?,
        signing_key: open(SIGNING_KEY).await?,
    })
}
