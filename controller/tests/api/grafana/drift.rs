//! What the controller makes of a Grafana, and of people who work in it.

use std::sync::Arc;

use ipmi_controller::dashboards;
use ipmi_controller::model::Role;
use serde_json::{Value, json};

use super::contract::{Grafana, Stored, TOKEN, VERSIONS};
use crate::alerts;
use crate::support::wait::wait_for;
use crate::support::{Client, Lab};

/// Password of Prometheus, which goes to Grafana and nowhere else.
const PROMETHEUS: &str = "zq7canaryPROM4711";

/// A controller that keeps dashboards in a stand-in.
struct Kept {
    lab: Lab,
    admin: Client,
    grafana: Grafana,
}

impl Kept {
    async fn start(version: &'static str, more: &[(&str, &str)]) -> Self {
        let grafana = Grafana::start(version).await;
        Self::start_with(
            grafana,
            Arc::new(tempfile::tempdir().expect("a directory")),
            more,
        )
        .await
    }

    async fn start_with(
        grafana: Grafana,
        directory: Arc<tempfile::TempDir>,
        more: &[(&str, &str)],
    ) -> Self {
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            if !path.exists() {
                std::fs::write(&path, text).expect("a file");
            }
            path.display().to_string()
        };
        let mut variables = vec![
            ("GRAFANA__URL", format!("http://{}/g", grafana.address)),
            ("GRAFANA__TOKEN_FILE", file("token", TOKEN)),
            ("GRAFANA__PAGE_URL", "https://c.example.org".to_owned()),
            ("QUERY__URL", "http://prom.example.org:9090".to_owned()),
            ("QUERY__USERNAME", "reader".to_owned()),
            ("QUERY__PASSWORD_FILE", file("password", PROMETHEUS)),
        ];
        variables.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let variables: Vec<(String, String)> = variables
            .into_iter()
            .map(|(key, value)| (format!("IPMI_CONTROLLER_{key}"), value))
            .collect();
        let variables: Vec<(&str, String)> = variables
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        let lab = Lab::start_in(directory, &variables).await;
        let name = format!("root-{}", lab.address.port());
        let admin = lab.user(&name, Role::Admin, None).await;
        Self {
            lab,
            admin,
            grafana,
        }
    }

    /// The row of an artefact.
    async fn row(&self, artefact: &str) -> Value {
        let all = self.admin.get("/api/v1/sync").await.body;
        let mut rows = all["artefacts"].as_array().expect("a list").iter();
        rows.find(|row| row["artefact"] == artefact)
            .expect("a row")
            .clone()
    }

    async fn dashboard(&self, uid: &str) -> Value {
        let all = self.admin.get("/api/v1/dashboards").await.body;
        let mut rows = all.as_array().expect("a list").iter();
        rows.find(|row| row["uid"] == uid)
            .expect("a dashboard")
            .clone()
    }

    /// Waits until both rows are in a state.
    async fn stands(&self, sources: &str, dashboards: &str) -> Value {
        wait_for("the rows", async || {
            let row = self.row("grafana_dashboards").await;
            let source = self.row("grafana_data_sources").await;
            (source["state"] == sources && row["state"] == dashboards).then_some(row)
        })
        .await
    }

    /// Has it look, and waits until it has done so from the beginning to the end.
    async fn look(&self) {
        for _ in 0..2 {
            let before = self.row("grafana_dashboards").await;
            let told = self.admin.post("/api/v1/dashboards/look", &json!({})).await;
            assert_eq!(told.status, 202, "{told:?}");
            wait_for("a look", async || {
                let row = self.row("grafana_dashboards").await;
                let is_done = row["verified_at"] != before["verified_at"]
                    || row["failures"] != before["failures"];
                is_done.then_some(())
            })
            .await;
        }
    }

    fn no_complaints(&self) {
        let complaints = self.grafana.world().complaints.clone();
        assert_eq!(complaints, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_is_asked_as_its_description_says_and_no_more_than_needed() {
    for version in VERSIONS {
        let kept = Kept::start(version, &[]).await;
        let row = kept.stands("in_sync", "in_sync").await;
        assert_eq!(row["entries"], 7, "{version}: {row}");
        assert_eq!(row["repairs"], 0);
        {
            let world = kept.grafana.world();
            let uids: Vec<&String> = world.dashboards.keys().collect();
            assert_eq!(uids.len(), dashboards::all().len());
            assert!(
                world
                    .dashboards
                    .values()
                    .all(|d| d.folder == "ipmi-controller")
            );
            assert_eq!(world.folders["ipmi-controller"]["title"], "IPMI");
            let source = &world.sources["ipmi-prometheus"];
            assert_eq!(source["url"], "http://prom.example.org:9090");
            assert_eq!(source["basicAuthUser"], "reader");
            let sent = world.seen.iter().find(|seen| seen.path == "/datasources");
            let secrets = &sent.unwrap().body["secureJsonData"];
            assert_eq!(secrets["basicAuthPassword"], PROMETHEUS);
            let first = &world.dashboards["ipmi-server"].content;
            assert_eq!(
                first["templating"]["list"][0]["current"]["value"],
                "ipmi-prometheus"
            );
        }
        let writes = kept.grafana.writes();
        assert_eq!(writes.len(), 9, "{version}: {writes:?}");
        kept.look().await;
        assert_eq!(
            kept.grafana.writes(),
            writes,
            "{version}: nothing is written twice"
        );
        // A controller that comes later writes nothing either.
        let (grafana, directory) = (kept.grafana.clone(), kept.lab.directory());
        kept.no_complaints();
        kept.lab.stop().await;
        let kept = Kept::start_with(grafana, directory, &[]).await;
        kept.stands("in_sync", "in_sync").await;
        assert_eq!(kept.grafana.writes(), writes, "{version}");
        kept.no_complaints();
        kept.lab.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_repaired() {
    for version in VERSIONS {
        let kept = Kept::start(version, &[]).await;
        kept.stands("in_sync", "in_sync").await;
        let title = kept.grafana.world().dashboards["ipmi-fleet"].content["title"].clone();
        {
            let mut world = kept.grafana.world();
            world.edit("ipmi-fleet", "Mine");
            world.dashboards.remove("ipmi-power");
            world.sources.get_mut("ipmi-prometheus").unwrap()["url"] = json!("http://x");
            world.sources.get_mut("ipmi-prometheus").unwrap()["isDefault"] = json!(true);
            world.folders.get_mut("ipmi-controller").unwrap()["title"] = json!("Other");
        }
        kept.look().await;
        let row = kept.row("grafana_dashboards").await;
        assert_eq!(
            (&row["state"], &row["repairs"]),
            (&json!("in_sync"), &json!(1)),
            "{row}"
        );
        assert_eq!(kept.row("grafana_data_sources").await["repairs"], 1);
        {
            let world = kept.grafana.world();
            assert_eq!(world.dashboards["ipmi-fleet"].content["title"], title);
            assert_eq!(world.dashboards["ipmi-fleet"].version, 3);
            assert!(world.dashboards.contains_key("ipmi-power"));
            let source = &world.sources["ipmi-prometheus"];
            assert_eq!(source["url"], "http://prom.example.org:9090");
            assert_eq!(source["isDefault"], true, "that is people's business");
            assert_eq!(world.folders["ipmi-controller"]["title"], "IPMI");
        }
        let trail = kept.admin.get("/api/v1/audit?limit=1000").await;
        assert!(trail.text.contains("dashboard.repair"), "{}", trail.text);
        kept.no_complaints();
        kept.lab.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_adopted_until_it_is_taken_back() {
    for version in ["10.2", "13.0"] {
        let kept = Kept::start(version, &[("GRAFANA__DRIFT", "adopt")]).await;
        kept.stands("in_sync", "in_sync").await;
        let title = kept.grafana.world().dashboards["ipmi-fleet"].content["title"].clone();
        kept.grafana.world().edit("ipmi-fleet", "Mine");
        kept.look().await;
        let fleet = kept.dashboard("ipmi-fleet").await;
        assert_eq!(
            (&fleet["state"], &fleet["editor"]),
            (&json!("adopted"), &json!("eve"))
        );
        let writes = kept.grafana.writes();
        // What was adopted is what is made again.
        kept.grafana.world().dashboards.remove("ipmi-fleet");
        kept.look().await;
        assert_eq!(
            kept.grafana.world().dashboards["ipmi-fleet"].content["title"],
            "Mine"
        );
        assert_eq!(kept.grafana.writes().len(), writes.len() + 1);
        kept.look().await;
        assert_eq!(kept.dashboard("ipmi-fleet").await["state"], "adopted");
        assert_eq!(kept.grafana.writes().len(), writes.len() + 1);
        let reset = kept
            .admin
            .post("/api/v1/dashboards/ipmi-fleet/reset", &json!({}))
            .await;
        assert_eq!(reset.status, 202, "{reset:?}");
        kept.look().await;
        assert_eq!(
            kept.grafana.world().dashboards["ipmi-fleet"].content["title"],
            title
        );
        assert_eq!(kept.dashboard("ipmi-fleet").await["state"], "in_sync");
        let trail = kept.admin.get("/api/v1/audit?limit=1000").await.text;
        assert!(trail.contains("dashboard.adopt") && trail.contains("dashboard.reset"));
        kept.no_complaints();
        kept.lab.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_left_and_told() {
    let kept = Kept::start("11.4", &[("GRAFANA__DRIFT", "leave")]).await;
    kept.stands("in_sync", "in_sync").await;
    let writes = kept.grafana.writes();
    {
        let mut world = kept.grafana.world();
        world.edit("ipmi-fleet", "Mine");
        world.dashboards.remove("ipmi-power");
    }
    kept.look().await;
    let row = kept.row("grafana_dashboards").await;
    assert_eq!(row["state"], "drifted", "{row}");
    let fleet = kept.dashboard("ipmi-fleet").await;
    assert_eq!(
        (&fleet["state"], &fleet["editor"]),
        (&json!("drifted"), &json!("eve"))
    );
    let power = kept.dashboard("ipmi-power").await;
    assert!(
        power["message"]
            .as_str()
            .unwrap()
            .contains("deleted in Grafana"),
        "{power}"
    );
    assert_eq!(kept.grafana.writes(), writes);
    for uid in ["ipmi-fleet", "ipmi-power"] {
        let path = format!("/api/v1/dashboards/{uid}/reset");
        assert_eq!(kept.admin.post(&path, &json!({})).await.status, 202);
    }
    kept.look().await;
    assert_eq!(kept.row("grafana_dashboards").await["state"], "in_sync");
    let metrics = kept.lab.nobody().get("/metrics").await.text;
    let state = "ipmi_controller_sync_state{artefact=\"grafana_dashboards\",server=\"grafana\",state=\"in_sync\"} 1";
    assert!(metrics.contains(state), "{metrics}");
    kept.no_complaints();
    kept.lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_what_to_do_and_made_good() {
    let message = json!({"message": "because\u{7} I say so"});
    let exists = json!({"message": "the same name", "status": "name-exists"});
    // Method, path, status, body; state of the dashboards' row, and words of it.
    let rows = [
        (
            "GET",
            "/folders",
            401,
            &message,
            "failed",
            "put it into the file of grafana.token_file",
        ),
        ("GET", "/folders", 403, &message, "failed", "role Editor"),
        (
            "POST",
            "/folders",
            409,
            &message,
            "failed",
            "choose another name",
        ),
        (
            "POST",
            "/dashboards/db",
            400,
            &message,
            "failed",
            "refuses to save a dashboard (400",
        ),
        (
            "POST",
            "/dashboards/db",
            403,
            &message,
            "failed",
            "role Editor",
        ),
        (
            "POST",
            "/dashboards/db",
            404,
            &message,
            "failed",
            "the folder is gone",
        ),
        (
            "POST",
            "/dashboards/db",
            412,
            &exists,
            "failed",
            "rename or move it",
        ),
        ("POST", "/dashboards/db", 422, &message, "failed", "(422"),
        (
            "GET",
            "/dashboards/uid/",
            500,
            &message,
            "pending",
            "its log says why",
        ),
        ("POST", "/dashboards/db", 503, &message, "pending", "(503"),
    ];
    for version in VERSIONS {
        let kept = Kept::start(version, &[]).await;
        kept.stands("in_sync", "in_sync").await;
        for (method, path, status, body, state, words) in rows {
            {
                let mut world = kept.grafana.world();
                let refusal = (method, path, status, body.clone(), usize::MAX);
                world.refusals.push(refusal);
                world.dashboards.clear();
                world.folders.clear();
            }
            kept.look().await;
            let row = kept.row("grafana_dashboards").await;
            let told = row["message"].as_str().unwrap();
            assert_eq!(row["state"], state, "{version} {status}: {row}");
            assert!(told.contains(words), "{version} {status}: {told}");
            assert!(!told.contains('\u{7}'), "{told:?}");
            kept.grafana.world().refusals.clear();
            kept.look().await;
            kept.stands("in_sync", "in_sync").await;
        }
        let failures = kept.row("grafana_dashboards").await["failures"].as_u64();
        assert!(failures >= Some(rows.len() as u64), "{failures:?}");
        kept.no_complaints();
        kept.lab.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saves_at_the_same_time_is_noticed() {
    let kept = Kept::start("12.1", &[]).await;
    kept.stands("in_sync", "in_sync").await;
    let changed = json!({"message": "someone else", "status": "version-mismatch"});
    {
        let mut world = kept.grafana.world();
        world.edit("ipmi-fleet", "Mine");
        world
            .refusals
            .push(("POST", "/dashboards/db", 412, changed, 1));
    }
    kept.look().await;
    let row = kept.row("grafana_dashboards").await;
    assert_eq!(
        (&row["state"], &row["failures"]),
        (&json!("in_sync"), &json!(0)),
        "{row}"
    );
    assert_eq!(kept.grafana.world().dashboards["ipmi-fleet"].version, 3);
    kept.no_complaints();
    kept.lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_renewed_needs_no_restart_and_no_secret_comes_out() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let token = directory.path().join("token");
    std::fs::write(&token, "glsa_zq7canaryOLD").unwrap();
    let grafana = Grafana::start("13.0").await;
    let kept = Kept::start_with(grafana, directory, &[]).await;
    let row = kept.stands("failed", "failed").await;
    assert!(row["message"].as_str().unwrap().contains("(401"), "{row}");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    kept.look().await;
    kept.stands("in_sync", "in_sync").await;
    for path in [
        "/api/v1/sync",
        "/api/v1/dashboards",
        "/api/v1/dashboards/ipmi-fleet?language=zh",
        "/api/v1/audit?limit=1000",
        "/metrics",
    ] {
        let answer = kept.admin.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(!answer.text.contains("zq7canary"), "{path}");
    }
    // A password that changes is sent again; what it was cannot be seen.
    let writes = kept.grafana.writes().len();
    std::fs::write(kept.lab.path("password"), "zq7canaryNEW").unwrap();
    kept.look().await;
    let sent = kept.grafana.writes();
    assert_eq!(sent.len(), writes + 1);
    let secrets = &sent[writes].body["secureJsonData"];
    assert_eq!(secrets["basicAuthPassword"], "zq7canaryNEW");
    kept.no_complaints();
    kept.lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_others_stays() {
    let grafana = Grafana::start("11.4").await;
    let stored = |title: &str, is_provisioned: bool| Stored {
        content: json!({"uid": "x", "title": title, "tags": []}),
        version: 4,
        folder: String::new(),
        editor: "eve".to_owned(),
        is_provisioned,
    };
    {
        let mut world = grafana.world();
        world
            .dashboards
            .insert("ipmi-fleet".to_owned(), stored("Mine", false));
        world
            .dashboards
            .insert("ipmi-power".to_owned(), stored("File", true));
        let source = json!({"uid": "ipmi-prometheus", "name": "IPMI Prometheus", "type": "loki",
            "readOnly": false, "secureJsonFields": {}});
        world.sources.insert("ipmi-prometheus".to_owned(), source);
    }
    let kept = Kept::start_with(
        grafana,
        Arc::new(tempfile::tempdir().expect("a directory")),
        &[],
    )
    .await;
    kept.stands("failed", "failed").await;
    let fleet = kept.dashboard("ipmi-fleet").await;
    assert_eq!(fleet["state"], "failed");
    assert!(
        fleet["message"]
            .as_str()
            .unwrap()
            .contains("another origin"),
        "{fleet}"
    );
    let power = kept.dashboard("ipmi-power").await;
    assert!(
        power["message"].as_str().unwrap().contains("provisioning"),
        "{power}"
    );
    assert_eq!(
        kept.dashboard("ipmi-server").await["state"],
        "in_sync",
        "the rest is kept"
    );
    {
        let world = kept.grafana.world();
        assert_eq!(world.dashboards["ipmi-fleet"].version, 4);
        assert_eq!(world.dashboards["ipmi-power"].version, 4);
        assert_eq!(world.sources["ipmi-prometheus"]["type"], "loki");
    }
    kept.no_complaints();
    kept.lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_takes_away_what_was_made_and_nothing_else() {
    for (version, is_shared) in [("10.2", false), ("13.0", true)] {
        let kept = Kept::start(version, &[]).await;
        kept.stands("in_sync", "in_sync").await;
        let others = Stored {
            content: json!({"uid": "mine", "title": "Mine"}),
            version: 1,
            folder: if is_shared { "ipmi-controller" } else { "" }.to_owned(),
            editor: "eve".to_owned(),
            is_provisioned: false,
        };
        {
            let mut world = kept.grafana.world();
            world.dashboards.insert("mine".to_owned(), others);
            world
                .sources
                .insert("mine".to_owned(), json!({"uid": "mine", "name": "mine"}));
        }
        let (grafana, directory) = (kept.grafana.clone(), kept.lab.directory());
        kept.lab.stop().await;
        let kept = Kept::start_with(grafana, directory, &[("GRAFANA__REMOVE", "true")]).await;
        let dashboards = if is_shared { "drifted" } else { "empty" };
        kept.stands("empty", dashboards).await;
        {
            let world = kept.grafana.world();
            assert_eq!(world.dashboards.keys().collect::<Vec<_>>(), ["mine"]);
            assert_eq!(world.sources.keys().collect::<Vec<_>>(), ["mine"]);
            assert_eq!(world.folders.contains_key("ipmi-controller"), is_shared);
        }
        kept.no_complaints();
        kept.lab.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_kept_and_links_are_there() {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    let url = "http://grafana.example.org".to_owned();
    let lab = Lab::start_in(directory, &[("IPMI_CONTROLLER_GRAFANA__URL", url)]).await;
    let admin = lab.user("root", Role::Admin, None).await;
    let list = admin.get("/api/v1/dashboards").await.body;
    assert_eq!(list[0]["url"], "http://grafana.example.org/d/ipmi-fleet");
    assert_eq!(list[0]["state"], "unknown");
    for path in ["look", "ipmi-fleet/reset"] {
        let path = format!("/api/v1/dashboards/{path}");
        assert_eq!(admin.post(&path, &json!({})).await.status, 409);
    }
    let unknown = admin.get("/api/v1/dashboards/none").await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    // An alert leads to the dashboard of its server, or of all alerts.
    let inlet = alerts::inlet(&lab, &admin).await;
    let (mut named, plain) = (alerts::alert("A", 1), alerts::alert("B", 2));
    named["labels"]["server_name"] = json!("node 1");
    let told = inlet.post("/api/v2/alerts", &json!([named, plain])).await;
    assert_eq!(told.status, 200, "{told:?}");
    let list = admin
        .get("/api/v1/alerts?sort=alertname&descending=false")
        .await;
    for (at, url) in ["d/ipmi-server?var-server=node+1", "d/ipmi-alerts"]
        .into_iter()
        .enumerate()
    {
        let path = format!("/api/v1/alerts/{}", list.body["items"][at]["id"]);
        let alert = admin.get(&path).await.body;
        let url = format!("http://grafana.example.org/{url}");
        assert_eq!(alert["dashboard_url"], url, "{alert}");
    }
    let zh = admin.get("/api/v1/dashboards/ipmi-fleet?language=zh").await;
    assert_eq!(zh.body["title"], "IPMI 集群总览");
    lab.stop().await;
}
