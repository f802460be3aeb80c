//! Groups of rules.

use axum::extract::State;
use axum::http::StatusCode;

use super::extract::{IfMatch, Json, Path, Query, Versioned, check_page};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{
    Id, Page, PageRequest, RuleGroup, RuleGroupBody, RuleGroupDraft, RuleGroupFilter, Scope,
};

/// Rule groups, by name. They are about all servers, and everybody sees them.
#[utoipa::path(get, path = "/rules", tag = "rules", params(RuleGroupFilter, PageRequest),
    responses((status = 200, body = Page<RuleGroup>)))]
pub(super) async fn list_rule_groups(
    State(state): State<AppState>,
    Query(filter): Query<RuleGroupFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<RuleGroup>>, Problem> {
    let page = check_page(page)?;
    let mut tx = state.store.read().await?;
    Ok(Json(tx.rule_groups(&filter, page).await?))
}

/// Makes a rule group.
#[utoipa::path(post, path = "/rules", tag = "rules", request_body = RuleGroupBody,
    responses((status = 201, body = RuleGroup)))]
pub(super) async fn create_rule_group(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<RuleGroupBody>,
) -> Result<Versioned<RuleGroup>, Problem> {
    expect_all_groups(&principal)?;
    let draft = parse(body).await?;
    let mut tx = state.store.write().await?;
    let group = tx.insert_rule_group(&draft).await?;
    change::created(tx, &principal, group).await
}

/// One rule group.
#[utoipa::path(get, path = "/rules/{id}", tag = "rules", params(("id" = Id, Path)),
    responses((status = 200, body = RuleGroup)))]
pub(super) async fn get_rule_group(
    State(state): State<AppState>,
    Path(id): Path<Id>,
) -> Result<Versioned<RuleGroup>, Problem> {
    let group = state.store.read().await?.rule_group(id).await?;
    Ok(change::found(group))
}

/// Changes a rule group as a whole. Under another name every alert of the group
/// begins anew, at pending.
#[utoipa::path(put, path = "/rules/{id}", tag = "rules", params(("id" = Id, Path)),
    request_body = RuleGroupBody, responses((status = 200, body = RuleGroup)))]
pub(super) async fn update_rule_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<RuleGroupBody>,
) -> Result<Versioned<RuleGroup>, Problem> {
    expect_all_groups(&principal)?;
    let draft = parse(body).await?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_rule_group(id, version, &draft).await?;
    change::updated(tx, &principal, rows).await
}

/// Takes a rule group away that somebody made. One that came with the program can
/// only be disabled.
#[utoipa::path(delete, path = "/rules/{id}", tag = "rules", params(("id" = Id, Path)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete_rule_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    expect_all_groups(&principal)?;
    let mut tx = state.store.write().await?;
    let before = tx.delete_rule_group(id, version).await?;
    change::deleted(tx, &principal, before).await
}

/// Rules are about all servers, so somebody who is limited to some of them must
/// not change any.
pub(super) fn expect_all_groups(principal: &Principal) -> Result<(), Problem> {
    match principal.scope() {
        Scope::All => Ok(()),
        Scope::Groups(_) => Err(Problem::forbidden(
            "rules are about all servers, and you are limited to some groups of them",
        )),
    }
}

/// Checks a group on a thread that may take its time: a group may hold 200 long
/// expressions.
async fn parse(body: RuleGroupBody) -> Result<RuleGroupDraft, Problem> {
    tokio::task::spawn_blocking(move || RuleGroupDraft::parse(&body))
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(Problem::invalid)
}
