//! One suite for both databases: the same questions have the same answers.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use super::*;
use crate::model::{
    Artefact, AuditEvent, CredentialBody, CredentialDraft, ExporterBody, ExporterDraft, GroupBody,
    GroupDraft, PageRequest, Role, Scope, ServerBody, ServerDraft, ServerFilter, ServerSort, Sort,
    SyncChange, SyncCounts, SyncOutcome, SyncReason, SyncState, UserBody, UserDraft,
};

mod journal;
#[path = "../../tests/support/postgres.rs"]
mod postgres;

use journal::{
    alerts_are_filtered_counted_and_forgotten, alerts_end_for_a_reason,
    deliveries_of_alerts_in_any_order_are_one_history, people_act_on_alerts,
};

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
    an_exporter_in_use_stays,
    the_inventory_has_what_is_monitored,
    versions_are_kept_with_author_and_content,
    old_content_is_forgotten_but_not_what_is_published,
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
        exporters::STATEMENTS,
        groups::STATEMENTS,
        inventory::STATEMENTS,
        secrets::STATEMENTS,
        servers::STATEMENTS,
        sync::STATEMENTS,
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
    sqlx::query(
        "UPDATE _sqlx_migrations SET version = 999 \
         WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)",
    )
    .execute(tx.connection())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let error = lab.open_with(KEY).await.err().expect("refused");
    assert!(
        matches!(
            error,
            StoreError::Newer { found: 999, known } if known < 999
        ),
        "{error}"
    );
}

fn exporter(name: &str, weight: i64) -> ExporterDraft {
    ExporterDraft::parse(&ExporterBody {
        name: name.to_owned(),
        url: format!("http://{name}:9290/"),
        site: "east".to_owned(),
        weight,
        enabled: true,
    })
    .unwrap()
}

async fn an_exporter_in_use_stays(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let first = tx.insert_exporter(&exporter("exp-1", 10)).await.unwrap();
    assert_eq!(
        (first.url.as_str(), first.site.as_str(), first.weight),
        ("http://exp-1:9290", "east", 10)
    );
    assert!(matches!(
        tx.insert_exporter(&exporter("exp-1", 1)).await,
        Err(StoreError::Taken { field: "name", .. })
    ));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let first = tx.insert_exporter(&exporter("exp-1", 10)).await.unwrap();
    tx.insert_exporter(&exporter("exp-2", 10)).await.unwrap();
    let (before, after) = tx
        .update_exporter(first.id, Some(1), &exporter("exp-1", 20))
        .await
        .unwrap();
    assert_eq!((before.weight, after.weight, after.version), (10, 20, 2));
    let late = tx
        .update_exporter(first.id, Some(1), &exporter("exp-1", 30))
        .await;
    assert!(matches!(late, Err(StoreError::Changed { current: 2 })));
    let found = tx
        .exporters(Some("EXP-2"), PageRequest::default())
        .await
        .unwrap();
    assert_eq!((found.total, found.items[0].name.as_str()), (1, "exp-2"));
    assert_eq!(tx.exporter_by_name("exp-1").await.unwrap(), after);
    let node = server("n1", |body| body.exporter_id = Some(first.id));
    let node = tx.insert_server(&node).await.unwrap();
    assert!(matches!(
        tx.delete_exporter(first.id, None).await,
        Err(StoreError::InUse { count: 1, .. })
    ));
    tx.delete_server(node.id, None, &Scope::All).await.unwrap();
    tx.delete_exporter(first.id, None).await.unwrap();
    assert!(matches!(
        tx.exporter(first.id).await,
        Err(StoreError::NotFound { .. })
    ));
}

async fn the_inventory_has_what_is_monitored(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let profile = credential("lab", None);
    let profile = tx.insert_credential(&profile).await.unwrap().id;
    tx.insert_exporter(&exporter("exp-1", 10)).await.unwrap();
    let full = server("a", |body| {
        body.group_id = Some(east);
        body.credential_id = Some(profile);
        body.labels = BTreeMap::from([("dc".to_owned(), "fra1".to_owned())]);
    });
    tx.insert_server(&full).await.unwrap();
    tx.insert_server(&server("b", |body| body.monitoring_enabled = false))
        .await
        .unwrap();
    tx.insert_server(&server("c", |_| ())).await.unwrap();
    tx.commit().await.unwrap();
    let inventory = store.read().await.unwrap().inventory().await.unwrap();
    assert_eq!(inventory.revision, *store.revisions().borrow());
    assert_eq!(inventory.exporters.len(), 1);
    let names: Vec<&str> = inventory.servers.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    let first = &inventory.servers[0];
    assert_eq!(first.group.as_deref(), Some("east"));
    assert_eq!(first.module.as_deref(), Some("lab"));
    assert_eq!(first.labels.iter().collect::<Vec<_>>(), [("dc", "fra1")]);
    assert_eq!(inventory.servers[1].module, None);
}

fn sync_version<'a>(content: &'a [u8], diff: &'a [SyncChange]) -> NewSyncVersion<'a> {
    NewSyncVersion {
        artefact: Artefact::PrometheusTargets,
        revision: 7,
        author: None,
        reason: SyncReason::Change,
        digest: [9; 32],
        counts: SyncCounts {
            entries: 3,
            added: 1,
            removed: 0,
            changed: 2,
        },
        diff,
        content,
    }
}

async fn versions_are_kept_with_author_and_content(lab: Lab) {
    let store = lab.open().await;
    let artefact = Artefact::PrometheusTargets;
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.sync_state(artefact).await.unwrap(), SyncState::default());
    assert_eq!(tx.latest_sync_version(artefact).await.unwrap(), None);
    let revision = tx.revision().await.unwrap();
    for (actor, resource) in [
        ("eve", "servers/1"),
        ("root", "exporters/1"),
        ("mallory", "users/1"),
        ("eve", "servers/2"),
    ] {
        let event = AuditEvent {
            actor: actor.to_owned(),
            actor_id: None,
            source: None,
            action: "server.create",
            resource: resource.to_owned(),
            before: None,
            after: None,
        };
        tx.append_audit(&event).await.unwrap();
    }
    let diff = [SyncChange {
        server_id: 1,
        before: None,
        after: Some(serde_json::json!({"a": 1})),
    }];
    let first = tx
        .insert_sync_version(&sync_version(b"one", &diff))
        .await
        .unwrap();
    assert_eq!(first.author, "eve, root", "who changed what is published");
    assert_eq!(
        (first.outcome, first.is_kept),
        (SyncOutcome::Published, true)
    );
    assert_eq!((first.counts.changed, first.created_at), (2, NOON));
    let second = tx
        .insert_sync_version(&sync_version(b"two", &[]))
        .await
        .unwrap();
    assert_eq!(second.author, "controller", "nobody since then");
    tx.settle_sync_version(second.id, SyncOutcome::Refused, "why")
        .await
        .unwrap();
    let state = SyncState {
        published_id: Some(first.id),
        good_id: Some(first.id),
        is_held: true,
        confirmed_revision: Some(3),
        confirmed_by: Some("root".to_owned()),
    };
    for state in [SyncState::default(), state.clone()] {
        tx.set_sync_state(artefact, &state).await.unwrap();
        assert_eq!(tx.sync_state(artefact).await.unwrap(), state);
    }
    tx.commit().await.unwrap();

    let mut tx = store.read().await.unwrap();
    assert_eq!(
        tx.revision().await.unwrap(),
        revision,
        "publishing is no change of what is desired"
    );
    assert_eq!(tx.sync_content(first.id).await.unwrap(), b"one");
    assert_eq!(tx.sync_diff(first.id).await.unwrap(), diff);
    let latest = tx.latest_sync_version(artefact).await.unwrap().unwrap();
    assert_eq!(latest.id, second.id);
    assert_eq!(latest.outcome, SyncOutcome::Refused);
    assert_eq!(latest.outcome_detail, "why");
    assert_eq!(latest.settled_at, Some(NOON));
    assert_eq!(latest.digest, "09".repeat(32));
    let page = tx.sync_versions(PageRequest::default()).await.unwrap();
    assert_eq!((page.total, page.items[1].id), (2, first.id));
    for missing in [
        tx.sync_content(99).await.err(),
        tx.sync_diff(99).await.err(),
    ] {
        assert!(matches!(missing, Some(StoreError::NotFound { .. })));
    }
}

async fn old_content_is_forgotten_but_not_what_is_published(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..60 {
        let made = tx
            .insert_sync_version(&sync_version(b"x", &[]))
            .await
            .unwrap();
        ids.push(made.id);
        if number == 0 {
            let state = SyncState {
                good_id: Some(made.id),
                ..SyncState::default()
            };
            tx.set_sync_state(Artefact::PrometheusTargets, &state)
                .await
                .unwrap();
        }
    }
    assert!(tx.sync_content(ids[0]).await.is_ok(), "the good one");
    assert!(matches!(
        tx.sync_content(ids[1]).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(!tx.sync_version(ids[1]).await.unwrap().is_kept);
    assert!(tx.sync_content(ids[59]).await.is_ok());
}
