//! What the browser is to let the page do.

use axum::http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngExt;

/// Random bytes of a nonce.
const BYTES: usize = 16;
/// Everything comes from here; scripts and styles only with the nonce, or as files
/// of ours. Nothing else may show the page in a frame, and it is sent nowhere.
const POLICY: &str = "default-src 'none'; script-src 'nonce-{nonce}'; \
    style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ),
];

/// What the page's own scripts and styles bear; new for each answer.
pub(super) struct Nonce(String);

impl Nonce {
    /// A new one.
    pub(super) fn generate() -> Self {
        let random: [u8; BYTES] = rand::rng().random();
        Self(BASE64_URL_SAFE_NO_PAD.encode(random))
    }

    /// Its text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Adds the headers of the page.
pub(super) fn add(headers: &mut HeaderMap, nonce: &Nonce) {
    let policy = POLICY.replace("{nonce}", nonce.as_str());
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
}
