//! `servers/groups/` and what is below it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::extract::{Json, Path};
use crate::api::{AppState, Problem, change};
use crate::auth::Principal;
use crate::clock::Timestamp;
use crate::model::{
    Group, GroupBody, GroupDraft, GroupFilter, Id, MAX_LIMIT, NameSort, PageRequest, Scope, Sort,
};
use crate::store::StoreError;

/// A group in its words.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubGroupView {
    /// Number of the group.
    id: Id,
    /// Unique name.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was changed last.
    updated_at: Timestamp,
}

impl From<Group> for HubGroupView {
    fn from(group: Group) -> Self {
        Self {
            id: group.id,
            name: group.name,
            description: (!group.description.is_empty()).then_some(group.description),
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

/// A group as somebody wants it.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct HubGroupBody {
    /// Unique name.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
}

impl HubGroupBody {
    fn draft(self) -> Result<GroupDraft, Problem> {
        GroupDraft::parse(&GroupBody {
            name: self.name,
            description: self.description.unwrap_or_default(),
        })
        .map_err(Problem::invalid)
    }
}

/// A word about what was done.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubMessage {
    /// For a person.
    message: &'static str,
}

/// All groups that the asker sees, by number.
#[utoipa::path(get, path = "/servers/groups/", tag = "openserverhub",
    responses((status = 200, body = Vec<HubGroupView>)))]
pub(in crate::api) async fn hub_list_groups(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<Json<Vec<HubGroupView>>, Problem> {
    let mut tx = state.store.read().await?;
    let sort = Sort {
        key: NameSort::Id,
        descending: false,
    };
    let filter = GroupFilter::default();
    let mut groups = Vec::new();
    loop {
        let page = PageRequest {
            offset: i64::try_from(groups.len()).unwrap_or(i64::MAX),
            limit: MAX_LIMIT,
        };
        let found = tx.groups(&filter, sort, &principal.scope(), page).await?;
        if found.items.is_empty() {
            return Ok(Json(groups));
        }
        groups.extend(found.items.into_iter().map(HubGroupView::from));
    }
}

/// Makes a group.
#[utoipa::path(post, path = "/servers/groups/", tag = "openserverhub",
    request_body = HubGroupBody, responses((status = 200, body = HubGroupView)))]
pub(in crate::api) async fn hub_create_group(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<HubGroupBody>,
) -> Result<Json<HubGroupView>, Problem> {
    let draft = body.draft()?;
    let mut tx = state.store.write().await?;
    let group = tx.insert_group(&draft).await?;
    change::made(&mut tx, &principal, &group).await?;
    tx.commit().await?;
    Ok(Json(group.into()))
}

/// One group.
#[utoipa::path(get, path = "/servers/groups/{id}", tag = "openserverhub",
    params(("id" = Id, Path)), responses((status = 200, body = HubGroupView)))]
pub(in crate::api) async fn hub_get_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<HubGroupView>, Problem> {
    let mut tx = state.store.read().await?;
    Ok(Json(tx.group(id, &principal.scope()).await?.into()))
}

/// Changes a group as a whole, whatever version it is at.
#[utoipa::path(put, path = "/servers/groups/{id}", tag = "openserverhub",
    params(("id" = Id, Path)), request_body = HubGroupBody,
    responses((status = 200, body = HubGroupView)))]
pub(in crate::api) async fn hub_update_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Json(body): Json<HubGroupBody>,
) -> Result<Json<HubGroupView>, Problem> {
    let draft = body.draft()?;
    let mut tx = state.store.write().await?;
    let rows = tx.update_group(id, None, &draft, &Scope::All).await?;
    let changed = change::updated(tx, &principal, rows).await?;
    Ok(Json(changed.value.into()))
}

/// Takes a group away that no server is in.
#[utoipa::path(delete, path = "/servers/groups/{id}", tag = "openserverhub",
    params(("id" = Id, Path)), responses((status = 200, body = HubMessage)))]
pub(in crate::api) async fn hub_delete_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<HubMessage>, Problem> {
    let mut tx = state.store.write().await?;
    let before: Result<Group, StoreError> = tx.delete_group(id, None, &Scope::All).await;
    change::deleted(tx, &principal, before?).await?;
    Ok(Json(HubMessage {
        message: "the group is gone",
    }))
}
