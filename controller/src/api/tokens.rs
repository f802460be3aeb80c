//! Tokens for programs.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::{Json, Path, Query, check_page};
use super::{AppState, Problem};
use crate::auth::{Principal, TokenText, access};
use crate::clock::Timestamp;
use crate::model::{Id, Name, Page, PageRequest, Problems, Token, TokenKind};
use crate::store::{NewToken, StoreError};

/// A token as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    /// What it is called in lists and in the audit trail.
    name: String,
    /// What it is for; the service kinds are for admins to make.
    #[serde(default = "api")]
    kind: TokenKind,
    /// The exporter that it is for; needed for the kind `exporter`, and for no other.
    #[serde(default)]
    exporter_id: Option<Id>,
    /// What it may be used for, such as `servers:read`; empty is all that its kind may.
    #[serde(default)]
    scopes: Vec<String>,
    /// When it ends; never when absent.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

fn api() -> TokenKind {
    TokenKind::Api
}

/// A new token. Its text is in no other answer.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedToken {
    /// The text to show with each request.
    token: String,
    /// What is kept of it.
    #[serde(flatten)]
    details: Token,
}

/// One's own tokens; all of them for an admin.
#[utoipa::path(get, path = "/tokens", tag = "auth", params(PageRequest),
    responses((status = 200, body = Page<Token>)))]
pub(super) async fn list_tokens(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Token>>, Problem> {
    let page = check_page(page)?;
    let whose = match principal.user() {
        Some(_) if principal.is_admin() => None,
        Some(user) => Some(user.id),
        None => return Err(Problem::forbidden("a service has no tokens")),
    };
    Ok(Json(state.store.read().await?.tokens(whose, page).await?))
}

/// Makes a token. Its text is shown this once.
#[utoipa::path(post, path = "/tokens", tag = "auth", request_body = TokenBody,
    responses((status = 201, body = CreatedToken)))]
pub(super) async fn create_token(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<TokenBody>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let Some(user) = principal.user() else {
        return Err(Problem::forbidden("a service makes no tokens"));
    };
    if body.kind.is_service() && !principal.is_admin() {
        return Err(Problem::forbidden(
            "tokens of services are for admins to make",
        ));
    }
    // A token must not make one that may more than itself.
    if !principal.token.scopes.is_empty() {
        return Err(Problem::forbidden(
            "a token that is limited to scopes makes no tokens",
        ));
    }
    let mut tx = state.store.write().await?;
    let mut problems = Problems::default();
    let name = problems.check("name", Name::parse(&body.name));
    if body.kind.is_of_login() {
        problems.add("kind", "comes from a log-in only");
    }
    let known = access::scopes();
    for scope in &body.scopes {
        if !known.contains(&scope.as_str()) {
            problems.add(
                "scopes",
                format!("\"{scope}\" is no scope; there are {}", known.join(", ")),
            );
        }
    }
    match (body.kind, body.exporter_id) {
        (TokenKind::Exporter, Some(id)) => match tx.exporter(id).await {
            Err(StoreError::NotFound { .. }) => {
                problems.add("exporter_id", "there is no exporter with this number");
            }
            found => drop(found?),
        },
        (TokenKind::Exporter, None) => problems.add(
            "exporter_id",
            "is missing; a token of the kind exporter is for one exporter",
        ),
        (_, Some(_)) => problems.add("exporter_id", "is for tokens of the kind exporter only"),
        (_, None) => {}
    }
    if body.expires_at.is_some_and(|end| end <= tx.now()) {
        problems.add("expires_at", "is past");
    }
    let name = problems.finish(name).map_err(Problem::invalid)?;
    let text = TokenText::generate(body.kind);
    let details = tx
        .insert_token(&NewToken {
            kind: body.kind,
            name: name.as_str(),
            user_id: (!body.kind.is_service()).then_some(user.id),
            family: &Uuid::now_v7().to_string(),
            hash: &text.hash(),
            scopes: &body.scopes,
            subject_id: body.exporter_id,
            expires_at: body.expires_at,
        })
        .await?;
    let event = principal.event("token.create", format!("tokens/{}", details.id));
    tx.append_audit(&event.with(None, Some(&details))).await?;
    tx.commit().await?;
    let token = text.expose().to_owned();
    Ok((StatusCode::CREATED, Json(CreatedToken { token, details })))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "auth", params(("id" = Id, Path)),
    responses((status = 204, description = "It holds no more")))]
pub(super) async fn delete_token(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<StatusCode, Problem> {
    let mut tx = state.store.write().await?;
    let token = tx.token(id).await?.token;
    let is_own = principal.user().map(|user| user.id) == token.user_id && token.user_id.is_some();
    if !is_own && !principal.is_admin() {
        return Err(Problem::not_found("there is no token with this number"));
    }
    tx.revoke_token(id).await?;
    let event = principal.event("token.delete", format!("tokens/{id}"));
    tx.append_audit(&event.with(Some(&token), None)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
