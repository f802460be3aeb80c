//! Stands before every route: finds out who asks, and asks the table of
//! [`access`](crate::auth::access) whether they may.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use super::AppState;
use super::observe::Who;
use super::problem::Problem;
use super::session;
use crate::auth::access::{self, Access};
use crate::web::OverTls;

/// The client's address, past trusted proxies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source(pub IpAddr);

/// Lets a request through, or answers 401 or 403.
pub(super) async fn guard(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let source = request
        .extensions()
        .get::<Source>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |source| source.0);
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let rule = path.and_then(|path| access::find(request.method(), &path));
    let Some(rule) = rule else {
        return Problem::forbidden("this route has no rule of access").into_response();
    };
    let is_open = match rule.access {
        Access::Public => true,
        Access::Scrape => !state.metrics.require_token,
        _ => false,
    };
    if is_open {
        return next.run(request).await;
    }
    let token = match token(&state, &request) {
        Ok(Some(token)) => token,
        Ok(None) => {
            let detail = "a token is needed: Authorization: Bearer …";
            return Problem::unauthorized(detail).into_response();
        }
        Err(problem) => return problem.into_response(),
    };
    let principal = match state.authenticator.identify(&token, source).await {
        Ok(principal) => principal,
        Err(error) => return Problem::from(error).into_response(),
    };
    let who = Who(principal.name());
    let mut response = if principal.may(rule) {
        request.extensions_mut().insert(principal);
        next.run(request).await
    } else {
        Problem::forbidden(refusal(rule, &principal)).into_response()
    };
    response.extensions_mut().insert(who);
    response
}

fn refusal(rule: &access::Rule, principal: &crate::auth::Principal) -> String {
    match rule.access {
        Access::Role(role) if principal.user().is_some_and(|user| user.role < role) => {
            format!("this needs the role {}", role.as_str())
        }
        Access::Service(kind) => format!("this needs a token of the kind {}", kind.as_str()),
        _ => format!("the token does not have the scope {}", rule.scope),
    }
}

/// The token that a program shows, or the one in a browser's cookie.
fn token(state: &AppState, request: &Request) -> Result<Option<String>, Problem> {
    if let Some(token) = bearer(request) {
        return Ok(Some(token.to_owned()));
    }
    let is_encrypted = is_encrypted(state, request.extensions(), request.headers());
    session::shown(is_encrypted, request.method(), request.headers())
}

fn bearer(request: &Request) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Whether the client's connection is encrypted, as far as trusted proxies say.
pub(super) fn is_encrypted(state: &AppState, extensions: &Extensions, headers: &HeaderMap) -> bool {
    if extensions.get::<OverTls>().is_some() {
        return true;
    }
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip().to_canonical());
    let is_from = |network: &IpNet| peer.is_some_and(|peer| network.contains(&peer));
    state.trusted_proxies.iter().any(is_from) && scheme_before_proxy(headers) == Some("https")
}

/// What the nearest proxy says: it appends, or replaces what others wrote.
pub(super) fn scheme_before_proxy(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get_all("x-forwarded-proto").iter().next_back()?;
    value.to_str().ok()?.rsplit(',').next().map(str::trim)
}

/// The peer, or whom a trusted proxy names.
pub(super) fn source(state: &AppState, request: &Request) -> IpAddr {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let is_trusted = |address: &IpAddr| {
        state
            .trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    };
    if !is_trusted(&peer) {
        return peer;
    }
    // Each proxy appends whom it saw. From the right, the first who is no proxy
    // of ours is the client; what stands further left anybody may have written.
    request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|address| address.trim().parse().ok())
        .collect::<Vec<IpAddr>>()
        .into_iter()
        .rev()
        .find(|address| !is_trusted(address))
        .unwrap_or(peer)
}
