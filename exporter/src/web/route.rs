//! Paths, methods and queries: what is asked for, and how refusals read.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};

use super::response::{self, Body};
use super::{compress, landing};
use crate::app::{App, Refusal, Scraped};
use crate::exposition::Format;
use crate::metrics::{self, Answer};

/// Prometheus' own time-out for the scrape, in seconds.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";
/// Longer ones are cut to this; nobody waits for a day.
const MAX_TIMEOUT_SECONDS: f64 = 86_400.0;
const DEFAULT_MODULE: &str = "default";

/// Answers one request.
pub async fn handle<B>(app: Arc<App>, request: Request<B>) -> Response<Body> {
    let (head, _body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    match head.uri.path() {
        "/ipmi" => ipmi(&app, query, &head.headers).await,
        "/metrics" => own_metrics(&app, &head.headers),
        "/-/reload" => reload(app, &head.method).await,
        "/-/healthy" => response::with_body(StatusCode::OK, response::TEXT_PLAIN, "OK\n"),
        "/-/ready" => ready(&app),
        "/" => landing::page(&app),
        _ => response::error(StatusCode::NOT_FOUND, "404 page not found"),
    }
}

async fn ipmi(app: &App, query: &str, headers: &HeaderMap) -> Response<Body> {
    let target = parameter(query, "target").unwrap_or_default();
    if target.is_empty() {
        app.telemetry().refused("no_target");
        return response::error(
            StatusCode::BAD_REQUEST,
            "'target' parameter must be specified",
        );
    }
    let module = parameter(query, "module")
        .filter(|module| !module.is_empty())
        .unwrap_or_else(|| DEFAULT_MODULE.to_owned());
    match app.scrape(&target, &module, timeout(headers)).await {
        Ok(scraped) => exposition(headers, |format| render(&scraped, format)),
        Err(refusal) => {
            let status = match refusal {
                Refusal::UnknownModule(_) | Refusal::Target(_) => StatusCode::BAD_REQUEST,
                Refusal::Denied(_) => StatusCode::FORBIDDEN,
                Refusal::NotReady(_) | Refusal::Overload(_) | Refusal::Unresolved(_) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
            };
            response::error(status, &refusal.to_string())
        }
    }
}

fn render(scraped: &Scraped, format: Format) -> String {
    metrics::render(
        &Answer {
            results: &scraped.results,
            module: &scraped.module,
            duration: scraped.duration,
        },
        format,
    )
}

/// Own metrics, and what the stock exporter adds to them: a collection of the
/// local machine. In-band access does not exist here, so its collectors are down.
fn own_metrics(app: &App, headers: &HeaderMap) -> Response<Body> {
    let module = app.local_module();
    exposition(headers, |format| {
        let local = metrics::render_part(
            &Answer {
                results: &crate::collect::Results::default(),
                module: &module,
                duration: Duration::ZERO,
            },
            format,
        );
        app.telemetry()
            .render(format, &local, !module.collectors.is_empty())
    })
}

fn ready(app: &App) -> Response<Body> {
    match app.not_ready() {
        None => response::with_body(StatusCode::OK, response::TEXT_PLAIN, "Ready\n"),
        Some(reason) => response::error(StatusCode::SERVICE_UNAVAILABLE, &reason),
    }
}

async fn reload(app: Arc<App>, method: &Method) -> Response<Body> {
    if method != Method::POST {
        return response::method_not_allowed("POST", "Only POST requests allowed");
    }
    let result = match app.follower().cloned() {
        Some(follower) => Ok(follower.refresh().await),
        None => {
            let reload = move || app.reload().map_err(|reason| reason.to_string());
            tokio::task::spawn_blocking(reload).await
        }
    };
    match result {
        Ok(Ok(())) => response::empty(),
        Ok(Err(reason)) => response::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("failed to reload config: {reason}"),
        ),
        Err(_) => response::internal_error(),
    }
}

fn exposition(headers: &HeaderMap, write: impl FnOnce(Format) -> String) -> Response<Body> {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::negotiate(accept);
    let mut response = Response::new(());
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    compress::respond(headers, response, Bytes::from(write(format)))
}

fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(TIMEOUT_HEADER)?.to_str().ok()?.parse().ok()?;
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(MAX_TIMEOUT_SECONDS)))
}

/// The first value of a query parameter, as Go reads queries.
fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_occurrence_of_a_parameter_counts() {
        for (query, expected) in [
            ("target=a&target=b", Some("a")),
            ("target=&target=b", Some("")),
            (
                "x=1&target=%5B2001%3Adb8%3A%3A1%5D:9623",
                Some("[2001:db8::1]:9623"),
            ),
            ("target=a+b", Some("a b")),
            ("targets=a", None),
            ("", None),
        ] {
            assert_eq!(parameter(query, "target").as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn only_sensible_timeouts_are_taken() {
        for (text, seconds) in [
            ("10", Some(10.0)),
            ("9.5", Some(9.5)),
            ("1e9", Some(MAX_TIMEOUT_SECONDS)),
            ("0", None),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT_HEADER, HeaderValue::from_static(text));
            let expected = seconds.map(Duration::from_secs_f64);
            assert_eq!(timeout(&headers), expected, "{text}");
        }
    }
}
