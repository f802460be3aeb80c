//! The audit trail as a file.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;

use super::audit::Filter;
use super::download::{self, Form, Format, List, Rows};
use super::extract::Query;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::AuditEntry;
use crate::store::{AuditFilter, Store};
use crate::transfer::push_line;

/// Entries that are read at a time.
const BATCH: i64 = 500;
const CSV_HEADER: &str = "sequence,at,actor,actor_id,source,action,resource,before,after,hash\r\n";

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

/// Answers with the file; that somebody has it is in the trail.
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
    let trail = Trail {
        store: state.store.clone(),
        filter,
        after: 0,
    };
    download::list(trail, format, "audit").await
}

/// Entries from one on.
struct Trail {
    store: Store,
    filter: AuditFilter,
    after: i64,
}

impl List for Trail {
    fn header(&self) -> Cow<'static, str> {
        CSV_HEADER.into()
    }

    async fn next(&mut self, rows: &mut Rows) -> Result<bool, Problem> {
        let entries = {
            let mut tx = self.store.read().await?;
            tx.audit_after(self.after, &self.filter, BATCH).await?
        };
        for entry in &entries {
            rows.push(entry, |text| csv_line(text, entry))?;
            self.after = entry.sequence;
        }
        Ok(!entries.is_empty())
    }
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
    push_line(text, fields.iter().map(String::as_str));
}
