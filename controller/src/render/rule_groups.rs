//! Which groups of rules Prometheus gets, in which words.

use crate::model::{PublishedGroup, Rule, Ruleset};

/// The enabled groups with their enabled rules, by name. A group of which every
/// rule is disabled is left out.
#[must_use]
pub fn rule_groups(ruleset: &Ruleset) -> Vec<PublishedGroup> {
    let groups = ruleset.groups.iter().filter(|group| group.enabled);
    let groups = groups.map(|group| PublishedGroup {
        name: group.name.clone(),
        interval: group.interval.clone(),
        rules: group
            .rules
            .iter()
            .filter(|rule| rule.enabled)
            .cloned()
            .collect::<Vec<Rule>>(),
    });
    groups.filter(|group| !group.rules.is_empty()).collect()
}
