//! Exporters on their configuration channels.

use std::time::Duration;

use super::draft::{credential, exporter};
use super::{Lab, NOON};
use crate::model::{ChannelReport, ChannelSource, TokenKind};
use crate::store::NewToken;

pub(super) async fn channels_remember_what_exporters_tell(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let id = tx.insert_exporter(&exporter("exp-1", 10)).await.unwrap().id;
    tx.commit().await.unwrap();
    let revision = store.read().await.unwrap().revision().await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.channel(id).await.unwrap(), None);
    assert!(tx.channel_is_to_be_noted(id).await.unwrap());
    tx.note_channel(id).await.unwrap();
    assert!(
        !tx.channel_is_to_be_noted(id).await.unwrap(),
        "not so often"
    );
    assert!(tx.note_hand_out(id, "\"a\"").await.unwrap());
    assert!(!tx.note_hand_out(id, "\"a\"").await.unwrap(), "known");
    assert!(tx.note_hand_out(id, "\"b\"").await.unwrap());
    tx.commit().await.unwrap();

    lab.clock.advance(Duration::from_secs(100));
    let report = ChannelReport {
        applied: Some("\"a\"".to_owned()),
        refused: Some("\"b\"".to_owned()),
        error: "why".to_owned(),
        exporter_version: "0.1.0".to_owned(),
        started_at: Some(NOON),
        source: ChannelSource::Cache,
    };
    let mut tx = store.write().await.unwrap();
    tx.note_channel_report(id, &report).await.unwrap();
    let known = tx.channel(id).await.unwrap().unwrap();
    assert_eq!(known.report, report);
    assert_eq!(known.handed_out.as_deref(), Some("\"b\""));
    assert_eq!(known.connected_at, NOON, "no long pause");
    assert_eq!(known.last_seen_at, tx.now());
    tx.commit().await.unwrap();

    lab.clock.advance(Duration::from_secs(200));
    let mut tx = store.write().await.unwrap();
    tx.note_channel(id).await.unwrap();
    let known = tx.channels().await.unwrap().remove(0);
    assert_eq!(known.connected_at, tx.now(), "it was away");
    assert_eq!(
        tx.revision().await.unwrap(),
        revision,
        "nothing desired changed"
    );
    tx.delete_exporter(id, None).await.unwrap();
    assert_eq!(tx.channels().await.unwrap(), []);
}

pub(super) async fn modules_name_the_places_of_their_secrets(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let id = tx
        .insert_credential(&credential("lab", Some("tr0ub4dor")))
        .await
        .unwrap()
        .id;
    tx.insert_credential(&credential("null", None))
        .await
        .unwrap();
    let modules = tx.module_sources().await.unwrap();
    let names: Vec<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    assert_eq!(names, ["lab", "null"]);
    assert_eq!(
        (modules[1].password.as_ref(), modules[1].k_g.as_ref()),
        (None, None)
    );
    let place = modules[0].password.clone().unwrap();
    assert_eq!(
        tx.open_secret(&place).await.unwrap().as_slice(),
        b"tr0ub4dor"
    );
    tx.update_credential(id, None, &credential("lab", Some("tr0ub4dor")))
        .await
        .unwrap();
    let again = tx.module_sources().await.unwrap().remove(0);
    assert_ne!(
        again.password,
        Some(place),
        "a new password has a new place"
    );
}

pub(super) async fn an_exporters_tokens_end_with_it(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let mut made = Vec::new();
    for name in ["exp-1", "exp-2"] {
        let id = tx.insert_exporter(&exporter(name, 10)).await.unwrap().id;
        let token = tx
            .insert_token(&NewToken {
                kind: TokenKind::Exporter,
                name,
                user_id: None,
                family: name,
                hash: name.as_bytes(),
                scopes: &[],
                subject_id: Some(id),
                expires_at: None,
            })
            .await
            .unwrap();
        assert_eq!(token.exporter_id, Some(id));
        made.push((id, token.id));
    }
    tx.delete_exporter(made[0].0, None).await.unwrap();
    assert!(tx.token(made[0].1).await.unwrap().revoked_at.is_some());
    assert!(tx.token(made[1].1).await.unwrap().revoked_at.is_none());
}
