//! The tree of routes: which alerts go to which receiver.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::matcher::{Matcher, check_matchers};
use super::words;
use crate::clock::Timestamp;
use crate::model::{Invalid, Problems, PromDuration, Version};

/// Most routes of the tree.
pub const MAX_ROUTES: usize = 1_000;
/// Most routes on one another.
pub const MAX_ROUTE_DEPTH: usize = 16;
/// Most labels to group by, and most intervals, of one route.
const MAX_LIST: usize = 32;
/// Groups by all labels there are.
pub const ALL_LABELS: &str = "...";

/// A route. Alerts come in at the root and go down: at each route to the first of
/// its `routes` that matches, and on to the next where that says `continue`. A
/// route none of whose `routes` match keeps the alert for its own receiver. What
/// a route does not say it has from the one above it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Name of the receiver. The root has one, unless nobody is to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// What alerts it takes: those that fulfil all. None at the root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matchers: Vec<Matcher>,
    /// Whether the routes behind it are asked too. Not at the root.
    #[serde(rename = "continue", skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
    /// Labels whose values make alerts one notification; `...` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<String>>,
    /// Time that a new group waits for more alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_wait: Option<PromDuration>,
    /// Time between two notifications of a group that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_interval: Option<PromDuration>,
    /// Time between two notifications of a group that did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<PromDuration>,
    /// Names of intervals in which it notifies nobody. Not at the root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mute_time_intervals: Vec<String>,
    /// Names of intervals outside which it notifies nobody. Not at the root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub active_time_intervals: Vec<String>,
    /// The routes below it, in the order in which they are asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub routes: Vec<Self>,
}

/// The tree as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RouteTree {
    /// The root.
    pub route: Route,
    /// Rises with each change; 0 until somebody makes one.
    pub version: Version,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// The form of [`RouteTree`] in a request.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteTreeBody {
    /// The root: receiver and grouping of all alerts that no other route takes.
    pub route: Route,
}

impl Route {
    /// Checks a tree by itself; whether the names in it exist is another question.
    ///
    /// # Errors
    /// Everything that is wrong, with its place, such as `routes[1].routes[0].matchers[2]`.
    pub fn check_tree(&self) -> Result<(), Vec<Invalid>> {
        let mut problems = Problems::default();
        let mut left = MAX_ROUTES;
        self.check(0, "", &mut left, &mut problems);
        for (is_there, field) in [
            (!self.matchers.is_empty(), "matchers"),
            (self.goes_on, "continue"),
            (!self.mute_time_intervals.is_empty(), "mute_time_intervals"),
            (
                !self.active_time_intervals.is_empty(),
                "active_time_intervals",
            ),
        ] {
            if is_there {
                problems.add(field, "is not possible at the root, which takes all alerts");
            }
        }
        if self.receiver.is_none() && !self.routes.is_empty() {
            problems.add("receiver", "is missing; it has what no other route takes");
        }
        problems.finish(Some(()))
    }

    fn check(&self, depth: usize, place: &str, left: &mut usize, problems: &mut Problems) {
        let at = |field: &str| format!("{place}{field}");
        match left.checked_sub(1) {
            Some(less) => *left = less,
            None => return problems.add(&at("routes"), too_many()),
        }
        if depth > MAX_ROUTE_DEPTH {
            return problems.add(
                &at("routes"),
                format!("lies deeper than {MAX_ROUTE_DEPTH} routes"),
            );
        }
        problems.check(&at("comment"), words::word(&self.comment));
        if let Some(receiver) = &self.receiver {
            problems.check(&at("receiver"), words::required_word(receiver));
        }
        check_matchers(&self.matchers, &at("matchers"), problems);
        if let Some(labels) = &self.group_by {
            problems.check(&at("group_by"), check_group_by(labels));
        }
        for (duration, field) in [
            (&self.group_interval, "group_interval"),
            (&self.repeat_interval, "repeat_interval"),
        ] {
            if duration.as_ref().is_some_and(|d| d.duration().is_zero()) {
                problems.add(&at(field), "is 0; Alertmanager wants more");
            }
        }
        for (names, field) in [
            (&self.mute_time_intervals, "mute_time_intervals"),
            (&self.active_time_intervals, "active_time_intervals"),
        ] {
            problems.check(&at(field), check_list(names));
        }
        for (nth, route) in self.routes.iter().enumerate() {
            if *left == 0 {
                return problems.add(&at("routes"), too_many());
            }
            let place = format!("{place}routes[{nth}].");
            route.check(depth + 1, &place, left, problems);
        }
    }

    /// Calls `see` for this route and all below it, with its place, such as
    /// `routes[1].`.
    pub fn walk<'a>(&'a self, see: &mut impl FnMut(&str, &'a Self)) {
        self.walk_from("", see);
    }

    fn walk_from<'a>(&'a self, place: &str, see: &mut impl FnMut(&str, &'a Self)) {
        see(place, self);
        for (nth, route) in self.routes.iter().enumerate() {
            route.walk_from(&format!("{place}routes[{nth}]."), see);
        }
    }

    /// Calls `change` for this route and all below it.
    pub fn walk_mut(&mut self, change: &mut impl FnMut(&mut Self)) {
        change(self);
        for route in &mut self.routes {
            route.walk_mut(change);
        }
    }
}

fn too_many() -> String {
    format!("the tree has more than {MAX_ROUTES} routes")
}

fn check_list(names: &[String]) -> Result<(), String> {
    if names.len() > MAX_LIST {
        return Err(format!(
            "has {} entries; at most {MAX_LIST} are allowed",
            names.len()
        ));
    }
    let mut seen = BTreeSet::new();
    for name in names {
        words::required_word(name)?;
        if !seen.insert(name) {
            return Err(format!("has \"{name}\" twice"));
        }
    }
    Ok(())
}

fn check_group_by(labels: &[String]) -> Result<(), String> {
    check_list(labels)?;
    let has_all = labels.iter().any(|label| label == ALL_LABELS);
    if has_all && labels.len() > 1 {
        return Err(format!(
            "has {ALL_LABELS} and others; it means all there are"
        ));
    }
    if has_all {
        return Ok(());
    }
    labels.iter().try_for_each(|label| words::label_name(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(tree: serde_json::Value) -> Vec<String> {
        let tree: Route = serde_json::from_value(tree).unwrap();
        let found = tree.check_tree().err().unwrap_or_default();
        found.into_iter().map(|invalid| invalid.field).collect()
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let tree = serde_json::json!({
            "receiver": "ops",
            "matchers": [{"name": "a"}],
            "continue": true,
            "routes": [
                {"receiver": "x"},
                {"matchers": [{"name": "a"}, {"name": "b c"}], "routes": [
                    {"group_by": ["...", "a"], "group_interval": "0s"},
                    {"mute_time_intervals": ["n", "n"]},
                ]},
            ],
        });
        assert_eq!(
            mistakes(tree),
            [
                "routes[1].matchers[1]",
                "routes[1].routes[0].group_by",
                "routes[1].routes[0].group_interval",
                "routes[1].routes[1].mute_time_intervals",
                "matchers",
                "continue",
            ]
        );
        assert_eq!(mistakes(serde_json::json!({})), [""; 0]);
        assert_eq!(mistakes(serde_json::json!({"routes": [{}]})), ["receiver"]);
    }

    #[test]
    fn a_tree_is_bounded() {
        let mut deep = serde_json::json!({"receiver": "x"});
        for _ in 0..=MAX_ROUTE_DEPTH {
            deep = serde_json::json!({"receiver": "x", "routes": [deep]});
        }
        assert_eq!(mistakes(deep).len(), 1);
        let wide = vec![serde_json::json!({}); MAX_ROUTES];
        assert_eq!(
            mistakes(serde_json::json!({"receiver": "x", "routes": wide})),
            ["routes"]
        );
    }
}
