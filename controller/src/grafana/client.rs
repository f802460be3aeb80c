//! A client of one Grafana: bounds time and size, follows no redirect, and says of
//! each refusal what to do.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::config::GrafanaConfig;
use crate::prometheus::{innermost, read_secret};

/// Longest time for one answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer that is taken; dashboards have some hundred KiB.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Longest part of what Grafana says that is passed on, in characters.
const MAX_WORDS: usize = 300;

/// Why Grafana could not be asked, or refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrafanaError {
    /// The program cannot make a client.
    #[error("{0}")]
    Client(String),
    /// A file with a secret cannot be used.
    #[error("{0}")]
    Secret(String),
    /// It does not answer.
    #[error("Grafana does not answer at {url}: {cause}")]
    Unreachable {
        /// Where.
        url: Url,
        /// Why.
        cause: String,
    },
    /// It does not answer in time.
    #[error("Grafana does not answer at {url} within {} s", TIMEOUT.as_secs())]
    TimedOut {
        /// Where.
        url: Url,
    },
    /// 401: it does not know the token.
    #[error(
        "Grafana does not accept the token (401{}); make one for a service account and put it into the file of grafana.token_file", told_as(.0)
    )]
    Unauthorized(String),
    /// 403: the token may not do this.
    #[error(
        "Grafana does not allow the service account {what} (403{}); give it the role Editor, and for data sources Admin or the permissions datasources:create and datasources:write", told_as(.words)
    )]
    Forbidden {
        /// What.
        what: &'static str,
        /// What Grafana said.
        words: String,
    },
    /// 409: something else has the name.
    #[error("Grafana has something else of that name (409{}); rename that, or choose another name in the configuration", told_as(.0))]
    Conflict(String),
    /// 412: it was changed meanwhile.
    #[error("somebody changed it meanwhile (412{})", told_as(.0))]
    Changed(String),
    /// 412: another dashboard has the name.
    #[error("another dashboard of the folder has that title (412{}); rename or move it", told_as(.0))]
    TitleTaken(String),
    /// Another refusal.
    #[error("Grafana refuses {what} ({status}{})", told_as(.words))]
    Refused {
        /// What.
        what: &'static str,
        /// The status.
        status: StatusCode,
        /// What Grafana said.
        words: String,
    },
    /// 404 where there is more than a missing object to it.
    #[error(
        "Grafana does not know what {0} needs (404): the folder is gone, or grafana.url is not Grafana's"
    )]
    Missing(&'static str),
    /// 5xx.
    #[error("Grafana failed with {what} ({status}{}); its log says why", told_as(.words))]
    Failed {
        /// With what.
        what: &'static str,
        /// The status.
        status: StatusCode,
        /// What Grafana said.
        words: String,
    },
    /// What it answers is not what Grafana answers.
    #[error("what answers at grafana.url is not Grafana: {0}")]
    Answer(String),
}

fn told_as(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(": {words}")
    }
}

impl GrafanaError {
    /// Whether it is about Grafana as a whole, so that nothing else needs to be
    /// tried now.
    #[must_use]
    pub fn is_general(&self) -> bool {
        match self {
            Self::Forbidden { .. }
            | Self::Conflict(_)
            | Self::Changed(_)
            | Self::TitleTaken(_)
            | Self::Refused { .. }
            | Self::Missing(_) => false,
            Self::Client(_)
            | Self::Secret(_)
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Unauthorized(_)
            | Self::Failed { .. }
            | Self::Answer(_) => true,
        }
    }
}

/// A dashboard as Grafana has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDashboard {
    /// The model.
    pub content: Value,
    /// How often it was saved.
    pub version: i64,
    /// Whether a file owns it.
    pub is_provisioned: bool,
    /// Unique name of its folder; empty at the root.
    pub folder: String,
    /// Who saved it last.
    pub editor: String,
}

/// A folder as Grafana has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FoundFolder {
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// How often it was changed.
    #[serde(default)]
    pub version: i64,
}

#[derive(Deserialize)]
struct Full {
    dashboard: Value,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    version: i64,
    provisioned: bool,
    folder_uid: String,
    updated_by: String,
}

#[derive(Deserialize)]
struct Saved {
    version: i64,
}

/// What Grafana says of a refusal.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    status: String,
}

/// A Grafana. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    token_file: Option<PathBuf>,
}

impl Client {
    /// A client for the Grafana of the configuration; `None` when it names none.
    ///
    /// # Errors
    /// When no client can be made, or the file with authorities cannot be used.
    pub fn new(config: &GrafanaConfig) -> Result<Option<Self>, GrafanaError> {
        let Some(url) = config.url.clone() else {
            return Ok(None);
        };
        // An error says that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect would take the token elsewhere.
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &config.ca_file {
            let wrong = |cause: String| {
                GrafanaError::Client(format!("grafana.ca_file: {}: {cause}", path.display()))
            };
            // To open a named pipe would wait for ever.
            if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
                return Err(wrong("is not a file".to_owned()));
            }
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| wrong(error.to_string()))?;
            builder = builder.tls_certs_merge(roots);
        }
        let http = builder
            .build()
            .map_err(|error| GrafanaError::Client(format!("no HTTP client: {error}")))?;
        Ok(Some(Self {
            http,
            url,
            token_file: config.token_file.clone(),
        }))
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Its version, when it says that its database is well.
    ///
    /// # Errors
    /// When it is not.
    pub async fn health(&self) -> Result<String, GrafanaError> {
        let what = "to be asked how it is";
        // It says so to anybody.
        let nobody = Self {
            token_file: None,
            ..self.clone()
        };
        let answer = nobody.ask(Method::GET, &["health"], None).await?;
        let health = answer.good(what)?;
        if health["database"] != "ok" {
            return Err(GrafanaError::Answer(
                "its database is not well, or it is something else".to_owned(),
            ));
        }
        Ok(health["version"].as_str().unwrap_or_default().to_owned())
    }

    /// The dashboard with this unique name.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn dashboard(&self, uid: &str) -> Result<Option<FoundDashboard>, GrafanaError> {
        let answer = self
            .ask(Method::GET, &["dashboards", "uid", uid], None)
            .await?;
        let Some(found) = answer.maybe("to read a dashboard")? else {
            return Ok(None);
        };
        let full: Full = read(found)?;
        if !full.dashboard.is_object() {
            return Err(GrafanaError::Answer("a dashboard is no object".to_owned()));
        }
        let version = full.dashboard["version"].as_i64();
        Ok(Some(FoundDashboard {
            version: version.unwrap_or(full.meta.version),
            is_provisioned: full.meta.provisioned,
            folder: full.meta.folder_uid,
            editor: bounded(&full.meta.updated_by),
            content: full.dashboard,
        }))
    }

    /// Makes a dashboard, or changes the version of it that was read. Gives its
    /// version afterwards.
    ///
    /// # Errors
    /// [`GrafanaError::Changed`] when somebody was faster.
    pub async fn save_dashboard(
        &self,
        content: &Value,
        version: Option<i64>,
        folder: &str,
        message: &str,
    ) -> Result<i64, GrafanaError> {
        let mut content = content.clone();
        if let Some(version) = version {
            content["version"] = version.into();
        }
        let body = json!({"dashboard": content, "folderUid": folder, "message": message,
            "overwrite": false});
        let answer = self
            .ask(Method::POST, &["dashboards", "db"], Some(&body))
            .await?;
        let saved: Saved = read(answer.good("to save a dashboard")?)?;
        Ok(saved.version)
    }

    /// Takes a dashboard away; that it is gone already is fine.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn delete_dashboard(&self, uid: &str) -> Result<(), GrafanaError> {
        let answer = self
            .ask(Method::DELETE, &["dashboards", "uid", uid], None)
            .await?;
        answer.maybe("to delete a dashboard").map(|_| ())
    }

    /// The folder with this unique name.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn folder(&self, uid: &str) -> Result<Option<FoundFolder>, GrafanaError> {
        let answer = self.ask(Method::GET, &["folders", uid], None).await?;
        let found = answer.maybe("to read a folder")?;
        found.map(read).transpose()
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn create_folder(&self, uid: &str, title: &str) -> Result<FoundFolder, GrafanaError> {
        let body = json!({"uid": uid, "title": title});
        let answer = self.ask(Method::POST, &["folders"], Some(&body)).await?;
        read(answer.good("to make a folder")?)
    }

    /// Gives the version of a folder that was read another title.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn rename_folder(
        &self,
        uid: &str,
        title: &str,
        version: i64,
    ) -> Result<FoundFolder, GrafanaError> {
        let body = json!({"title": title, "version": version});
        let answer = self
            .ask(Method::PUT, &["folders", uid], Some(&body))
            .await?;
        read(answer.good("to rename a folder")?)
    }

    /// Whether nothing is in a folder.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn folder_is_empty(&self, uid: &str) -> Result<bool, GrafanaError> {
        let answer = self
            .ask(Method::GET, &["folders", uid, "counts"], None)
            .await?;
        let counts = answer.good("to count what is in a folder")?;
        let counts = counts
            .as_object()
            .ok_or_else(|| GrafanaError::Answer("counts are no object".to_owned()))?;
        Ok(counts.values().all(|count| count.as_i64() == Some(0)))
    }

    /// Takes a folder away; that it is gone already is fine.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn delete_folder(&self, uid: &str) -> Result<(), GrafanaError> {
        let answer = self.ask(Method::DELETE, &["folders", uid], None).await?;
        answer.maybe("to delete a folder").map(|_| ())
    }

    /// The data source with this unique name.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn data_source(&self, uid: &str) -> Result<Option<Value>, GrafanaError> {
        let answer = self
            .ask(Method::GET, &["datasources", "uid", uid], None)
            .await?;
        answer.maybe("to read a data source")
    }

    /// Makes a data source.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn create_data_source(&self, body: &Value) -> Result<(), GrafanaError> {
        let answer = self.ask(Method::POST, &["datasources"], Some(body)).await?;
        answer.good("to make a data source").map(|_| ())
    }

    /// Changes a data source.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn update_data_source(&self, uid: &str, body: &Value) -> Result<(), GrafanaError> {
        let answer = self
            .ask(Method::PUT, &["datasources", "uid", uid], Some(body))
            .await?;
        answer.good("to change a data source").map(|_| ())
    }

    /// Takes a data source away; that it is gone already is fine.
    ///
    /// # Errors
    /// See [`GrafanaError`].
    pub async fn delete_data_source(&self, uid: &str) -> Result<(), GrafanaError> {
        let answer = self
            .ask(Method::DELETE, &["datasources", "uid", uid], None)
            .await?;
        answer.maybe("to delete a data source").map(|_| ())
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        // Only URLs that cannot be a base have no segments; the configuration
        // takes none of those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        url
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Answer, GrafanaError> {
        let url = self.at(path);
        let mut request = self
            .http
            .request(method, url.clone())
            .header(ACCEPT, "application/json");
        if let Some(value) = self.authorization()? {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable = |error: reqwest::Error| {
            // A connection that is not made in time is one that is not there.
            if error.is_timeout() && !error.is_connect() {
                return GrafanaError::TimedOut { url: url.clone() };
            }
            GrafanaError::Unreachable {
                url: url.clone(),
                cause: innermost(&error),
            }
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(GrafanaError::Answer(format!(
                    "its answer has more than {MAX_BYTES} bytes"
                )));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            bytes,
        })
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, GrafanaError> {
        let Some(path) = &self.token_file else {
            return Ok(None);
        };
        let token = read_secret(path).map_err(|error| GrafanaError::Secret(error.to_string()))?;
        if token.is_empty() {
            let empty = format!("{}: is empty", path.display());
            return Err(GrafanaError::Secret(empty));
        }
        let text = Zeroizing::new(format!("Bearer {}", token.as_str()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            GrafanaError::Secret(format!(
                "{}: contains what no header can carry",
                path.display()
            ))
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// What came, whatever the status.
struct Answer {
    status: StatusCode,
    bytes: Vec<u8>,
}

impl Answer {
    /// The body, unless there is no such thing.
    fn maybe(self, what: &'static str) -> Result<Option<Value>, GrafanaError> {
        // A 404 of Grafana's has a message; that of a proxy or another program
        // must not be taken for an object that is gone.
        if self.status == StatusCode::NOT_FOUND {
            return match serde_json::from_slice::<Refusal>(&self.bytes) {
                Ok(refusal) if !refusal.message.is_empty() => Ok(None),
                _ => Err(GrafanaError::Answer("its 404 is not Grafana's".to_owned())),
            };
        }
        self.good(what).map(Some)
    }

    /// The body of a good answer.
    fn good(self, what: &'static str) -> Result<Value, GrafanaError> {
        if self.status.is_success() {
            return serde_json::from_slice(&self.bytes)
                .map_err(|_| GrafanaError::Answer(format!("{} without JSON", self.status)));
        }
        let refusal: Refusal = serde_json::from_slice(&self.bytes).unwrap_or_default();
        let words = bounded(&refusal.message);
        Err(match self.status.as_u16() {
            401 => GrafanaError::Unauthorized(words),
            403 => GrafanaError::Forbidden { what, words },
            404 => GrafanaError::Missing(what),
            409 => GrafanaError::Conflict(words),
            412 if refusal.status == "name-exists" => GrafanaError::TitleTaken(words),
            412 => GrafanaError::Changed(words),
            300..=399 => GrafanaError::Answer(format!(
                "it leads elsewhere ({}); is grafana.url complete, with https and path?",
                self.status
            )),
            500..=599 => GrafanaError::Failed {
                what,
                status: self.status,
                words,
            },
            _ => GrafanaError::Refused {
                what,
                status: self.status,
                words,
            },
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, GrafanaError> {
    serde_json::from_value(value).map_err(|error| GrafanaError::Answer(error.to_string()))
}

/// What another program says, fit for one line.
fn bounded(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(MAX_WORDS).collect()
}
