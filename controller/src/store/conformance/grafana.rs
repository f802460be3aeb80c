//! What is remembered of objects in Grafana.

use super::Lab;
use crate::model::{GrafanaKind, GrafanaRecord};

pub(super) async fn objects_in_grafana_are_remembered(lab: Lab) {
    let store = lab.open().await;
    let (here, there) = ("https://a.example.org/", "https://b.example.org/");
    let record = GrafanaRecord {
        wanted: "w".to_owned(),
        shown: "s".to_owned(),
        version: 3,
        is_made: true,
        adopted: Some(serde_json::json!({"title": "机房 \"x\"", "panels": [1, 2.5, null]})),
    };
    let plain = GrafanaRecord {
        is_made: false,
        adopted: None,
        ..record.clone()
    };
    let mut tx = store.write().await.unwrap();
    let revision = tx.revision().await.unwrap();
    for (grafana, kind, uid, record) in [
        (here, GrafanaKind::Dashboard, "ipmi-fleet", &plain),
        (here, GrafanaKind::Dashboard, "ipmi-fleet", &record),
        (here, GrafanaKind::Folder, "ipmi-controller", &plain),
        (there, GrafanaKind::DataSource, "ipmi-prometheus", &plain),
    ] {
        tx.put_grafana_object(grafana, kind, uid, record)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    let key = |kind, uid: &str| (kind, uid.to_owned());
    assert_eq!(
        tx.grafana_objects(here).await.unwrap(),
        [
            (key(GrafanaKind::Dashboard, "ipmi-fleet"), record.clone()),
            (key(GrafanaKind::Folder, "ipmi-controller"), plain.clone()),
        ]
    );
    let reset = tx
        .reset_grafana_object(here, GrafanaKind::Dashboard, "ipmi-fleet")
        .await;
    assert!(reset.unwrap());
    let unknown = tx
        .reset_grafana_object(there, GrafanaKind::Dashboard, "ipmi-fleet")
        .await;
    assert!(!unknown.unwrap(), "another Grafana's");
    let found = tx.grafana_objects(here).await.unwrap();
    let (_, first) = &found[0];
    assert!(first.is_reset() && first.adopted.is_none() && first.version == 3);
    tx.forget_grafana_object(here, GrafanaKind::Dashboard, "ipmi-fleet")
        .await
        .unwrap();
    assert_eq!(tx.grafana_objects(here).await.unwrap().len(), 1);
    assert_eq!(tx.grafana_objects(there).await.unwrap().len(), 1);
    assert_eq!(
        tx.revision().await.unwrap(),
        revision,
        "nothing desired changed"
    );
    tx.commit().await.unwrap();
}
