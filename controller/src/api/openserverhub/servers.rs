//! `servers/` and what is below it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::{HubServer, tags};
use crate::api::change::Resource;
use crate::api::extract::{Json, Query, Versioned};
use crate::api::server_bulk::{Bulk, BulkChanges, Deed, Selection, checked};
use crate::api::{AppState, Problem, change, servers};
use crate::auth::Principal;
use crate::model::{Credential, Id, Invalid, Role, Server, ServerDraft, ServerFilter, Version};
use crate::monitoring::source::QueryError;
use crate::monitoring::status::{self, PowerState, ServerState, ServerStatus};
use crate::store::{Session, StoreError, Tx, WriteTx};
use crate::transfer::{Importer, LOGIN_PREFIX, Logins, Mode, Outcome, Report, Row, Settings};

/// Most servers of one answer.
const MAX_LIMIT: i64 = 10_000;
/// Servers that are asked for when nobody says.
const DEFAULT_LIMIT: i64 = 100;
/// What it calls those that are in no group.
const UNGROUPED: &str = "未分组";

/// Which servers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct HubPage {
    /// Rows to leave out in front.
    #[serde(default)]
    #[param(minimum = 0, default = 0)]
    skip: i64,
    /// Most rows to give.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 10000, default = 100)]
    limit: i64,
    /// Number of a group.
    #[serde(default)]
    group_id: Option<Id>,
}

fn default_limit() -> i64 {
    DEFAULT_LIMIT
}

/// A new server.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct HubCreate {
    /// Unique name.
    name: String,
    /// Address of its BMC.
    ipmi_ip: String,
    /// User of its BMC.
    ipmi_username: String,
    /// That user's password.
    #[schema(write_only)]
    ipmi_password: String,
    /// UDP port of its BMC.
    #[serde(default)]
    #[schema(default = 623, minimum = 1, maximum = 65535)]
    ipmi_port: Option<i64>,
    /// Whether its BMC is asked.
    #[serde(default)]
    monitoring_enabled: Option<bool>,
    /// Manufacturer.
    #[serde(default)]
    manufacturer: Option<String>,
    /// Model.
    #[serde(default)]
    model: Option<String>,
    /// Serial number.
    #[serde(default)]
    serial_number: Option<String>,
    /// Free text.
    #[serde(default)]
    description: Option<String>,
    /// Tags, parted by commas.
    #[serde(default)]
    tags: Option<String>,
    /// Group.
    #[serde(default)]
    group_id: Option<Id>,
}

/// A change: what is absent stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::api) struct HubUpdate {
    /// Unique name.
    name: Option<String>,
    /// Address of its BMC.
    ipmi_ip: Option<String>,
    /// User of its BMC.
    ipmi_username: Option<String>,
    /// That user's password.
    #[schema(write_only)]
    ipmi_password: Option<String>,
    /// UDP port of its BMC.
    ipmi_port: Option<i64>,
    /// Whether its BMC is asked.
    monitoring_enabled: Option<bool>,
    /// Manufacturer.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    manufacturer: Option<Option<String>>,
    /// Model.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    model: Option<Option<String>>,
    /// Serial number.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    serial_number: Option<Option<String>>,
    /// Free text.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// Tags, parted by commas.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    tags: Option<Option<String>>,
    /// Group; `null` is none.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    group_id: Option<Option<Id>>,
}

/// Tells an absent field from `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Figures about the servers that the asker sees.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::api) struct HubStatistics {
    /// All.
    total_servers: i64,
    /// Those whose BMC answers.
    online_servers: i64,
    /// Those whose BMC does not.
    offline_servers: i64,
    /// Those of which nobody knows.
    unknown_servers: i64,
    /// Those that are on.
    power_on_servers: i64,
    /// Those that are off.
    power_off_servers: i64,
    /// How many are in each group, by its number.
    group_stats: BTreeMap<String, i64>,
    /// How many of those online each manufacturer made.
    manufacturer_stats: BTreeMap<String, i64>,
}

/// Of which servers figures are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct HubGroup {
    /// Number of a group.
    #[serde(default)]
    pub(super) group_id: Option<Id>,
}

/// Whether the BMCs of servers are asked.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct HubMonitoring {
    /// Which servers.
    server_ids: Vec<Id>,
    /// Whether they are.
    monitoring_enabled: bool,
}

/// What became of each server.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubBatch {
    /// How many were named.
    total_count: usize,
    /// How many it was done for.
    success_count: usize,
    /// How many are not there.
    failed_count: usize,
    /// Each.
    results: Vec<HubBatchResult>,
}

/// What became of a server.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubBatchResult {
    /// Number of the server.
    server_id: Id,
    /// Its name.
    server_name: String,
    /// Whether it was done.
    success: bool,
    /// What was done, for a person.
    message: String,
    /// Why not.
    error: Option<String>,
}

/// Servers by number, as OpenServerHub's front end asks for them.
#[utoipa::path(get, path = "/servers/", tag = "openserverhub", params(HubPage),
    responses((status = 200, body = Vec<HubServer>)))]
pub(in crate::api) async fn hub_list_servers(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<HubPage>,
) -> Result<Json<Vec<HubServer>>, Problem> {
    if page.skip < 0 || !(1..=MAX_LIMIT).contains(&page.limit) {
        return Err(Problem::bad_request(format!(
            "skip, limit: skip is 0 or more, limit between 1 and {MAX_LIMIT}"
        )));
    }
    let filter = of_group(page.group_id);
    let servers = {
        let mut tx = state.store.read().await?;
        tx.servers_from(&filter, &principal.scope(), page.skip, page.limit)
            .await?
    };
    Ok(Json(views(&state, &principal, servers).await?))
}

/// Makes a server, as OpenServerHub's front end does: its user and password become
/// a credential profile, or are found to be one.
#[utoipa::path(post, path = "/servers/", tag = "openserverhub", request_body = HubCreate,
    responses((status = 200, body = HubServer)))]
pub(in crate::api) async fn hub_create_server(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<HubCreate>,
) -> Result<Json<HubServer>, Problem> {
    let group_id = body.group_id;
    let row = Row {
        name: body.name,
        address: Some(body.ipmi_ip),
        port: body.ipmi_port,
        username: filled(body.ipmi_username),
        password: filled(body.ipmi_password).map(Zeroizing::new),
        monitoring_enabled: body.monitoring_enabled,
        manufacturer: body.manufacturer,
        model: body.model,
        serial_number: body.serial_number,
        description: body.description,
        tags: body.tags.as_deref().map(tags),
        ..Row::default()
    };
    let report = import_rows(&state, &principal, group_id, false, vec![row]).await?;
    let Some(line) = report.lines.into_iter().next() else {
        return Err(Problem::bad_request("there is no server"));
    };
    let Some(id) = line.id.filter(|_| line.outcome == Outcome::Created) else {
        return Err(Problem::invalid(
            line.errors.into_iter().map(theirs).collect(),
        ));
    };
    let server = {
        let mut tx = state.store.read().await?;
        tx.server(id, &principal.scope()).await?
    };
    Ok(Json(view(&state, &principal, server).await?))
}

/// Figures about servers.
#[utoipa::path(get, path = "/servers/stats", tag = "openserverhub", params(HubGroup),
    responses((status = 200, body = HubStatistics)))]
pub(in crate::api) async fn hub_statistics(
    State(state): State<AppState>,
    principal: Principal,
    Query(group): Query<HubGroup>,
) -> Result<Json<HubStatistics>, Problem> {
    let now = state.store.clock().now();
    let states = told(status::present(&state.monitoring.source, now).await);
    let filter = of_group(group.group_id);
    let scope = principal.scope();
    let ids: Vec<Id> = states.keys().copied().collect();
    let mut tx = state.store.read().await?;
    let by_group = tx.count_servers_by_group(&filter, &scope).await?;
    let known = tx.servers_with_ids(&ids, &scope).await?;
    let mut figures = HubStatistics {
        total_servers: by_group.values().sum(),
        ..HubStatistics::default()
    };
    for (group, count) in by_group {
        let name = group.map_or_else(|| UNGROUPED.to_owned(), |id| id.to_string());
        figures.group_stats.insert(name, count);
    }
    let mut certain = 0;
    for server in known {
        let is_wanted = group.group_id.is_none() || server.group_id == group.group_id;
        let Some(state) = states.get(&server.id).filter(|_| is_wanted) else {
            continue;
        };
        certain += i64::from(state.status != ServerStatus::Unknown);
        figures.offline_servers += i64::from(state.status == ServerStatus::Offline);
        figures.power_on_servers += i64::from(state.power_state == PowerState::On);
        figures.power_off_servers += i64::from(state.power_state == PowerState::Off);
        if state.status == ServerStatus::Online {
            figures.online_servers += 1;
            let maker = filled(server.manufacturer).unwrap_or_else(|| "Unknown".to_owned());
            *figures.manufacturer_stats.entry(maker).or_default() += 1;
        }
    }
    figures.unknown_servers = figures.total_servers - certain;
    Ok(Json(figures))
}

/// Switches the monitoring of servers on or off, as far as they are there.
#[utoipa::path(post, path = "/servers/batch/monitoring", tag = "openserverhub",
    request_body = HubMonitoring, responses((status = 200, body = HubBatch)))]
pub(in crate::api) async fn hub_batch_monitoring(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<HubMonitoring>,
) -> Result<Json<HubBatch>, Problem> {
    let ids = checked(&body.server_ids)?;
    let deed = Deed::Change(Box::new(BulkChanges::monitoring(body.monitoring_enabled)));
    let mut session = Session::begin(&state.store, false).await?;
    let report = Bulk::telling_all(&mut session, &principal)
        .run(&Selection::Ids(ids.clone()), &deed)
        .await?;
    session.commit().await?;
    let names: HashMap<Id, String> = report
        .servers
        .into_iter()
        .map(|server| (server.id, server.name))
        .collect();
    let word = if body.monitoring_enabled { "on" } else { "off" };
    let result = |id: &Id| match names.get(id) {
        Some(name) => HubBatchResult {
            server_id: *id,
            server_name: name.clone(),
            success: true,
            message: format!("monitoring is {word}"),
            error: None,
        },
        None => HubBatchResult {
            server_id: *id,
            server_name: String::new(),
            success: false,
            message: "not changed".to_owned(),
            error: Some("there is no such server".to_owned()),
        },
    };
    let results: Vec<HubBatchResult> = ids.iter().map(result).collect();
    Ok(Json(HubBatch {
        total_count: ids.len(),
        success_count: names.len(),
        failed_count: ids.len() - names.len(),
        results,
    }))
}

/// Changes what a body mentions.
pub(in crate::api) async fn update(
    state: &AppState,
    principal: &Principal,
    id: Id,
    version: Option<Version>,
    change: HubUpdate,
) -> Result<Versioned<HubServer>, Problem> {
    let scope = principal.scope();
    let mut tx = state.store.write().await?;
    tx.take_turn().await?;
    let before = tx.server(id, &scope).await?;
    let mut body = before.to_body();
    change.apply(&mut body);
    let username = change.ipmi_username.and_then(filled);
    let password = change.ipmi_password.and_then(filled).map(Zeroizing::new);
    if username.is_some() || password.is_some() {
        let current = match before.credential_id {
            Some(id) => Some(tx.credential(id).await?.username),
            None => None,
        };
        let is_other = username.is_some() && username != current;
        match (username.or(current), password) {
            (Some(username), Some(password)) => {
                let draft = Logins::check(&username, &password)
                    .map_err(|errors| errors.into_iter().map(theirs).collect())
                    .map_err(Problem::invalid)?;
                let mut logins = Logins::default();
                let found = logins.find(&mut tx, &username, &password).await?;
                body.credential_id = Some(match found {
                    Some(id) => id,
                    None => {
                        let mut names = tx.names().await?.credentials;
                        logins
                            .make(Some(&mut tx), principal, &mut names, draft, &password)
                            .await?
                    }
                });
            }
            (_, None) if is_other => {
                return Err(Problem::invalid_field(
                    "ipmi_password",
                    "is missing; another user has another password",
                ));
            }
            (None, Some(_)) => {
                return Err(Problem::invalid_field(
                    "ipmi_username",
                    "is missing; the server has no user yet",
                ));
            }
            (_, None) => {}
        }
    }
    let draft = ServerDraft::parse(&body)
        .map_err(|errors| Problem::invalid(errors.into_iter().map(theirs).collect()))?;
    servers::check_group(principal, &draft)?;
    let old = before
        .credential_id
        .filter(|id| draft.credential_id != Some(*id));
    let rows = tx.update_server(id, version, &draft, &scope).await?;
    if let Some(old) = old {
        drop_unused(&mut tx, principal, old).await?;
    }
    let changed = change::updated(tx, principal, rows).await?;
    let version = changed.version;
    let value = view(state, principal, changed.value).await?;
    Ok(Versioned::ok(value, version))
}

/// Takes a profile away that was made for servers and that none uses any more: a
/// password that is of no use is not kept.
async fn drop_unused(tx: &mut WriteTx, principal: &Principal, id: Id) -> Result<(), StoreError> {
    let profile = tx.credential(id).await?;
    if profile.server_count > 0 || !profile.name.starts_with(LOGIN_PREFIX) {
        return Ok(());
    }
    let profile = tx.delete_credential(id, None).await?;
    let [_, _, action] = Credential::ACTIONS;
    let event = principal.event(action, profile.path());
    tx.append_audit(&event.with(Some(&profile), None)).await
}

impl HubUpdate {
    /// Puts what is mentioned into a body, but for user and password.
    fn apply(&self, body: &mut crate::model::ServerBody) {
        fn put<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        fn text(to: &mut String, from: &Option<Option<String>>) {
            if let Some(from) = from {
                *to = from.clone().unwrap_or_default();
            }
        }
        put(&mut body.name, self.name.as_ref());
        put(&mut body.address, self.ipmi_ip.as_ref());
        put(&mut body.port, self.ipmi_port.as_ref());
        put(
            &mut body.monitoring_enabled,
            self.monitoring_enabled.as_ref(),
        );
        text(&mut body.manufacturer, &self.manufacturer);
        text(&mut body.model, &self.model);
        text(&mut body.serial_number, &self.serial_number);
        text(&mut body.description, &self.description);
        if let Some(text) = &self.tags {
            body.tags = text.as_deref().map(tags).unwrap_or_default();
        }
        put(&mut body.group_id, self.group_id.as_ref());
    }
}

/// Makes servers of rows, those that are right.
pub(super) async fn import_rows(
    state: &AppState,
    principal: &Principal,
    group_id: Option<Id>,
    monitoring_by_default: bool,
    rows: Vec<Row>,
) -> Result<Report, Problem> {
    if let Some(id) = group_id {
        let mut tx = state.store.read().await?;
        if let Err(StoreError::NotFound { .. }) = tx.group(id, &principal.scope()).await {
            return Err(Problem::invalid_field("group_id", "there is no such group"));
        }
    }
    let settings = Settings {
        mode: Mode::Create,
        partial: true,
        monitoring_by_default,
        group_id,
        ..Settings::default()
    };
    let mut importer = Importer::new(&state.store, principal, settings).await?;
    let mut rows = rows.into_iter().map(Ok).peekable();
    while rows.peek().is_some() {
        importer.take(rows.by_ref().take(ROWS).collect()).await?;
    }
    Ok(importer.finish().await?)
}

/// Rows that are imported at a time.
const ROWS: usize = 500;

/// A mistake with the field's name there.
pub(super) fn theirs(error: Invalid) -> Invalid {
    let field = match error.field.as_str() {
        "address" => "ipmi_ip",
        "port" => "ipmi_port",
        "username" => "ipmi_username",
        "password" => "ipmi_password",
        "group" => "group_id",
        other => other,
    };
    Invalid::new(field, error.message)
}

fn of_group(group_id: Option<Id>) -> ServerFilter {
    ServerFilter {
        group_id,
        ..ServerFilter::default()
    }
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A server in its words.
pub(in crate::api) async fn view(
    state: &AppState,
    principal: &Principal,
    server: Server,
) -> Result<HubServer, Problem> {
    let mut views = views(state, principal, vec![server]).await?;
    views
        .pop()
        .ok_or_else(|| Problem::not_found("there is no server with this number"))
}

/// Servers in its words.
async fn views(
    state: &AppState,
    principal: &Principal,
    servers: Vec<Server>,
) -> Result<Vec<HubServer>, Problem> {
    let ids: Vec<Id> = servers.iter().map(|server| server.id).collect();
    let now = state.store.clock().now();
    let states = told(status::states(&state.monitoring.source, &ids, now).await);
    let mut tx = state.store.read().await?;
    let mut credentials = HashMap::new();
    // Who may not read profiles does not read their users here either.
    let reads_profiles = principal
        .user()
        .is_some_and(|user| user.role >= Role::Operator);
    if reads_profiles {
        credentials = profiles(&mut tx, &servers).await?;
    }
    let view = |server: Server| {
        let credential = server.credential_id.and_then(|id| credentials.get(&id));
        let state = states.get(&server.id).copied();
        HubServer::new(server, credential, state.unwrap_or_default())
    };
    Ok(servers.into_iter().map(view).collect())
}

/// States as far as they are known: servers are listed without Prometheus too.
fn told(states: Result<BTreeMap<Id, ServerState>, QueryError>) -> BTreeMap<Id, ServerState> {
    states.unwrap_or_else(|error| {
        tracing::debug!(%error, "The states of servers are not known");
        BTreeMap::new()
    })
}

async fn profiles(tx: &mut Tx, servers: &[Server]) -> Result<HashMap<Id, Credential>, StoreError> {
    let mut profiles = HashMap::new();
    for id in servers.iter().filter_map(|server| server.credential_id) {
        if let Entry::Vacant(place) = profiles.entry(id) {
            place.insert(tx.credential(id).await?);
        }
    }
    Ok(profiles)
}
