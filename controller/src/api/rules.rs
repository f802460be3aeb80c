//! Groups of rules.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::monitoring::limit;
use super::{AppState, Problem, ProblemBody, change};
use crate::auth::Principal;
use crate::model::{
    Id, Page, PageRequest, RuleGroup, RuleGroupBody, RuleGroupDraft, RuleGroupFilter, Scope,
};
use crate::rules::{Backtest, BacktestReport, Validation, backtest, validate};

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
#[utoipa::path(post, path = "/rules", tag = "rules", params(IdempotencyHeader),
    request_body = RuleGroupBody, responses((status = 201, body = RuleGroup)))]
pub(super) async fn create_rule_group(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<RuleGroupBody>,
) -> Result<Response, Problem> {
    expect_all_groups(&principal)?;
    let draft = parse(body).await?;
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    let group = tx.insert_rule_group(&draft).await?;
    change::created(tx, &principal, &key, group).await
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

/// Returns a rule group that came with the program to the text that this version
/// has. What is disabled stays so.
#[utoipa::path(post, path = "/rules/{id}/reset", tag = "rules", params(("id" = Id, Path)),
    responses((status = 200, body = RuleGroup),
        (status = 409, description = "It did not come with the program", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn reset_rule_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<Versioned<RuleGroup>, Problem> {
    expect_all_groups(&principal)?;
    let mut tx = state.store.write().await?;
    let (before, after) = tx.reset_rule_group(id, version).await?;
    let event = principal.event("rule_group.reset", format!("rules/{id}"));
    tx.append_audit(&event.with(Some(&before), Some(&after)))
        .await?;
    tx.commit().await?;
    Ok(change::found(after))
}

/// Judges a rule group without keeping it: by its syntax, by promtool, and by
/// Prometheus, which says how much each expression selects now. A group whose
/// syntax is wrong is refused as by POST /rules.
#[utoipa::path(post, path = "/rules/validate", tag = "rules", request_body = RuleGroupBody,
    responses((status = 200, body = Validation),
        (status = 422, description = "The syntax is wrong; the place is named", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn validate_rules(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<RuleGroupBody>,
) -> Result<Json<Validation>, Problem> {
    expect_all_groups(&principal)?;
    let draft = parse(body).await?;
    let source = &state.monitoring.source;
    Ok(Json(validate(&draft, &state.promtool, source).await))
}

/// How often and for whom an alert would have fired over the last days, by what
/// Prometheus has kept. To somebody who is limited to groups it is as if there were
/// no other servers. What held already when the time begins counts from there.
#[utoipa::path(post, path = "/rules/backtest", tag = "rules", request_body = Backtest,
    responses((status = 200, body = BacktestReport),
        (status = 422, description = "The rule is wrong, or cannot be computed",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "Prometheus is down or fails", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody,
         content_type = "application/problem+json")))]
pub(super) async fn backtest_rule(
    State(state): State<AppState>,
    principal: Principal,
    Json(test): Json<Backtest>,
) -> Result<Json<BacktestReport>, Problem> {
    test.check().map_err(Problem::invalid)?;
    let expression = match limit(&state, &principal).await? {
        Some(limit) => limit.enforce(&test.rule.expr)?,
        None => test.rule.expr.clone(),
    };
    let now = state.store.clock().now();
    let report = backtest(&state.monitoring.source, &test, &expression, now).await?;
    Ok(Json(report))
}
