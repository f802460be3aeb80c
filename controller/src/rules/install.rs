//! Puts the rules that come with the program into the store at start.

use crate::model::{AuditEvent, shipped_rule_groups};
use crate::store::{Store, StoreError};

/// Adds the groups that are missing, and brings those up to date that nobody has
/// changed. Each is in the audit trail.
///
/// # Errors
/// When the store fails.
pub async fn install(store: &Store) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let mut is_changed = false;
    for shipped in shipped_rule_groups() {
        let Some((before, after)) = tx.install_rule_group(shipped).await? else {
            continue;
        };
        is_changed = true;
        let action = match before {
            None => "rule_group.create",
            Some(_) => "rule_group.update",
        };
        let event = AuditEvent {
            actor: concat!("ipmi_controller ", env!("CARGO_PKG_VERSION")).to_owned(),
            actor_id: None,
            source: None,
            action,
            resource: format!("rules/{}", after.id),
            before: None,
            after: None,
        };
        tx.append_audit(&event.with(before.as_ref(), Some(&after)))
            .await?;
    }
    if is_changed {
        tx.commit().await?;
    }
    Ok(())
}
