//! Answers in plain text, as Go's `http.Error` makes them: clients compare these bytes.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};

/// Every answer is complete before it is sent.
pub type Body = Full<Bytes>;

/// Type of plain-text answers.
pub const TEXT_PLAIN: &str = "text/plain; charset=utf-8";

/// A body with a type.
#[must_use]
pub fn with_body(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An error as one line of text, which browsers must not take for HTML.
#[must_use]
pub fn error(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = with_body(status, TEXT_PLAIN, format!("{message}\n"));
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// 200 without a body.
#[must_use]
pub fn empty() -> Response<Body> {
    Response::new(Body::default())
}

/// 405 with the methods that are allowed, such as `POST`.
#[must_use]
pub fn method_not_allowed(allowed: &'static str, message: &str) -> Response<Body> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, message);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// 401 that asks for a user name and a password.
#[must_use]
pub fn unauthorized() -> Response<Body> {
    let mut response = error(StatusCode::UNAUTHORIZED, "Unauthorized");
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    response
}

/// 429.
#[must_use]
pub fn too_many_requests() -> Response<Body> {
    error(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
}

/// 500 without a reason; the reason is in the log.
#[must_use]
pub fn internal_error() -> Response<Body> {
    error(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn an_error_is_a_line_of_text_that_is_not_sniffed() {
        let response = method_not_allowed("POST", "Only POST requests allowed");
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "POST");
        assert_eq!(
            response.headers()["content-type"],
            "text/plain; charset=utf-8"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "Only POST requests allowed\n");
    }
}
