//! Users.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{Id, Page, PageRequest, User, UserBody, UserDraft, UserFilter};

/// Users in order of their names.
#[utoipa::path(get, path = "/users", tag = "users", params(UserFilter, NameOrder, PageRequest),
    responses((status = 200, body = Page<User>)))]
pub(super) async fn list_users(
    State(state): State<AppState>,
    Query(filter): Query<UserFilter>,
    Query(order): Query<NameOrder>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<User>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    Ok(Json(tx.users(&filter, order.sort(), page).await?))
}

/// Makes a user.
#[utoipa::path(post, path = "/users", tag = "users", params(IdempotencyHeader),
    request_body = UserBody, responses((status = 201, body = User)))]
pub(super) async fn create_user(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<UserBody>,
) -> Result<Response, Problem> {
    let (draft, password) = UserDraft::parse(&body).map_err(Problem::invalid)?;
    let password =
        password.ok_or_else(|| Problem::invalid_field("password", "a new user needs one"))?;
    let hash = state.authenticator.passwords().hash(password).await?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let user = tx.insert_user(&draft, &hash).await?;
    change::created(tx, &principal, &key, user).await
}

/// One user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = Id, Path)),
    responses((status = 200, body = User)))]
pub(super) async fn get_user(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Versioned<User>, Problem> {
    let user = state.store.read().await?.user(id).await?;
    Ok(change::found(user))
}

/// Changes a user as a whole; the password only when there is one. A new password,
/// and switching a user off, end all log-ins; a new role holds at once.
#[utoipa::path(put, path = "/users/{id}", tag = "users", params(("id" = Id, Path)),
    request_body = UserBody, responses((status = 200, body = User)))]
pub(super) async fn update_user(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<UserBody>,
) -> Result<Versioned<User>, Problem> {
    let (draft, password) = UserDraft::parse(&body).map_err(Problem::invalid)?;
    let hash = match password {
        Some(password) => Some(state.authenticator.passwords().hash(password).await?),
        None => None,
    };
    let mut tx = state.store.write().await?;
    let (before, mut after) = tx.update_user(id, version, &draft).await?;
    if let Some(hash) = hash {
        tx.set_password(id, &hash).await?;
        tx.revoke_user(id).await?;
        after = tx.user(id).await?;
    } else if !after.is_active {
        tx.revoke_user(id).await?;
    }
    change::updated(tx, &principal, (before, after)).await
}

/// Takes a user away, with all tokens.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", params(("id" = Id, Path)),
    responses((status = 204, description = "They are gone")))]
pub(super) async fn delete_user(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.write().await?;
    let before = tx.delete_user(id, version).await?;
    change::deleted(tx, &principal, before).await
}
