//! What the OpenServerHub front end calls for backups and the audit trail, in
//! its words; each is a thin form of a route of ours.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::download::Format;
use crate::api::extract::{Json, Path, Query, check_page};
use crate::api::{AppState, Problem, audit_export, backups};
use crate::auth::Principal;
use crate::backup::Backup;
use crate::clock::Timestamp;
use crate::model::{AuditEntry, Id, PageRequest};
use crate::store::AuditFilter;

/// Actors and actions that a summary names.
const MOST: i64 = 100;
/// Actors that it names.
const TOP: usize = 10;

/// A backup as OpenServerHub shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct BackupFile {
    filename: String,
    /// Bytes.
    size: u64,
    created_at: Timestamp,
    /// The same as `filename`: where the controller keeps it is its business.
    file_path: String,
}

impl From<Backup> for BackupFile {
    fn from(backup: Backup) -> Self {
        Self {
            file_path: backup.name.clone(),
            filename: backup.name,
            size: backup.bytes,
            created_at: backup.created_at,
        }
    }
}

/// All backups.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct BackupFiles {
    backups: Vec<BackupFile>,
}

/// Which backup.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct Filename {
    filename: String,
}

/// What a look at a backup found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Validity {
    filename: String,
    is_valid: bool,
    message: String,
}

/// Makes a backup.
#[utoipa::path(post, path = "/backup/create", tag = "openserverhub",
    responses((status = 200, body = BackupFile)))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Json<BackupFile>, Problem> {
    Ok(Json(backups::make(&state, &principal).await?.into()))
}

/// Backups that are there.
#[utoipa::path(get, path = "/backup/list", tag = "openserverhub",
    responses((status = 200, body = BackupFiles)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
) -> Result<Json<BackupFiles>, Problem> {
    let all = backups::backups(&state)?.list().await?;
    let backups = all.into_iter().map(BackupFile::from).collect();
    Ok(Json(BackupFiles { backups }))
}

/// Looks whether a backup is whole.
#[utoipa::path(post, path = "/backup/verify", tag = "openserverhub", request_body = Filename,
    responses((status = 200, body = Validity), (status = 404,
        description = "There is no such backup", body = crate::api::ProblemBody,
        content_type = "application/problem+json")))]
pub(in crate::api) async fn verify(
    State(state): State<AppState>,
    Json(body): Json<Filename>,
) -> Result<Json<Validity>, Problem> {
    let name = backups::name(&body.filename)?;
    let found = backups::backups(&state)?.verify(&name).await?;
    Ok(Json(Validity {
        filename: body.filename,
        is_valid: found.intact,
        message: if found.intact {
            format!("whole: {} rows", found.rows)
        } else {
            found.problems.join("; ")
        },
    }))
}

/// Refused: the store cannot be replaced under a controller that runs.
#[utoipa::path(post, path = "/backup/restore", tag = "openserverhub", request_body = Filename,
    responses((status = 409, description = "How to restore it", body = crate::api::ProblemBody,
        content_type = "application/problem+json"), (status = 404,
        description = "There is no such backup", body = crate::api::ProblemBody,
        content_type = "application/problem+json")))]
pub(in crate::api) async fn restore(
    State(state): State<AppState>,
    Json(body): Json<Filename>,
) -> Result<Json<bool>, Problem> {
    let name = backups::name(&body.filename)?;
    backups::backups(&state)?.get(&name).await?;
    Err(Problem::new(
        StatusCode::CONFLICT,
        "In use",
        format!(
            "the controller works on the store; stop it, and run: ipmi_controller admin restore --force {name}"
        ),
    ))
}

/// Removes a backup.
#[utoipa::path(delete, path = "/backup/delete", tag = "openserverhub", request_body = Filename,
    responses((status = 200, body = bool, content_type = "application/json"), (status = 404,
        description = "There is no such backup", body = crate::api::ProblemBody,
        content_type = "application/problem+json")))]
pub(in crate::api) async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<Filename>,
) -> Result<Json<bool>, Problem> {
    backups::remove(&state, &principal, &body.filename).await?;
    Ok(Json(true))
}

/// The file.
#[utoipa::path(get, path = "/backup/download/{filename}", tag = "openserverhub",
    params(("filename" = String, Path)), responses((status = 200, description = "The file",
        body = Vec<u8>, content_type = "application/octet-stream")))]
pub(in crate::api) async fn download(
    State(state): State<AppState>,
    principal: Principal,
    Path(filename): Path<String>,
) -> Result<Response, Problem> {
    backups::file(&state, &principal, &filename).await
}

/// Which entries are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct LogFilter {
    /// Exactly this action.
    action: Option<String>,
    /// Number of the user.
    operator_id: Option<Id>,
    /// Kind of resource, such as `server`.
    resource_type: Option<String>,
    /// Its number.
    resource_id: Option<Id>,
    /// Not before this day or moment (ISO 8601; UTC without an offset).
    start_date: Option<String>,
    /// Before this day or moment.
    end_date: Option<String>,
}

impl LogFilter {
    fn parse(self) -> Result<AuditFilter, Problem> {
        let kind = self.resource_type.filter(|kind| !kind.is_empty());
        if self.resource_id.is_some() && kind.is_none() {
            return Err(Problem::bad_request("resource_id: needs resource_type"));
        }
        let plural = kind.map(|kind| format!("{}s", kind.trim_end_matches('s')));
        Ok(AuditFilter {
            action: self.action.filter(|action| !action.is_empty()),
            actor_id: self.operator_id,
            resource: plural
                .as_ref()
                .zip(self.resource_id)
                .map(|(kind, id)| format!("{kind}/{id}")),
            resource_kind: plural,
            since: moment("start_date", self.start_date)?,
            until: moment("end_date", self.end_date)?,
            ..AuditFilter::default()
        })
    }
}

/// A day, or a moment with or without an offset.
fn moment(field: &str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    [
        text.clone(),
        format!("{text}Z"),
        format!("{text}T00:00:00Z"),
    ]
    .iter()
    .find_map(|text| Timestamp::parse(text).ok())
    .map(Some)
    .ok_or_else(|| Problem::bad_request(format!("{field}: is no day or moment (ISO 8601)")))
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct Part {
    /// Entries before the first.
    #[serde(default)]
    #[param(minimum = 0)]
    skip: i64,
    /// Most entries, 1 to 1000.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 1000)]
    limit: i64,
}

fn hundred() -> i64 {
    100
}

/// An entry as OpenServerHub shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AuditLog {
    id: i64,
    action: String,
    /// Always `success`: what failed changed nothing.
    status: &'static str,
    operator_id: Option<Id>,
    operator_username: String,
    resource_type: String,
    resource_id: Option<Id>,
    resource_name: String,
    /// The resource before the change, as JSON.
    action_details: Option<String>,
    /// The resource after the change, as JSON.
    result: Option<String>,
    error_message: Option<String>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    created_at: Timestamp,
}

impl From<AuditEntry> for AuditLog {
    fn from(entry: AuditEntry) -> Self {
        let (kind, rest) = entry
            .resource
            .split_once('/')
            .unwrap_or((&entry.resource, ""));
        Self {
            id: entry.sequence,
            status: "success",
            operator_id: entry.actor_id,
            operator_username: entry.actor,
            resource_type: kind.trim_end_matches('s').to_owned(),
            resource_id: rest.parse().ok(),
            resource_name: entry.resource.clone(),
            action_details: entry.before.map(|value| value.to_string()),
            result: entry.after.map(|value| value.to_string()),
            error_message: None,
            ip_address: entry.source,
            user_agent: None,
            created_at: entry.at,
            action: entry.action,
        }
    }
}

/// A part of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AuditLogs {
    items: Vec<AuditLog>,
    total: i64,
    skip: i64,
    limit: i64,
}

/// Entries of the audit trail, the newest first.
#[utoipa::path(get, path = "/audit-logs", tag = "openserverhub", params(LogFilter, Part),
    responses((status = 200, body = AuditLogs)))]
pub(in crate::api) async fn audit_logs(
    State(state): State<AppState>,
    Query(filter): Query<LogFilter>,
    Query(part): Query<Part>,
) -> Result<Json<AuditLogs>, Problem> {
    let page = check_page(PageRequest {
        offset: part.skip,
        limit: part.limit,
    })?;
    let found = state
        .store
        .read()
        .await?
        .audit(&filter.parse()?, false, page)
        .await?;
    Ok(Json(AuditLogs {
        total: found.total,
        skip: found.offset,
        limit: found.limit,
        items: found.items.into_iter().map(AuditLog::from).collect(),
    }))
}

/// Of how many days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct Days {
    /// 1 to 90.
    #[serde(default = "week")]
    #[param(minimum = 1, maximum = 90)]
    days: i64,
}

fn week() -> i64 {
    7
}

/// Entries of an action.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ActionCount {
    action: String,
    count: i64,
}

/// Entries of an actor.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct OperatorCount {
    username: String,
    count: i64,
}

/// How much was done.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AuditSummary {
    period_days: i64,
    start_date: Timestamp,
    end_date: Timestamp,
    total_operations: i64,
    failed_operations: i64,
    success_rate: f64,
    actions_breakdown: Vec<ActionCount>,
    top_operators: Vec<OperatorCount>,
}

/// How much was done in the last days.
#[utoipa::path(get, path = "/audit-logs/stats/summary", tag = "openserverhub", params(Days),
    responses((status = 200, body = AuditSummary)))]
pub(in crate::api) async fn audit_summary(
    State(state): State<AppState>,
    Query(Days { days }): Query<Days>,
) -> Result<Json<AuditSummary>, Problem> {
    if !(1..=90).contains(&days) {
        return Err(Problem::bad_request("days: is not between 1 and 90"));
    }
    let mut tx = state.store.read().await?;
    let end_date = tx.now();
    let start_date = Timestamp(end_date.0 - days * 24 * 3600 * 1000);
    let counts = tx.audit_counts(start_date, MOST).await?;
    let refused: i64 = counts
        .actions
        .iter()
        .filter(|(action, _)| action == "auth.refuse")
        .map(|(_, count)| count)
        .sum();
    let total: i64 = counts.total;
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    let success_rate = if total > 0 {
        (total - refused) as f64 / total as f64 * 100.0
    } else {
        0.0
    };
    Ok(Json(AuditSummary {
        period_days: days,
        start_date,
        end_date,
        total_operations: total,
        failed_operations: refused,
        success_rate,
        actions_breakdown: counts
            .actions
            .into_iter()
            .map(|(action, count)| ActionCount { action, count })
            .collect(),
        top_operators: counts
            .actors
            .into_iter()
            .take(TOP)
            .map(|(username, count)| OperatorCount { username, count })
            .collect(),
    }))
}

/// The trail as CSV.
#[utoipa::path(get, path = "/audit-logs/export/csv", tag = "openserverhub", params(LogFilter),
    responses((status = 200, description = "The file", body = String,
        content_type = "text/csv")))]
pub(in crate::api) async fn export_audit_logs(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<LogFilter>,
) -> Result<Response, Problem> {
    audit_export::export(&state, &principal, filter.parse()?, Format::Csv).await
}
