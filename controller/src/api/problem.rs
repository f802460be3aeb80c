//! Errors as answers: RFC 9457 problem details. The only place that knows both.
//!
//! What went wrong inside is logged with the request's id and not sent.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{LoginError, PasswordError, TokenError};
use crate::model::Invalid;
use crate::monitoring::QueryError;
use crate::promql::Refusal;
use crate::rules::BacktestError;
use crate::store::StoreError;

/// Media type of [`ProblemBody`].
const CONTENT_TYPE: &str = "application/problem+json";

/// An error for the one who asked.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    errors: Vec<Invalid>,
    retry_after_seconds: Option<u64>,
}

/// The form of a [`Problem`] in an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// What kind of problem it is, in a few words.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, for a person.
    pub detail: String,
    /// What is wrong with single fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Invalid>,
}

impl Problem {
    /// A problem without fields.
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_seconds: None,
        }
    }

    /// The request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad request", detail)
    }

    /// Fields are not legal.
    #[must_use]
    pub fn invalid(errors: Vec<Invalid>) -> Self {
        let detail: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Self {
            errors,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid fields",
                detail.join("; "),
            )
        }
    }

    /// One field is not legal.
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![Invalid::new(field, message)])
    }

    /// Nobody knows who asks.
    #[must_use]
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Not signed in", detail)
    }

    /// It is known who asks, and they may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Not allowed", detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    /// It has been asked for too often.
    pub fn too_many(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Too often", detail)
        }
    }

    /// What went wrong inside; the log says it, the answer does not.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        let request_id = super::observe::current_id();
        tracing::error!(error = %Chain(error), %request_id, "A request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal error",
            "the controller failed; its log says why",
        )
    }

    /// Tells when it makes sense to ask again.
    #[must_use]
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::not_found(text),
            StoreError::Taken { field, .. } => {
                let mut problem = Self::new(StatusCode::CONFLICT, "Already there", text.clone());
                problem.errors = vec![Invalid::new(field, text)];
                problem
            }
            StoreError::Dangling { field, what } => {
                Self::invalid_field(field, format!("there is no {what} with this number"))
            }
            StoreError::Invalid(found) => Self::invalid(found),
            StoreError::PasswordTooLong { .. } => Self::invalid_field("driver", text),
            StoreError::Changed { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "Changed meanwhile", text)
            }
            StoreError::InUse { .. } | StoreError::LastAdmin => {
                Self::new(StatusCode::CONFLICT, "In use", text)
            }
            StoreError::TooMany { .. } | StoreError::Shipped | StoreError::NotShipped => {
                Self::new(StatusCode::CONFLICT, "Not possible", text)
            }
            StoreError::Database(sqlx::Error::PoolTimedOut) => {
                tracing::error!("The database has no free connection");
                let mut problem = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Busy",
                    "the database is busy; try again",
                );
                problem.retry_after_seconds = Some(1);
                problem
            }
            other => Self::internal(&other),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let (status, title) = match &error {
            QueryError::NotConfigured => (StatusCode::CONFLICT, "Not configured"),
            QueryError::Refused {
                is_understood: false,
                ..
            } => (StatusCode::BAD_REQUEST, "Bad query"),
            QueryError::Refused {
                is_understood: true,
                ..
            } => (StatusCode::UNPROCESSABLE_ENTITY, "Query fails"),
            QueryError::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "Timed out"),
            QueryError::Failed(_) => (StatusCode::BAD_GATEWAY, "Prometheus fails"),
            QueryError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Busy"),
        };
        Self {
            retry_after_seconds: (error == QueryError::Busy).then_some(1),
            ..Self::new(status, title, error.to_string())
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Syntax(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, "Bad query", refusal.to_string())
    }
}

impl From<BacktestError> for Problem {
    fn from(error: BacktestError) -> Self {
        let text = error.to_string();
        match error {
            BacktestError::Invalid(errors) => Self::invalid(errors),
            BacktestError::Query(error) => error.into(),
            BacktestError::TooMany(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Too many series", text)
            }
            BacktestError::TooSlow => Self::new(StatusCode::GATEWAY_TIMEOUT, "Timed out", text),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Refused => Self::unauthorized("user name or password is wrong"),
            LoginError::TooMany(too_many) => Self {
                retry_after_seconds: Some(too_many.retry_after.as_secs()),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too many tries",
                    too_many.to_string(),
                )
            },
            LoginError::Password(error) => error.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Store(error) => error.into(),
            TokenError::Invalid | TokenError::Reused => Self::unauthorized(&error.to_string()),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        Self::internal(&error)
    }
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
