//! The alert journal as a file: as long as it is, in little memory.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::extract::Query;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{Alert, AlertFilter, EndReason, Scope};
use crate::store::Store;

/// Episodes that are read at a time. In between, no transaction is open: a
/// slow reader must not keep the database from tidying up.
const BATCH: i64 = 500;
/// Bytes that wait for the reader.
const BUFFER_BYTES: usize = 64 * 1024;

/// In which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// One JSON array.
    #[default]
    Json,
    /// Comma-separated values with a line of names (RFC 4180).
    Csv,
}

/// In which form the file is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Form {
    /// `json` or `csv`.
    #[serde(default)]
    #[param(inline)]
    pub(super) format: Format,
}

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
    let (writer, reader) = tokio::io::duplex(BUFFER_BYTES);
    let scope = principal.scope();
    let format = form.format;
    tokio::spawn(async move {
        // Dropped without its end, the answer breaks off, and the reader sees that.
        if let Err(error) = write(&state.store, writer, &filter, &scope, format).await {
            tracing::warn!(error = %error, "An export of alerts broke off");
        }
    });
    let (media_type, disposition) = match format {
        Format::Json => ("application/json", "attachment; filename=\"alerts.json\""),
        Format::Csv => (
            "text/csv; charset=utf-8",
            "attachment; filename=\"alerts.csv\"",
        ),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static(disposition),
        ),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(reader))).into_response())
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
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        csv_field(text, field);
    }
    text.push_str("\r\n");
}

/// A field by RFC 4180. Labels come from afar: what a spreadsheet would take
/// for a formula gets an apostrophe in front.
pub(super) fn csv_field(text: &mut String, field: &str) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !field.contains(['"', ',', '\r', '\n']) {
        text.push_str(field);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&field.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_disarmed() {
        for (field, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
        ] {
            let mut text = String::new();
            csv_field(&mut text, field);
            assert_eq!(text, expected);
        }
    }
}
