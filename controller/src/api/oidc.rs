//! Log-in by an OpenID Connect provider, as a browser goes through it.
//!
//! The callback hands the page a code in the fragment of the address, which no
//! server and no log sees; the page turns it into tokens, once, within a minute.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::auth::Tokens;
use super::extract::{Json, Query};
use super::gate::Source;
use super::{AppState, Problem};
use crate::auth::AdmitError;
use crate::oidc::{Oidc, OidcError, PENDING_LIFE, tame};
use crate::telemetry::{LoginMethod, Outcome};

const COOKIE_NAME: &str = "ipmi_oidc";
const COOKIE_PATH: &str = "/api/v1/auth/oidc";

/// What the provider sends along.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Callback {
    /// For the provider's token.
    code: Option<String>,
    /// Of the log-in that was begun.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
}

/// The code that the page was handed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    /// From the fragment `login_code`; good once, for a minute.
    #[schema(write_only)]
    code: String,
}

impl CodeBody {
    /// The code.
    pub(super) fn code(&self) -> &str {
        &self.code
    }
}

impl From<OidcError> for Problem {
    fn from(error: OidcError) -> Self {
        match &error {
            OidcError::Setup(_) => Self::internal(&error),
            OidcError::Provider(_) => {
                tracing::warn!(%error, "Nobody can sign in by OpenID Connect");
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "Provider failed",
                    "the OpenID Connect provider does not answer as it should; the controller's log says more",
                )
            }
            OidcError::Strange => Self::bad_request(error.to_string()),
            OidcError::Denied(_) | OidcError::Token(_) => {
                tracing::warn!(%error, "A log-in by OpenID Connect was refused");
                Self::unauthorized(&error.to_string())
            }
            OidcError::NoRole(_) => Self::forbidden(error.to_string()),
        }
    }
}

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Refused(why) => Self::forbidden(why),
            AdmitError::Password(error) => error.into(),
            AdmitError::Store(error) => error.into(),
        }
    }
}

fn provider(state: &AppState) -> Result<&Oidc, Problem> {
    state
        .oidc
        .as_ref()
        .ok_or_else(|| Problem::not_found("no OpenID Connect provider is configured"))
}

/// Sends the browser to the provider.
#[utoipa::path(get, path = "/auth/oidc/login", tag = "auth", security(()),
    responses((status = 303, description = "To the provider's page"),
        (status = 404, description = "No provider is configured", body = super::ProblemBody,
            content_type = "application/problem+json"),
        (status = 502, description = "The provider does not answer", body = super::ProblemBody,
            content_type = "application/problem+json")))]
pub(super) async fn oidc_login(State(state): State<AppState>) -> Result<Response, Problem> {
    let oidc = provider(&state)?;
    let now = state.store.clock().now();
    let departure = oidc.begin(state.store.sealer(), now).await?;
    let cookie = set_cookie(oidc, &departure.cookie, PENDING_LIFE.as_secs());
    Ok(redirect(departure.url.as_str(), &cookie))
}

/// Where the provider sends the browser back; goes on to the page.
#[utoipa::path(get, path = "/auth/oidc/callback", tag = "auth", security(()),
    // RFC 6749 has us ignore what we do not know, such as `iss` and `session_state`.
    params(Callback, ("others" = HashMap<String, String>, Query, style = Form, explode,
        description = "What else the provider sends")),
    responses((status = 303, description = "To the page, with `login_code` in the fragment"),
        (status = 400, description = "Not begun in this browser, or too long ago",
            body = super::ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The provider refused, or its token is not good",
            body = super::ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Known there, but no user here", body = super::ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "No provider is configured", body = super::ProblemBody,
            content_type = "application/problem+json"),
        (status = 502, description = "The provider does not answer", body = super::ProblemBody,
            content_type = "application/problem+json")))]
pub(super) async fn oidc_callback(
    State(state): State<AppState>,
    Extension(Source(source)): Extension<Source>,
    headers: HeaderMap,
    Query(callback): Query<Callback>,
) -> Result<Response, Problem> {
    let oidc = provider(&state)?;
    let admitted = async {
        if let Some(error) = &callback.error {
            return Err(OidcError::Denied(tame(error)).into());
        }
        let (Some(pending), Some(given), Some(code)) =
            (cookie(&headers), &callback.state, &callback.code)
        else {
            return Err(OidcError::Strange.into());
        };
        let now = state.store.clock().now();
        let sealer = state.store.sealer();
        let identity = oidc.end(sealer, now, pending, given, code).await?;
        Ok(state.authenticator.admit(&identity, source).await?)
    };
    let admitted: Result<_, Problem> = admitted.await;
    let outcome = match &admitted {
        Ok(_) => Outcome::Ok,
        Err(problem) if problem.status().is_server_error() => Outcome::Failed,
        Err(_) => Outcome::Refused,
    };
    state.telemetry.login(LoginMethod::Oidc, outcome);
    let code = admitted?;
    let page = format!("{}#login_code={}", oidc.after_login(), code.expose());
    Ok(redirect(&page, &set_cookie(oidc, "", 0)))
}

/// Turns the page's code into tokens, once.
#[utoipa::path(post, path = "/auth/oidc/token", tag = "auth", security(()), request_body = CodeBody,
    responses((status = 200, body = Tokens), (status = 401, body = super::ProblemBody,
        content_type = "application/problem+json", description = "It does not hold")))]
pub(super) async fn oidc_token(
    State(state): State<AppState>,
    Extension(Source(source)): Extension<Source>,
    Json(body): Json<CodeBody>,
) -> Result<Json<Tokens>, Problem> {
    let session = state.authenticator.redeem(&body.code, source).await?;
    Ok(Json(session.into()))
}

fn set_cookie(oidc: &Oidc, value: &str, seconds: u64) -> String {
    let secure = if oidc.is_secure() { "; Secure" } else { "" };
    format!(
        "{COOKIE_NAME}={value}; Path={COOKIE_PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    )
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

fn redirect(to: &str, cookie: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    for (name, value) in [(LOCATION, to), (SET_COOKIE, cookie)] {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    response
}
