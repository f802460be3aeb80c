//! Silences: made here, kept in Alertmanager.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{IfMatch, Json, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::clock::Timestamp;
use crate::config::SilenceConfig;
use crate::model::{
    Id, Matcher, Page, PageRequest, Scope, Silence, SilenceBody, SilenceChangeBody, SilenceDraft,
    SilenceFilter, SilenceOrigin, SilenceState,
};
use crate::silencing::{Affected, Refused, affected, resolve};
use crate::store::NewSilence;

/// How silences may be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilenceSettings {
    /// Whether there is an Alertmanager to keep them.
    pub is_possible: bool,
    /// Most servers of one without a reason.
    pub max_servers_without_reason: i64,
}

impl SilenceSettings {
    /// As the configuration has it.
    #[must_use]
    pub fn new(config: &SilenceConfig, is_possible: bool) -> Self {
        Self {
            is_possible,
            max_servers_without_reason: config.max_servers_without_reason.into(),
        }
    }

    /// Fails when nobody would keep silences.
    pub(super) fn expect_possible(self) -> Result<(), Problem> {
        if self.is_possible {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::CONFLICT,
            "Not configured",
            "silences are kept in Alertmanager, and the controller knows none; set `alertmanager.url`",
        ))
    }

    /// Fails when so many servers need a reason and there is none.
    pub(super) fn expect_reason(self, reason: &str, servers: i64) -> Result<(), Problem> {
        let limit = self.max_servers_without_reason;
        if servers <= limit || !reason.is_empty() {
            return Ok(());
        }
        Err(Problem::invalid_field(
            "reason",
            format!("is empty; it is about {servers} servers, and more than {limit} need a reason"),
        ))
    }
}

/// What a silence would come to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SilencePreview {
    /// Alerts with such labels would be silenced: what was asked for, and what
    /// limits it to the asker's groups.
    matchers: Vec<Matcher>,
    /// From when.
    starts_at: Timestamp,
    /// Until when.
    ends_at: Timestamp,
    /// Whom it would be about.
    #[serde(flatten)]
    affected: Affected,
    /// Whether so many servers need a reason.
    needs_reason: bool,
}

/// Silences that may be about servers which the asker sees: those made here and
/// those made in Alertmanager, the latest begin first.
#[utoipa::path(get, path = "/silences", tag = "silences", params(SilenceFilter, PageRequest),
    responses((status = 200, body = Page<Silence>),
    (status = 404, description = "There is no such server",
     body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn list_silences(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<SilenceFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Silence>>, Problem> {
    let page = check_page(page)?;
    let scope = principal.scope();
    let mut tx = state.store.read().await?;
    if let Some(server) = filter.server_id {
        tx.server(server, &scope).await?;
    }
    Ok(Json(tx.silences(&filter, &scope, page).await?))
}

/// Makes a silence. It is in Alertmanager within a second, and `pending` until then;
/// while Alertmanager is down it waits.
#[utoipa::path(post, path = "/silences", tag = "silences", params(IdempotencyHeader),
    request_body = SilenceBody, responses((status = 201, body = Silence)))]
pub(super) async fn create_silence(
    State(state): State<AppState>,
    principal: Principal,
    Keyed { body, key }: Keyed<SilenceBody>,
) -> Result<Response, Problem> {
    state.silences.expect_possible()?;
    let scope = principal.scope();
    let mut tx = state.store.write().await?;
    if let Some(answer) = key.answered(&mut tx).await? {
        return Ok(answer);
    }
    tx.take_turn().await?;
    let draft = SilenceDraft::parse(&body, tx.now()).map_err(Problem::invalid)?;
    let matchers = resolve(&mut tx, &draft, &scope).await?;
    if draft.reason.as_str().is_empty() {
        let affected = affected(&mut tx, &matchers, &Scope::All).await?;
        state.silences.expect_reason("", affected.server_count)?;
    }
    let silence = tx
        .insert_silence(&NewSilence {
            draft: &draft,
            matchers: &matchers,
            author: &principal.name(),
            window: None,
        })
        .await?;
    change::created(tx, &principal, &key, silence).await
}

/// Says whom a silence would be about, and makes none.
#[utoipa::path(post, path = "/silences/preview", tag = "silences", request_body = SilenceBody,
    responses((status = 200, body = SilencePreview)))]
pub(super) async fn preview_silence(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<SilenceBody>,
) -> Result<Json<SilencePreview>, Problem> {
    let scope = principal.scope();
    let mut tx = state.store.read().await?;
    let draft = SilenceDraft::parse(&body, tx.now()).map_err(Problem::invalid)?;
    let matchers = resolve(&mut tx, &draft, &scope).await?;
    let affected = affected(&mut tx, &matchers, &scope).await?;
    let limit = state.silences.max_servers_without_reason;
    Ok(Json(SilencePreview {
        matchers,
        starts_at: draft.starts_at,
        ends_at: draft.ends_at,
        needs_reason: affected.server_count > limit,
        affected,
    }))
}

/// One silence.
#[utoipa::path(get, path = "/silences/{id}", tag = "silences", params(("id" = Id, Path)),
    responses((status = 200, body = Silence)))]
pub(super) async fn get_silence(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Versioned<Silence>, Problem> {
    let mut tx = state.store.read().await?;
    Ok(change::found(tx.silence(id, &principal.scope()).await?))
}

/// Gives a silence another end or reason, or another begin as long as it has not
/// begun.
#[utoipa::path(put, path = "/silences/{id}", tag = "silences", params(("id" = Id, Path)),
    request_body = SilenceChangeBody, responses((status = 200, body = Silence)))]
pub(super) async fn update_silence(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
    Json(body): Json<SilenceChangeBody>,
) -> Result<Versioned<Silence>, Problem> {
    let mut tx = state.store.write().await?;
    tx.take_turn().await?;
    let before = tx.silence(id, &principal.scope()).await?;
    expect_own(&before)?;
    if before.state == SilenceState::Expired {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "Not possible",
            "the silence is over; make a new one",
        ));
    }
    let (starts_at, ends_at, reason) = body.parse(&before, tx.now()).map_err(Problem::invalid)?;
    if reason.as_str().is_empty() && !before.reason.is_empty() {
        let affected = affected(&mut tx, &before.matchers, &Scope::All).await?;
        state.silences.expect_reason("", affected.server_count)?;
    }
    let rows = tx
        .change_silence(id, version, (starts_at, ends_at, reason.as_str()))
        .await?;
    change::updated(tx, &principal, rows).await
}

/// Ends a silence before its time. One that is over stays as it is.
#[utoipa::path(post, path = "/silences/{id}/expire", tag = "silences", params(("id" = Id, Path)),
    responses((status = 200, body = Silence)))]
pub(super) async fn expire_silence(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    IfMatch(version): IfMatch,
) -> Result<Versioned<Silence>, Problem> {
    let mut tx = state.store.write().await?;
    tx.take_turn().await?;
    expect_own(&tx.silence(id, &principal.scope()).await?)?;
    let (before, after) = tx.end_silence(id, version, &principal.name()).await?;
    if before != after {
        let event = principal.event("silence.expire", format!("silences/{id}"));
        tx.append_audit(&event.with(Some(&before), Some(&after)))
            .await?;
        tx.commit().await?;
    }
    Ok(change::found(after))
}

/// Fails when a silence is not the asker's to change.
fn expect_own(silence: &Silence) -> Result<(), Problem> {
    if silence.reaches_beyond {
        return Err(Problem::forbidden(
            "the silence is also about servers that are not in your groups",
        ));
    }
    if silence.origin == SilenceOrigin::Alertmanager {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "Not possible",
            "the silence was made in Alertmanager; change it there",
        ));
    }
    Ok(())
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Field(invalid) => Self::invalid(vec![invalid]),
            Refused::Store(error) => error.into(),
        }
    }
}
