//! Which groups of rules Prometheus gets, in which words.

use super::thresholds::thresholds;
use crate::model::{PublishedGroup, Rule, RuleGroup, Ruleset};

/// The recording rules of the thresholds, then the enabled groups with their
/// enabled rules, by name. A group of which every rule is disabled is left out.
#[must_use]
pub fn rule_groups(ruleset: &Ruleset) -> Vec<PublishedGroup> {
    let enabled = |rules: &[Rule]| rules.iter().filter(|rule| rule.enabled).cloned().collect();
    let mut groups: Vec<&RuleGroup> = ruleset.groups.iter().collect();
    // Databases order names by the customs of some language; files must not.
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let groups = groups
        .into_iter()
        .filter(|group| group.enabled)
        .map(|group| PublishedGroup {
            name: group.name.clone(),
            interval: group.interval.clone(),
            rules: enabled(&group.rules),
        })
        .filter(|group| !group.rules.is_empty());
    thresholds(&ruleset.overrides)
        .into_iter()
        .chain(groups)
        .collect()
}
