//! Server-sent events: who hears of what.

use std::time::Duration;

use futures_util::StreamExt;
use ipmi_controller::model::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Client, Lab};

/// Longest time for something to be told.
const SOON: Duration = Duration::from_secs(20);

/// Somebody who listens.
struct Listener {
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    text: String,
}

impl Listener {
    async fn start(client: &Client) -> Self {
        let response = reqwest::Client::new()
            .get(format!("{}/api/v1/events", client.base))
            .bearer_auth(client.token.as_deref().expect("a token"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let body = futures_util::stream::unfold(response, |mut response| async move {
            let chunk = response.chunk().await.transpose()?;
            Some((chunk.map(|bytes| bytes.to_vec()), response))
        });
        let mut listener = Self {
            body: Box::pin(body),
            text: String::new(),
        };
        assert_eq!(listener.next().await.expect("a greeting").0, "ready");
        listener
    }

    /// The next event that is no beat, with its data; nothing at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().trim().to_owned()
                };
                let (name, data) = (field("event:"), field("data:"));
                self.text = rest.to_owned();
                if name != "beat" {
                    return Some((name, serde_json::from_str(&data).expect("JSON")));
                }
                continue;
            }
            let chunk = timeout(SOON, self.body.next()).await.expect("in time")?;
            self.text.push_str(&String::from_utf8_lossy(&chunk.ok()?));
        }
    }

    /// Waits until a list is named, and gives the event.
    async fn hears_of(&mut self, topic: &str) -> Value {
        loop {
            let (name, data) = self.next().await.expect("goes on");
            let topics = data["topics"].as_array().expect("topics");
            if name == "change" && topics.iter().any(|named| named == topic) {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn changes_are_told_to_those_who_see_them() {
    let lab = Lab::start().await;
    let root = lab.user("root", Role::Admin, None).await;
    let group = |name: &str| json!({"name": name});
    let east = root.post("/api/v1/groups", &group("east")).await.body["id"].clone();
    let west = root.post("/api/v1/groups", &group("west")).await.body["id"].clone();
    let east_id = east.as_i64().expect("a number");
    let eve = lab.user("eve", Role::Operator, Some(&[east_id])).await;
    let mut of_root = Listener::start(&root).await;
    let mut of_eve = Listener::start(&eve).await;
    let server = |name: &str, address: &str, group: &Value| json!({"name": name, "address": address, "group_id": group});
    let hidden = root
        .post("/api/v1/servers", &server("b1", "192.0.2.1", &west))
        .await;
    assert_eq!(hidden.status, StatusCode::CREATED, "{hidden:?}");
    let path = |answer: &Value| format!("servers/{}", answer["id"]);
    let told = of_root.hears_of("servers").await;
    assert_eq!(told["resources"], json!([path(&hidden.body)]));
    // Users are for admins to know of.
    let user = json!({"username": "bob", "role": "viewer", "password": "a new password"});
    let made = root.post("/api/v1/users", &user).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    of_root.hears_of("users").await;
    let seen = root
        .post("/api/v1/servers", &server("a1", "192.0.2.2", &east))
        .await;
    // The first that she hears is the first that is hers; of users she hears nothing.
    let (name, told) = loop {
        let (name, told) = of_eve.next().await.expect("goes on");
        // How publishing stands is everybody's to know.
        if told["topics"] != json!(["sync"]) {
            break (name, told);
        }
    };
    assert_eq!(name, "change");
    assert_eq!(told["resources"], json!([path(&seen.body)]));
    let topics = told["topics"].as_array().expect("topics");
    assert!(topics.contains(&json!("servers")) && !topics.contains(&json!("users")));
    lab.stop().await;
}

#[tokio::test]
async fn it_ends_with_the_controller_and_is_nobodys_without_a_log_in() {
    let lab = Lab::start().await;
    let nobody = lab.nobody().get("/api/v1/events").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let eve = lab.user("eve", Role::Viewer, None).await;
    let mut listener = Listener::start(&eve).await;
    let stopped = timeout(SOON, lab.stop());
    // Who listens does not hold the shutdown up.
    tokio::join!(async { while listener.next().await.is_some() {} }, async {
        stopped.await.expect("in time");
    });
}
