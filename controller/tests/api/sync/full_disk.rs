//! A full disk is named, and leaves the old rule file whole.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use serde_json::json;

use super::process::{PROGRAM, Process};
use super::rule_lab::{alert, prepare, wait_for_rules};
use super::{directory, wait_until};
use crate::support::prometheus::free_address;

/// A controller in a mount namespace of its own, with a small disk for the rules.
struct OnSmallDisk {
    process: Process,
    disk: PathBuf,
}

impl OnSmallDisk {
    fn start(directory: &Path, listen: SocketAddr, prometheus: SocketAddr) -> Self {
        let disk = directory.join("disk");
        std::fs::create_dir(&disk).expect("a directory");
        // `exec` keeps the process id, by which the disk is reached from outside.
        let script = format!(
            "mount -t tmpfs -o size=64k small '{}' && \
             export IPMI_CONTROLLER_PROMETHEUS__URL=http://{prometheus} && exec '{PROGRAM}' serve",
            disk.display(),
        );
        let unshare = ["unshare", "--mount", "--user", "--map-root-user"];
        let command = [&unshare[..], &["sh", "-c", &script]].concat();
        let rules = disk.join("rules.yml");
        let variable = ("IPMI_CONTROLLER_PROMETHEUS__RULES_FILE", rules.as_path());
        Self {
            process: Process::start(&command, directory, listen, variable),
            disk,
        }
    }

    /// Where a file on the disk is seen from outside.
    fn path(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.process.id());
        let inside = self.disk.join(name);
        Path::new(&root).join(inside.strip_prefix("/").expect("an absolute path"))
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_the_old_file_whole() {
    let directory = directory();
    let mut admin = prepare(&directory).await;
    let (listen, at) = (free_address(), free_address());
    let controller = OnSmallDisk::start(directory.path(), listen, at);
    admin.base = format!("http://{listen}");
    controller.process.ready().await;
    let body = |name: &str| {
        let stays = json!({"record": "stays", "expr": "vector(1)"});
        json!({"name": "g", "rules": [alert(name, "up == 0"), stays]})
    };
    let made = admin.post("/api/v1/rules", &body("First")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let file = controller.path("rules.yml");
    wait_until("the first file", async || file.exists()).await;
    let first = std::fs::read(&file).unwrap();
    // Fill the disk to the last byte.
    let filler = controller.path("filler");
    let full = std::fs::write(&filler, vec![b'x'; 128 * 1024]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let path = format!("/api/v1/rules/{}", made.body["id"]);
    let put = admin.put(&path, &body("Second")).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let failed = wait_for_rules(&admin, |s| s["state"] == "failed").await;
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("No space left"), "{message}");
    assert!(
        message.contains("rules.yml") && message.contains("old content stays"),
        "{message}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), first);
    // With room it goes on by itself.
    std::fs::remove_file(&filler).unwrap();
    wait_until("the second file", async || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("Second"))
    })
    .await;
    wait_for_rules(&admin, |s| s["state"] == "pending").await;
}
