//! Log-in by an OpenID Connect provider: the authorisation code flow with PKCE.
//!
//! What belongs to one log-in (state, nonce, verifier) is sealed in a cookie of
//! the browser that began it, so that any controller can end it and no other
//! browser can. Nothing that the provider says is believed before its signature
//! is verified.

mod claims;
mod jose;
mod provider;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use crate::clock::Timestamp;
use crate::config::OidcConfig;
use crate::store::{Place, Sealer};

pub use claims::Identity;
pub use jose::JoseError;
use provider::Provider;
pub(crate) use provider::tame;

/// How long somebody may take to sign in at the provider.
pub const PENDING_LIFE: Duration = Duration::from_secs(600);
/// Random bytes of state, nonce and verifier.
const RANDOM_BYTES: usize = 32;
/// Bytes of the name of a key, in front of what is sealed.
const KEY_ID_BYTES: usize = 8;
/// Largest cookie, state or code that is looked at.
const MAX_TEXT: usize = 4096;
const PLACE: Place<'static> = Place {
    purpose: "oidc.pending",
    id: "",
};

/// Why somebody did not sign in so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// A file of the configuration cannot be used.
    #[error("{0}")]
    Setup(String),
    /// The provider does not answer, or not as it should.
    #[error("the OpenID Connect provider: {0}")]
    Provider(String),
    /// The log-in was not begun in this browser, or too long ago.
    #[error("this log-in was not begun in this browser, or took too long; begin again")]
    Strange,
    /// The provider, or its user, said no.
    #[error("the provider refused: {0}")]
    Denied(String),
    /// The provider's token cannot be trusted.
    #[error("the provider's token is not good: {0}")]
    Token(String),
    /// The person has no role here.
    #[error("{0}")]
    NoRole(String),
}

/// A log-in that was begun.
#[derive(Serialize, Deserialize)]
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    expires_at: Timestamp,
}

/// Where a browser goes, and what it takes along.
pub struct Departure {
    /// The provider's page.
    pub url: Url,
    /// Value of the cookie.
    pub cookie: String,
}

/// Signs people in by a provider. Cheap to clone.
#[derive(Clone)]
pub struct Oidc {
    config: OidcConfig,
    provider: Provider,
}

impl Oidc {
    /// With the configured provider; `None` when none is configured.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn new(config: &OidcConfig) -> Result<Option<Self>, OidcError> {
        let (Some(issuer), Some(redirect)) = (&config.issuer, &config.redirect_url) else {
            return Ok(None);
        };
        Ok(Some(Self {
            provider: Provider::new(config, issuer, redirect)?,
            config: config.clone(),
        }))
    }

    /// Path of the page to which people come in the end.
    #[must_use]
    pub fn after_login(&self) -> &str {
        &self.config.after_login
    }

    /// Whether cookies go over TLS only.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        let redirect = self.config.redirect_url.as_ref();
        redirect.is_none_or(|url| url.scheme() == "https")
    }

    /// Asks the provider where its pages are.
    ///
    /// # Errors
    /// When it does not answer, or not as it should.
    pub async fn discover(&self) -> Result<(), OidcError> {
        self.provider.metadata().await.map(|_| ())
    }

    /// Begins a log-in.
    ///
    /// # Errors
    /// When the provider does not answer.
    pub async fn begin(&self, sealer: &Sealer, now: Timestamp) -> Result<Departure, OidcError> {
        let pending = Pending {
            state: random(),
            nonce: random(),
            verifier: random(),
            expires_at: now.after(PENDING_LIFE),
        };
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&pending.verifier));
        let mut url = self.provider.metadata().await?.authorization_endpoint;
        let mut scopes = vec!["openid"];
        scopes.extend(self.config.scopes.iter().map(String::as_str));
        scopes.dedup();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", self.provider.redirect())
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let cookie = seal(sealer, &pending)?;
        Ok(Departure { url, cookie })
    }

    /// Ends a log-in with what the browser brings back.
    ///
    /// # Errors
    /// See [`OidcError`].
    pub async fn end(
        &self,
        sealer: &Sealer,
        now: Timestamp,
        cookie: &str,
        state: &str,
        code: &str,
    ) -> Result<Identity, OidcError> {
        let pending = open(sealer, cookie).ok_or(OidcError::Strange)?;
        let is_same: bool = pending.state.as_bytes().ct_eq(state.as_bytes()).into();
        if !is_same || pending.expires_at <= now || code.len() > MAX_TEXT {
            return Err(OidcError::Strange);
        }
        let token = self.provider.exchange(code, &pending.verifier).await?;
        let (issuer, payload) = self.provider.verify(&token).await?;
        let expected = claims::Expected {
            issuer: &issuer,
            client: &self.config.client_id,
            nonce: &pending.nonce,
            now,
        };
        let claims = expected.check(&payload).map_err(OidcError::Token)?;
        claims::identity(&self.config, &issuer, &claims).map_err(OidcError::NoRole)
    }
}

fn random() -> String {
    let bytes: [u8; RANDOM_BYTES] = rand::rng().random();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn seal(sealer: &Sealer, pending: &Pending) -> Result<String, OidcError> {
    let text = serde_json::to_vec(pending).map_err(|error| OidcError::Setup(error.to_string()))?;
    let sealed = sealer
        .seal(PLACE, &text)
        .map_err(|error| OidcError::Setup(error.to_string()))?;
    let whole = [sealer.active().as_bytes(), &sealed].concat();
    Ok(BASE64_URL_SAFE_NO_PAD.encode(whole))
}

fn open(sealer: &Sealer, cookie: &str) -> Option<Pending> {
    if cookie.len() > MAX_TEXT {
        return None;
    }
    let whole = BASE64_URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let (key, sealed) = whole.split_at_checked(KEY_ID_BYTES)?;
    let text = sealer.open(PLACE, key, sealed).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_only_under_the_same_key() {
        let sealer = Sealer::parse(&"07".repeat(32)).unwrap();
        let pending = Pending {
            state: random(),
            nonce: random(),
            verifier: random(),
            expires_at: Timestamp(1),
        };
        let cookie = seal(&sealer, &pending).unwrap();
        assert_eq!(open(&sealer, &cookie).unwrap().state, pending.state);
        let other = Sealer::parse(&"08".repeat(32)).unwrap();
        assert!(open(&other, &cookie).is_none());
        let mut changed = cookie.into_bytes();
        changed[40] = if changed[40] == b'A' { b'B' } else { b'A' };
        assert!(open(&sealer, std::str::from_utf8(&changed).unwrap()).is_none());
        assert!(open(&sealer, "").is_none());
        assert!(open(&sealer, "AAAA").is_none());
    }
}
