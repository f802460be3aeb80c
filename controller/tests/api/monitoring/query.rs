//! Queries that are passed on: exact answers, and whose fault what is.

use axum::Router;
use axum::http::StatusCode as Status;
use axum::routing::any;
use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::json;

use super::{ago, by_form, encoded, lab_asking};
use crate::support::prometheus::{Prometheus, free_address};
use crate::support::{Answer, Client, Lab};

async fn ask(client: &Client, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let path = format!("/api/v1/monitoring/prometheus/{path}?{}", encoded(pairs));
    client.get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_prometheus() {
    let end = ago(300);
    let samples = format!(
        "# TYPE t gauge\nt{{a=\"b\"}} 1.5 {}\nt{{a=\"b\"}} NaN {end}\n# EOF\n",
        end - 60
    );
    let prometheus = Prometheus::with_samples(&samples).await;
    let lab = lab_asking(&prometheus.url()).await;
    let viewer = lab.user("eve", Role::Viewer, None).await;
    let end = end.to_string();
    for parameter in ["time", "time_param"] {
        let pairs = [("query", "t"), (parameter, end.as_str())];
        let answer = ask(&viewer, "query", &pairs).await;
        let expected = json!({"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {"__name__": "t", "a": "b"}, "value": [end.parse::<i64>().unwrap(), "NaN"]}]}});
        assert_eq!(answer.body, expected);
    }
    let start = (end.parse::<u64>().unwrap() - 60).to_string();
    let pairs = [("query", "t"), ("start", start.as_str()), ("end", &end)];
    let range = ask(&viewer, "query_range", &pairs).await;
    let values = &range.body["data"]["result"][0]["values"];
    assert_eq!(values[0][1], "1.5", "{range:?}");
    assert_eq!(values.as_array().map(Vec::len), Some(2), "60 s is the step");
    // The same by a form, as long as need be.
    let query = format!("t or t{{a=\"{}\"}}", "x".repeat(100_000));
    let pairs = [("query", query.as_str()), ("time", &end)];
    let answer = by_form(&lab, &viewer, "query", &pairs).await;
    let result = &answer["data"]["result"];
    assert_eq!(result.as_array().map(Vec::len), Some(1), "{answer}");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_is_the_askers_fault() {
    let prometheus = Prometheus::with_samples("# TYPE t gauge\nt 1 1\n# EOF\n").await;
    let lab = lab_asking(&prometheus.url()).await;
    let viewer = lab.user("eve", Role::Viewer, None).await;
    let is = async |path: &str, pairs: &[(&str, &str)], status: u16, detail: &str| {
        let answer = ask(&viewer, path, pairs).await;
        assert_eq!(answer.status.as_u16(), status, "{pairs:?}: {answer:?}");
        let text = answer.body["detail"].as_str().unwrap_or_default();
        assert!(text.contains(detail), "{pairs:?}: {text}");
    };
    is("query", &[], 400, "query: is empty").await;
    is("query", &[("query", " ")], 400, "query: is empty").await;
    is("query", &[("query", "up{")], 400, "unexpected end of input").await;
    is("query", &[("query", "up"), ("time", "noon")], 400, "noon").await;
    is(
        "query",
        &[("query", "up"), ("time", &"1".repeat(65))],
        400,
        "time:",
    )
    .await;
    is("query", &[("query", "vector(1) + on (a) group_left () (vector(1) or label_replace(vector(1), \"b\", \"c\", \"\", \"\"))")], 422, "many").await;
    is("query_range", &[("query", "up")], 400, "start: is missing").await;
    let range = [
        ("query", "up"),
        ("start", "0"),
        ("end", "1000000"),
        ("step", "1"),
    ];
    is("query_range", &range, 400, "11,000").await;
    is("series", &[], 400, "match[]").await;
    is("label/a-b/values", &[], 400, "name:").await;
    lab.stop().await;
}

/// A controller that asks somebody who answers everything so.
pub(super) async fn lab_behind(status: u16, body: &'static [u8]) -> (Lab, Client) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let status = Status::from_u16(status).expect("a status");
    let answer = any(move || async move { (status, body) });
    let router = Router::new().fallback_service(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let lab = lab_asking(&format!("http://{address}")).await;
    let viewer = lab.user("eve", Role::Viewer, None).await;
    (lab, viewer)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_prometheus_answers_is_told_and_nothing_breaks() {
    for (status, body, expected) in [
        (200, &b"<html>"[..], 502),
        (200, b"", 502),
        (200, b"{\"status\":\"success\"", 502),
        (200, b"\xff\xfe", 502),
        (200, b"{\"status\":\"error\",\"error\":\"x\"}", 502),
        (302, b"", 502),
        (401, b"Unauthorized", 502),
        (
            500,
            b"{\"status\":\"error\",\"errorType\":\"internal\",\"error\":\"x\"}",
            502,
        ),
        (
            503,
            b"{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"x\"}",
            504,
        ),
    ] {
        let (lab, viewer) = lab_behind(status, body).await;
        let questions: [(&str, &[(&str, &str)]); 3] = [
            ("query", &[("query", "up")]),
            ("labels", &[]),
            ("label/a/values", &[]),
        ];
        for (path, parameters) in questions {
            let answer = ask(&viewer, path, parameters).await;
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "{status} {path}: {answer:?}"
            );
            assert_eq!(answer.body["status"], expected, "a problem: {answer:?}");
        }
        lab.stop().await;
    }
    // More than is taken.
    static HUGE: [u8; 33 * 1024 * 1024] = [b' '; 33 * 1024 * 1024];
    let (lab, viewer) = lab_behind(200, &HUGE).await;
    let answer = ask(&viewer, "query", &[("query", "up")]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{answer:?}");
    lab.stop().await;
    // Nobody there.
    let lab = lab_asking(&format!("http://{}", free_address())).await;
    let viewer = lab.user("eve", Role::Viewer, None).await;
    let answer = ask(&viewer, "query", &[("query", "up")]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{answer:?}");
    lab.stop().await;
    // Nobody configured.
    let lab = Lab::start().await;
    let viewer = lab.user("eve", Role::Viewer, None).await;
    let answer = ask(&viewer, "query", &[("query", "up")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_hangs_is_given_up() {
    // It takes connections and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let lab = lab_asking(&format!("http://{}", listener.local_addr().unwrap())).await;
    let viewer = lab.user("eve", Role::Viewer, None).await;
    let answer = ask(&viewer, "query", &[("query", "up")]).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{answer:?}");
    lab.stop().await;
}
