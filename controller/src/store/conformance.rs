//! One suite for both databases: the same questions have the same answers.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use super::*;
use crate::alert::{Sighting, parse_push, parse_webhook};
use crate::model::{
    AlertEventKind, AlertFilter, AlertLife, AlertSort, AlertState, AuditEvent, CredentialBody,
    CredentialDraft, EndReason, GroupBody, GroupDraft, PageRequest, Role, Scope, ServerBody,
    ServerDraft, ServerFilter, ServerSort, Sort, UserBody, UserDraft,
};

#[path = "../../tests/support/postgres.rs"]
mod postgres;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER_KEY: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
const NOON: Timestamp = Timestamp(1_700_000_000_000);

/// A place where a test can make databases and open them again.
struct Lab {
    url: String,
    clock: Clock,
}

impl Lab {
    async fn open(&self) -> Store {
        self.open_with(KEY).await.unwrap()
    }

    async fn open_with(&self, key: &str) -> Result<Store, StoreError> {
        let sealer = Sealer::parse(key).unwrap();
        Store::open(&self.url, sealer, self.clock.clone()).await
    }
}

type Case = fn(Lab) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        const CASES: &[(&str, Case)] = &[$((stringify!($name), |lab| Box::pin($name(lab)))),*];
    };
}

cases![
    every_statement_is_understood,
    a_group_in_use_stays,
    versions_guard_against_lost_changes,
    servers_are_filtered_sorted_and_scoped,
    what_a_server_names_must_exist,
    secrets_are_sealed_and_rotated,
    another_master_key_is_refused,
    the_last_admin_stays,
    tokens_end_together,
    the_trail_shows_tampering,
    deliveries_of_alerts_in_any_order_are_one_history,
    alerts_end_for_a_reason,
    alerts_are_filtered_counted_and_forgotten,
    people_act_on_alerts,
    nothing_happens_without_a_commit,
    a_newer_database_is_refused,
];

#[tokio::test]
async fn sqlite_conforms() {
    for (name, case) in CASES {
        eprintln!("{name}");
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/c.db?mode=rwc", directory.path().display());
        case(Lab {
            url,
            clock: Clock::manual(NOON),
        })
        .await;
    }
}

#[tokio::test]
async fn postgresql_conforms() {
    let server = postgres::Postgres::start();
    for (name, case) in CASES {
        eprintln!("{name}");
        case(Lab {
            url: server.database(),
            clock: Clock::manual(NOON),
        })
        .await;
    }
}

/// The check that macros would do while compiling.
async fn every_statement_is_understood(lab: Lab) {
    use sqlx::{Executor, SqlSafeStr};
    let store = lab.open().await;
    let files = [
        STATEMENTS,
        alert_expiry::STATEMENTS,
        alert_record::STATEMENTS,
        alerts::STATEMENTS,
        audit::STATEMENTS,
        credentials::STATEMENTS,
        groups::STATEMENTS,
        secrets::STATEMENTS,
        servers::STATEMENTS,
        tokens::STATEMENTS,
        users::STATEMENTS,
    ];
    for (name, sql) in files.into_iter().flatten().copied() {
        let mut connection = store.writer.acquire().await.unwrap();
        let prepared = connection.prepare(sql.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
}

fn group(name: &str) -> GroupDraft {
    GroupDraft::parse(&GroupBody {
        name: name.to_owned(),
        description: String::new(),
    })
    .unwrap()
}

fn server(name: &str, change: impl FnOnce(&mut ServerBody)) -> ServerDraft {
    let mut body: ServerBody =
        serde_json::from_value(serde_json::json!({"name": name, "address": format!("bmc-{name}")}))
            .unwrap();
    change(&mut body);
    ServerDraft::parse(&body).unwrap()
}

fn credential(name: &str, password: Option<&str>) -> CredentialDraft {
    let body = CredentialBody {
        name: name.to_owned(),
        password: password.map(|password| Some(password.to_owned())),
        ..CredentialBody::default()
    };
    CredentialDraft::parse(&body).unwrap()
}

fn user(name: &str, role: Role, groups: Option<BTreeSet<i64>>) -> UserDraft {
    let body = UserBody {
        username: name.to_owned(),
        email: String::new(),
        role,
        is_active: true,
        group_ids: groups,
        password: None,
    };
    UserDraft::parse(&body).unwrap().0
}

async fn a_group_in_use_stays(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let rack = tx.insert_group(&group("rack 1")).await.unwrap();
    assert!(matches!(
        tx.insert_group(&group("rack 1")).await,
        Err(StoreError::Taken {
            what: "group",
            field: "name"
        })
    ));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let rack = tx.insert_group(&group(&rack.name)).await.unwrap();
    let node = server("n1", |body| body.group_id = Some(rack.id));
    let node = tx.insert_server(&node).await.unwrap();
    let refused = tx.delete_group(rack.id, None, &Scope::All).await;
    assert!(matches!(
        refused,
        Err(StoreError::InUse {
            count: 1,
            users: "servers"
        })
    ));
    tx.delete_server(node.id, None, &Scope::All).await.unwrap();
    tx.delete_group(rack.id, None, &Scope::All).await.unwrap();
    assert!(matches!(
        tx.group(rack.id, &Scope::All).await,
        Err(StoreError::NotFound { .. })
    ));
}

async fn versions_guard_against_lost_changes(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let made = tx.insert_server(&server("a", |_| ())).await.unwrap();
    assert_eq!((made.version, made.created_at), (1, NOON));
    let moved = server("a", |body| body.rack = "r2".to_owned());
    let (before, after) = tx
        .update_server(made.id, Some(1), &moved, &Scope::All)
        .await
        .unwrap();
    assert_eq!((before.rack.as_str(), after.rack.as_str()), ("", "r2"));
    assert_eq!(after.version, 2);
    let late = tx
        .update_server(made.id, Some(1), &moved, &Scope::All)
        .await;
    assert!(matches!(late, Err(StoreError::Changed { current: 2 })));
    let late = tx.delete_server(made.id, Some(1), &Scope::All).await;
    assert!(matches!(late, Err(StoreError::Changed { current: 2 })));
}

async fn servers_are_filtered_sorted_and_scoped(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let west = tx.insert_group(&group("west")).await.unwrap().id;
    for (name, group, enabled, serial) in [
        ("Alpha", Some(east), true, "S_1"),
        ("beta", Some(west), false, "SX1"),
        ("gamma", None, true, "100%"),
    ] {
        let draft = server(name, |body| {
            body.group_id = group;
            body.monitoring_enabled = enabled;
            body.serial_number = serial.to_owned();
            body.tags = vec!["Blade".to_owned()];
        });
        tx.insert_server(&draft).await.unwrap();
    }
    let mut names = async |filter: ServerFilter, sort: Sort<ServerSort>, scope: Scope| {
        let page = tx
            .servers(&filter, sort, &scope, PageRequest::default())
            .await
            .unwrap();
        assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
        let names: Vec<String> = page.items.into_iter().map(|server| server.name).collect();
        names.join(" ")
    };
    let by_id = Sort::default();
    let search = |text: &str| ServerFilter {
        search: Some(text.to_owned()),
        ..ServerFilter::default()
    };
    assert_eq!(names(search("ALPHA"), by_id, Scope::All).await, "Alpha");
    assert_eq!(
        names(search("s_1"), by_id, Scope::All).await,
        "Alpha",
        "no pattern"
    );
    assert_eq!(names(search("%"), by_id, Scope::All).await, "gamma");
    assert_eq!(
        names(search("blade"), by_id, Scope::All).await,
        "Alpha beta gamma"
    );
    assert_eq!(names(search("bmc-b"), by_id, Scope::All).await, "beta");
    let disabled = ServerFilter {
        monitoring_enabled: Some(false),
        ..ServerFilter::default()
    };
    assert_eq!(names(disabled, by_id, Scope::All).await, "beta");
    for key in [
        ServerSort::Id,
        ServerSort::Name,
        ServerSort::Address,
        ServerSort::Manufacturer,
        ServerSort::Site,
        ServerSort::UpdatedAt,
    ] {
        let up = names(
            ServerFilter::default(),
            Sort {
                key,
                descending: false,
            },
            Scope::All,
        )
        .await;
        let down = names(
            ServerFilter::default(),
            Sort {
                key,
                descending: true,
            },
            Scope::All,
        )
        .await;
        let mut turned: Vec<&str> = down.split(' ').collect();
        turned.reverse();
        assert_eq!(turned.join(" "), up, "{key:?}");
    }
    let only_west = Scope::Groups(BTreeSet::from([west]));
    assert_eq!(
        names(ServerFilter::default(), by_id, only_west.clone()).await,
        "beta"
    );
    let nothing = Scope::Groups(BTreeSet::new());
    assert_eq!(names(ServerFilter::default(), by_id, nothing).await, "");
    let page = PageRequest {
        offset: 1,
        limit: 1,
    };
    let page = tx
        .servers(&ServerFilter::default(), by_id, &Scope::All, page)
        .await
        .unwrap();
    assert_eq!((page.total, page.items.len()), (3, 1));
    let alpha = tx
        .servers(&search("alpha"), by_id, &Scope::All, PageRequest::default())
        .await
        .unwrap()
        .items
        .remove(0);
    assert!(matches!(
        tx.server(alpha.id, &only_west).await,
        Err(StoreError::NotFound { .. })
    ));
}

async fn what_a_server_names_must_exist(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_server(&server("a", |_| ())).await.unwrap();
    let dangling = server("b", |body| body.credential_id = Some(99));
    assert!(matches!(
        tx.insert_server(&dangling).await,
        Err(StoreError::Dangling {
            field: "credential_id",
            ..
        })
    ));
    assert!(matches!(
        tx.insert_server(&server("a", |body| body.address = "other".to_owned()))
            .await,
        Err(StoreError::Taken { field: "name", .. })
    ));
    let same_place = server("c", |body| body.address = "bmc-a".to_owned());
    assert!(matches!(
        tx.insert_server(&same_place).await,
        Err(StoreError::Taken {
            field: "address",
            ..
        })
    ));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let labels = BTreeMap::from([("dc".to_owned(), "fra1".to_owned())]);
    let made = tx
        .insert_server(&server("d", |body| body.labels = labels))
        .await
        .unwrap();
    assert_eq!(made.labels.iter().collect::<Vec<_>>(), [("dc", "fra1")]);
}

async fn secrets_are_sealed_and_rotated(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let made = tx
        .insert_credential(&credential("lab", Some("tr0ub4dor")))
        .await
        .unwrap();
    assert!(made.password_set && !made.k_g_set);
    let kept = tx
        .update_credential(made.id, None, &credential("lab2", None))
        .await
        .unwrap()
        .1;
    assert!(kept.password_set, "what is not mentioned stays");
    tx.commit().await.unwrap();
    let count = async |store: &Store| -> i64 {
        let mut tx = store.read().await.unwrap();
        let row = sqlx::query("SELECT COUNT(*) FROM secrets")
            .fetch_one(tx.connection())
            .await
            .unwrap();
        row.get(0)
    };
    assert_eq!(count(&store).await, 1);
    store.close().await;

    let both = format!("{OTHER_KEY}\n{KEY}");
    let store = lab.open_with(&both).await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.rotate_secrets().await.unwrap(), 1);
    assert_eq!(tx.rotate_secrets().await.unwrap(), 0);
    tx.commit().await.unwrap();
    store.close().await;

    let store = lab.open_with(OTHER_KEY).await.unwrap();
    let mut tx = store.write().await.unwrap();
    let row = sqlx::query("SELECT id FROM secrets")
        .fetch_one(tx.connection())
        .await
        .unwrap();
    let id: String = row.get(0);
    assert_eq!(tx.open_secret(&id).await.unwrap().as_slice(), b"tr0ub4dor");
    tx.delete_credential(made.id, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&store).await, 0, "a secret goes with its profile");
}

async fn another_master_key_is_refused(lab: Lab) {
    lab.open().await.close().await;
    let error = lab.open_with(OTHER_KEY).await.err().expect("refused");
    assert!(
        matches!(error, StoreError::Seal(SealError::UnknownKey { .. })),
        "{error}"
    );
    lab.open().await.close().await;
}

async fn the_last_admin_stays(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let root = tx
        .insert_user(&user("root", Role::Admin, None), "hash")
        .await
        .unwrap();
    let limited = user("eve", Role::Viewer, Some(BTreeSet::from([east])));
    let eve = tx.insert_user(&limited, "hash").await.unwrap();
    assert_eq!(eve.scope(), Scope::Groups(BTreeSet::from([east])));
    let demoted = user("root", Role::Viewer, None);
    assert!(matches!(
        tx.update_user(root.id, None, &demoted).await,
        Err(StoreError::LastAdmin)
    ));
    assert!(matches!(
        tx.delete_user(root.id, None).await,
        Err(StoreError::LastAdmin)
    ));
    tx.insert_user(&user("second", Role::Admin, None), "hash")
        .await
        .unwrap();
    tx.delete_user(root.id, None).await.unwrap();
    assert_eq!(tx.count_users().await.unwrap(), 2);
    tx.delete_group(east, None, &Scope::All).await.unwrap();
    let eve = tx.user(eve.id).await.unwrap();
    assert_eq!(
        eve.scope(),
        Scope::Groups(BTreeSet::new()),
        "sees nothing, not everything"
    );
}

async fn tokens_end_together(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let owner = tx
        .insert_user(&user("a", Role::Viewer, None), "hash")
        .await
        .unwrap();
    let mut make = async |kind: TokenKindArg, hash: &[u8]| {
        let new = NewToken {
            kind,
            name: "t",
            user_id: Some(owner.id),
            family: "f",
            hash,
            scopes: &[],
            subject_id: None,
            expires_at: Some(NOON.after(std::time::Duration::from_secs(60))),
        };
        tx.insert_token(&new).await.unwrap().id
    };
    let refresh = make(TokenKindArg::Refresh, b"1").await;
    make(TokenKindArg::Access, b"2").await;
    assert!(tx.use_up_token(refresh).await.unwrap());
    assert!(!tx.use_up_token(refresh).await.unwrap(), "once");
    tx.revoke_family("f").await.unwrap();
    let found = tx.token_by_hash(b"2").await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(NOON));
    assert!(tx.token_by_hash(b"3").await.unwrap().is_none());
    let later = NOON.after(std::time::Duration::from_secs(61));
    assert_eq!(tx.delete_old_tokens(later).await.unwrap(), 2);
}

use crate::model::TokenKind as TokenKindArg;

async fn the_trail_shows_tampering(lab: Lab) {
    let store = lab.open().await;
    let event = |resource: &str| AuditEvent {
        actor: "root".to_owned(),
        actor_id: Some(1),
        source: Some("192.0.2.1".to_owned()),
        action: "server.create",
        resource: resource.to_owned(),
        before: None,
        after: Some(serde_json::json!({"name": "ü \"quoted\"", "port": 623})),
    };
    let mut tx = store.write().await.unwrap();
    for number in 1..=5 {
        tx.append_audit(&event(&format!("servers/{number}")))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let report = tx.verify_audit().await.unwrap();
    assert_eq!(
        report,
        ChainReport {
            entries: 5,
            broken: None
        }
    );
    let filter = AuditFilter {
        resource: Some("servers/3".to_owned()),
        ..AuditFilter::default()
    };
    let page = tx.audit(&filter, PageRequest::default()).await.unwrap();
    assert_eq!((page.total, page.items[0].sequence), (1, 3));
    drop(tx);

    for (tampering, sequence) in [
        ("UPDATE audit SET actor = 'nobody' WHERE sequence = 2", 2),
        (
            "UPDATE audit SET new_value = '{\"name\":\"x\"}' WHERE sequence = 4",
            4,
        ),
        ("DELETE FROM audit WHERE sequence = 3", 3),
        ("DELETE FROM audit WHERE sequence = 5", 5),
    ] {
        let mut tx = store.write().await.unwrap();
        sqlx::query(tampering)
            .execute(tx.connection())
            .await
            .unwrap();
        let broken = tx.verify_audit().await.unwrap().broken.expect(tampering);
        assert_eq!(broken.sequence, sequence, "{tampering}");
    }
}

async fn nothing_happens_without_a_commit(lab: Lab) {
    let store = lab.open().await;
    let revision = *store.revisions().borrow();
    let mut tx = store.write().await.unwrap();
    tx.insert_group(&group("g")).await.unwrap();
    drop(tx);
    assert_eq!(
        store.read().await.unwrap().revision().await.unwrap(),
        revision
    );
    let mut tx = store.write().await.unwrap();
    tx.insert_group(&group("g")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        store.read().await.unwrap().revision().await.unwrap(),
        revision + 1
    );
    assert_eq!(*store.revisions().borrow(), revision + 1);
}

async fn a_newer_database_is_refused(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 999 WHERE version > 1")
        .execute(tx.connection())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let error = lab.open_with(KEY).await.err().expect("refused");
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 999,
                known: 3
            }
        ),
        "{error}"
    );
}

const MINUTE: i64 = 60_000;

/// One alert of a delivery; minutes count from noon.
struct Told<'a> {
    name: &'a str,
    server_id: i64,
    start: i64,
    end: Option<i64>,
    summary: &'a str,
}

impl Told<'_> {
    fn json(&self) -> serde_json::Value {
        let at = |minute: i64| Timestamp(NOON.0 + minute * MINUTE).to_string();
        serde_json::json!({
            "labels": {"alertname": self.name, "severity": "critical",
                "server_id": self.server_id.to_string()},
            "annotations": {"summary": self.summary},
            "startsAt": at(self.start),
            "endsAt": self.end.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), at),
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        })
    }

    /// As Prometheus pushes it at that minute.
    fn push(&self, minute: i64) -> Vec<Sighting> {
        let body = serde_json::to_vec(&[self.json()]).unwrap();
        let now = Timestamp(NOON.0 + minute * MINUTE);
        parse_push(&body, now).unwrap().sightings
    }

    /// As Alertmanager notifies of it.
    fn webhook(&self, receiver: &str) -> Vec<Sighting> {
        let mut alert = self.json();
        let status = if self.end.is_some() {
            "resolved"
        } else {
            "firing"
        };
        alert["status"] = status.into();
        let body = serde_json::json!({"version": "4", "groupKey": "{}", "receiver": receiver,
            "alerts": [alert]});
        let delivery = parse_webhook(&serde_json::to_vec(&body).unwrap()).unwrap();
        delivery.sightings
    }
}

fn told(end: Option<i64>, summary: &str) -> Told<'_> {
    Told {
        name: "FanFailed",
        server_id: 7,
        start: 0,
        end,
        summary,
    }
}

async fn deliver(store: &Store, sightings: &[Sighting]) {
    let mut tx = store.write().await.unwrap();
    tx.record_alerts(sightings).await.unwrap();
    tx.commit().await.unwrap();
}

/// The whole journal, without the numbers that the database gave.
async fn history(store: &Store) -> Vec<AlertLife> {
    let mut tx = store.read().await.unwrap();
    let alerts = tx
        .alerts_after(0, &AlertFilter::default(), &Scope::All, 100)
        .await
        .unwrap();
    let mut lives = Vec::new();
    for alert in alerts {
        let mut life = tx.alert_life(alert.id, &Scope::All).await.unwrap();
        life.alert.id = 0;
        // All were told in one moment here, so their order is that of arrival.
        life.events
            .sort_by_key(|event| (event.at, format!("{:?} {}", event.kind, event.detail)));
        lives.push(life);
    }
    lives.sort_by_key(|life| life.alert.starts_at);
    lives
}

async fn deliveries_of_alerts_in_any_order_are_one_history(lab: Lab) {
    let store = lab.open().await;
    let mut deliveries: Vec<Vec<Sighting>> = (0..8)
        .map(|minute| told(Some(minute + 4), "1 fan").push(minute))
        .collect();
    deliveries.push(told(Some(12), "2 fans").push(8));
    deliveries.push(told(Some(9), "2 fans").push(10));
    deliveries.push(told(None, "1 fan").webhook("mail"));
    deliveries.push(told(None, "1 fan").webhook("chat"));
    deliveries.push(told(Some(9), "2 fans").webhook("mail"));
    // A second episode of the same alert, in one delivery with the end of the first.
    let mut next = told(Some(24), "1 fan");
    next.start = 20;
    let mut both = told(Some(9), "2 fans").push(20);
    both.extend(next.push(20));
    deliveries.push(both);

    for delivery in &deliveries {
        deliver(&store, delivery).await;
    }
    let straight = history(&store).await;
    assert_eq!(straight.len(), 2);
    let first = &straight[0];
    assert_eq!(first.alert.state, AlertState::Resolved);
    assert_eq!(first.alert.ends_at, Some(Timestamp(NOON.0 + 9 * MINUTE)));
    assert_eq!(first.alert.end_reason, Some(EndReason::Recovered));
    assert_eq!(first.alert.annotations["summary"], "2 fans");
    assert!(first.alert.notified && !straight[1].alert.notified);
    let count = |kind| {
        first
            .events
            .iter()
            .filter(|event| event.kind == kind)
            .count()
    };
    assert_eq!(count(AlertEventKind::Notified), 3, "{first:?}");
    assert_eq!(count(AlertEventKind::Updated), 2);
    assert_eq!(count(AlertEventKind::Resolved), 1);

    // A generator whose numbers are known: the order is another each time, and the same in each run.
    let mut seed: u64 = 1;
    let mut below = |end: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap() % end
    };
    for _ in 0..12 {
        let mut tx = store.write().await.unwrap();
        sqlx::query("DELETE FROM alerts")
            .execute(tx.connection())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let mut order: Vec<usize> = (0..deliveries.len()).chain(0..deliveries.len()).collect();
        for place in (1..order.len()).rev() {
            order.swap(place, below(place + 1));
        }
        for index in &order {
            deliver(&store, &deliveries[*index]).await;
        }
        assert_eq!(history(&store).await, straight, "{order:?}");
    }
    for delivery in &deliveries {
        deliver(&store, delivery).await;
    }
    assert_eq!(history(&store).await, straight, "played again");
}

async fn alerts_end_for_a_reason(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let node = tx.insert_server(&server("n1", |_| ())).await.unwrap();
    tx.commit().await.unwrap();
    let minutes = |minutes: u64| std::time::Duration::from_secs(60 * minutes);
    let named = |name: &'static str, server_id| Told {
        name,
        server_id,
        start: 0,
        end: Some(4),
        summary: "s",
    };
    let ended = |mut told: Told<'static>, end| {
        told.end = Some(end);
        told
    };
    deliver(&store, &named("Recovers", node.id).push(0)).await;
    deliver(&store, &named("TargetGoes", node.id).push(0)).await;
    deliver(&store, &named("Foreign", 999).push(0)).await;
    deliver(&store, &named("RuleGoes", node.id).push(0)).await;
    let by_webhook = |end| Told {
        end,
        ..named("ByWebhook", node.id)
    };
    deliver(&store, &by_webhook(None).webhook("mail")).await;
    lab.clock.advance(minutes(3));
    deliver(&store, &ended(named("Recovers", node.id), 2).push(3)).await;
    deliver(&store, &ended(named("Foreign", 999), 2).push(3)).await;
    deliver(&store, &by_webhook(Some(2)).webhook("mail")).await;
    let mut tx = store.write().await.unwrap();
    tx.delete_server(node.id, None, &Scope::All).await.unwrap();
    tx.commit().await.unwrap();
    deliver(&store, &ended(named("TargetGoes", node.id), 2).push(3)).await;
    deliver(&store, &ended(named("Recovers", node.id), 2).push(3)).await;
    let expire = async || {
        let mut tx = store.write().await.unwrap();
        let count = tx.expire_alerts().await.unwrap();
        tx.commit().await.unwrap();
        count
    };
    assert_eq!(expire().await, 0, "it holds until minute 4");
    // From the same Prometheus, long after the last word of the other.
    deliver(&store, &ended(named("Lost", 999), 7).push(3)).await;
    lab.clock.advance(minutes(2));
    assert_eq!(expire().await, 1);
    lab.clock.advance(minutes(3));
    assert_eq!(expire().await, 1);
    let reasons = async || {
        let lives = history(&store).await;
        let mut reasons: Vec<(String, AlertState, Option<EndReason>)> = lives
            .into_iter()
            .map(|life| {
                (
                    life.alert.alertname,
                    life.alert.state,
                    life.alert.end_reason,
                )
            })
            .collect();
        reasons.sort_by(|a, b| a.0.cmp(&b.0));
        reasons
    };
    let expected = [
        ("ByWebhook", AlertState::Resolved, EndReason::Unknown),
        ("Foreign", AlertState::Resolved, EndReason::Recovered),
        ("Lost", AlertState::Expired, EndReason::PrometheusLost),
        ("Recovers", AlertState::Resolved, EndReason::Recovered),
        ("RuleGoes", AlertState::Expired, EndReason::RuleChanged),
        ("TargetGoes", AlertState::Resolved, EndReason::TargetRemoved),
    ]
    .map(|(name, state, reason)| (name.to_owned(), state, Some(reason)));
    assert_eq!(reasons().await, expected);

    // Heard again, it goes on; the gap stays in its life.
    deliver(&store, &ended(named("Lost", 999), 12).push(8)).await;
    let lives = history(&store).await;
    let lost = lives
        .iter()
        .find(|life| life.alert.alertname == "Lost")
        .unwrap();
    assert_eq!(
        (lost.alert.state, lost.alert.end_reason),
        (AlertState::Firing, None)
    );
    let gap = lost
        .events
        .iter()
        .find(|event| event.kind == AlertEventKind::Expired)
        .unwrap();
    let at = |minute: i64| Timestamp(NOON.0 + minute * MINUTE).to_string();
    assert_eq!(gap.detail["gap_from"], at(3));
    assert_eq!(gap.detail["gap_until"], at(8));
}

async fn alerts_are_filtered_counted_and_forgotten(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let draft = server("n1", |body| body.group_id = Some(east));
    let node = tx.insert_server(&draft).await.unwrap().id;
    tx.commit().await.unwrap();
    for (name, server_id, start, summary) in [
        ("FanFailed", node, 0, "fan 100%"),
        ("FanFailed", node, 10, "fan 2"),
        ("HotCpu", 999, 20, "hot"),
    ] {
        let mut told = Told {
            name,
            server_id,
            start,
            end: Some(start + 4),
            summary,
        };
        deliver(&store, &told.push(start)).await;
        told.end = Some(start + 2);
        if start < 20 {
            deliver(&store, &told.push(start + 3)).await;
        }
    }
    let mut tx = store.write().await.unwrap();
    let mut count = async |filter: AlertFilter, scope: Scope| {
        let sort = Sort {
            key: AlertSort::EndsAt,
            descending: true,
        };
        let page = tx
            .alerts(&filter, sort, &scope, PageRequest::default())
            .await
            .unwrap();
        assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
        page.total
    };
    let all = AlertFilter::default;
    assert_eq!(count(all(), Scope::All).await, 3);
    assert_eq!(count(all(), Scope::Groups(BTreeSet::from([east]))).await, 2);
    assert_eq!(count(all(), Scope::Groups(BTreeSet::new())).await, 0);
    let at = |minute: i64| Some(Timestamp(NOON.0 + minute * MINUTE));
    for (filter, expected) in [
        (
            AlertFilter {
                state: Some(AlertState::Firing),
                ..all()
            },
            1,
        ),
        (
            AlertFilter {
                alertname: Some("FanFailed".to_owned()),
                ..all()
            },
            2,
        ),
        (
            AlertFilter {
                severity: Some("critical".to_owned()),
                ..all()
            },
            3,
        ),
        (
            AlertFilter {
                server_id: Some(999),
                ..all()
            },
            1,
        ),
        (
            AlertFilter {
                group_id: Some(east),
                ..all()
            },
            2,
        ),
        (
            AlertFilter {
                notified: Some(true),
                ..all()
            },
            0,
        ),
        (
            AlertFilter {
                acknowledged: Some(false),
                ..all()
            },
            3,
        ),
        (
            AlertFilter {
                assignee: Some("eve".to_owned()),
                ..all()
            },
            0,
        ),
        (
            AlertFilter {
                since: at(10),
                ..all()
            },
            2,
        ),
        (
            AlertFilter {
                since: at(1),
                until: at(20),
                ..all()
            },
            1,
        ),
        (
            AlertFilter {
                search: Some("FAN 100%".to_owned()),
                ..all()
            },
            1,
        ),
    ] {
        assert_eq!(
            count(filter.clone(), Scope::All).await,
            expected,
            "{filter:?}"
        );
    }
    for key in [
        AlertSort::StartsAt,
        AlertSort::EndsAt,
        AlertSort::Alertname,
        AlertSort::Severity,
        AlertSort::Id,
    ] {
        for descending in [false, true] {
            let sort = Sort { key, descending };
            let page = tx
                .alerts(&all(), sort, &Scope::All, PageRequest::default())
                .await;
            assert_eq!(page.unwrap().items.len(), 3, "{sort:?}");
        }
    }
    let statistics = tx.alert_statistics(&all(), &Scope::All).await.unwrap();
    assert_eq!((statistics.count, statistics.acknowledged), (3, 0));
    assert_eq!(
        statistics.by_state,
        BTreeMap::from([("firing".to_owned(), 1), ("resolved".to_owned(), 2)])
    );
    assert_eq!(statistics.mean_seconds_to_resolve, Some(120));
    assert_eq!(statistics.mean_seconds_to_acknowledge, None);
    assert_eq!(statistics.noisiest_alertnames[0].of, "FanFailed");
    assert_eq!(statistics.noisiest_servers[0].count, 2);
    let nothing = Scope::Groups(BTreeSet::new());
    assert_eq!(
        tx.alert_statistics(&all(), &nothing).await.unwrap().count,
        0
    );
    assert_eq!(tx.forget_alerts(at(12).unwrap()).await.unwrap(), 1);
    assert_eq!(
        tx.forget_alerts(at(999).unwrap()).await.unwrap(),
        1,
        "what fires stays"
    );
    let row = sqlx::query("SELECT COUNT(*) FROM alert_events")
        .fetch_one(tx.connection())
        .await
        .unwrap();
    assert_eq!(row.get::<i64, _>(0), 1, "events go with their alert");
}

async fn people_act_on_alerts(lab: Lab) {
    let store = lab.open().await;
    deliver(&store, &told(Some(4), "s").push(0)).await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user("eve", Role::Viewer, None), "hash")
        .await
        .unwrap();
    let all = &Scope::All;
    let id = tx
        .alerts_after(0, &AlertFilter::default(), all, 1)
        .await
        .unwrap()[0]
        .id;
    for _ in 0..2 {
        let alert = tx
            .acknowledge_alert(id, all, "eve", true, "mine")
            .await
            .unwrap();
        assert_eq!(alert.acknowledged_by.as_deref(), Some("eve"));
    }
    tx.acknowledge_alert(id, all, "eve", false, "")
        .await
        .unwrap();
    tx.acknowledge_alert(id, all, "eve", true, "")
        .await
        .unwrap();
    tx.comment_alert(id, all, "eve", "same").await.unwrap();
    tx.comment_alert(id, all, "eve", "same").await.unwrap();
    let (_, after) = tx.assign_alert(id, all, "root", Some("eve")).await.unwrap();
    assert_eq!(after.assignee.as_deref(), Some("eve"));
    let nobody = tx.assign_alert(id, all, "root", Some("nobody")).await;
    assert!(matches!(
        nobody,
        Err(StoreError::Dangling {
            field: "assignee",
            ..
        })
    ));
    let life = tx.alert_life(id, all).await.unwrap();
    let kinds: Vec<&str> = life
        .events
        .iter()
        .map(|event| event.kind.as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "firing",
            "updated",
            "acknowledged",
            "unacknowledged",
            "acknowledged",
            "commented",
            "commented",
            "assigned"
        ]
    );
    let none = Scope::Groups(BTreeSet::from([1]));
    assert!(matches!(
        tx.comment_alert(id, &none, "eve", "x").await,
        Err(StoreError::NotFound { what: "alert" })
    ));
    // The next delivery leaves all this as it is.
    tx.record_alerts(&told(Some(5), "s").push(1)).await.unwrap();
    let alert = tx.alert(id, all).await.unwrap();
    assert!(alert.acknowledged_at.is_some() && alert.assignee.is_some());
}
