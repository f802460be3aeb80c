//! Secrets go in and never come out.

use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::Lab;

const CANARY: &str = "zq7canaryBMC0815";
const K_G: &str = "0123456789abcdef0123456789abcdef01234567";

#[tokio::test]
async fn a_credentials_secrets_are_in_no_answer() {
    let lab = Lab::start().await;
    let admin = lab.user("root", Role::Admin, None).await;
    let body = json!({"name": "lab", "username": "monitor", "password": CANARY, "k_g": K_G});
    let made = admin.post("/api/v1/credentials", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.body["password_set"], true);
    let path = format!("/api/v1/credentials/{}", made.body["id"]);
    let kept = admin.put(&path, &json!({"name": "lab"})).await;
    assert_eq!(
        kept.body["password_set"], true,
        "what is not mentioned stays"
    );
    let cleared = admin
        .put(&path, &json!({"name": "lab", "password": null}))
        .await;
    assert_eq!(cleared.body["password_set"], false);
    assert_eq!(cleared.body["k_g_set"], true);
    let too_long = json!({"name": "x", "password": format!("{CANARY}{CANARY}")});
    let refused = admin.post("/api/v1/credentials", &too_long).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let list = admin.get("/api/v1/credentials").await;
    let trail = admin.get("/api/v1/audit").await;
    for answer in [made, kept, cleared, refused, list, trail] {
        assert!(!answer.text.contains(CANARY), "{}", answer.text);
        assert!(!answer.text.contains(K_G), "{}", answer.text);
    }
    lab.stop().await;
}
