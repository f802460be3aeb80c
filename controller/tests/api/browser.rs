//! Log-ins of browsers, and the page.

use ipmi_controller::model::Role;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Lab, PASSWORD};

/// The part of a cookie that a browser sends back.
fn pair(response: &Response) -> String {
    let cookie = response.headers()["set-cookie"].to_str().expect("text");
    cookie.split(';').next().expect("a pair").to_owned()
}

struct Browser {
    http: Client,
    base: String,
    cookie: String,
}

impl Browser {
    /// Signs in, and looks at the cookie.
    async fn enter(lab: &Lab, username: &str) -> Self {
        let http = Client::new();
        let base = format!("http://{}", lab.address);
        let response = http
            .post(format!("{base}/api/v1/auth/session"))
            .json(&json!({"username": username, "password": PASSWORD}))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = response.headers()["set-cookie"].to_str().expect("text");
        for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(word), "{word}");
        }
        assert!(
            !cookie.contains("Secure"),
            "browsers drop it over plain HTTP"
        );
        let cookie = pair(&response);
        let body = response.text().await.expect("a body");
        let token = cookie.split_once('=').expect("a value").1;
        assert!(!body.contains(token), "scripts see the body");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["user"]["username"], username);
        Self { http, base, cookie }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .header("cookie", &self.cookie)
    }

    async fn status(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> StatusCode {
        let mut request = self.ask(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer").status()
    }
}

const ME: &str = "/api/v1/auth/me";
const LOG_OUT: &str = "/api/v1/auth/logout";
const OURS: (&str, &str) = ("x-requested-by", "page");

#[tokio::test]
async fn a_browsers_log_in_lasts_until_it_is_ended() {
    let lab = Lab::start().await;
    lab.user("eve", Role::Viewer, None).await;
    let eve = Browser::enter(&lab, "eve").await;
    let other = Browser::enter(&lab, "eve").await;
    assert_eq!(eve.status(Method::GET, ME, &[]).await, StatusCode::OK);
    let session = eve.ask(Method::GET, "/api/v1/auth/session");
    let session = session.send().await.expect("an answer");
    assert_eq!(
        pair(&session),
        eve.cookie,
        "it lasts longer, and is the same"
    );
    let out = eve.ask(Method::POST, LOG_OUT).header(OURS.0, OURS.1);
    let out = out.send().await.expect("an answer");
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    let cookie = out.headers()["set-cookie"].to_str().expect("text");
    assert!(cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!(
        eve.status(Method::GET, ME, &[]).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(other.status(Method::GET, ME, &[]).await, StatusCode::OK);
    // The tokens of programs are not the browser's, and it is in no list of them.
    let tokens = other.ask(Method::GET, "/api/v1/tokens").send().await;
    let tokens: Value = tokens.expect("an answer").json().await.expect("JSON");
    assert_eq!(tokens["total"], 0);
    lab.stop().await;
}

#[tokio::test]
async fn other_sites_pages_do_nothing_with_it() {
    let lab = Lab::start().await;
    lab.user("root", Role::Admin, None).await;
    let root = Browser::enter(&lab, "root").await;
    let group = |headers: Vec<(&'static str, &'static str)>| {
        let mut request = root.ask(Method::POST, "/api/v1/groups");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.json(&json!({"name": "east"})).send()
    };
    for headers in [
        vec![],
        vec![OURS, ("sec-fetch-site", "cross-site")],
        vec![OURS, ("sec-fetch-site", "same-site")],
    ] {
        let refused = group(headers.clone()).await.expect("an answer");
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    let read = [("sec-fetch-site", "cross-site")];
    assert_eq!(
        root.status(Method::GET, ME, &read).await,
        StatusCode::FORBIDDEN
    );
    let made = group(vec![OURS, ("sec-fetch-site", "same-origin")]).await;
    assert_eq!(made.expect("an answer").status(), StatusCode::CREATED);
    // A form of another site signs nobody in as somebody else.
    let form = root.ask(Method::POST, "/api/v1/auth/session");
    let form = form.header("content-type", "text/plain");
    let body = json!({"username": "root", "password": PASSWORD}).to_string();
    let refused = form.body(body).send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let foreign = root.ask(Method::POST, "/api/v1/auth/session");
    let foreign = foreign.header("sec-fetch-site", "cross-site");
    let foreign = foreign.json(&json!({"username": "root", "password": PASSWORD}));
    let refused = foreign.send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    lab.stop().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_slowed_down_and_in_the_trail() {
    let lab = Lab::start().await;
    let root = lab.user("root", Role::Admin, None).await;
    let nobody = lab.nobody();
    let wrong = json!({"username": "root", "password": "nonsense"});
    for _ in 0..5 {
        let refused = nobody.post("/api/v1/auth/session", &wrong).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let slowed = nobody.post("/api/v1/auth/session", &wrong).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
    let trail = root.get("/api/v1/audit?action=auth.refuse").await;
    assert_eq!(trail.body["total"], 5);
    lab.stop().await;
}

#[tokio::test]
async fn another_password_ends_other_log_ins_and_keeps_this_one() {
    let lab = Lab::start().await;
    lab.user("eve", Role::Viewer, None).await;
    let mut eve = Browser::enter(&lab, "eve").await;
    let other = Browser::enter(&lab, "eve").await;
    let change = eve.ask(Method::POST, "/api/v1/auth/password");
    let change = change.header(OURS.0, OURS.1);
    let body = json!({"current_password": PASSWORD, "new_password": "a new password"});
    let changed = change.json(&body).send().await.expect("an answer");
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    let old = std::mem::replace(&mut eve.cookie, pair(&changed));
    assert_ne!(old, eve.cookie);
    assert_eq!(eve.status(Method::GET, ME, &[]).await, StatusCode::OK);
    assert_eq!(
        other.status(Method::GET, ME, &[]).await,
        StatusCode::UNAUTHORIZED
    );
    lab.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_with_tls_the_cookie_is_for_this_host_only() {
    let more = [(
        "IPMI_CONTROLLER_TRUSTED_PROXIES",
        "[127.0.0.0/8]".to_owned(),
    )];
    let directory = std::sync::Arc::new(tempfile::tempdir().expect("a directory"));
    let lab = Lab::start_in(directory, &more).await;
    lab.user("eve", Role::Viewer, None).await;
    let https = ("x-forwarded-proto", "https");
    let http = Client::new();
    let response = http
        .post(format!("http://{}/api/v1/auth/session", lab.address))
        .header(https.0, https.1)
        .json(&json!({"username": "eve", "password": PASSWORD}))
        .send()
        .await
        .expect("an answer");
    let cookie = response.headers()["set-cookie"].to_str().expect("text");
    assert!(cookie.starts_with("__Host-ipmi_session="), "the name of it");
    assert!(cookie.contains("Secure"));
    let eve = Browser {
        http,
        base: format!("http://{}", lab.address),
        cookie: pair(&response),
    };
    assert_eq!(eve.status(Method::GET, ME, &[https]).await, StatusCode::OK);
    // Over plain HTTP nobody is signed in with it.
    assert_eq!(
        eve.status(Method::GET, ME, &[]).await,
        StatusCode::UNAUTHORIZED
    );
    lab.stop().await;
}

#[tokio::test]
async fn the_page_is_where_nothing_else_is() {
    let lab = Lab::start().await;
    let http = Client::new();
    let get = |path: &str, accept: &str| {
        let request = http.get(format!("http://{}{path}", lab.address));
        request.header("accept", accept.to_owned()).send()
    };
    // Built or not: the root answers a browser, and says so in words.
    let root = get("/", "text/html").await.expect("an answer");
    let is_built = root.status() == StatusCode::OK;
    if is_built {
        let policy = root.headers()["content-security-policy"]
            .to_str()
            .expect("text");
        assert!(policy.contains("script-src 'nonce-") && !policy.contains("unsafe"));
        let deep = get("/servers/12", "text/html").await.expect("an answer");
        assert_eq!(deep.status(), StatusCode::OK);
        assert_eq!(deep.headers()["cache-control"], "no-store");
    } else {
        assert!(root.text().await.expect("words").contains("make web"));
    }
    for path in ["/api/v1/nothing", "/api/nothing", "/-/nothing"] {
        let answer = get(path, "text/html").await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    lab.stop().await;
}
