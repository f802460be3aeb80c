//! What handlers take out of requests, with problems for answers.

use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::problem::Problem;
use crate::auth::Principal;
use crate::model::{MAX_LIMIT, NameSort, PageRequest, Sort, Version};

/// A JSON body.
#[derive(Debug)]
pub(super) struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Problem> {
        let result: Result<axum::Json<T>, JsonRejection> =
            axum::Json::from_request(request, state).await;
        match result {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => {
                let title = match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => "Too large",
                    StatusCode::UNSUPPORTED_MEDIA_TYPE => "No JSON",
                    _ => "Not understood",
                };
                Err(Problem::new(
                    rejection.status(),
                    title,
                    rejection.body_text(),
                ))
            }
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A form in the body.
#[derive(Debug)]
pub(super) struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Problem> {
        let result: Result<axum::Form<T>, FormRejection> =
            axum::Form::from_request(request, state).await;
        match result {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(
                rejection.status(),
                "No form",
                rejection.body_text(),
            )),
        }
    }
}

/// In which order named rows are listed.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct NameOrder {
    /// By what.
    #[serde(default)]
    #[param(inline)]
    sort: NameSort,
    /// The greatest first.
    #[serde(default)]
    descending: bool,
}

impl NameOrder {
    /// For the store.
    pub(super) fn sort(self) -> Sort<NameSort> {
        Sort {
            key: self.sort,
            descending: self.descending,
        }
    }
}

/// Parameters of the query.
#[derive(Debug)]
pub(super) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let result: Result<_, QueryRejection> =
            axum::extract::Query::<T>::from_request_parts(parts, state).await;
        match result {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
        }
    }
}

/// Parameters of the path.
#[derive(Debug)]
pub(super) struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let result: Result<_, PathRejection> =
            <axum::extract::Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        match result {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            // A number that is none is the number of nothing.
            Err(_) => Err(Problem::not_found("there is nothing at this path")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::unauthorized("a token is needed"))
    }
}

/// The version that a change expects, from `If-Match`. Absent or `*` is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IfMatch(pub Option<Version>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let version = text
            .strip_prefix("\"v")
            .and_then(|rest| rest.strip_suffix('"'))
            .and_then(|number| number.parse().ok());
        match version {
            Some(version) => Ok(Self(Some(version))),
            None => Err(Problem::bad_request(
                "If-Match is no ETag that was given out; it has the form \"v12\"",
            )),
        }
    }
}

/// A resource with its version as ETag.
#[derive(Debug)]
pub(super) struct Versioned<T> {
    /// The resource.
    pub value: T,
    /// Its version.
    pub version: Version,
}

impl<T> Versioned<T> {
    /// A resource as it is.
    pub(super) fn ok(value: T, version: Version) -> Self {
        Self { value, version }
    }
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.value).into_response();
        if let Ok(etag) = HeaderValue::from_str(&etag(self.version)) {
            response.headers_mut().insert(ETAG, etag);
        }
        response
    }
}

/// The ETag of a version.
pub(super) fn etag(version: Version) -> String {
    format!("\"v{version}\"")
}

/// Checks the bounds of a page.
///
/// # Errors
/// A problem that names the parameter.
pub(super) fn check_page(page: PageRequest) -> Result<PageRequest, Problem> {
    if page.offset < 0 {
        return Err(Problem::bad_request("offset: is negative"));
    }
    if !(1..=MAX_LIMIT).contains(&page.limit) {
        return Err(Problem::bad_request(format!(
            "limit: {} is not between 1 and {MAX_LIMIT}",
            page.limit
        )));
    }
    Ok(page)
}
