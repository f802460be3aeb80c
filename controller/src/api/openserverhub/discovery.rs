//! `discovery/`: files of servers, and what a scan found.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::servers::{HubGroup, import_rows, theirs};
use crate::api::discovery::{KnownServer, begin, known};
use crate::api::extract::{Json, Query};
use crate::api::server_import::MAX_FILE_BYTES;
use crate::api::{AppState, Problem};
use crate::auth::Principal;
use crate::discovery::{Found, Wanted};
use crate::model::{Id, Port};
use crate::transfer::{FileError, Form, Line, Outcome, Parsed, Row, parse, push_line};

/// Most machines of one request.
const MAX_DEVICES: usize = 10_000;
/// How often each question of a scan is asked.
const TRIES: u8 = 2;
/// Rows of which mistakes are told.
const MAX_TOLD: usize = 1000;
/// Most characters of a maker's name that become part of a server's name, with a
/// model and without.
const MAKER_CHARACTERS: (usize, usize) = (10, 15);

/// Servers as text.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct HubText {
    /// The file.
    csv_content: String,
    /// Group of all of them.
    #[serde(default)]
    group_id: Option<Id>,
}

/// A file of servers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description is all that is made of it")]
pub(in crate::api) struct HubFile {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    csv_file: Vec<u8>,
    /// Group of all of them.
    group_id: Option<Id>,
}

/// Machines that a scan found.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct HubDevices {
    /// Which.
    devices: Vec<HubDevice>,
    /// User of those that have none.
    #[serde(default)]
    default_username: Option<String>,
    /// That user's password.
    #[serde(default)]
    #[schema(write_only)]
    default_password: Option<String>,
    /// Group of all of them.
    #[serde(default)]
    group_id: Option<Id>,
}

/// A machine that a scan found.
#[derive(Deserialize, ToSchema)]
struct HubDevice {
    /// Address of its BMC.
    ip: String,
    /// UDP port of its BMC.
    #[serde(default)]
    port: Option<i64>,
    /// User of its BMC.
    #[serde(default)]
    username: Option<String>,
    /// That user's password.
    #[serde(default)]
    #[schema(write_only)]
    password: Option<String>,
    /// Manufacturer.
    #[serde(default)]
    manufacturer: Option<String>,
    /// Model.
    #[serde(default)]
    model: Option<String>,
    /// Serial number.
    #[serde(default)]
    serial_number: Option<String>,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubImport<T> {
    /// Rows.
    total_count: u64,
    /// New servers.
    success_count: u64,
    /// Rows with which something is wrong.
    failed_count: u64,
    /// The first 1,000 of those.
    failed_details: Vec<T>,
}

/// A row with which something is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubRow {
    /// Line of the file.
    row: u64,
    /// Name of the server.
    name: String,
    /// Address of its BMC.
    ipmi_ip: String,
    /// What is wrong.
    error: String,
}

/// A machine with which something is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubFailed {
    /// Address of its BMC.
    ip: String,
    /// What is wrong.
    error: String,
}

/// Makes servers of a file that is uploaded: those whose rows are right.
#[utoipa::path(post, path = "/discovery/csv-import", tag = "openserverhub", params(HubGroup),
    request_body(content = HubFile, content_type = "multipart/form-data"),
    responses((status = 200, body = HubImport<HubRow>)))]
pub(in crate::api) async fn hub_import_file(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<HubGroup>,
    mut request: Request,
) -> Result<Json<HubImport<HubRow>>, Problem> {
    DefaultBodyLimit::max(MAX_FILE_BYTES).apply(&mut request);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| Problem::bad_request(error.body_text()))?;
    let mut file = None;
    let mut group_id = query.group_id;
    let refused = |error: axum::extract::multipart::MultipartError| {
        Problem::new(error.status(), "Cannot be read", error.body_text())
    };
    while let Some(field) = form.next_field().await.map_err(refused)? {
        match field.name() {
            Some("csv_file") => file = Some(field.bytes().await.map_err(refused)?),
            Some("group_id") => {
                let text = field.text().await.map_err(refused)?;
                group_id =
                    Some(text.trim().parse().map_err(|_| {
                        Problem::invalid_field("group_id", "is no number of a group")
                    })?);
            }
            _ => {}
        }
    }
    let file = file.ok_or_else(|| Problem::invalid_field("csv_file", "is missing"))?;
    import(&state, &principal, file, group_id).await.map(Json)
}

/// Makes servers of a file that comes as a text: those whose rows are right.
#[utoipa::path(post, path = "/discovery/csv-import-text", tag = "openserverhub",
    request_body = HubText, responses((status = 200, body = HubImport<HubRow>)))]
pub(in crate::api) async fn hub_import_text(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<HubText>,
) -> Result<Json<HubImport<HubRow>>, Problem> {
    let file = body.csv_content.into();
    import(&state, &principal, file, body.group_id)
        .await
        .map(Json)
}

async fn import(
    state: &AppState,
    principal: &Principal,
    file: Bytes,
    group_id: Option<Id>,
) -> Result<HubImport<HubRow>, Problem> {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for row in read(file).await? {
        match row {
            Ok(row) => rows.push(row),
            Err(line) => wrong.push(line),
        }
    }
    let addresses: HashMap<u64, String> = rows
        .iter()
        .filter_map(|row| Some((row.line, row.address.clone()?)))
        .collect();
    let report = import_rows(state, principal, group_id, false, rows).await?;
    let failed = u64::try_from(wrong.len()).unwrap_or(u64::MAX);
    wrong.extend(report.lines);
    wrong.retain(|line| line.outcome == Outcome::Error);
    wrong.sort_by_key(|line| line.line);
    wrong.truncate(MAX_TOLD);
    let told = wrong.into_iter().map(|line| HubRow {
        row: line.line,
        ipmi_ip: addresses.get(&line.line).cloned().unwrap_or_default(),
        error: sentence(&line),
        name: line.name,
    });
    Ok(HubImport {
        total_count: report.rows + failed,
        success_count: report.created,
        failed_count: report.failed + failed,
        failed_details: told.collect(),
    })
}

/// All rows of a file.
async fn read(file: Bytes) -> Result<Vec<Parsed>, Problem> {
    let (sender, mut receiver) = mpsc::channel(2);
    let reader = tokio::task::spawn_blocking(move || parse(&file, Form::Csv, &sender));
    let mut rows = Vec::new();
    while let Some(chunk) = receiver.recv().await {
        rows.extend(chunk);
    }
    let read: Result<(), FileError> = reader.await.map_err(|error| Problem::internal(&error))?;
    read.map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(rows)
}

fn sentence(line: &Line) -> String {
    let errors = line.errors.iter().cloned().map(theirs);
    let errors: Vec<String> = errors
        .map(|error| match error.field.as_str() {
            "" => error.message,
            _ => error.to_string(),
        })
        .collect();
    errors.join("; ")
}

/// Makes servers of machines that a scan found.
#[utoipa::path(post, path = "/discovery/batch-import", tag = "openserverhub",
    request_body = HubDevices, responses((status = 200, body = HubImport<HubFailed>)))]
pub(in crate::api) async fn hub_import_devices(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<HubDevices>,
) -> Result<Json<HubImport<HubFailed>>, Problem> {
    if body.devices.len() > MAX_DEVICES {
        return Err(Problem::invalid_field(
            "devices",
            format!(
                "has {} entries; at most {MAX_DEVICES} are allowed",
                body.devices.len()
            ),
        ));
    }
    let wanted: Vec<String> = body.devices.iter().map(HubDevice::server_name).collect();
    let taken = {
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        state.store.read().await?.servers_named(&names).await?
    };
    let filled = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    let mut rows = Vec::with_capacity(body.devices.len());
    for ((device, name), line) in body.devices.iter().zip(wanted).zip(1..) {
        let name = if taken.contains_key(&name) {
            format!("{name}-{}", dashed(&device.ip))
        } else {
            name
        };
        let username = filled(device.username.as_ref());
        let password = filled(device.password.as_ref());
        rows.push(Row {
            line,
            name,
            address: Some(device.ip.clone()),
            port: device.port,
            username: username.or_else(|| filled(body.default_username.as_ref())),
            password: password
                .or_else(|| filled(body.default_password.as_ref()))
                .map(Zeroizing::new),
            manufacturer: device.manufacturer.clone(),
            model: device.model.clone(),
            serial_number: device.serial_number.clone(),
            description: Some("found by a network scan".to_owned()),
            ..Row::default()
        });
    }
    let report = import_rows(&state, &principal, body.group_id, false, rows).await?;
    let wrong = report.lines.iter();
    let wrong = wrong.filter(|line| line.outcome == Outcome::Error);
    let told = wrong.take(MAX_TOLD).map(|line| {
        let index = usize::try_from(line.line).unwrap_or_default();
        let device = index.checked_sub(1).and_then(|at| body.devices.get(at));
        HubFailed {
            ip: device.map(|device| device.ip.clone()).unwrap_or_default(),
            error: sentence(line),
        }
    });
    Ok(Json(HubImport {
        total_count: report.rows,
        success_count: report.created,
        failed_count: report.failed,
        failed_details: told.collect(),
    }))
}

impl HubDevice {
    /// The name that OpenServerHub gives it.
    fn server_name(&self) -> String {
        let short = |text: Option<&String>, most: usize| -> String {
            let text = text.map(String::as_str).unwrap_or_default();
            text.chars()
                .filter(|c| c.is_alphanumeric())
                .take(most)
                .collect()
        };
        let (beside, alone) = MAKER_CHARACTERS;
        let model = short(self.model.as_ref(), beside);
        let maker = self.manufacturer.as_ref();
        let address = dashed(&self.ip);
        match (short(maker, beside), model) {
            (maker, _) if maker.is_empty() => format!("Server-{address}"),
            (_, model) if model.is_empty() => format!("{}-{address}", short(maker, alone)),
            (maker, model) => format!("{maker}-{model}-{address}"),
        }
    }
}

fn dashed(address: &str) -> String {
    address.replace(['.', ':'], "-")
}

/// What is to be scanned.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct HubScan {
    /// A network in CIDR, a range, or addresses parted by commas.
    network: String,
    /// UDP port.
    #[serde(default = "default_port")]
    #[schema(default = 623, minimum = 1)]
    port: u16,
    /// How long an answer is waited for, in seconds.
    #[serde(default = "default_timeout")]
    #[schema(default = 3, minimum = 1, maximum = 30)]
    timeout: u64,
}

fn default_port() -> u16 {
    Port::IPMI.0
}

fn default_timeout() -> u64 {
    3
}

/// What a scan found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubScanned {
    /// Addresses that were asked.
    total_scanned: u64,
    /// BMCs that were found.
    devices_found: usize,
    /// Each.
    devices: Vec<HubFoundDevice>,
    /// Seconds that it took.
    scan_duration: f64,
}

/// A BMC that was found. Nobody logged in, so most is not known.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubFoundDevice {
    /// Its address.
    ip: String,
    /// UDP port.
    port: u16,
    /// Empty: no user is tried.
    username: &'static str,
    /// Empty: no password is tried.
    password: &'static str,
    /// Empty: it is not asked.
    manufacturer: &'static str,
    /// Empty: it is not asked.
    model: &'static str,
    /// Empty: it is not asked.
    serial_number: &'static str,
    /// Generations of IPMI that it speaks.
    bmc_version: String,
    /// Whether it answers: always.
    accessible: bool,
    /// Whether nobody may log in without a name.
    auth_required: bool,
    /// Whether a server has this address and port.
    already_exists: bool,
    /// That server, if the asker sees it.
    existing_server_id: Option<Id>,
    /// Its name.
    existing_server_name: Option<String>,
}

impl HubFoundDevice {
    fn new(found: &Found, (is_known, server): (bool, Option<KnownServer>)) -> Self {
        let spoken = [(found.ipmi_1_5, "1.5"), (found.ipmi_2_0, "2.0")];
        let spoken = spoken.into_iter().filter(|(is, _)| *is == Some(true));
        let spoken: Vec<&str> = spoken.map(|(_, version)| version).collect();
        Self {
            ip: found.address.clone(),
            port: found.port,
            username: "",
            password: "",
            manufacturer: "",
            model: "",
            serial_number: "",
            bmc_version: match spoken.join(" ") {
                versions if versions.is_empty() => String::new(),
                versions => format!("IPMI {versions}"),
            },
            accessible: true,
            auth_required: !found.weaknesses.iter().any(|weak| weak.name == "anonymous"),
            already_exists: is_known,
            existing_server_id: server.as_ref().map(|server| server.id),
            existing_server_name: server.map(|server| server.name),
        }
    }
}

/// Scans a network and waits for the end. Whoever goes away ends it.
#[utoipa::path(post, path = "/discovery/network-scan", tag = "openserverhub",
    request_body = HubScan, responses((status = 200, body = HubScanned)))]
pub(in crate::api) async fn hub_scan(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<HubScan>,
) -> Result<Json<HubScanned>, Problem> {
    let networks = body.network.split(',').map(str::trim);
    let wanted = Wanted {
        networks: networks.map(str::to_owned).collect(),
        port: body.port,
        rate: None,
        timeout_ms: body.timeout.saturating_mul(1000),
        tries: TRIES,
    };
    let begun = begin(&state, &principal, &wanted).await?;
    state.discovery.wait(begun.id).await;
    let (job, found) = state
        .discovery
        .job(begun.id)
        .ok_or_else(|| Problem::not_found("the scan is forgotten already"))?;
    let known = known(&state.store, &found, &principal.scope()).await?;
    let devices = found.iter().zip(known);
    let devices = devices.map(|(found, known)| HubFoundDevice::new(found, known));
    let took = job.ended_at.map(|ended| ended.since(job.started_at));
    Ok(Json(HubScanned {
        total_scanned: job.done,
        devices_found: found.len(),
        devices: devices.collect(),
        scan_duration: took.unwrap_or_default().as_secs_f64(),
    }))
}

/// A file to begin with.
#[utoipa::path(get, path = "/discovery/csv-template", tag = "openserverhub",
    responses((status = 200, description = "The file", body = String,
        content_type = "text/csv")))]
pub(in crate::api) async fn hub_template() -> Response {
    const ROWS: [[&str; 9]; 3] = [
        [
            "name",
            "ipmi_ip",
            "ipmi_username",
            "ipmi_password",
            "ipmi_port",
            "manufacturer",
            "model",
            "serial_number",
            "description",
        ],
        [
            "Server-001",
            "192.168.1.100",
            "admin",
            "password",
            "623",
            "Dell",
            "PowerEdge R740",
            "ABC123",
            "Production server",
        ],
        [
            "Server-002",
            "192.168.1.101",
            "root",
            "password",
            "623",
            "HPE",
            "ProLiant DL380",
            "DEF456",
            "Development server",
        ],
    ];
    let mut text = String::new();
    for row in ROWS {
        push_line(&mut text, row);
    }
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=server_import_template.csv"),
        ),
    ];
    (headers, text).into_response()
}

/// Ways to write networks.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HubExamples {
    /// As CIDR.
    cidr_examples: [&'static str; 2],
    /// As ranges.
    range_examples: [&'static str; 2],
    /// Single addresses.
    single_ip_examples: [&'static str; 2],
    /// What each is.
    description: HubDescription,
}

/// What ways to write networks are.
#[derive(Debug, Serialize, ToSchema)]
struct HubDescription {
    /// As CIDR.
    cidr: &'static str,
    /// As ranges.
    range: &'static str,
    /// Single addresses.
    single: &'static str,
}

/// Ways to write networks.
#[utoipa::path(get, path = "/discovery/network-examples", tag = "openserverhub",
    responses((status = 200, body = HubExamples)))]
pub(in crate::api) async fn hub_examples() -> Json<HubExamples> {
    Json(HubExamples {
        cidr_examples: ["192.168.1.0/24", "10.0.0.0/24"],
        range_examples: ["192.168.1.1-192.168.1.100", "10.0.0.10-10.0.0.50"],
        single_ip_examples: ["192.168.1.100", "10.0.0.10,10.0.0.11"],
        description: HubDescription {
            cidr: "a network: address and length of its prefix",
            range: "from the first address to the last",
            single: "addresses, parted by commas",
        },
    })
}
