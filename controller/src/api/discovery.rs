//! Scans of networks for BMCs, and how what they find becomes servers.

use std::collections::{BTreeSet, HashMap};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Path, Query, check_page};
use super::server_import::answer;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::discovery::{Found, Job, Refusal, Wanted};
use crate::model::{Id, Page, PageRequest, Port, Scope, Server};
use crate::store::{Store, StoreError};
use crate::transfer::{Importer, Mode, Report, Row, Settings};

/// Most machines of one import.
const MAX_IMPORTED: usize = 10_000;
/// Rows that are imported at a time.
const ROWS: usize = 500;

/// What is to be scanned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScanBody {
    /// Networks in CIDR, ranges such as `10.0.0.1-10.0.0.50`, and addresses.
    networks: Vec<String>,
    /// UDP port.
    #[serde(default = "default_port")]
    #[schema(default = 623, minimum = 1)]
    port: u16,
    /// Datagrams a second; the most that the configuration allows when absent.
    #[serde(default)]
    #[schema(minimum = 1)]
    rate: Option<u32>,
    /// How long an answer is waited for, in milliseconds.
    #[serde(default = "default_timeout")]
    #[schema(default = 1000, minimum = 100, maximum = 30000)]
    timeout_ms: u64,
    /// How often each question is asked.
    #[serde(default = "default_tries")]
    #[schema(default = 2, minimum = 1, maximum = 10)]
    tries: u8,
}

fn default_port() -> u16 {
    Port::IPMI.0
}

fn default_timeout() -> u64 {
    1000
}

fn default_tries() -> u8 {
    2
}

/// A scan and a part of what it found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobView {
    /// The scan.
    #[serde(flatten)]
    job: Job,
    /// What it found, by address; nothing before it has ended.
    results: Page<FoundView>,
}

/// A BMC that was found, and whether it is known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundView {
    /// The BMC.
    #[serde(flatten)]
    found: Found,
    /// Whether a server has this address and port.
    is_known: bool,
    /// That server, if the asker sees it.
    server: Option<KnownServer>,
}

/// A server that is known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct KnownServer {
    /// Number of the server.
    pub(super) id: Id,
    /// Its name.
    pub(super) name: String,
}

/// Which of what was found become servers, and what they have in common.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FoundImport {
    /// Their addresses; all that are not known yet when absent.
    #[serde(default)]
    addresses: Option<BTreeSet<String>>,
    /// What stands before the address in their names.
    #[serde(default = "default_prefix")]
    #[schema(default = "bmc-")]
    name_prefix: String,
    /// Name of the credential profile.
    #[serde(default)]
    credential: Option<String>,
    /// Name of the group.
    #[serde(default)]
    group: Option<String>,
    /// Name of the exporter.
    #[serde(default)]
    exporter: Option<String>,
    /// Site.
    #[serde(default)]
    site: Option<String>,
    /// Whether their BMCs are asked.
    #[serde(default = "default_true")]
    #[schema(default = true)]
    monitoring_enabled: bool,
    /// Words to find them by.
    #[serde(default)]
    tags: Vec<String>,
    /// Keep those that are right when others are not.
    #[serde(default)]
    partial: bool,
    /// Change nothing, and say what would become.
    #[serde(default)]
    dry_run: bool,
}

fn default_prefix() -> String {
    "bmc-".to_owned()
}

fn default_true() -> bool {
    true
}

/// Scans that are remembered, the newest first. Who is limited to groups sees their
/// own.
#[utoipa::path(get, path = "/discovery", tag = "discovery",
    responses((status = 200, body = Vec<Job>)))]
pub(super) async fn list_scans(
    State(state): State<AppState>,
    principal: Principal,
) -> Json<Vec<Job>> {
    let mut jobs = state.discovery.jobs();
    jobs.retain(|job| sees(&principal, job));
    Json(jobs)
}

/// Starts a scan. It asks every address three questions that need no log-in.
#[utoipa::path(post, path = "/discovery", tag = "discovery", request_body = ScanBody,
    responses((status = 202, body = Job, description = "It has begun"),
        (status = 422, body = super::ProblemBody, content_type = "application/problem+json",
            description = "It may not be scanned"),
        (status = 429, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Too many scans run")))]
pub(super) async fn start_scan(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<ScanBody>,
) -> Result<Response, Problem> {
    let wanted = Wanted {
        networks: body.networks,
        port: body.port,
        rate: body.rate,
        timeout_ms: body.timeout_ms,
        tries: body.tries,
    };
    let job = begin(&state, &principal, &wanted).await?;
    let location = HeaderValue::from_str(&format!("/api/v1/discovery/{}", job.id));
    let mut response = (StatusCode::ACCEPTED, Json(job)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Starts a scan and writes it down.
pub(super) async fn begin(
    state: &AppState,
    principal: &Principal,
    wanted: &Wanted,
) -> Result<Job, Problem> {
    let job = state.discovery.start(wanted, principal.name())?;
    let event = principal.event("discovery.start", format!("discovery/{}", job.id));
    let written = async {
        let mut tx = state.store.write().await?;
        tx.append_audit(&event.with(None, Some(&job))).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        // What is not in the trail does not happen.
        state.discovery.cancel(job.id);
        return Err(error.into());
    }
    Ok(job)
}

/// A scan and what it found.
#[utoipa::path(get, path = "/discovery/{id}", tag = "discovery",
    params(("id" = Id, Path), PageRequest), responses((status = 200, body = JobView)))]
pub(super) async fn get_scan(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(page): Query<PageRequest>,
) -> Result<Json<JobView>, Problem> {
    let page = check_page(page)?;
    let (job, found) = visible(&state, &principal, id)?;
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(page.limit).unwrap_or_default();
    let part: Vec<Found> = found.iter().skip(offset).take(limit).cloned().collect();
    let known = known(&state.store, &part, &principal.scope()).await?;
    let items = part
        .into_iter()
        .zip(known)
        .map(|(found, (is_known, server))| FoundView {
            found,
            is_known,
            server,
        });
    let results = Page {
        items: items.collect(),
        total: i64::try_from(found.len()).unwrap_or(i64::MAX),
        offset: page.offset,
        limit: page.limit,
    };
    Ok(Json(JobView { job, results }))
}

/// Ends a scan; what it found by then stays.
#[utoipa::path(post, path = "/discovery/{id}/cancel", tag = "discovery",
    params(("id" = Id, Path)), responses((status = 200, body = Job)))]
pub(super) async fn cancel_scan(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
) -> Result<Json<Job>, Problem> {
    visible(&state, &principal, id)?;
    let event = principal.event("discovery.cancel", format!("discovery/{id}"));
    let mut tx = state.store.write().await?;
    tx.append_audit(&event).await?;
    tx.commit().await?;
    state.discovery.cancel(id);
    state.discovery.wait(id).await;
    let (job, _) = visible(&state, &principal, id)?;
    Ok(Json(job))
}

/// Makes servers of what a scan found.
#[utoipa::path(post, path = "/discovery/{id}/import", tag = "discovery",
    params(("id" = Id, Path)), request_body = FoundImport,
    responses((status = 200, body = Report),
        (status = 422, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Something is wrong with some; nothing was changed. The report is in the same object")))]
pub(super) async fn import_found(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Json(body): Json<FoundImport>,
) -> Result<Response, Problem> {
    let (_, found) = visible(&state, &principal, id)?;
    let chosen = choose(&state.store, &found, body.addresses.as_ref()).await?;
    let settings = Settings {
        mode: Mode::Create,
        dry_run: body.dry_run,
        partial: body.partial,
        ..Settings::default()
    };
    let mut importer = Importer::new(&state.store, &principal, settings).await?;
    let mut rows = (1..).zip(chosen).map(|(line, found)| {
        Ok(Row {
            line,
            name: format!(
                "{}{}",
                body.name_prefix,
                found.address.replace([':', '.'], "-")
            ),
            address: Some(found.address.clone()),
            port: Some(i64::from(found.port)),
            credential: body.credential.clone(),
            group: body.group.clone(),
            exporter: body.exporter.clone(),
            site: body.site.clone(),
            monitoring_enabled: Some(body.monitoring_enabled),
            tags: Some(body.tags.clone()),
            ..Row::default()
        })
    });
    loop {
        let chunk: Vec<_> = rows.by_ref().take(ROWS).collect();
        if chunk.is_empty() {
            break;
        }
        importer.take(chunk).await?;
    }
    drop(rows);
    Ok(answer(importer.finish().await?))
}

/// What was found at these addresses, or is not known.
async fn choose<'a>(
    store: &Store,
    found: &'a [Found],
    addresses: Option<&BTreeSet<String>>,
) -> Result<Vec<&'a Found>, Problem> {
    let chosen: Vec<&Found> = match addresses {
        Some(addresses) => {
            let by_address: HashMap<&str, &Found> = found
                .iter()
                .map(|found| (found.address.as_str(), found))
                .collect();
            let one = |address: &String| {
                by_address.get(address.as_str()).copied().ok_or_else(|| {
                    Problem::invalid_field("addresses", format!("{address} was not found"))
                })
            };
            addresses.iter().map(one).collect::<Result<_, _>>()?
        }
        None => {
            let known = known(store, found, &Scope::All).await?;
            let new = found.iter().zip(known).filter(|(_, (known, _))| !known);
            new.map(|(found, _)| found).collect()
        }
    };
    if chosen.len() > MAX_IMPORTED {
        return Err(Problem::invalid_field(
            "addresses",
            format!(
                "are {}; at most {MAX_IMPORTED} are imported at once",
                chosen.len()
            ),
        ));
    }
    Ok(chosen)
}

/// Whether each is known, and as which server, if that is in the scope.
pub(super) async fn known(
    store: &Store,
    found: &[Found],
    scope: &Scope,
) -> Result<Vec<(bool, Option<KnownServer>)>, StoreError> {
    let places: Vec<(&str, u16)> = found
        .iter()
        .map(|found| (found.address.as_str(), found.port))
        .collect();
    let mut tx = store.read().await?;
    let at = tx.servers_at(&places).await?;
    let ids: Vec<Id> = at.values().copied().collect();
    let servers: HashMap<Id, Server> = tx
        .servers_with_ids(&ids, scope)
        .await?
        .into_iter()
        .map(|server| (server.id, server))
        .collect();
    let known = |found: &Found| {
        let id = at.get(&(found.address.clone(), found.port));
        let server = id.and_then(|id| servers.get(id));
        let server = server.map(|server| KnownServer {
            id: server.id,
            name: server.name.clone(),
        });
        (id.is_some(), server)
    };
    Ok(found.iter().map(known).collect())
}

/// A scan that the asker sees.
fn visible(
    state: &AppState,
    principal: &Principal,
    id: Id,
) -> Result<(Job, std::sync::Arc<[Found]>), Problem> {
    state
        .discovery
        .job(id)
        .filter(|(job, _)| sees(principal, job))
        .ok_or_else(|| Problem::not_found("there is no scan with this number"))
}

fn sees(principal: &Principal, job: &Job) -> bool {
    principal.scope() == Scope::All || job.author == principal.name()
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(errors) => Self::invalid(errors),
            Refusal::Busy => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many scans",
                refusal.to_string(),
            ),
        }
    }
}
