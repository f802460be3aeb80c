//! Requests that may be sent again: with the header `Idempotency-Key` a change
//! happens once, and who asks again gets the answer of the first time
//! (draft-ietf-httpapi-idempotency-key-header).

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Problem;
use super::extract::Json;
use crate::auth::Principal;
use crate::store::{Claim, IdempotencyKey, KeptAnswer, WriteTx};

/// The header with the key.
pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in bytes. A UUID has 36.
const MAX_KEY_BYTES: usize = 255;

/// The header, for the description.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct IdempotencyHeader {
    /// Chosen by who asks, at most 255 visible characters, best a UUID. The same
    /// request with the same key within 24 hours changes nothing again and has the
    /// same answer.
    #[param(rename = "Idempotency-Key")]
    #[expect(dead_code, reason = "the description is all that is read")]
    key: Option<String>,
}

/// A JSON body, and the key that it came with.
#[derive(Debug)]
pub(super) struct Keyed<T> {
    /// The body.
    pub body: T,
    /// The key.
    pub key: Key,
}

/// The key of a request, if it has one.
#[derive(Debug)]
pub(super) struct Key(Option<IdempotencyKey>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Some(key) = key_of(request.headers())? else {
            let Json(body) = Json::from_request(request, state).await?;
            let key = Key(None);
            return Ok(Self { body, key });
        };
        let (parts, body) = request.into_parts();
        let principal = parts
            .extensions
            .get::<Principal>()
            .map(owner)
            .ok_or_else(|| Problem::unauthorized("a token is needed"))?;
        let limited = Request::from_parts(parts.clone(), body);
        let bytes = Bytes::from_request(limited, state)
            .await
            .map_err(|error| Problem::new(error.status(), "Cannot be read", error.body_text()))?;
        let target = parts
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str());
        let mut hash = Sha256::new();
        // A line each: neither a method nor a target has a line break.
        hash.update(format!("{}\n{target}\n", parts.method));
        hash.update(&bytes);
        let key = IdempotencyKey {
            principal,
            key,
            request: hash.finalize().to_vec(),
        };
        let request = Request::from_parts(parts, Body::from(bytes));
        let Json(body) = Json::from_request(request, state).await?;
        let key = Key(Some(key));
        Ok(Self { body, key })
    }
}

impl Key {
    /// Takes the key in the transaction of the change. When the request was
    /// answered before, the answer is given.
    ///
    /// # Errors
    /// A problem when the key was used for something else.
    pub(super) async fn answered(&self, tx: &mut WriteTx) -> Result<Option<Response>, Problem> {
        let Some(key) = &self.0 else {
            return Ok(None);
        };
        match tx.claim_key(key).await? {
            Claim::New => Ok(None),
            Claim::Answered(answer) => {
                let mut response = respond(answer);
                let replayed = HeaderValue::from_static("true");
                response.headers_mut().insert(REPLAYED, replayed);
                Ok(Some(response))
            }
            Claim::Other => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Key was used",
                "Idempotency-Key: was used for another request in the last 24 hours; choose a new one",
            )),
        }
    }

    /// Keeps the answer together with the change, and gives it.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn answer(
        &self,
        tx: &mut WriteTx,
        answer: KeptAnswer,
    ) -> Result<Response, Problem> {
        if let Some(key) = &self.0 {
            tx.keep_answer(key, &answer).await?;
        }
        Ok(respond(answer))
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    // The draft has it as a string of structured fields; most send it bare.
    let bare = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text);
    let is_good =
        (1..=MAX_KEY_BYTES).contains(&bare.len()) && bare.chars().all(|c| c.is_ascii_graphic());
    if !is_good || headers.get_all(HEADER).iter().count() > 1 {
        return Err(Problem::bad_request(format!(
            "Idempotency-Key: is not one text of 1 to {MAX_KEY_BYTES} visible ASCII characters"
        )));
    }
    Ok(Some(bare.to_owned()))
}

/// Whose keys these are: two users may choose the same.
fn owner(principal: &Principal) -> String {
    match principal.user() {
        Some(user) => format!("user {}", user.id),
        None => format!("token {}", principal.token.id),
    }
}

fn respond(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [(ETAG, answer.etag), (LOCATION, answer.location)] {
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    response
}
