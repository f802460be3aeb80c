//! What a data source is to be: Grafana's form, with the secrets as they are now.

use serde_json::{Map, Value, json};

use super::client::GrafanaError;
use crate::config::DataSource;
use crate::prometheus::read_secret;
use crate::store::Store;

/// Largest file with authorities.
const MAX_CA: u64 = 1024 * 1024;

/// A data source as it is to be written. Holds secrets: neither printed nor kept.
pub(super) struct Wanted {
    /// The body for Grafana.
    pub(super) body: Value,
    /// A name for all of it, which tells nothing about the secrets.
    pub(super) digest: String,
}

/// Puts a data source together.
///
/// # Errors
/// When a file with a secret cannot be used.
pub(super) fn wanted(source: &DataSource, store: &Store) -> Result<Wanted, GrafanaError> {
    let wrong = |error: String| GrafanaError::Secret(error);
    let endpoint = &source.endpoint;
    let url = endpoint
        .url
        .as_ref()
        .map(|url| url.as_str().trim_end_matches('/'));
    let mut json_data = json!({"httpMethod": "POST", "timeInterval": "60s"});
    let mut secrets = Map::new();
    let mut body = json!({
        "uid": source.uid,
        "name": source.name,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "basicAuth": false,
        "basicAuthUser": "",
    });
    if let (Some(username), Some(file)) = (&endpoint.username, &endpoint.password_file) {
        body["basicAuth"] = true.into();
        body["basicAuthUser"] = username.as_str().into();
        let password = read_secret(file).map_err(|error| wrong(error.to_string()))?;
        secrets.insert("basicAuthPassword".to_owned(), password.as_str().into());
    }
    if let Some(file) = &endpoint.bearer_token_file {
        let token = read_secret(file).map_err(|error| wrong(error.to_string()))?;
        json_data["httpHeaderName1"] = "Authorization".into();
        let value = format!("Bearer {}", token.as_str());
        secrets.insert("httpHeaderValue1".to_owned(), value.into());
    }
    if let Some(path) = &source.ca_file {
        let unusable = |why: String| {
            wrong(format!(
                "grafana.data_source.ca_file: {}: {why}",
                path.display()
            ))
        };
        let length = std::fs::metadata(path).map_err(|error| unusable(error.to_string()))?;
        if !length.is_file() || length.len() > MAX_CA {
            return Err(unusable(format!("is not a file of up to {MAX_CA} bytes")));
        }
        let pem = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        json_data["tlsAuthWithCACert"] = true.into();
        secrets.insert("tlsCACert".to_owned(), pem.into());
    }
    body["jsonData"] = json_data;
    if !secrets.is_empty() {
        body["secureJsonData"] = Value::Object(secrets);
    }
    let text = zeroize::Zeroizing::new(body.to_string());
    let digest = hex::encode(store.fingerprint("grafana data source", [text.as_bytes()]));
    Ok(Wanted { body, digest })
}
