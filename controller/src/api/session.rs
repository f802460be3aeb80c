//! A browser's log-in: a cookie that no script reads, instead of tokens.
//!
//! Other sites' pages must not act in somebody's name. The cookie is
//! `SameSite=Strict`; besides, a request that changes something must bear a header
//! that a page of another origin can only send after this service has agreed,
//! which it never does.

use axum::Extension;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::auth::outcome;
use super::extract::Json;
use super::gate::{self, Source};
use super::oidc::CodeBody;
use super::{AppState, Problem};
use crate::auth::{BrowserSession, Principal};
use crate::clock::Timestamp;
use crate::model::{TokenKind, User};
use crate::telemetry::LoginMethod;

/// Name of the cookie where the connection is encrypted: browsers take it only
/// from this very host, over TLS.
const SECURE_COOKIE: &str = "__Host-ipmi_session";
/// Name of the cookie over plain HTTP.
const PLAIN_COOKIE: &str = "ipmi_session";
/// Header of requests that change something.
const REQUESTED_BY: HeaderName = HeaderName::from_static("x-requested-by");
/// In which relation the page that asks stands to this origin, as browsers say.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionDraft {
    /// Name of the user.
    username: String,
    /// The password.
    #[schema(write_only)]
    password: String,
}

/// Who is signed in, and until when.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionBody {
    /// Who.
    user: User,
    /// When the log-in ends if it is not used any more; never when absent.
    expires_at: Option<Timestamp>,
    /// Version of the controller.
    version: &'static str,
}

/// How one can sign in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginMethods {
    /// With name and password.
    password: bool,
    /// By an OpenID Connect provider, beginning at `/api/v1/auth/oidc/login`.
    oidc: bool,
}

/// Whether the browser's connection is encrypted, which decides about its cookie.
pub(super) struct Jar {
    is_encrypted: bool,
}

impl FromRequestParts<AppState> for Jar {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let is_encrypted = gate::is_encrypted(state, &parts.extensions, &parts.headers);
        Ok(Self { is_encrypted })
    }
}

impl Jar {
    fn name(&self) -> &'static str {
        if self.is_encrypted {
            SECURE_COOKIE
        } else {
            PLAIN_COOKIE
        }
    }

    fn cookie(&self, value: &str, seconds: u64) -> HeaderValue {
        let name = self.name();
        let secure = if self.is_encrypted { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        // A token's text has no character that a header must not have.
        let mut cookie = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        cookie.set_sensitive(true);
        cookie
    }

    /// Gives the browser its log-in along with an answer.
    pub(super) fn put(
        &self,
        state: &AppState,
        session: &BrowserSession,
        answer: impl IntoResponse,
    ) -> Response {
        let mut response = answer.into_response();
        let seconds = seconds_left(state, session.token.expires_at);
        let cookie = self.cookie(session.text.expose(), seconds);
        response.headers_mut().append(SET_COOKIE, cookie);
        response
    }

    /// Takes the browser's log-in away along with an answer.
    pub(super) fn take(&self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        response
            .headers_mut()
            .append(SET_COOKIE, self.cookie("", 0));
        response
    }

    /// The token in the browser's cookie.
    fn token<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.name();
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
            .filter(|token| !token.is_empty())
    }
}

fn seconds_left(state: &AppState, end: Option<Timestamp>) -> u64 {
    end.map_or(0, |end| end.since(state.store.clock().now()).as_secs())
}

/// The token of a browser's cookie, if the request may use it.
pub(super) fn shown(
    is_encrypted: bool,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<String>, Problem> {
    let Some(token) = (Jar { is_encrypted }).token(headers) else {
        return Ok(None);
    };
    check_site(headers)?;
    let changes = !matches!(*method, Method::GET | Method::HEAD);
    if changes && !headers.contains_key(REQUESTED_BY) {
        return Err(Problem::forbidden(
            "a change with a browser's log-in needs the header X-Requested-By, with any value",
        ));
    }
    Ok(Some(token.to_owned()))
}

/// Refuses what the browser says another site's page sent.
fn check_site(headers: &HeaderMap) -> Result<(), Problem> {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    match site {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Problem::forbidden(
            "another site's page asks in the name of whoever is signed in here",
        )),
    }
}

/// How one can sign in here.
#[utoipa::path(get, path = "/auth/methods", tag = "auth", security(()),
    responses((status = 200, body = LoginMethods)))]
pub(super) async fn get_login_methods(State(state): State<AppState>) -> Json<LoginMethods> {
    Json(LoginMethods {
        password: true,
        oidc: state.oidc.is_some(),
    })
}

/// Signs a browser in with name and password; the answer sets a cookie.
#[utoipa::path(post, path = "/auth/session", tag = "auth", security(()),
    request_body = SessionDraft,
    responses((status = 200, body = SessionBody, description = "Signed in",
            headers(("set-cookie" = String, description = "The log-in, for the browser only"))),
        (status = 401, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Name or password is wrong"),
        (status = 403, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Another site's page asks"),
        (status = 429, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Too many failures")))]
pub(super) async fn open_session(
    State(state): State<AppState>,
    Extension(Source(source)): Extension<Source>,
    jar: Jar,
    headers: HeaderMap,
    Json(body): Json<SessionDraft>,
) -> Result<Response, Problem> {
    // A page of another origin cannot send JSON unasked either.
    check_site(&headers)?;
    let password = Zeroizing::new(body.password);
    let tried = state
        .authenticator
        .log_in_browser(&body.username, password, source)
        .await;
    state
        .telemetry
        .login(LoginMethod::Password, outcome(tried.as_ref().err()));
    let session = tried?;
    Ok(jar.put(&state, &session, Json(opened(&session))))
}

/// Signs a browser in with the code of a log-in by OpenID Connect, once.
#[utoipa::path(post, path = "/auth/session/oidc", tag = "auth", security(()),
    request_body = CodeBody,
    responses((status = 200, body = SessionBody, description = "Signed in",
            headers(("set-cookie" = String, description = "The log-in, for the browser only"))),
        (status = 401, body = super::ProblemBody, content_type = "application/problem+json",
            description = "The code does not hold"),
        (status = 403, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Another site's page asks")))]
pub(super) async fn open_oidc_session(
    State(state): State<AppState>,
    Extension(Source(source)): Extension<Source>,
    jar: Jar,
    headers: HeaderMap,
    Json(body): Json<CodeBody>,
) -> Result<Response, Problem> {
    check_site(&headers)?;
    let session = state
        .authenticator
        .redeem_in_browser(body.code(), source)
        .await?;
    Ok(jar.put(&state, &session, Json(opened(&session))))
}

/// Who is signed in. A browser's cookie lasts longer with it.
#[utoipa::path(get, path = "/auth/session", tag = "auth",
    responses((status = 200, body = SessionBody)))]
pub(super) async fn get_session(
    State(state): State<AppState>,
    principal: Principal,
    jar: Jar,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(user) = principal.user() else {
        return Err(Problem::forbidden("a service has no profile"));
    };
    let body = SessionBody {
        user: user.clone(),
        expires_at: principal.token.expires_at,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut response = Json(body).into_response();
    if principal.token.kind == TokenKind::Session
        && let Some(token) = jar.token(&headers)
    {
        let seconds = seconds_left(&state, principal.token.expires_at);
        let cookie = jar.cookie(token, seconds);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

fn opened(session: &BrowserSession) -> SessionBody {
    SessionBody {
        user: session.user.clone(),
        expires_at: session.token.expires_at,
        version: env!("CARGO_PKG_VERSION"),
    }
}
