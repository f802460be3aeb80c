//! The exporters' configuration channel. The only place where secrets leave the
//! controller, so it asks more than the table of access: whose token it is, and
//! whether anybody can listen.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::gate::scheme_before_proxy;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::channel::{View, Waited};
use crate::clock::Timestamp;
use crate::model::{ChannelReport, ChannelSource, Exporter};
use crate::store::StoreError;
use crate::web::OverTls;

/// Longest wait for a change: less than the time that any answer may take.
const MAX_WAIT: Duration = Duration::from_secs(55);
/// How long a request waits for what is only just being made: after the start,
/// and when a secret was replaced a moment ago.
const SHORT_WAIT: Duration = Duration::from_secs(5);
/// When to come again if too many wait, in seconds.
const BUSY_SECONDS: u64 = 5;
/// The name by which every exporter may call itself.
const OWN_NAME: &str = "-";
/// Longest ETag and version that an exporter may tell, and how much of an error
/// is kept, in characters.
const MAX_ETAG: usize = 128;
const MAX_VERSION: usize = 64;
const MAX_ERROR: usize = 2000;

/// How long to wait.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Seconds to wait for a change, such as `55s`; at most 55. `Prefer: wait=55` is the same.
    wait: Option<String>,
}

/// What an exporter tells of itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusBody {
    /// ETag of the configuration that it works with.
    #[serde(default)]
    applied: Option<String>,
    /// ETag of the configuration that it has refused.
    #[serde(default)]
    refused: Option<String>,
    /// Why it has refused it.
    #[serde(default)]
    error: String,
    /// Version of the exporter.
    #[serde(default)]
    version: String,
    /// When its process began.
    #[serde(default)]
    started_at: Option<Timestamp>,
    /// Where its configuration is from.
    #[serde(default)]
    source: ChannelSource,
}

/// For the audit trail: what an exporter was given.
#[derive(Serialize)]
struct HandedOut<'a> {
    etag: &'a str,
    modules: Vec<&'a str>,
    targets: usize,
}

/// Modules with their secrets, and the targets that each may be used for, as the
/// exporter's module file. `-` is the name of whoever asks. With a wait, the
/// answer comes when it differs from what If-None-Match names.
#[utoipa::path(get, path = "/exporters/{name}/config", tag = "exporters",
    params(("name" = String, Path, description = "Name of the exporter, or `-`"), Wait),
    responses(
    (status = 200, description = "The module file", body = Object),
    (status = 304, description = "It is what If-None-Match names"),
    (status = 403, description = "The token is another exporter's, or anybody could listen",
     body = super::ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "The store fails, or the controller has only just started; keep \
     what you have", body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn get_exporter_config(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
    Query(wait): Query<Wait>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let exporter = own_exporter(&state, &principal, &name).await?;
    Carrier::of(&parts)
        .check(&state.trusted_proxies, state.allow_plain_http)
        .map_err(Problem::forbidden)?;
    let wait = wait_of(wait.wait.as_deref(), &parts.headers)?;
    note(&state, &exporter).await?;
    let fresh = Instant::now() + SHORT_WAIT;
    if !state.channel.ready(fresh).await {
        return Err(unavailable());
    }
    let known = known(&parts.headers);
    let mut skipped = known.clone();
    let mut until = Instant::now() + wait;
    loop {
        let (view, is_busy) = match state.channel.wait(exporter.id, &skipped, until).await {
            Waited::Changed(view) => match state.channel.open(&view).await {
                Ok(Some(text)) => {
                    hand_out(&state, &principal, &exporter, &view).await?;
                    let body = Body::from(Bytes::from_owner(text));
                    let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
                    return Ok((cached(&view), kind, body).into_response());
                }
                Ok(None) => {
                    // A secret was replaced this moment; the next view has the new one.
                    skipped.push(view.etag.clone());
                    until = until.max(fresh);
                    continue;
                }
                Err(error) => return Err(failed(&error)),
            },
            Waited::Same(view) => (view, false),
            Waited::Busy(view) => (view, true),
            // The exporter was only just made.
            Waited::Unknown if until < fresh => {
                until = fresh;
                continue;
            }
            Waited::Unknown => return Err(unavailable()),
        };
        if !known.contains(&view.etag) {
            return Err(unavailable());
        }
        let mut response = (StatusCode::NOT_MODIFIED, cached(&view)).into_response();
        if is_busy {
            response
                .headers_mut()
                .insert(RETRY_AFTER, BUSY_SECONDS.into());
        }
        return Ok(response);
    }
}

/// What an exporter works with, told after each attempt to take a configuration.
#[utoipa::path(put, path = "/exporters/{name}/status", tag = "exporters",
    params(("name" = String, Path, description = "Name of the exporter, or `-`")),
    request_body = StatusBody, responses((status = 204, description = "It is noted")))]
pub(super) async fn put_exporter_status(
    State(state): State<AppState>,
    principal: Principal,
    Path(name): Path<String>,
    Json(body): Json<StatusBody>,
) -> Result<StatusCode, Problem> {
    let exporter = own_exporter(&state, &principal, &name).await?;
    for (field, text) in [("applied", &body.applied), ("refused", &body.refused)] {
        if text.as_ref().is_some_and(|etag| etag.len() > MAX_ETAG) {
            return Err(Problem::invalid_field(
                field,
                format!("has more than {MAX_ETAG} bytes"),
            ));
        }
    }
    let report = ChannelReport {
        applied: body.applied,
        refused: body.refused,
        error: plain(&body.error, MAX_ERROR),
        exporter_version: plain(&body.version, MAX_VERSION),
        started_at: body.started_at,
        source: body.source,
    };
    let mut tx = state.store.write().await?;
    tx.note_channel_report(exporter.id, &report).await?;
    tx.commit().await?;
    if !report.error.is_empty() {
        tracing::warn!(
            exporter = exporter.name,
            error = report.error,
            "An exporter has refused its configuration"
        );
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The exporter whose token it is, if that is the one of the path.
async fn own_exporter(
    state: &AppState,
    principal: &Principal,
    name: &str,
) -> Result<Exporter, Problem> {
    // The same words for another's name and for one that there is not.
    let not_own = || Problem::forbidden("this token is not that exporter's");
    let id = principal.token.exporter_id.ok_or_else(not_own)?;
    match state.store.read().await?.exporter(id).await {
        Ok(exporter) if name == OWN_NAME || exporter.name == name => Ok(exporter),
        Ok(_) | Err(StoreError::NotFound { .. }) => Err(not_own()),
        Err(error) => Err(failed(&error)),
    }
}

/// How a request came.
struct Carrier<'a> {
    peer: Option<IpAddr>,
    is_over_tls: bool,
    headers: &'a HeaderMap,
}

impl<'a> Carrier<'a> {
    fn of(parts: &'a Parts) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Self {
            peer: peer.map(|peer| peer.0.ip().to_canonical()),
            is_over_tls: parts.extensions.get::<OverTls>().is_some(),
            headers: &parts.headers,
        }
    }

    /// Refuses to send passwords where anybody could listen.
    fn check(&self, proxies: &[IpNet], allow_plain_http: bool) -> Result<(), &'static str> {
        if allow_plain_http || self.is_over_tls {
            return Ok(());
        }
        let is_from = |network: &IpNet| self.peer.is_some_and(|peer| network.contains(&peer));
        if proxies.iter().any(is_from) {
            return if scheme_before_proxy(self.headers) == Some("https") {
                Ok(())
            } else {
                Err(
                    "the proxy does not say that this request came over TLS; let it terminate \
                     TLS and set X-Forwarded-Proto to https",
                )
            };
        }
        if !self.peer.is_some_and(|peer| peer.is_loopback()) {
            return Err(
                "modules hold passwords and are not given out over plain HTTP; use https, a \
                 proxy among trusted_proxies that terminates TLS, or channel.allow_plain_http. \
                 The token was sent in clear: make a new one",
            );
        }
        let is_passed_on = ["x-forwarded-for", "x-forwarded-proto", "forwarded"]
            .into_iter()
            .any(|name| self.headers.contains_key(name));
        if is_passed_on {
            return Err(
                "the request came through a proxy on this machine that is not among \
                 trusted_proxies; add it there, let it terminate TLS and set X-Forwarded-Proto \
                 to https",
            );
        }
        Ok(())
    }
}

/// How long the asker wants to wait.
fn wait_of(query: Option<&str>, headers: &HeaderMap) -> Result<Duration, Problem> {
    let preferred = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| preference.trim().strip_prefix("wait="));
    let Some(text) = query.or(preferred) else {
        return Ok(Duration::ZERO);
    };
    let number = text.strip_suffix('s').unwrap_or(text);
    match number.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds).min(MAX_WAIT)),
        Err(_) => Err(Problem::bad_request(format!(
            "wait: is no number of seconds such as {}s",
            MAX_WAIT.as_secs()
        ))),
    }
}

/// The ETags that the asker has.
fn known(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").to_owned())
        .collect()
}

/// Notes that an exporter asks, now and then.
async fn note(state: &AppState, exporter: &Exporter) -> Result<(), Problem> {
    let noted = async {
        let mut tx = state.store.read().await?;
        if !tx.channel_is_to_be_noted(exporter.id).await? {
            return Ok(());
        }
        drop(tx);
        let mut tx = state.store.write().await?;
        tx.note_channel(exporter.id).await?;
        tx.commit().await
    };
    noted.await.map_err(|error| failed(&error))
}

/// Writes down that secrets leave, before they do.
async fn hand_out(
    state: &AppState,
    principal: &Principal,
    exporter: &Exporter,
    view: &View,
) -> Result<(), Problem> {
    let written = async {
        let mut tx = state.store.write().await?;
        if tx.note_hand_out(exporter.id, &view.etag).await? {
            let event = principal.event("exporter.configure", format!("exporters/{}", exporter.id));
            let what = HandedOut {
                etag: view.etag.trim_matches('"'),
                modules: view.module_names().collect(),
                targets: view.target_count(),
            };
            tx.append_audit(&event.with(None, Some(&what))).await?;
        }
        tx.commit().await
    };
    written.await.map_err(|error: StoreError| failed(&error))
}

/// A text of the exporter's for our own log and answers.
fn plain(text: &str, most: usize) -> String {
    let is_shown = |c: &char| !c.is_control() || *c == '\n';
    text.chars().filter(is_shown).take(most).collect()
}

fn cached(view: &View) -> [(axum::http::HeaderName, HeaderValue); 2] {
    let etag = HeaderValue::from_str(&view.etag);
    [
        // Hexadecimal digits in quotes.
        (
            ETAG,
            etag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}

fn unavailable() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Not available",
        "the configuration is being made; ask again",
    )
    .retry_after(1)
}

fn failed(error: &StoreError) -> Problem {
    tracing::error!(%error, "A configuration could not be given out");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Not available",
        "the store failed; the controller's log says why",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(peer: &str, is_over_tls: bool, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let carrier = Carrier {
            peer: peer.parse().ok(),
            is_over_tls,
            headers: &map,
        };
        let proxies = ["192.0.2.0/24".parse().unwrap()];
        assert_eq!(carrier.check(&proxies, true), Ok(()), "as configured");
        carrier.check(&proxies, false).is_ok()
    }

    #[test]
    fn passwords_leave_only_where_nobody_can_listen() {
        let (https, http) = (
            ("x-forwarded-proto", "https"),
            ("x-forwarded-proto", "http"),
        );
        let passed_on = ("x-forwarded-for", "198.51.100.1");
        for (peer, is_over_tls, headers, expected) in [
            ("127.0.0.1", false, &[][..], true),
            ("::1", false, &[], true),
            ("198.51.100.1", false, &[], false),
            ("nobody", false, &[], false),
            ("198.51.100.1", true, &[], true),
            // Anybody can write that.
            ("198.51.100.1", false, &[https], false),
            ("192.0.2.1", false, &[https], true),
            ("192.0.2.1", false, &[http], false),
            ("192.0.2.1", false, &[], false),
            // The client wrote the first, the proxy the last.
            ("192.0.2.1", false, &[https, http], false),
            (
                "192.0.2.1",
                false,
                &[("x-forwarded-proto", "https, http")],
                false,
            ),
            ("127.0.0.1", false, &[passed_on], false),
            ("127.0.0.1", false, &[https], false),
        ] {
            assert_eq!(
                judge(peer, is_over_tls, headers),
                expected,
                "{peer} {headers:?}"
            );
        }
    }

    #[test]
    fn a_wait_is_a_bounded_number_of_seconds() {
        let mut headers = HeaderMap::new();
        let wait = |query, headers: &HeaderMap| wait_of(query, headers).ok().map(|w| w.as_secs());
        assert_eq!(wait(None, &headers), Some(0));
        for (text, seconds) in [
            ("55s", Some(55)),
            ("7", Some(7)),
            ("9999", Some(55)),
            ("", None),
            ("-1", None),
            ("1m", None),
        ] {
            assert_eq!(wait(Some(text), &headers), seconds, "{text}");
        }
        headers.insert("prefer", HeaderValue::from_static("respond-async, wait=10"));
        assert_eq!(wait(None, &headers), Some(10));
    }
}
