//! Credential profiles. Secrets go in and never come out.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{
    Credential, CredentialBody, CredentialDraft, CredentialFilter, Id, Page, PageRequest,
};

/// Credential profiles.
#[utoipa::path(get, path = "/credentials", tag = "credentials", params(CredentialFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<Credential>)))]
pub(super) async fn list_credentials(
    State(state): State<AppState>,
    _: Principal,
    Query(filter): Query<CredentialFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Credential>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    let credentials = tx.credentials(&filter, order.sort(), page).await?;
    Ok(Json(credentials))
}

/// Makes a profile.
#[utoipa::path(post, path = "/credentials", tag = "credentials", params(IdempotencyHeader),
    request_body = CredentialBody, responses((status = 201, body = Credential)))]
pub(super) async fn create_credential(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<CredentialBody>,
) -> Result<Response, Problem> {
    let draft = CredentialDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let credential = tx.insert_credential(&draft).await?;
    change::created(tx, &principal, &key, credential).await
}

/// One profile.
#[utoipa::path(get, path = "/credentials/{id}", tag = "credentials", params(("id" = Id, Path)),
    responses((status = 200, body = Credential)))]
pub(super) async fn get_credential(
    State(state): State<AppState>,
    _: Principal,
    Path(id): Path<Id>,
) -> Result<Versioned<Credential>, Problem> {
    let credential = state.store.read().await?.credential(id).await?;
    Ok(change::found(credential))
}

/// Changes a profile as a whole; secrets that are not mentioned stay.
#[utoipa::path(put, path = "/credentials/{id}", tag = "credentials", params(("id" = Id, Path)),
    request_body = CredentialBody, responses((status = 200, body = Credential)))]
pub(super) async fn update_credential(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<CredentialBody>,
) -> Result<Versioned<Credential>, Problem> {
    let draft = CredentialDraft::parse(&body).map_err(Problem::invalid)?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_credential(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a profile away that no server uses.
#[utoipa::path(delete, path = "/credentials/{id}", tag = "credentials", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_credential(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.write().await?;
    let before = tx.delete_credential(id, version).await?;
    change::deleted(tx, &principal, before).await
}
