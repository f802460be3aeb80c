//! One suite for both databases: the same questions have the same answers.

use std::future::Future;
use std::pin::Pin;

use draft::group;

use super::*;

mod batch;
mod channel;
mod draft;
mod inventory;
mod journal;
mod missed;
mod operation;
mod people;
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod rules;
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
    inventory::numbers_of_servers_are_those_in_scope,
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
    missed::records_and_deliveries_in_any_order_are_one_history,
    missed::what_records_tell_ends_for_a_reason,
    missed::gaps_are_noted_closed_and_forgotten,
    missed::looks_at_alertmanager_tell_what_is_kept_back,
    missed::what_alertmanager_drops_has_ended_unannounced,
    nothing_happens_without_a_commit,
    a_newer_database_is_refused,
    inventory::an_exporter_in_use_stays,
    inventory::the_inventory_has_what_is_monitored,
    rules::groups_of_rules_are_kept_in_order,
    rules::overrides_are_kept_and_scoped,
    channel::channels_remember_what_exporters_tell,
    channel::modules_name_the_places_of_their_secrets,
    channel::an_exporters_tokens_end_with_it,
    rules::shipped_groups_are_kept_up_to_date,
    batch::many_servers_are_as_if_one_after_the_other,
    batch::searches_find_the_few_and_the_many,
    batch::many_entries_are_one_chain,
    batch::a_key_has_one_answer_for_a_day,
    batch::of_two_requests_with_one_key_one_waits,
    inventory::named_rows_are_filtered_and_sorted,
    sync::versions_are_kept_with_author_and_content,
    sync::artefacts_and_servers_have_versions_of_their_own,
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
        alert_gaps::STATEMENTS,
        alert_look::STATEMENTS,
        alert_record::STATEMENTS,
        alert_recovery::STATEMENTS,
        alerts::STATEMENTS,
        audit::STATEMENTS,
        changes::STATEMENTS,
        channels::STATEMENTS,
        credentials::STATEMENTS,
        exporters::STATEMENTS,
        fleet::STATEMENTS,
        groups::STATEMENTS,
        identities::STATEMENTS,
        runs::STATEMENTS,
        idempotency::STATEMENTS,
        super::inventory::STATEMENTS,
        rule_groups::STATEMENTS,
        secrets::STATEMENTS,
        server_batch::STATEMENTS,
        servers::STATEMENTS,
        super::sync::STATEMENTS,
        thresholds::STATEMENTS,
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
