//! The store, as it is: nothing is migrated.

use super::{Report, named};
use crate::clock::Clock;
use crate::config::Config;
use crate::leader::sqlite_file;
use crate::store::{NEWEST_SCHEMA, Sealer, Store, StoreError};

pub(super) async fn check(config: &Config, sealer: Option<Sealer>, report: &mut Report) {
    let Some(sealer) = sealer else {
        return;
    };
    let mut url = config.database_url();
    let mut subject = "database".to_owned();
    match sqlite_file(&url) {
        Ok(Some(file)) => {
            subject = named("database", &file);
            if !file.exists() {
                report.ok(subject, "will be made");
                return;
            }
            url = format!("sqlite://{}?mode=ro", file.display());
        }
        Ok(None) => {}
        // Its directory has told already.
        Err(_) => return,
    }
    let store = match Store::inspect_at(&url, sealer, Clock::System).await {
        Ok(store) => store,
        Err(error) => {
            report.error(subject, error.to_string());
            return;
        }
    };
    match look(&store).await {
        Ok(problems) if problems.is_empty() => {
            report.ok(subject, "is whole and fits the master key");
        }
        Ok(problems) => {
            for problem in problems {
                report.error(subject.clone(), problem);
            }
        }
        Err(error) => report.error(subject, error.to_string()),
    }
    store.close().await;
}

async fn look(store: &Store) -> Result<Vec<String>, StoreError> {
    let mut tx = store.read().await?;
    let mut problems = Vec::new();
    match tx.schema_version().await? {
        None => return Ok(problems),
        Some(found) if found > NEWEST_SCHEMA => {
            let known = NEWEST_SCHEMA;
            problems.push(StoreError::Newer { found, known }.to_string());
            return Ok(problems);
        }
        Some(_) => {}
    }
    if store.kind() == crate::store::Kind::Sqlite {
        let found = tx.integrity_problems().await?;
        problems.extend(found.into_iter().map(|problem| {
            format!("{problem}; restore a backup with ipmi_controller admin restore")
        }));
    }
    match tx.verify_master_key().await {
        Ok(()) => {}
        Err(StoreError::Seal(error)) => problems.push(error.to_string()),
        Err(error) => return Err(error),
    }
    if let Some(broken) = tx.verify_audit().await?.broken {
        problems.push(format!(
            "the audit trail is broken at entry {}: {}; somebody changed the database by hand",
            broken.sequence, broken.what
        ));
    }
    Ok(problems)
}
