//! A stand-in for Grafana that holds every request, and its own answers, against
//! the published description of a version.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The versions whose descriptions are there.
pub(super) const VERSIONS: [&str; 4] = ["10.2", "11.4", "12.1", "13.0"];
/// The token of the service account.
pub(super) const TOKEN: &str = "glsa_zq7canaryTOKEN4711";

/// A request that came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Value,
}

/// What Grafana has, and what it was asked.
pub(super) struct World {
    version: &'static str,
    description: Value,
    pub(super) folders: BTreeMap<String, Value>,
    pub(super) dashboards: BTreeMap<String, Stored>,
    pub(super) sources: BTreeMap<String, Value>,
    pub(super) seen: Vec<Seen>,
    /// What was not as the description says.
    pub(super) complaints: Vec<String>,
    /// Answers that it gives instead: method, beginning of the path, status, body,
    /// and how often yet.
    pub(super) refusals: Vec<(&'static str, &'static str, u16, Value, usize)>,
}

/// A dashboard that was saved.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) content: Value,
    pub(super) version: i64,
    pub(super) folder: String,
    pub(super) editor: String,
    pub(super) is_provisioned: bool,
}

/// A running stand-in.
#[derive(Clone)]
pub(super) struct Grafana {
    pub(super) address: SocketAddr,
    world: Arc<Mutex<World>>,
}

impl Grafana {
    pub(super) async fn start(version: &'static str) -> Self {
        let file = format!(
            "{}/tests/data/grafana/api-{version}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(file).expect("a description");
        let world = Arc::new(Mutex::new(World {
            version,
            description: serde_json::from_str(&text).expect("JSON"),
            folders: BTreeMap::new(),
            dashboards: BTreeMap::new(),
            sources: BTreeMap::new(),
            seen: Vec::new(),
            complaints: Vec::new(),
            refusals: Vec::new(),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, world }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no panic")
    }

    /// Requests that changed something.
    pub(super) fn writes(&self) -> Vec<Seen> {
        let world = self.world();
        let writes = world.seen.iter().filter(|seen| seen.method != "GET");
        writes.cloned().collect()
    }
}

impl World {
    /// A person saves a dashboard.
    pub(super) fn edit(&mut self, uid: &str, title: &str) {
        let stored = self.dashboards.get_mut(uid).expect("a dashboard");
        stored.content["title"] = title.into();
        stored.version += 1;
        stored.editor = "eve".to_owned();
    }

    /// As this version shows a dashboard.
    fn shown(&self, stored: &Stored) -> Value {
        let mut content = stored.content.clone();
        content["id"] = json!(77);
        content["version"] = stored.version.into();
        // Newer ones bring the model to their own form.
        if self.version == "13.0" {
            content["schemaVersion"] = json!(42);
            content["preload"] = json!(false);
        }
        content
    }

    fn refusal(&mut self, method: &str, path: &str) -> Option<(u16, Value)> {
        let at = self
            .refusals
            .iter_mut()
            .find(|(m, p, .., left)| *left > 0 && *m == method && path.starts_with(*p))?;
        at.4 -= 1;
        Some((at.2, at.3.clone()))
    }

    /// What the server does with a good request.
    fn act(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let missing = || (404, json!({"message": "not found"}));
        match (method, parts.as_slice()) {
            ("GET", ["dashboards", "uid", uid]) => match self.dashboards.get(*uid) {
                None => missing(),
                Some(stored) => {
                    let mut meta = json!({"version": stored.version, "folderUid": stored.folder,
                        "updatedBy": stored.editor, "provisioned": stored.is_provisioned,
                        "created": "2026-01-01T00:00:00Z", "canSave": true});
                    if ["12.1", "13.0"].contains(&self.version) {
                        meta["apiVersion"] = json!("v1beta1");
                    }
                    (200, json!({"dashboard": self.shown(stored), "meta": meta}))
                }
            },
            ("DELETE", ["dashboards", "uid", uid]) => match self.dashboards.remove(*uid) {
                None => missing(),
                Some(_) => {
                    let id = self.number("DeleteDashboardByUIDOKBody", 77);
                    (
                        200,
                        json!({"id": id, "message": "deleted", "title": "t", "uid": uid}),
                    )
                }
            },
            ("POST", ["dashboards", "db"]) => self.save(body),
            ("GET", ["folders", uid]) => match self.folders.get(*uid) {
                None => missing(),
                Some(folder) => (200, folder.clone()),
            },
            ("GET", ["folders", uid, "counts"]) => {
                let inside = self.dashboards.values().filter(|d| d.folder == **uid);
                (200, json!({"dashboard": inside.count(), "alertrule": 0}))
            }
            ("POST", ["folders"]) => {
                let uid = body["uid"].as_str().unwrap_or_default().to_owned();
                if self.folders.contains_key(&uid) {
                    return (409, json!({"message": "a folder with that uid exists"}));
                }
                let folder = json!({"uid": uid, "title": body["title"], "version": 1});
                self.folders.insert(uid, folder.clone());
                (200, folder)
            }
            ("PUT", ["folders", uid]) => {
                let Some(folder) = self.folders.get_mut(*uid) else {
                    return missing();
                };
                if folder["version"] != body["version"] {
                    return (409, json!({"message": "the folder has been changed"}));
                }
                folder["title"] = body["title"].clone();
                folder["version"] = json!(folder["version"].as_i64().unwrap_or(0) + 1);
                (200, folder.clone())
            }
            ("DELETE", ["folders", uid]) => match self.folders.remove(*uid) {
                None => missing(),
                Some(_) => (200, json!({"id": 5, "message": "deleted", "title": "t"})),
            },
            ("GET", ["datasources", "uid", uid]) => match self.sources.get(*uid) {
                None => missing(),
                Some(source) => (200, source.clone()),
            },
            ("POST", ["datasources"]) => {
                let name = &body["name"];
                if self.sources.values().any(|source| source["name"] == *name) {
                    return (
                        409,
                        json!({"message": "data source with the same name already exists"}),
                    );
                }
                let stored = kept(body);
                let uid = body["uid"].as_str().unwrap_or_default().to_owned();
                self.sources.insert(uid, stored.clone());
                (
                    200,
                    json!({"datasource": stored, "id": 9, "message": "added", "name": name}),
                )
            }
            ("PUT", ["datasources", "uid", uid]) => {
                let stored = kept(body);
                self.sources.insert((*uid).to_owned(), stored.clone());
                (
                    200,
                    json!({"datasource": stored, "id": 9, "message": "updated",
                    "name": body["name"]}),
                )
            }
            ("DELETE", ["datasources", "uid", uid]) => match self.sources.remove(*uid) {
                None => missing(),
                Some(_) => (200, json!({"message": "deleted"})),
            },
            _ => missing(),
        }
    }

    fn save(&mut self, body: &Value) -> (u16, Value) {
        let content = &body["dashboard"];
        let uid = content["uid"].as_str().unwrap_or_default().to_owned();
        let folder = body["folderUid"].as_str().unwrap_or_default().to_owned();
        if !folder.is_empty() && !self.folders.contains_key(&folder) {
            return (404, json!({"message": "folder not found"}));
        }
        let title = &content["title"];
        let is_taken = self.dashboards.iter().any(|(other, stored)| {
            *other != uid && stored.folder == folder && stored.content["title"] == *title
        });
        if is_taken {
            return (
                412,
                json!({"message": "the same name", "status": "name-exists"}),
            );
        }
        let before = self.dashboards.get(&uid);
        let version = before.map_or(0, |stored| stored.version);
        let is_other = before.is_some() && content["version"].as_i64() != Some(version);
        if is_other && body["overwrite"] != true {
            let message = "the dashboard has been changed by someone else";
            return (
                412,
                json!({"message": message, "status": "version-mismatch"}),
            );
        }
        let stored = Stored {
            content: content.clone(),
            version: version + 1,
            folder,
            editor: "sa-1-controller".to_owned(),
            is_provisioned: false,
        };
        self.dashboards.insert(uid.clone(), stored);
        (
            200,
            json!({"id": self.number("PostDashboardOKBody", 77), "uid": uid, "url": format!("/d/{uid}/x"), "status": "success",
            "version": version + 1, "title": title}),
        )
    }

    /// A number in the type that this version describes for it.
    fn number(&self, schema: &str, number: i64) -> Value {
        let schema = &self.description["components"]["schemas"][schema];
        match schema["properties"]["id"]["type"].as_str() {
            Some("string") => json!(number.to_string()),
            _ => json!(number),
        }
    }

    /// Holds a value against a schema of the description.
    fn hold(&mut self, what: &str, schema: &Value, value: &Value, is_request: bool) {
        let mut root = schema.clone();
        let mut schemas = self.description["components"]["schemas"].clone();
        if is_request {
            // What the description does not know may not be sent.
            for schema in schemas.as_object_mut().expect("schemas").values_mut() {
                if schema.get("properties").is_some() {
                    schema["additionalProperties"] = false.into();
                }
            }
        }
        root["components"] = json!({ "schemas": schemas });
        let validator = jsonschema::draft7::new(&root).expect("a schema");
        for mistake in validator.iter_errors(value) {
            let place = mistake.instance_path();
            self.complaints.push(format!("{what}: {place}: {mistake}"));
        }
    }
}

/// A data source as it is shown: secrets only by name.
fn kept(body: &Value) -> Value {
    let mut stored = body.clone();
    let keys = stored.as_object_mut().expect("an object");
    let secrets = keys.remove("secureJsonData").unwrap_or_else(|| json!({}));
    let names = secrets.as_object().expect("an object").keys();
    let fields: Map<String, Value> = names.map(|name| (name.clone(), true.into())).collect();
    keys.insert("secureJsonFields".to_owned(), Value::Object(fields));
    keys.insert("id".to_owned(), json!(9));
    keys.insert("readOnly".to_owned(), json!(false));
    stored
}

/// The operation for a path, with the path as the description has it.
fn operation<'a>(description: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let asked: Vec<&str> = path.split('/').collect();
    let paths = description["paths"].as_object()?;
    let fits = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == asked.len()
            && known
                .iter()
                .zip(&asked)
                .all(|(known, asked)| known.starts_with('{') && !asked.is_empty() || known == asked)
    };
    // A path without parameters comes before one with.
    let mut found: Vec<_> = paths.iter().filter(|(known, _)| fits(known)).collect();
    found.sort_by_key(|(known, _)| known.matches('{').count());
    found.first()?.1.get(method.to_lowercase())
}

/// Numbers are no names: they are gone in 13.
fn numbers(body: &Value) -> bool {
    ["id", "folderId", "orgId"]
        .iter()
        .any(|key| body.get(key).is_some())
}

async fn answer(
    State(world): State<Arc<Mutex<World>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let mut world = world.lock().expect("no panic");
    let method = method.as_str();
    let what = format!("{method} {uri}");
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let path = uri
        .path()
        .strip_prefix("/g/api")
        .unwrap_or_default()
        .to_owned();
    if path == "/health" {
        if header("authorization").is_some() {
            world.complaints.push(format!("{what} signs in"));
        }
        return axum::Json(json!({"database": "ok", "version": world.version})).into_response();
    }
    let body = match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    };
    world.seen.push(Seen {
        method: method.to_owned(),
        path: path.clone(),
        body: body.clone(),
    });
    let Some(operation) = operation(&world.description, method, &path).cloned() else {
        world.complaints.push(format!("{what} is not described"));
        return StatusCode::NOT_FOUND.into_response();
    };
    if uri.query().is_some() {
        world.complaints.push(format!("{what} has a query"));
    }
    if header("accept") != Some("application/json") {
        world
            .complaints
            .push(format!("{what} accepts something else than JSON"));
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    match (schema.is_null(), bytes.is_empty()) {
        (true, true) => {}
        (false, false) => {
            if header("content-type") != Some("application/json") {
                world.complaints.push(format!("{what} is not sent as JSON"));
            }
            world.hold(&what, schema, &body, true);
            if numbers(&body) || numbers(&body["dashboard"]) {
                world.complaints.push(format!("{what} names a number"));
            }
        }
        _ => world
            .complaints
            .push(format!("{what} has a body where none is, or none")),
    }
    let known = format!("Bearer {TOKEN}");
    let (status, answer) = match world.refusal(method, &path) {
        Some(refusal) => refusal,
        None if header("authorization") != Some(&known) => {
            (401, json!({"message": "Invalid API key"}))
        }
        None => world.act(method, &path, &body),
    };
    // What is not described is only a refusal that a test has asked for.
    let described = &operation["responses"][status.to_string()];
    let schema = &described["content"]["application/json"]["schema"];
    if status < 500 || !described.is_null() {
        match schema.is_null() {
            true => world
                .complaints
                .push(format!("{what}: {status} is not described")),
            false => world.hold(&format!("{what}: {status}"), schema, &answer, false),
        }
    }
    let status = StatusCode::from_u16(status).expect("a status");
    (status, axum::Json(answer)).into_response()
}
