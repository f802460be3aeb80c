//! What people get to see of Prometheus, with a real one behind the controller.

mod limit;
mod query;

use std::sync::Arc;

use serde_json::json;

use crate::support::prometheus::Prometheus;
use crate::support::{Client, Lab};

/// A controller that asks the Prometheus at a URL.
async fn lab_asking(url: &str) -> Lab {
    let directory = Arc::new(tempfile::tempdir().expect("a directory"));
    lab_with(directory, &[("IPMI_CONTROLLER_QUERY__URL", url.to_owned())]).await
}

async fn lab_with(directory: Arc<tempfile::TempDir>, more: &[(&str, String)]) -> Lab {
    Lab::start_in(directory, more).await
}

/// A controller with servers in the groups `east` and `west`, numbered in order:
/// 1 `east-1` and 2 `west-1`.
async fn lab_of_two_groups(prometheus: &Prometheus) -> (Lab, Client, Client) {
    let lab = lab_asking(&prometheus.url()).await;
    let admin = lab
        .user("root", ipmi_controller::model::Role::Admin, None)
        .await;
    for (number, group) in [(1, "east"), (2, "west")] {
        let made = admin.post("/api/v1/groups", &json!({"name": group})).await;
        assert_eq!(made.body["id"], number, "{made:?}");
        let server = json!({"name": format!("{group}-1"), "address": format!("bmc-{group}"),
            "group_id": number});
        let made = admin.post("/api/v1/servers", &server).await;
        assert_eq!(made.body["id"], number, "{made:?}");
    }
    let eve = lab
        .user("eve", ipmi_controller::model::Role::Operator, Some(&[1]))
        .await;
    (lab, admin, eve)
}

/// Seconds since 1970, some time ago.
fn ago(seconds: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("after 1970").as_secs() - seconds
}

/// A query string.
fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}
