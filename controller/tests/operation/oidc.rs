//! Log-in by an OpenID Connect provider, a real small one that is written with
//! another library for its tokens.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::python::python;
use crate::support::{Lab, PASSWORD};

/// The secret of the client, with what must be encoded.
const SECRET: &str = "zq7canaryOIDC:/+ 1";
/// Where the provider sends browsers; the tests go where the controller is.
const REDIRECT: &str = "https://controller.example.org/api/v1/auth/oidc/callback";

struct Provider {
    child: Child,
    address: String,
}

impl Provider {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/operation/provider.py");
        let mut child = Command::new(python("python"))
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the provider starts");
        let output = child.stdout.take().expect("a pipe");
        let mut address = String::new();
        BufReader::new(output)
            .read_line(&mut address)
            .expect("an address");
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    async fn control(&self, value: Value) {
        let url = format!("{}/control", self.address);
        let told = reqwest::Client::new().post(url).json(&value).send().await;
        assert_eq!(told.expect("an answer").status(), StatusCode::OK);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser that follows no redirect by itself.
struct Browser {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

impl Browser {
    fn new(lab: &Lab) -> Self {
        let policy = reqwest::redirect::Policy::none();
        Self {
            http: reqwest::Client::builder()
                .redirect(policy)
                .build()
                .expect("a client"),
            base: format!("http://{}", lab.address),
            cookie: String::new(),
        }
    }

    async fn get(&self, url: &str) -> reqwest::Response {
        let request = self.http.get(url).header("cookie", &self.cookie);
        request.send().await.expect("an answer")
    }

    /// To the provider and back; gives where the callback would be asked.
    async fn go(&mut self) -> String {
        let answer = self
            .get(&format!("{}/api/v1/auth/oidc/login", self.base))
            .await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
        let cookie = header(&answer, "set-cookie");
        for word in [
            "HttpOnly",
            "SameSite=Lax",
            "Secure",
            "Path=/api/v1/auth/oidc",
        ] {
            assert!(cookie.contains(word), "{cookie}");
        }
        self.cookie = cookie.split(';').next().expect("a pair").to_owned();
        let answer = self.get(&header(&answer, "location")).await;
        assert_eq!(answer.status(), StatusCode::FOUND, "{answer:?}");
        let back = header(&answer, "location");
        back.replace("https://controller.example.org", &self.base)
    }

    /// The whole way; the code for the page, or what was said.
    async fn sign_in(&mut self) -> Result<String, (StatusCode, String)> {
        let back = self.go().await;
        self.end(&back).await
    }

    async fn end(&self, back: &str) -> Result<String, (StatusCode, String)> {
        let answer = self.get(back).await;
        if answer.status() != StatusCode::SEE_OTHER {
            return Err((answer.status(), answer.text().await.expect("a body")));
        }
        let page = header(&answer, "location");
        let code = page.strip_prefix("/page#login_code=").expect("the page");
        Ok(code.to_owned())
    }
}

fn header(answer: &reqwest::Response, name: &str) -> String {
    let value = answer.headers().get(name).expect(name);
    value.to_str().expect("text").to_owned()
}

async fn lab(provider: &Provider) -> Lab {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let secret = directory.path().join("oidc.secret");
    std::fs::write(&secret, format!("{SECRET}\n")).expect("a file");
    let variables = [
        ("IPMI_CONTROLLER_OIDC__ISSUER", provider.address.clone()),
        ("IPMI_CONTROLLER_OIDC__CLIENT_ID", "controller".to_owned()),
        (
            "IPMI_CONTROLLER_OIDC__CLIENT_SECRET_FILE",
            secret.display().to_string(),
        ),
        ("IPMI_CONTROLLER_OIDC__REDIRECT_URL", REDIRECT.to_owned()),
        ("IPMI_CONTROLLER_OIDC__AFTER_LOGIN", "/page".to_owned()),
        ("IPMI_CONTROLLER_OIDC__ROLES__ADMIN", "[root]".to_owned()),
        ("IPMI_CONTROLLER_OIDC__ROLES__OPERATOR", "[ops]".to_owned()),
        ("IPMI_CONTROLLER_OIDC__ROLES__VIEWER", "[night]".to_owned()),
        ("IPMI_CONTROLLER_OIDC__GROUPS__OPS", "east".to_owned()),
    ];
    Lab::start_in(directory, &variables).await
}

#[tokio::test]
async fn people_sign_in_and_are_what_their_claims_say() {
    let provider = Provider::start();
    let lab = lab(&provider).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let group = admin.post("/api/v1/groups", &json!({"name": "east"})).await;
    for algorithm in ["RS256", "ES256"] {
        provider.control(json!({"algorithm": algorithm})).await;
        let code = Browser::new(&lab).sign_in().await.expect(algorithm);
        let body = json!({"code": code});
        let session = lab.nobody().post("/api/v1/auth/oidc/token", &body).await;
        assert_eq!(session.status, StatusCode::OK, "{session:?}");
        let user = &session.body["user"];
        assert_eq!(user["username"], "eve");
        assert_eq!(user["role"], "operator");
        assert_eq!(user["email"], "eve@example.org");
        assert_eq!(user["group_ids"], json!([group.body["id"]]));
        let mut eve = lab.nobody();
        eve.token = session.body["access_token"].as_str().map(str::to_owned);
        assert_eq!(eve.get("/api/v1/auth/me").await.status, StatusCode::OK);
        // The code is good once; who shows it again ends the log-in.
        let again = lab.nobody().post("/api/v1/auth/oidc/token", &body).await;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            eve.get("/api/v1/auth/me").await.status,
            StatusCode::UNAUTHORIZED
        );
        // It is no token itself.
        let mut code_as_token = lab.nobody();
        code_as_token.token = body["code"].as_str().map(str::to_owned);
        assert_eq!(
            code_as_token.get("/api/v1/auth/me").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    // Other words, another name: the same person.
    provider
        .control(json!({"claims": {"groups": ["night"], "preferred_username": "eva"}}))
        .await;
    let code = Browser::new(&lab).sign_in().await.expect("signed in");
    let body = json!({"code": code});
    let session = lab.nobody().post("/api/v1/auth/session/oidc", &body).await;
    assert_eq!(session.status, StatusCode::OK, "{session:?}");
    assert_eq!(session.body["user"]["username"], "eva");
    let again = lab.nobody().post("/api/v1/auth/session/oidc", &body).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    let users = admin.get("/api/v1/users").await;
    let found: Vec<(&str, &str)> = users.body["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|user| {
            (
                user["username"].as_str().unwrap(),
                user["role"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [("eva", "viewer"), ("root", "admin")]);
    let trail = admin.get("/api/v1/audit?actor=OpenID%20Connect").await;
    let actions: Vec<&str> = trail.body["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["user.update", "user.create"]);
    for (actor, times) in [("eve", 2), ("eva", 1)] {
        let path = format!("/api/v1/audit?actor={actor}&action=auth.login");
        let signed_in = admin.get(&path).await;
        assert_eq!(signed_in.body["total"], times, "{signed_in:?}");
        assert_eq!(signed_in.body["items"][0]["resource"], "auth");
    }
    // The password log-in stays, for those who have one.
    let body = json!({"username": "root", "password": PASSWORD});
    let local = lab.nobody().post("/api/v1/auth/login", &body).await;
    assert_eq!(local.status, StatusCode::OK);
    lab.stop().await;
}

#[tokio::test]
async fn a_token_that_is_not_for_this_log_in_is_refused() {
    let provider = Provider::start();
    let lab = lab(&provider).await;
    for algorithm in ["RS256", "ES256"] {
        for fault in [
            "nonce",
            "no_nonce",
            "issuer",
            "audience",
            "party",
            "expired",
            "future",
            "alg_none",
            "hs256",
            "other_key",
            "unknown_kid",
            "changed",
            "denied",
        ] {
            provider
                .control(json!({"fault": fault, "algorithm": algorithm}))
                .await;
            let (status, text) = Browser::new(&lab)
                .sign_in()
                .await
                .expect_err(&format!("{algorithm} {fault} is believed"));
            assert_eq!(
                status,
                StatusCode::UNAUTHORIZED,
                "{algorithm} {fault}: {text}"
            );
        }
    }
    provider.control(json!({"fault": "no_token"})).await;
    let (status, text) = Browser::new(&lab).sign_in().await.expect_err("no token");
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{text}");
    assert!(!text.contains(SECRET));
    // Nobody was made a user by all this.
    let count = lab.store.read().await.unwrap().count_users().await.unwrap();
    assert_eq!(count, 0);
    lab.stop().await;
}

#[tokio::test]
async fn a_log_in_ends_only_in_the_browser_that_began_it() {
    let provider = Provider::start();
    let lab = lab(&provider).await;
    let mut eve = Browser::new(&lab);
    let back = eve.go().await;
    // Another browser, without a log-in and with one of its own.
    let (status, _) = Browser::new(&lab).end(&back).await.expect_err("no cookie");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let mut mallory = Browser::new(&lab);
    mallory.go().await;
    let (status, _) = mallory.end(&back).await.expect_err("another's cookie");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (before, _) = back.split_once("state=").expect("a state");
    let (status, _) = eve
        .end(&format!("{before}state=x&code=y"))
        .await
        .expect_err("a made-up state");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    eve.end(&back).await.expect("the right browser");
    // The provider takes its code once.
    let (status, _) = eve.end(&back).await.expect_err("the code again");
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    lab.stop().await;
}

#[tokio::test]
async fn who_has_no_role_or_another_ones_name_is_not_let_in() {
    let provider = Provider::start();
    let lab = lab(&provider).await;
    let admin = lab.user("root", Role::Admin, None).await;
    for (claims, word) in [
        (json!({"groups": ["strangers"]}), "oidc.roles"),
        (
            json!({"preferred_username": "root"}),
            "another user has this name",
        ),
        (json!({"preferred_username": "a b"}), "user name"),
    ] {
        provider.control(json!({"claims": claims})).await;
        let (status, text) = Browser::new(&lab).sign_in().await.expect_err("refused");
        assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
        assert!(text.contains(word), "{text}");
    }
    provider.control(json!({})).await;
    Browser::new(&lab).sign_in().await.expect("signed in");
    let users = admin.get("/api/v1/users?search=eve").await;
    let eve = &users.body["items"][0];
    let off = json!({"username": "eve", "role": "operator", "is_active": false});
    let path = format!("/api/v1/users/{}", eve["id"]);
    assert_eq!(admin.put(&path, &off).await.status, StatusCode::OK);
    let (status, _) = Browser::new(&lab)
        .sign_in()
        .await
        .expect_err("switched off");
    assert_eq!(status, StatusCode::FORBIDDEN);
    lab.stop().await;
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_log_in() {
    let lab = Lab::start().await;
    let answer = lab.nobody().get("/api/v1/auth/oidc/login").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    lab.stop().await;
}
