//! Log-in, renewal and log-out.

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Lab, PASSWORD};

#[tokio::test]
async fn a_form_signs_in_as_json_does() {
    let lab = Lab::start().await;
    lab.user("eve", Role::Viewer, None).await;
    let answer = reqwest::Client::new()
        .post(format!("http://{}/api/v1/auth/login", lab.address))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!(
            "grant_type=password&username=eve&password={PASSWORD}"
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["user"]["username"], "eve");
    assert_eq!(body["user"]["role"], "viewer");
    lab.stop().await;
}

#[tokio::test]
async fn who_is_wrong_learns_nothing_and_is_slowed_down() {
    let lab = Lab::start().await;
    lab.user("eve", Role::Viewer, None).await;
    let nobody = lab.nobody();
    let try_with = async |username: &str, password: &str| {
        let body = json!({"username": username, "password": password});
        nobody.post("/api/v1/auth/login", &body).await
    };
    let unknown = try_with("mallory", "x").await;
    let wrong = try_with("eve", "x").await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    assert_eq!(unknown.text, wrong.text, "the answer tells who exists");
    for _ in 0..4 {
        try_with("eve", "x").await;
    }
    let late = try_with("eve", PASSWORD).await;
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS, "{late:?}");
    lab.stop().await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let lab = Lab::start().await;
    lab.user("eve", Role::Viewer, None).await;
    let nobody = lab.nobody();
    let credentials = json!({"username": "eve", "password": PASSWORD});
    let first = nobody.post("/api/v1/auth/login", &credentials).await;
    let refresh = json!({"refresh_token": first.body["refresh_token"]});
    let second = nobody.post("/api/v1/auth/refresh", &refresh).await;
    assert_eq!(second.status, StatusCode::OK, "{second:?}");
    let mut eve = lab.nobody();
    eve.token = second.body["access_token"].as_str().map(str::to_owned);
    assert_eq!(eve.get("/api/v1/auth/me").await.status, StatusCode::OK);

    let again = nobody.post("/api/v1/auth/refresh", &refresh).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    let ended = eve.get("/api/v1/auth/me").await;
    assert_eq!(
        ended.status,
        StatusCode::UNAUTHORIZED,
        "the thief's, or the owner's: both"
    );
    lab.stop().await;
}

#[tokio::test]
async fn signing_out_and_a_new_password_end_log_ins() {
    let lab = Lab::start().await;
    let eve = lab.user("eve", Role::Viewer, None).await;
    let out = eve.post("/api/v1/auth/logout", &json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(
        eve.get("/api/v1/auth/me").await.status,
        StatusCode::UNAUTHORIZED
    );

    let bob = lab.user("bob", Role::Viewer, None).await;
    let change =
        |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let wrong = bob
        .post(
            "/api/v1/auth/password",
            &change("nonsense", "a new password"),
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let short = bob
        .post("/api/v1/auth/password", &change(PASSWORD, "short"))
        .await;
    assert_eq!(short.body["errors"][0]["field"], "new_password");
    let changed = bob
        .post("/api/v1/auth/password", &change(PASSWORD, "a new password"))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(
        bob.get("/api/v1/auth/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    lab.stop().await;
}
