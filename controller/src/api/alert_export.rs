//! The alert journal as a file.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;

use super::download::{self, Form, List, Rows};
use super::extract::Query;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{Alert, AlertFilter, EndReason, Id, Scope};
use crate::store::Store;
use crate::transfer::push_line;

/// Episodes that are read at a time.
const BATCH: i64 = 500;

/// All episodes that a filter lets through, by number.
#[utoipa::path(get, path = "/alerts/export", tag = "alerts", params(AlertFilter, Form),
    responses((status = 200, description = "The file",
        content((Vec<Alert> = "application/json"), (String = "text/csv")))))]
pub(super) async fn export_alerts(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<AlertFilter>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let episodes = Episodes {
        store: state.store.clone(),
        filter,
        scope: principal.scope(),
        after: 0,
    };
    download::list(episodes, form.format, "alerts").await
}

/// Episodes from one on.
struct Episodes {
    store: Store,
    filter: AlertFilter,
    scope: Scope,
    after: Id,
}

impl List for Episodes {
    fn header(&self) -> Cow<'static, str> {
        CSV_HEADER.into()
    }

    async fn next(&mut self, rows: &mut Rows) -> Result<bool, Problem> {
        let alerts = {
            let mut tx = self.store.read().await?;
            tx.alerts_after(self.after, &self.filter, &self.scope, BATCH)
                .await?
        };
        for alert in &alerts {
            rows.push(alert, |text| csv_line(text, alert))?;
            self.after = alert.id;
        }
        Ok(!alerts.is_empty())
    }
}

const CSV_HEADER: &str = "id,fingerprint,state,alertname,severity,server_id,starts_at,ends_at,\
    end_reason,notified,acknowledged_at,acknowledged_by,assignee,labels,annotations\r\n";

fn csv_line(text: &mut String, alert: &Alert) {
    let json = |of: &std::collections::BTreeMap<String, String>| {
        serde_json::to_string(of).unwrap_or_default()
    };
    let moment =
        |at: Option<crate::clock::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let fields = [
        alert.id.to_string(),
        alert.fingerprint.clone(),
        alert.state.as_str().to_owned(),
        alert.alertname.clone(),
        alert.severity.clone(),
        alert.server_id.map(|id| id.to_string()).unwrap_or_default(),
        alert.starts_at.to_string(),
        moment(alert.ends_at),
        alert.end_reason.map_or("", EndReason::as_str).to_owned(),
        alert.notified.to_string(),
        moment(alert.acknowledged_at),
        alert.acknowledged_by.clone().unwrap_or_default(),
        alert.assignee.clone().unwrap_or_default(),
        json(&alert.labels),
        json(&alert.annotations),
    ];
    push_line(text, fields.iter().map(String::as_str));
}
