//! Many rows at once, and requests that are sent again.

use std::time::Duration;

use super::draft::{group, server};
use super::{Lab, NOON};
use crate::model::{AuditEvent, PageRequest, Scope, ServerFilter, Sort};
use crate::store::{AuditFilter, Claim, IdempotencyKey, KEY_LIFE, KeptAnswer};

/// More than one statement takes.
const MANY: usize = 600;

pub(super) async fn many_servers_are_as_if_one_after_the_other(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let drafts: Vec<_> = (0..MANY)
        .map(|number| {
            server(&format!("n{number}"), |body| {
                body.port = i64::try_from(number).unwrap() + 1;
                body.address = "bmc".to_owned();
                body.group_id = number.is_multiple_of(2).then_some(east);
                body.tags = vec![format!("t{number}")];
                body.labels = [("dc".to_owned(), "x".to_owned())].into();
            })
        })
        .collect();
    let made = tx
        .insert_servers(&drafts.iter().collect::<Vec<_>>())
        .await
        .unwrap();
    assert_eq!(made.len(), MANY);
    for (draft, made) in drafts.iter().zip(&made) {
        assert_eq!(made.name, draft.name.as_str());
        assert_eq!(tx.server(made.id, &Scope::All).await.unwrap(), *made);
    }
    let filter = ServerFilter::default();
    assert_eq!(tx.count_servers(&filter, &Scope::All).await.unwrap(), 600);
    let by_group = tx
        .count_servers_by_group(&filter, &Scope::All)
        .await
        .unwrap();
    assert_eq!(by_group, [(None, 300), (Some(east), 300)].into());
    let first = tx
        .servers_after(0, &filter, &Scope::All, 500)
        .await
        .unwrap();
    let rest = tx
        .servers_after(first[499].id, &filter, &Scope::All, 500)
        .await
        .unwrap();
    assert_eq!((first.len(), rest.len()), (500, 100));
    let named = tx.servers_named(&["n7", "n599", "nobody"]).await.unwrap();
    assert_eq!(named.len(), 2);
    let places = tx
        .servers_at(&[("bmc", 600), ("bmc", 601), ("other", 1)])
        .await
        .unwrap();
    assert_eq!(places, [(("bmc".to_owned(), 600), made[599].id)].into());

    lab.clock.advance(Duration::from_secs(1));
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    // Each gets the name and the place of the next but one, which leaves it before.
    let moved: Vec<_> = (0..MANY)
        .map(|number| server(&format!("m{number}"), |body| body.rack = "r2".to_owned()))
        .collect();
    let rows: Vec<_> = made.iter().zip(&moved).collect();
    let changed = tx.replace_servers(&rows).await.unwrap();
    for (before, after) in made.iter().zip(&changed) {
        assert_eq!((after.id, after.version), (before.id, 2));
        assert_eq!(
            (after.created_at, after.updated_at.0),
            (NOON, NOON.0 + 1000)
        );
        assert_eq!(tx.server(after.id, &Scope::All).await.unwrap(), *after);
    }
    let only_east = Scope::Groups([east].into());
    let ids: Vec<i64> = made.iter().map(|server| server.id).collect();
    assert!(
        tx.servers_with_ids(&ids, &only_east)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        tx.servers_with_ids(&ids, &Scope::All).await.unwrap(),
        changed
    );
    tx.delete_servers(&ids[1..]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.count_servers(&filter, &Scope::All).await.unwrap(), 1);
    assert!(tx.names().await.unwrap().groups.contains_key("east"));
}

pub(super) async fn searches_find_the_few_and_the_many(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    // More than a search names one by one.
    let drafts: Vec<_> = (0..1200)
        .map(|number| server(&format!("node-{number:04}"), |_| ()))
        .collect();
    tx.insert_servers(&drafts.iter().collect::<Vec<_>>())
        .await
        .unwrap();
    for (search, expected) in [
        ("node", 1200),
        ("node-0", 1000),
        ("node-00", 100),
        ("0007", 1),
        ("x", 0),
    ] {
        let filter = ServerFilter {
            search: Some(search.to_owned()),
            ..ServerFilter::default()
        };
        let page = PageRequest {
            offset: 0,
            limit: 7,
        };
        let found = tx
            .servers(&filter, Sort::default(), &Scope::All, page)
            .await
            .unwrap();
        assert_eq!(found.total, expected, "{search}");
        assert_eq!(found.items.len(), usize::try_from(expected).unwrap().min(7));
        assert!(
            found
                .items
                .iter()
                .all(|server| server.name.contains(search))
        );
    }
    // A PostgreSQL index of whole texts would refuse this one.
    let long = server("long", |body| {
        body.tags = (0..32_u64)
            .map(|tag| hex::encode(sha2::Sha256::digest(tag.to_le_bytes())).repeat(2))
            .collect();
    });
    use sha2::Digest;
    tx.insert_server(&long).await.unwrap();
}

pub(super) async fn many_entries_are_one_chain(lab: Lab) {
    let store = lab.open().await;
    let event = |number: usize| AuditEvent {
        actor: "root".to_owned(),
        actor_id: number.is_multiple_of(2).then_some(7),
        source: Some(format!("192.0.2.{}", number % 3)),
        action: "server.update",
        resource: format!("servers/{number}"),
        before: None,
        after: Some(serde_json::json!({"number": number})),
    };
    let mut tx = store.write().await.unwrap();
    tx.append_audit(&event(0)).await.unwrap();
    tx.append_audits(&(1..MANY).map(event).collect::<Vec<_>>())
        .await
        .unwrap();
    tx.append_audits(&[]).await.unwrap();
    tx.append_audit(&event(MANY)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let report = tx.verify_audit().await.unwrap();
    assert_eq!((report.entries, report.broken), (601, None));
    let mut total = async |filter: AuditFilter| {
        let page = PageRequest::default();
        let found = tx.audit(&filter, true, page).await.unwrap();
        (
            found.total,
            found.items.first().map(|entry| entry.resource.clone()),
        )
    };
    let all = AuditFilter::default();
    assert_eq!(
        total(all.clone()).await,
        (601, Some("servers/0".to_owned()))
    );
    let of_user = AuditFilter {
        actor_id: Some(7),
        ..all.clone()
    };
    assert_eq!(total(of_user).await.0, 301);
    let from = AuditFilter {
        source: Some("192.0.2.1".to_owned()),
        ..all.clone()
    };
    assert_eq!(total(from).await.0, 200);
    let search = AuditFilter {
        search: Some("SERVERS/60".to_owned()),
        ..all
    };
    assert_eq!(total(search).await, (2, Some("servers/60".to_owned())));
}

pub(super) async fn a_key_has_one_answer_for_a_day(lab: Lab) {
    let store = lab.open().await;
    let key = |key: &str, request: u8| IdempotencyKey {
        principal: "user 1".to_owned(),
        key: key.to_owned(),
        request: vec![request; 32],
    };
    let answer = KeptAnswer {
        status: 201,
        etag: Some("\"v1\"".to_owned()),
        location: None,
        body: "{}".to_owned(),
    };
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.claim_key(&key("a", 1)).await.unwrap(), Claim::New);
    drop(tx);
    let mut tx = store.write().await.unwrap();
    assert_eq!(
        tx.claim_key(&key("a", 1)).await.unwrap(),
        Claim::New,
        "what was not committed took no key"
    );
    tx.keep_answer(&key("a", 1), &answer).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert_eq!(
        tx.claim_key(&key("a", 1)).await.unwrap(),
        Claim::Answered(answer)
    );
    assert_eq!(tx.claim_key(&key("a", 2)).await.unwrap(), Claim::Other);
    assert_eq!(tx.claim_key(&key("b", 2)).await.unwrap(), Claim::New);
    let other = IdempotencyKey {
        principal: "user 2".to_owned(),
        ..key("a", 2)
    };
    assert_eq!(tx.claim_key(&other).await.unwrap(), Claim::New);
    tx.commit().await.unwrap();
    lab.clock.advance(KEY_LIFE + Duration::from_millis(1));
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.claim_key(&key("a", 2)).await.unwrap(), Claim::New);
}

pub(super) async fn of_two_requests_with_one_key_one_waits(lab: Lab) {
    let store = lab.open().await;
    let key = IdempotencyKey {
        principal: "user 1".to_owned(),
        key: "k".to_owned(),
        request: vec![1; 32],
    };
    let tasks = (0..8).map(|number| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move {
            let mut tx = store.write().await.unwrap();
            match tx.claim_key(&key).await.unwrap() {
                Claim::New => {
                    let made = tx
                        .insert_server(&server(&format!("n{number}"), |_| ()))
                        .await;
                    let answer = KeptAnswer {
                        status: 201,
                        etag: None,
                        location: None,
                        body: made.unwrap().id.to_string(),
                    };
                    tx.keep_answer(&key, &answer).await.unwrap();
                    tx.commit().await.unwrap();
                    answer.body
                }
                Claim::Answered(answer) => answer.body,
                Claim::Other => panic!("the same request"),
            }
        })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let mut tx = store.read().await.unwrap();
    let count = tx
        .count_servers(&ServerFilter::default(), &Scope::All)
        .await
        .unwrap();
    assert_eq!(count, 1);
}
