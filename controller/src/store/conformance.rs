//! One suite for both databases: the same questions have the same answers.

use std::future::Future;
use std::pin::Pin;

use draft::group;

use super::*;

mod draft;
mod inventory;
mod journal;
mod operation;
mod people;
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod secret;
mod sync;
mod trail;

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
    ($($name:path),* $(,)?) => {
        const CASES: &[(&str, Case)] = &[$((stringify!($name), |lab| Box::pin($name(lab)))),*];
    };
}

cases![
    every_statement_is_understood,
    inventory::a_group_in_use_stays,
    inventory::versions_guard_against_lost_changes,
    inventory::servers_are_filtered_sorted_and_scoped,
    inventory::what_a_server_names_must_exist,
    secret::secrets_are_sealed_and_rotated,
    secret::another_master_key_is_refused,
    people::the_last_admin_stays,
    people::tokens_end_together,
    trail::the_trail_shows_tampering,
    operation::runs_are_noted_by_kind,
    operation::a_providers_person_is_one_user,
    operation::the_trail_is_read_in_its_order_and_counted,
    journal::deliveries_of_alerts_in_any_order_are_one_history,
    journal::alerts_end_for_a_reason,
    journal::alerts_are_filtered_counted_and_forgotten,
    journal::people_act_on_alerts,
    nothing_happens_without_a_commit,
    a_newer_database_is_refused,
    inventory::an_exporter_in_use_stays,
    inventory::the_inventory_has_what_is_monitored,
    sync::versions_are_kept_with_author_and_content,
    sync::old_content_is_forgotten_but_not_what_is_published,
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
        identities::STATEMENTS,
        runs::STATEMENTS,
        super::inventory::STATEMENTS,
        secrets::STATEMENTS,
        servers::STATEMENTS,
        super::sync::STATEMENTS,
        tokens::STATEMENTS,
        users::STATEMENTS,
    ];
    for (name, sql) in files.into_iter().flatten().copied() {
        let mut connection = store.writer.acquire().await.unwrap();
        let prepared = connection.prepare(sql.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
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
