//! Stands around everything: gives each request its number, writes the access
//! log, counts, and adds the headers that every answer bears.
//!
//! A line has the route's template instead of the path, and no query: both may
//! hold what must not be in a log.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use super::AppState;
use super::gate::{self, Source};
use super::held::{Held, Watcher};
use crate::auth::access;
use crate::telemetry::Telemetry;

/// Name of the header with the number of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest number that somebody else may give.
const MAX_ID: usize = 64;
/// The route of what has none.
const UNMATCHED: &str = "unmatched";

tokio::task_local! {
    static CURRENT: Arc<str>;
}

/// Number of the request that is being answered; empty outside of one.
pub(super) fn current_id() -> Arc<str> {
    CURRENT.try_with(Arc::clone).unwrap_or_default()
}

/// Name of whoever asked, for the log; put into the answer by the gate.
#[derive(Clone, Debug)]
pub(super) struct Who(pub String);

/// Headers of every answer, unless it has its own.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
/// Half a year, for browsers that came over TLS.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=15768000");

/// What is known of a request when its answer begins.
struct Line {
    telemetry: Arc<Telemetry>,
    id: Arc<str>,
    method: &'static str,
    route: &'static str,
    source: IpAddr,
    who: String,
    status: u16,
    started: Instant,
    bytes: u64,
}

impl Watcher for Line {
    fn wrote(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.telemetry
            .request_ended(self.method, self.route, self.status, seconds);
        tracing::info!(
            target: "access",
            method = self.method,
            route = self.route,
            status = self.status,
            seconds,
            bytes = self.bytes,
            principal = self.who,
            source = %self.source,
            request_id = &*self.id,
            "Answered"
        );
    }
}

/// Watches a request from its head to the end of its answer.
pub(super) async fn observe(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
    let source = gate::source(&state, &request);
    request.extensions_mut().insert(Source(source));
    state.telemetry.request_begins();
    // From here on it is counted, also when the client goes away.
    let mut line = Line {
        telemetry: Arc::clone(&state.telemetry),
        id: Arc::clone(&id),
        method: word(request.method()),
        route: route(&request),
        source,
        who: String::new(),
        // What nginx calls it when the client goes first.
        status: 499,
        started: Instant::now(),
        bytes: 0,
    };
    let mut response = CURRENT.scope(Arc::clone(&id), next.run(request)).await;
    line.status = response.status().as_u16();
    if let Some(Who(name)) = response.extensions_mut().remove() {
        line.who = name;
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    if state.tls.is_some() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    response.map(|body| Body::new(Held::new(body, line)))
}

/// The number that the client gave, if it is a sane one, or a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    match given {
        Some(given) if is_sane(given) => given.into(),
        _ => Uuid::now_v7().to_string().into(),
    }
}

fn is_sane(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// The template from the table of access.
fn route(request: &Request) -> &'static str {
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return UNMATCHED;
    };
    access::RULES
        .iter()
        .find(|rule| rule.path == path.as_str())
        .map_or(UNMATCHED, |rule| rule.path)
}

/// Methods are a closed set for the metrics.
fn word(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    const WORDS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN
        .iter()
        .position(|known| known == method)
        .and_then(|index| WORDS.get(index).copied())
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_numbers_are_taken() {
        for (id, sane) in [
            ("0190-a.b_c", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(is_sane(id), sane, "{id}");
        }
        assert_eq!(word(&Method::from_bytes(b"BREW").unwrap()), "other");
        assert_eq!(word(&Method::PUT), "PUT");
    }
}
