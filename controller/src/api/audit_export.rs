//! The audit trail as a file: as long as it is, in little memory.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::audit::Filter;
use super::download::Format;
use super::extract::Query;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::AuditEntry;
use crate::store::{AuditFilter, Store};
use crate::transfer::push_field;

/// Entries that are read at a time.
const BATCH: i64 = 500;
/// Bytes that wait for the reader.
const BUFFER_BYTES: usize = 64 * 1024;
const CSV_HEADER: &str = "sequence,at,actor,actor_id,source,action,resource,before,after,hash\r\n";

/// In which form the file is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Form {
    /// `json` or `csv`.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// All entries that a filter lets through, the oldest first.
#[utoipa::path(get, path = "/audit/export", tag = "audit", params(Filter, Form),
    responses((status = 200, description = "The file",
        content((Vec<AuditEntry> = "application/json"), (String = "text/csv")))))]
pub(super) async fn export_audit(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<Filter>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    export(&state, &principal, filter.into(), form.format).await
}

/// Streams the file; that somebody has it is in the trail.
pub(super) async fn export(
    state: &AppState,
    principal: &Principal,
    filter: AuditFilter,
    format: Format,
) -> Result<Response, Problem> {
    let mut tx = state.store.write().await?;
    tx.append_audit(&principal.event("audit.export", "audit".to_owned()))
        .await?;
    tx.commit().await?;
    let (writer, reader) = tokio::io::duplex(BUFFER_BYTES);
    let store = state.store.clone();
    tokio::spawn(async move {
        // Dropped without its end, the answer breaks off, and the reader sees that.
        if let Err(error) = write(&store, writer, &filter, format).await {
            tracing::warn!(%error, "An export of the audit trail broke off");
        }
    });
    let (media_type, disposition) = match format {
        Format::Json => ("application/json", "attachment; filename=\"audit.json\""),
        Format::Csv => (
            "text/csv; charset=utf-8",
            "attachment; filename=\"audit.csv\"",
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
    filter: &AuditFilter,
    format: Format,
) -> anyhow::Result<()> {
    let start = match format {
        Format::Json => "[",
        Format::Csv => CSV_HEADER,
    };
    writer.write_all(start.as_bytes()).await?;
    let mut after = 0;
    loop {
        // In between no transaction is open: a slow reader keeps nobody waiting.
        let entries = {
            let mut tx = store.read().await?;
            tx.audit_after(after, filter, BATCH).await?
        };
        if entries.is_empty() {
            break;
        }
        let mut text = String::new();
        for entry in &entries {
            match format {
                Format::Json => {
                    text.push_str(if after == 0 { "\n" } else { ",\n" });
                    text.push_str(&serde_json::to_string(entry)?);
                }
                Format::Csv => csv_line(&mut text, entry),
            }
            after = entry.sequence;
        }
        writer.write_all(text.as_bytes()).await?;
    }
    if format == Format::Json {
        writer.write_all(b"\n]\n").await?;
    }
    writer.shutdown().await?;
    Ok(())
}

fn csv_line(text: &mut String, entry: &AuditEntry) {
    let json = |value: &Option<serde_json::Value>| {
        value.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let fields = [
        entry.sequence.to_string(),
        entry.at.to_string(),
        entry.actor.clone(),
        entry.actor_id.map(|id| id.to_string()).unwrap_or_default(),
        entry.source.clone().unwrap_or_default(),
        entry.action.clone(),
        entry.resource.clone(),
        json(&entry.before),
        json(&entry.after),
        entry.hash.clone(),
    ];
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_field(text, field);
    }
    text.push_str("\r\n");
}
