//! What publishing would change, and whether that needs a second look. Pure.

use std::cmp::Ordering;

use crate::model::{SyncChange, SyncCounts};
use crate::render::{Document, Entry};

/// Most changes that are told one by one.
pub const MAX_CHANGES: usize = 200;

/// The difference between what is published and what is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// How much comes, goes and changes.
    pub counts: SyncCounts,
    /// The first [`MAX_CHANGES`] changes, by number of the server.
    pub changes: Vec<SyncChange>,
    /// Entries before it.
    pub entries_before: i64,
}

impl Plan {
    /// Compares two lists; no list is an empty one.
    #[must_use]
    pub fn between(before: Option<&Document>, after: &Document) -> Self {
        let mut plan = Self::default();
        let old = before.map_or(&[][..], Document::entries);
        let new = after.entries();
        plan.entries_before = count(old.len());
        plan.counts.entries = count(new.len());
        let value = |document: Option<&Document>, entry: &Entry| {
            document.map(|document| document.value(entry))
        };
        let (mut i, mut j) = (0, 0);
        loop {
            let order = match (old.get(i), new.get(j)) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.server_id.cmp(&b.server_id),
            };
            let gone = old.get(i).filter(|_| order.is_le());
            let come = new.get(j).filter(|_| order.is_ge());
            i += usize::from(gone.is_some());
            j += usize::from(come.is_some());
            match (gone, come) {
                (Some(_), None) => plan.counts.removed += 1,
                (None, Some(_)) => plan.counts.added += 1,
                (Some(a), Some(b)) if before.map(|d| d.text(a)) != Some(after.text(b)) => {
                    plan.counts.changed += 1;
                }
                _ => continue,
            }
            if plan.changes.len() < MAX_CHANGES {
                let server_id = gone.or(come).map_or(0, |entry| entry.server_id);
                plan.changes.push(SyncChange {
                    server_id,
                    before: gone.and_then(|entry| value(before, entry)),
                    after: come.and_then(|entry| value(Some(after), entry)),
                });
            }
        }
        plan
    }

    /// Whether both are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.added + self.counts.removed + self.counts.changed == 0
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// How much may go without a second confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Share of the entries, in percent.
    pub max_removed_percent: u8,
    /// So many may always go, that small fleets are not in the way of
    /// themselves; but never all.
    pub always_removable: u32,
}

impl Guard {
    /// Why a plan needs a confirmation; `None` when it does not.
    #[must_use]
    pub fn objection(&self, plan: &Plan) -> Option<String> {
        let (before, removed) = (plan.entries_before, plan.counts.removed);
        if plan.counts.entries == 0 {
            return Some(match before {
                0 => "nothing would be published: no server is monitored".to_owned(),
                _ => format!("all {before} targets would be removed"),
            });
        }
        if before > 0 && removed == before {
            return Some(format!("all {before} targets would be replaced by others"));
        }
        let is_few = removed <= i64::from(self.always_removable);
        let is_small_share = removed.saturating_mul(100)
            <= before.saturating_mul(i64::from(self.max_removed_percent));
        (!is_few && !is_small_share).then(|| {
            format!(
                "{removed} of {before} targets would be removed, more than {} percent",
                self.max_removed_percent
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::collection::btree_map;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    use super::*;

    fn document(entries: &BTreeMap<i64, u8>) -> Document {
        let mut text = String::from("[");
        for (id, look) in entries {
            let comma = if text.len() > 1 { "," } else { "" };
            write!(
                text,
                "{comma}\n{{\"targets\":[\"e:{look}\"],\"labels\":{{\"__meta_ipmi_exporter\":\"e\",\"server_id\":\"{id}\"}}}}"
            )
            .unwrap();
        }
        text.push_str("\n]\n");
        Document::parse(text.into()).unwrap()
    }

    fn fleet(ids: impl IntoIterator<Item = i64>) -> Document {
        document(&ids.into_iter().map(|id| (id, 0)).collect())
    }

    proptest! {
        #[test]
        fn a_plan_counts_what_a_map_would(
            before in btree_map(0..40_i64, 0..3_u8, 0..30),
            after in btree_map(0..40_i64, 0..3_u8, 0..30),
        ) {
            let plan = Plan::between(Some(&document(&before)), &document(&after));
            let added = after.keys().filter(|id| !before.contains_key(id)).count();
            let removed = before.keys().filter(|id| !after.contains_key(id)).count();
            let changed = after
                .iter()
                .filter(|(id, look)| before.get(id).is_some_and(|old| old != *look))
                .count();
            prop_assert_eq!(plan.counts.added, count(added));
            prop_assert_eq!(plan.counts.removed, count(removed));
            prop_assert_eq!(plan.counts.changed, count(changed));
            prop_assert_eq!(plan.changes.len(), added + removed + changed);
            prop_assert_eq!(plan.is_empty(), before == after);
        }
    }

    #[test]
    fn a_great_loss_needs_a_second_look() {
        let guard = Guard {
            max_removed_percent: 20,
            always_removable: 5,
        };
        let objection = |before: Option<&Document>, after: &Document| {
            guard.objection(&Plan::between(before, after))
        };
        let hundred = fleet(1..=100);
        assert_eq!(objection(Some(&hundred), &fleet(21..=100)), None);
        assert!(objection(Some(&hundred), &fleet(22..=100)).is_some());
        assert_eq!(objection(Some(&fleet(1..=6)), &fleet(6..=6)), None);
        assert!(objection(Some(&fleet(1..=2)), &fleet([])).is_some(), "all");
        assert!(
            objection(Some(&fleet(1..=2)), &fleet(3..=4)).is_some(),
            "all, with others in their place"
        );
        assert!(objection(None, &fleet([])).is_some(), "nothing at all");
        assert_eq!(objection(None, &hundred), None);
    }

    #[test]
    fn a_long_list_of_changes_is_cut() {
        let plan = Plan::between(None, &fleet(1..=1000));
        assert_eq!(plan.counts.added, 1000);
        assert_eq!(plan.changes.len(), MAX_CHANGES);
    }
}
