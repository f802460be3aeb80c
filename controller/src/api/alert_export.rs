//! The alert journal as a file.

use axum::extract::State;
use axum::response::Response;
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::download::{self, Form, Format};
use super::extract::Query;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{Alert, AlertFilter, EndReason, Scope};
use crate::store::Store;
use crate::transfer::push_line;

/// Episodes that are read at a time. In between, no transaction is open: a
/// slow reader must not keep the database from tidying up.
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
    // What fails at once is a problem, not a file that breaks off.
    drop(state.store.read().await?);
    let scope = principal.scope();
    let format = form.format;
    download::file("alerts", format, |writer| async move {
        write(&state.store, writer, &filter, &scope, format).await
    })
}

async fn write(
    store: &Store,
    mut writer: DuplexStream,
    filter: &AlertFilter,
    scope: &Scope,
    format: Format,
) -> anyhow::Result<()> {
    let start = match format {
        Format::Json => "[",
        Format::Csv => CSV_HEADER,
    };
    writer.write_all(start.as_bytes()).await?;
    let mut after = 0;
    loop {
        let alerts = {
            let mut tx = store.read().await?;
            tx.alerts_after(after, filter, scope, BATCH).await?
        };
        if alerts.is_empty() {
            break;
        }
        let mut text = String::new();
        for alert in &alerts {
            match format {
                Format::Json => {
                    text.push_str(if after == 0 { "\n" } else { ",\n" });
                    text.push_str(&serde_json::to_string(alert)?);
                }
                Format::Csv => csv_line(&mut text, alert),
            }
            after = alert.id;
        }
        writer.write_all(text.as_bytes()).await?;
    }
    if format == Format::Json {
        writer.write_all(b"\n]\n").await?;
    }
    writer.shutdown().await?;
    Ok(())
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
