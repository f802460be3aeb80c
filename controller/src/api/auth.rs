//! Log-in, renewal, log-out, one's own profile and password.

use axum::Extension;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::extract::Json;
use super::gate::Source;
use super::session::Jar;
use super::{AppState, Problem};
use crate::auth::{ACCESS_LIFE, LoginError, Principal, Session};
use crate::model::{Invalid, TokenKind, User, check_password};
use crate::telemetry::{LoginMethod, Outcome};

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    /// Name of the user.
    username: String,
    /// The password.
    #[schema(write_only)]
    password: String,
    /// Of the OAuth 2 password form; looked at by nobody.
    #[serde(default, rename = "grant_type")]
    _grant_type: Option<String>,
    /// Of the OAuth 2 password form.
    #[serde(default, rename = "scope")]
    _scope: Option<String>,
    /// Of the OAuth 2 password form.
    #[serde(default, rename = "client_id")]
    _client_id: Option<String>,
    /// Of the OAuth 2 password form.
    #[serde(default, rename = "client_secret")]
    _client_secret: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    /// The one that came last.
    #[schema(write_only)]
    refresh_token: String,
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    /// The one that holds now.
    #[schema(write_only)]
    current_password: String,
    /// The new one, 10 to 256 bytes.
    #[schema(write_only)]
    new_password: String,
}

/// Tokens, and whom they stand for.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// To be shown with each request.
    access_token: String,
    /// `bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: u64,
    /// Gives the next tokens, once.
    refresh_token: String,
    /// Who is signed in.
    user: User,
}

impl From<Session> for Tokens {
    fn from(session: Session) -> Self {
        Self {
            access_token: session.access.expose().to_owned(),
            token_type: "bearer",
            expires_in: ACCESS_LIFE.as_secs(),
            refresh_token: session.refresh.expose().to_owned(),
            user: session.user,
        }
    }
}

/// JSON, or the form of OAuth 2 in either encoding of forms.
pub(super) struct FormOrJson<T>(T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for FormOrJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request.headers().get(CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let is = |form: &str| media_type.is_some_and(|value| value.starts_with(form));
        if is("multipart/form-data") {
            let fields = multipart_fields(request, state).await?;
            let value = serde_json::from_value(serde_json::Value::Object(fields));
            return value
                .map(Self)
                .map_err(|error| Problem::bad_request(error.to_string()));
        }
        if is("application/x-www-form-urlencoded") {
            let form = axum::Form::<T>::from_request(request, state).await;
            let form = form.map_err(|error| Problem::bad_request(error.body_text()))?;
            return Ok(Self(form.0));
        }
        Json::from_request(request, state)
            .await
            .map(|Json(value)| Self(value))
    }
}

/// Texts of a form, by name.
async fn multipart_fields<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<serde_json::Map<String, serde_json::Value>, Problem> {
    let refused = |error: String| Problem::bad_request(error);
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|error| refused(error.body_text()))?;
    let mut fields = serde_json::Map::new();
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| refused(error.body_text()))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        let text = field.text().await;
        let text = text.map_err(|error| refused(error.body_text()))?;
        fields.insert(name, text.into());
    }
    Ok(fields)
}

/// Signs in with name and password.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    request_body(content((LoginBody = "application/json"), (LoginBody = "application/x-www-form-urlencoded"),
        (LoginBody = "multipart/form-data"))),
    responses((status = 200, body = Tokens), (status = 401, body = super::ProblemBody,
        content_type = "application/problem+json", description = "Name or password is wrong"),
        (status = 429, body = super::ProblemBody, content_type = "application/problem+json",
        description = "Too many failures")))]
pub(super) async fn log_in(
    State(state): State<AppState>,
    Extension(Source(source)): Extension<Source>,
    FormOrJson(body): FormOrJson<LoginBody>,
) -> Result<Json<Tokens>, Problem> {
    let password = Zeroizing::new(body.password);
    let tried = state
        .authenticator
        .log_in(&body.username, password, source)
        .await;
    state
        .telemetry
        .login(LoginMethod::Password, outcome(tried.as_ref().err()));
    Ok(Json(tried?.into()))
}

/// How a log-in with a password ended, for the metrics.
pub(super) fn outcome(error: Option<&LoginError>) -> Outcome {
    match error {
        None => Outcome::Ok,
        Some(LoginError::Refused) => Outcome::Refused,
        Some(LoginError::TooMany(_)) => Outcome::Limited,
        Some(_) => Outcome::Failed,
    }
}

/// Gives new tokens for a refresh token, which is used up.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(()), request_body = RefreshBody,
    responses((status = 200, body = Tokens), (status = 401, body = super::ProblemBody,
        content_type = "application/problem+json", description = "It does not hold")))]
pub(super) async fn refresh(
    State(state): State<AppState>,
    Extension(Source(source)): Extension<Source>,
    Json(body): Json<RefreshBody>,
) -> Result<Json<Tokens>, Problem> {
    let session = state
        .authenticator
        .renew(&body.refresh_token, source)
        .await?;
    Ok(Json(session.into()))
}

/// Ends this log-in, with all its tokens.
#[utoipa::path(post, path = "/auth/logout", tag = "auth",
    responses((status = 204, description = "Signed out")))]
pub(super) async fn log_out(
    State(state): State<AppState>,
    principal: Principal,
    jar: Jar,
) -> Result<Response, Problem> {
    state.authenticator.log_out(&principal).await?;
    Ok(match principal.token.kind {
        TokenKind::Session => jar.take(StatusCode::NO_CONTENT),
        _ => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Who is signed in.
#[utoipa::path(get, path = "/auth/me", tag = "auth", responses((status = 200, body = User)))]
pub(super) async fn get_me(principal: Principal) -> Result<Json<User>, Problem> {
    match principal.user() {
        Some(user) => Ok(Json(user.clone())),
        None => Err(Problem::forbidden("a service has no profile")),
    }
}

/// Changes one's own password, and ends all other log-ins. A browser gets a new
/// cookie instead of tokens.
#[utoipa::path(post, path = "/auth/password", tag = "auth", request_body = PasswordBody,
    responses((status = 200, body = Tokens),
        (status = 204, description = "Changed, for a browser that shows its cookie")))]
pub(super) async fn change_password(
    State(state): State<AppState>,
    principal: Principal,
    jar: Jar,
    Json(body): Json<PasswordBody>,
) -> Result<Response, Problem> {
    let Some(user) = principal.user() else {
        return Err(Problem::forbidden("a service has no password"));
    };
    check_password(&body.new_password)
        .map_err(|message| Problem::invalid_field("new_password", message))?;
    let passwords = state.authenticator.passwords();
    let stored = state.store.read().await?.password_hash(user.id).await?;
    let current = Zeroizing::new(body.current_password);
    if !passwords.verify(current, Some(stored)).await? {
        let wrong = Invalid::new("current_password", "is not the password that holds now");
        return Err(Problem::invalid(vec![wrong]));
    }
    let new = Zeroizing::new(body.new_password);
    let hash = passwords.hash(new.clone()).await?;
    let mut tx = state.store.write().await?;
    tx.set_password(user.id, &hash).await?;
    tx.revoke_user(user.id).await?;
    tx.append_audit(&principal.event("user.password", format!("users/{}", user.id)))
        .await?;
    tx.commit().await?;
    let authenticator = &state.authenticator;
    if principal.token.kind == TokenKind::Session {
        let session = authenticator
            .log_in_browser(&user.username, new, principal.source)
            .await?;
        return Ok(jar.put(&state, &session, StatusCode::NO_CONTENT));
    }
    let session = authenticator
        .log_in(&user.username, new, principal.source)
        .await?;
    Ok(Json(Tokens::from(session)).into_response())
}
