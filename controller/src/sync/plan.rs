//! What publishing would change, and whether that needs a second look. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::alertmanager_plan;
use super::content::Content;
use crate::model::{Id, PromDuration, Rule, SyncChange, SyncCounts};
use crate::render::{Document, Entry, RuleFile};

/// Most changes that are told one by one.
pub(super) const MAX_CHANGES: usize = 200;

/// The difference between what is published and what is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// How much comes, goes and changes.
    pub(super) counts: SyncCounts,
    /// The first [`MAX_CHANGES`] changes, by server or by group and rule.
    pub(super) changes: Vec<SyncChange>,
    /// Entries before it.
    pub(super) entries_before: i64,
}

impl Plan {
    /// Compares two contents; none is an empty one.
    pub(super) fn between(before: Option<&Content>, after: &Content) -> Self {
        match after {
            Content::Targets(after) => {
                let before = before.and_then(Content::targets);
                Self::between_targets(before.map(|before| &**before), after)
            }
            Content::Rules(after) => {
                let before = before.and_then(Content::rules);
                Self::between_rules(before.map(|before| &**before), after)
            }
            Content::Alertmanager(after) => {
                let before = before.and_then(Content::alertmanager);
                alertmanager_plan::between(before.map(|before| &**before), after)
            }
        }
    }

    /// Rules are the same by group and name, the first with the first of several
    /// that have both in common.
    fn between_rules(before: Option<&RuleFile>, after: &RuleFile) -> Self {
        let empty = RuleFile::empty();
        let (old, new) = (keyed(before.unwrap_or(&empty)), keyed(after));
        let mut plan = Self {
            entries_before: count(old.len()),
            ..Self::default()
        };
        plan.counts.entries = count(new.len());
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (gone, come) = (old.get(key), new.get(key));
            match (gone, come) {
                (Some(_), None) => plan.counts.removed += 1,
                (None, Some(_)) => plan.counts.added += 1,
                (Some(a), Some(b)) if a != b => plan.counts.changed += 1,
                _ => continue,
            }
            if plan.changes.len() < MAX_CHANGES {
                let (group, name, _) = key;
                plan.changes.push(SyncChange {
                    server_id: None,
                    rule: Some(format!("{group}/{name}")),
                    part: None,
                    before: gone.map(rule_value),
                    after: come.map(rule_value),
                });
            }
        }
        plan
    }

    fn between_targets(before: Option<&Document>, after: &Document) -> Self {
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
                plan.changes.push(SyncChange {
                    server_id: gone.or(come).map(|entry| entry.server_id),
                    rule: None,
                    part: None,
                    before: gone.and_then(|entry| value(before, entry)),
                    after: come.and_then(|entry| value(Some(after), entry)),
                });
            }
        }
        plan
    }
}

/// A rule with the interval of its group.
type PacedRule<'a> = (&'a Rule, Option<&'a PromDuration>);

/// The rules of a file by group, name, and place among those of both.
fn keyed(file: &RuleFile) -> BTreeMap<(&str, &str, usize), PacedRule<'_>> {
    let mut rules = BTreeMap::new();
    for group in file.groups() {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for rule in &group.rules {
            let nth = seen.entry(rule.name()).or_default();
            let key = (group.name.as_str(), rule.name(), *nth);
            rules.insert(key, (rule, group.interval.as_ref()));
            *nth += 1;
        }
    }
    rules
}

fn rule_value((rule, interval): &PacedRule<'_>) -> serde_json::Value {
    let mut value = serde_json::to_value(rule).unwrap_or_default();
    if let (Some(interval), Some(fields)) = (interval, value.as_object_mut()) {
        fields.insert("interval".to_owned(), interval.as_str().into());
    }
    value
}

/// Servers whose series end: their targets go, or get other labels.
pub(super) fn lost_servers(before: Option<&Document>, after: &Document) -> BTreeSet<String> {
    let Some(before) = before else {
        return BTreeSet::new();
    };
    let new: HashMap<Id, &Entry> = after.entries().iter().map(|e| (e.server_id, e)).collect();
    let lost = before.entries().iter().filter(|old| {
        new.get(&old.server_id).is_none_or(|new| {
            before.text(old) != after.text(new)
                && visible(&before.value(old)) != visible(&after.value(new))
        })
    });
    lost.map(|entry| entry.server_id.to_string()).collect()
}

/// The labels that the series of a target bear.
fn visible(target: &serde_json::Value) -> Vec<(&String, &serde_json::Value)> {
    let labels = target.get("labels").and_then(|labels| labels.as_object());
    let labels = labels.into_iter().flatten();
    labels.filter(|(name, _)| !name.starts_with("__")).collect()
}

pub(super) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// How entries are called in messages.
#[derive(Debug)]
pub(super) struct Words {
    /// Several of them.
    pub(super) entries: &'static str,
    /// Why there may be none.
    pub(super) nothing: &'static str,
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
    pub(super) fn objection(&self, plan: &Plan, words: &Words) -> Option<String> {
        let entries = words.entries;
        let (before, removed) = (plan.entries_before, plan.counts.removed);
        if plan.counts.entries == 0 {
            return Some(match before {
                0 => format!("nothing would be published: {}", words.nothing),
                _ => format!("all {before} {entries} would be removed"),
            });
        }
        if before > 0 && removed == before {
            return Some(format!(
                "all {before} {entries} would be replaced by others"
            ));
        }
        let is_few = removed <= i64::from(self.always_removable);
        let is_small_share = removed.saturating_mul(100)
            <= before.saturating_mul(i64::from(self.max_removed_percent));
        (!is_few && !is_small_share).then(|| {
            format!(
                "{removed} of {before} {entries} would be removed, more than {} percent",
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
            let plan = Plan::between_targets(Some(&document(&before)), &document(&after));
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
        }
    }

    #[test]
    fn a_great_loss_needs_a_second_look() {
        let guard = Guard {
            max_removed_percent: 20,
            always_removable: 5,
        };
        let objection = |before: Option<&Document>, after: &Document| {
            guard.objection(
                &Plan::between_targets(before, after),
                &super::super::targets::WORDS,
            )
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
    fn rules_are_compared_one_by_one() {
        let file = |groups: serde_json::Value| {
            RuleFile::render(serde_json::from_value(groups).unwrap()).unwrap()
        };
        let before = file(serde_json::json!([
            {"name": "g", "rules": [
                {"alert": "A", "expr": "x > 1", "labels": {"s": "w"}},
                {"alert": "A", "expr": "x > 2", "labels": {"s": "c"}},
                {"record": "r", "expr": "y"},
            ]},
            {"name": "h", "interval": "1m", "rules": [{"alert": "B", "expr": "z > 1"}]},
        ]));
        let after = file(serde_json::json!([
            {"name": "g", "rules": [
                {"record": "r", "expr": "y"},
                {"alert": "A", "expr": "x > 1", "labels": {"s": "w"}},
                {"alert": "A", "expr": "x > 3", "labels": {"s": "c"}},
            ]},
            {"name": "h", "interval": "2m", "rules": [{"alert": "B", "expr": "z > 1"}]},
            {"name": "i", "rules": [{"alert": "B", "expr": "z > 1"}]},
        ]));
        let plan = Plan::between_rules(Some(&before), &after);
        let changed: Vec<&str> = plan
            .changes
            .iter()
            .filter_map(|c| c.rule.as_deref())
            .collect();
        assert_eq!(changed, ["g/A", "h/B", "i/B"]);
        let counts = plan.counts;
        assert_eq!(
            (counts.entries, counts.added, counts.removed, counts.changed),
            (5, 1, 0, 2)
        );
        let interval = plan.changes[1].after.as_ref().unwrap();
        assert_eq!(interval["interval"], "2m");
        let all = Plan::between_rules(None, &after);
        assert_eq!((all.counts.added, all.entries_before), (5, 0));
    }

    #[test]
    fn who_is_lost_has_no_target_or_other_labels() {
        let line = |id: i64, exporter: &str, rack: &str| {
            format!(
                "{{\"targets\":[\"{exporter}:1\"],\"labels\":{{\"__meta_ipmi_exporter\":\"{exporter}\",\
                 \"rack\":\"{rack}\",\"server_id\":\"{id}\"}}}}"
            )
        };
        let list = |lines: &[String]| {
            Document::parse(format!("[\n{}\n]\n", lines.join(",\n")).into()).unwrap()
        };
        let before = list(&[line(1, "e", "a"), line(2, "e", "a"), line(3, "e", "a")]);
        let after = list(&[line(1, "f", "a"), line(2, "e", "b"), line(4, "e", "a")]);
        let lost = lost_servers(Some(&before), &after);
        assert_eq!(lost, BTreeSet::from(["2".to_owned(), "3".to_owned()]));
        assert!(lost_servers(None, &after).is_empty());
    }

    #[test]
    fn a_long_list_of_changes_is_cut() {
        let plan = Plan::between_targets(None, &fleet(1..=1000));
        assert_eq!(plan.counts.added, 1000);
        assert_eq!(plan.changes.len(), MAX_CHANGES);
    }
}
