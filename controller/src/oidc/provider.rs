//! The provider: where its pages are, its keys, and the exchange of a code.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::OidcError;
use super::jose::{JoseError, Keys};
use crate::config::{OidcConfig, check_encrypted};

/// Longest time for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time to reach it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer that is taken.
const MAX_BYTES: usize = 1024 * 1024;
/// How long what it told of itself is believed.
const FRESH: Duration = Duration::from_secs(3600);
/// A token of an unknown key makes us ask for the keys, no more often than this.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// What is shown of its complaints.
const MAX_COMPLAINT: usize = 200;

/// What it tells of itself.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

struct Known {
    metadata: Metadata,
    keys: Keys,
    since: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

/// The provider. Cheap to clone.
#[derive(Clone)]
pub(super) struct Provider {
    http: reqwest::Client,
    issuer: String,
    redirect: String,
    client_id: String,
    secret_file: Option<PathBuf>,
    known: Arc<Mutex<Option<Known>>>,
}

impl Provider {
    pub(super) fn new(
        config: &OidcConfig,
        issuer: &Url,
        redirect: &Url,
    ) -> Result<Self, OidcError> {
        // An error says that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect would take code and secret elsewhere.
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &config.ca_file {
            let wrong = |cause: String| {
                OidcError::Setup(format!("oidc.ca_file: {}: {cause}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| wrong(error.to_string()))?;
            builder = builder.tls_certs_merge(roots);
        }
        let http = builder
            .build()
            .map_err(|error| OidcError::Setup(error.to_string()))?;
        Ok(Self {
            http,
            issuer: issuer.as_str().trim_end_matches('/').to_owned(),
            redirect: redirect.as_str().to_owned(),
            client_id: config.client_id.clone(),
            secret_file: config.client_secret_file.clone(),
            known: Arc::default(),
        })
    }

    pub(super) fn redirect(&self) -> &str {
        &self.redirect
    }

    /// Where its pages are.
    pub(super) async fn metadata(&self) -> Result<Metadata, OidcError> {
        let mut known = self.known.lock().await;
        self.learn(&mut known, FRESH)
            .await
            .map(|known| known.metadata.clone())
    }

    /// Asks again when what is known is older than `age`.
    async fn learn<'a>(
        &self,
        known: &'a mut Option<Known>,
        age: Duration,
    ) -> Result<&'a Known, OidcError> {
        let is_fresh = known
            .as_ref()
            .is_some_and(|known| known.since.elapsed() < age);
        if !is_fresh {
            *known = Some(self.ask().await?);
        }
        known
            .as_ref()
            .ok_or_else(|| OidcError::Provider("it says nothing".to_owned()))
    }

    async fn ask(&self) -> Result<Known, OidcError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer);
        let metadata: Metadata = self.read(self.http.get(url)).await?;
        if metadata.issuer.trim_end_matches('/') != self.issuer {
            return Err(OidcError::Provider(
                "it names itself otherwise than oidc.issuer does".to_owned(),
            ));
        }
        for (key, url) in [
            ("authorization_endpoint", &metadata.authorization_endpoint),
            ("token_endpoint", &metadata.token_endpoint),
            ("jwks_uri", &metadata.jwks_uri),
        ] {
            check_encrypted(key, url).map_err(OidcError::Provider)?;
        }
        let keys = self.read(self.http.get(metadata.jwks_uri.clone())).await?;
        Ok(Known {
            metadata,
            keys,
            since: Instant::now(),
        })
    }

    /// Gets the token for a code.
    pub(super) async fn exchange(&self, code: &str, verifier: &str) -> Result<String, OidcError> {
        let metadata = self.metadata().await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", verifier),
        ];
        let secret = self.secret()?;
        let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
        // Without a word about it, the standard says basic.
        let is_basic = methods.is_none_or(|all| all.iter().any(|m| m == "client_secret_basic"));
        let request = self.http.post(metadata.token_endpoint.clone());
        let request = match &secret {
            Some(secret) if is_basic => {
                let encode = |text: &str| -> String {
                    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
                };
                let password = Zeroizing::new(encode(secret));
                request.basic_auth(encode(&self.client_id), Some(password.as_str()))
            }
            _ => {
                form.push(("client_id", &self.client_id));
                if let Some(secret) = &secret {
                    form.push(("client_secret", secret));
                }
                request
            }
        };
        let answer: TokenAnswer = self.read(request.form(&form)).await?;
        Ok(answer.id_token)
    }

    /// The payload of a token that the provider has signed, and its name.
    pub(super) async fn verify(&self, token: &str) -> Result<(String, Vec<u8>), OidcError> {
        let mut known = self.known.lock().await;
        let mut age = FRESH;
        loop {
            let learnt = self.learn(&mut known, age).await?;
            match learnt.keys.verify(token) {
                Ok(payload) => return Ok((learnt.metadata.issuer.clone(), payload)),
                // It may have new keys.
                Err(JoseError::UnknownKey) if age > ASK_AGAIN => age = ASK_AGAIN,
                Err(error) => return Err(OidcError::Token(error.to_string())),
            }
        }
    }

    fn secret(&self) -> Result<Option<Zeroizing<String>>, OidcError> {
        let Some(path) = &self.secret_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| {
                OidcError::Setup(format!(
                    "oidc.client_secret_file: {}: {error}",
                    path.display()
                ))
            })?;
        Ok(Some(Zeroizing::new(text.trim_end().to_owned())))
    }

    async fn read<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, OidcError> {
        let failed = |error: reqwest::Error| OidcError::Provider(innermost(&error.without_url()));
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(OidcError::Provider(format!(
                    "it says more than {MAX_BYTES} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            let error = said["error"].as_str().unwrap_or_default();
            return Err(OidcError::Provider(format!(
                "status {status} {}",
                tame(error)
            )));
        }
        serde_json::from_slice(&body)
            .map_err(|_| OidcError::Provider("it does not answer as it should".to_owned()))
    }
}

/// What somebody else wrote, fit for a line.
pub(crate) fn tame(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(MAX_COMPLAINT)
        .collect()
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
