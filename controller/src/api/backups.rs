//! Backups of the store, and what the schedule has done.

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query, check_page};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::backup::{Backup, BackupError, BackupName, Backups, Verification};
use crate::model::{Page, PageRequest, Run, RunKind};

/// Backups that are there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BackupList {
    /// The newest first.
    pub(super) items: Vec<Backup>,
}

/// Which runs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// `backup` or `snapshot`.
    #[param(inline)]
    kind: RunKind,
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::NotFound(_) => Self::not_found(error.to_string()),
            BackupError::Busy => Self::new(StatusCode::CONFLICT, "Busy", error.to_string()),
            other => Self::internal(&other),
        }
    }
}

pub(super) fn backups(state: &AppState) -> Result<&Backups, Problem> {
    state.backups.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "Not configured",
            "backup.directory is not set in the configuration",
        )
    })
}

pub(super) fn name(text: &str) -> Result<BackupName, Problem> {
    BackupName::parse(text).ok_or_else(|| Problem::not_found("there is no backup with this name"))
}

/// Makes one, also when the client does not wait for it.
pub(super) async fn make(state: &AppState, principal: &Principal) -> Result<Backup, Problem> {
    let backups = backups(state)?.clone();
    let making = tokio::spawn(async move { backups.create().await });
    let made = making.await.unwrap_or(Err(BackupError::Ending))?;
    write_down(state, principal, "backup.create", &made.name).await?;
    Ok(made)
}

pub(super) async fn remove(
    state: &AppState,
    principal: &Principal,
    text: &str,
) -> Result<(), Problem> {
    let backups = backups(state)?;
    let name = name(text)?;
    backups.get(&name).await?;
    // First the trail: what cannot be written down is not done.
    write_down(state, principal, "backup.delete", text).await?;
    Ok(backups.delete(&name).await?)
}

pub(super) async fn file(
    state: &AppState,
    principal: &Principal,
    text: &str,
) -> Result<Response, Problem> {
    let backups = backups(state)?;
    let name = name(text)?;
    let backup = backups.get(&name).await?;
    let file = tokio::fs::File::open(backups.path(&name)).await;
    let file = file.map_err(|_| BackupError::NotFound(text.to_owned()))?;
    write_down(state, principal, "backup.download", text).await?;
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_LENGTH, backup.bytes.to_string()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

async fn write_down(
    state: &AppState,
    principal: &Principal,
    action: &'static str,
    name: &str,
) -> Result<(), Problem> {
    let mut tx = state.store.write().await?;
    tx.append_audit(&principal.event(action, format!("backups/{name}")))
        .await?;
    Ok(tx.commit().await?)
}

/// Backups that are there, the newest first.
#[utoipa::path(get, path = "/backups", tag = "operation",
    responses((status = 200, body = BackupList)))]
pub(super) async fn list_backups(
    State(state): State<AppState>,
) -> Result<Json<BackupList>, Problem> {
    let items = backups(&state)?.list().await?;
    Ok(Json(BackupList { items }))
}

/// Makes a backup and verifies it. Goes on when the client does not wait.
#[utoipa::path(post, path = "/backups", tag = "operation",
    responses((status = 201, description = "It is complete", body = Backup)))]
pub(super) async fn create_backup(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Response, Problem> {
    let made = make(&state, &principal).await?;
    let location = format!("/api/v1/backups/{}", made.name);
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// A backup.
#[utoipa::path(get, path = "/backups/{name}", tag = "operation",
    params(("name" = String, Path)), responses((status = 200, body = Backup)))]
pub(super) async fn get_backup(
    State(state): State<AppState>,
    Path(text): Path<String>,
) -> Result<Json<Backup>, Problem> {
    Ok(Json(backups(&state)?.get(&name(&text)?).await?))
}

/// Looks whether a backup is whole and fits the master key.
#[utoipa::path(post, path = "/backups/{name}/verify", tag = "operation",
    params(("name" = String, Path)), responses((status = 200, body = Verification)))]
pub(super) async fn verify_backup(
    State(state): State<AppState>,
    Path(text): Path<String>,
) -> Result<Json<Verification>, Problem> {
    Ok(Json(backups(&state)?.verify(&name(&text)?).await?))
}

/// The file. Secrets are sealed in it.
#[utoipa::path(get, path = "/backups/{name}/download", tag = "operation",
    params(("name" = String, Path)), responses((status = 200, description = "The file",
        body = Vec<u8>, content_type = "application/octet-stream")))]
pub(super) async fn download_backup(
    State(state): State<AppState>,
    principal: Principal,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    file(&state, &principal, &text).await
}

/// Removes a backup.
#[utoipa::path(delete, path = "/backups/{name}", tag = "operation",
    params(("name" = String, Path)), responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_backup(
    State(state): State<AppState>,
    principal: Principal,
    Path(text): Path<String>,
) -> Result<StatusCode, Problem> {
    remove(&state, &principal, &text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was done by schedule or by hand, the newest first.
#[utoipa::path(get, path = "/backups/runs", tag = "operation", params(Which, PageRequest),
    responses((status = 200, body = Page<Run>)))]
pub(super) async fn list_runs(
    State(state): State<AppState>,
    Query(which): Query<Which>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Run>>, Problem> {
    let page = check_page(page)?;
    Ok(Json(
        state.store.read().await?.runs(which.kind, page).await?,
    ))
}
