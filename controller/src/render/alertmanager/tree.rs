//! The whole tree of routes, and where alerts go in it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::node::{Fields, Node};
use crate::model::PromDuration;
use crate::model::alerting::{Matcher, Route};

/// Name of the receiver that feeds the journal.
pub const JOURNAL: &str = "ipmi-controller:journal";
/// What the journal groups by: one delivery of a whole fleet would be too large.
const JOURNAL_GROUPS: [&str; 2] = ["alertname", "server_id"];
/// The journal waits hardly: people look at it while something happens.
const JOURNAL_WAITS: [(&str, &str); 3] = [
    ("group_wait", "5s"),
    ("group_interval", "30s"),
    ("repeat_interval", "4h"),
];
/// Alertmanager's own, for a root that says nothing.
const WAITS: [(&str, &str); 3] = [
    ("group_wait", "30s"),
    ("group_interval", "5m"),
    ("repeat_interval", "4h"),
];

/// Where alerts go: a route that keeps them, with what it has from those above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RouteMatch {
    /// Name of the receiver.
    pub receiver: String,
    /// The way through the tree: place in `routes` at each level, from the root.
    /// Empty for the root; absent for the journal, which no edit can take out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<usize>>,
    /// Labels whose values make alerts one notification.
    pub group_by: Vec<String>,
    /// Time that a new group waits for more alerts.
    pub group_wait: PromDuration,
    /// Time between two notifications of a group that changed.
    pub group_interval: PromDuration,
    /// Time between two notifications of a group that did not.
    pub repeat_interval: PromDuration,
    /// Names of intervals in which nobody is notified.
    pub mute_time_intervals: Vec<String>,
    /// Names of intervals outside which nobody is notified.
    pub active_time_intervals: Vec<String>,
    /// Whether the next routes at the level were asked too.
    #[serde(rename = "continue")]
    pub goes_on: bool,
}

/// The tree as Alertmanager has it. The journal comes first and lets everything
/// go on; the operator's root is the route behind it, because a root whose routes
/// match keeps nothing for itself.
pub(super) fn whole(route: &Route) -> Node {
    let mut routes = vec![
        waits(Fields::default().text("receiver", JOURNAL), &JOURNAL_WAITS)
            .texts("group_by", JOURNAL_GROUPS)
            .flag("continue", true)
            .into_node(),
    ];
    if route.receiver.is_some() {
        routes.push(one(route));
    }
    Fields::default()
        .text("receiver", JOURNAL)
        .put("routes", Node::List(routes))
        .into_node()
}

fn waits(fields: Fields, waits: &[(&str, &str)]) -> Fields {
    waits
        .iter()
        .fold(fields, |fields, (key, time)| fields.text(key, time))
}

/// A route with those below it.
fn one(route: &Route) -> Node {
    let time = |time: &Option<PromDuration>| time.as_ref().map(|time| time.as_str().to_owned());
    let matchers: Vec<String> = route.matchers.iter().map(Matcher::text).collect();
    let texts = |fields: Fields, key: &str, texts: &[String]| {
        fields.texts(key, texts.iter().map(String::as_str))
    };
    let fields = Fields::default().optional("receiver", route.receiver.as_deref());
    let fields = texts(fields, "matchers", &matchers);
    let fields = match route.goes_on {
        true => fields.flag("continue", true),
        false => fields,
    };
    let group_by = route.group_by.as_deref().unwrap_or_default();
    let fields = texts(fields, "group_by", group_by)
        .optional("group_wait", time(&route.group_wait).as_deref())
        .optional("group_interval", time(&route.group_interval).as_deref())
        .optional("repeat_interval", time(&route.repeat_interval).as_deref());
    let fields = texts(fields, "mute_time_intervals", &route.mute_time_intervals);
    let fields = texts(
        fields,
        "active_time_intervals",
        &route.active_time_intervals,
    );
    let below: Vec<Node> = route.routes.iter().map(one).collect();
    let fields = match below.is_empty() {
        true => fields,
        false => fields.put("routes", Node::List(below)),
    };
    fields.into_node()
}

/// Which receivers get an alert with these labels, by which way: what Alertmanager
/// does with the published tree. In the order in which it finds them.
#[must_use]
pub fn dry_run(tree: &Route, labels: &BTreeMap<String, String>) -> Vec<RouteMatch> {
    let duration = |text: &str| PromDuration::parse(text).ok();
    let [wait, interval, repeat] = JOURNAL_WAITS.map(|(_, time)| duration(time));
    let journal = Route {
        receiver: Some(JOURNAL.to_owned()),
        goes_on: true,
        group_by: Some(JOURNAL_GROUPS.map(str::to_owned).to_vec()),
        group_wait: wait,
        group_interval: interval,
        repeat_interval: repeat,
        ..Route::default()
    };
    let [wait, interval, repeat] = WAITS.map(|(_, time)| duration(time));
    let defaults = Route {
        group_by: Some(Vec::new()),
        group_wait: wait,
        group_interval: interval,
        repeat_interval: repeat,
        ..Route::default()
    };
    let mut found = Vec::new();
    descend(&journal, &defaults, None, labels, &mut found);
    if tree.receiver.is_some() {
        descend(tree, &defaults, Some(Vec::new()), labels, &mut found);
    }
    found
}

/// Goes down from a route that may match; says whether it did.
fn descend(
    route: &Route,
    above: &Route,
    path: Option<Vec<usize>>,
    labels: &BTreeMap<String, String>,
    found: &mut Vec<RouteMatch>,
) -> bool {
    if !route.matchers.iter().all(|matcher| matcher.matches(labels)) {
        return false;
    }
    let inherited = Route {
        receiver: route.receiver.clone().or_else(|| above.receiver.clone()),
        // To Alertmanager an empty list is none.
        group_by: (route.group_by.clone())
            .filter(|labels| !labels.is_empty())
            .or_else(|| above.group_by.clone()),
        group_wait: route
            .group_wait
            .clone()
            .or_else(|| above.group_wait.clone()),
        group_interval: (route.group_interval.clone()).or_else(|| above.group_interval.clone()),
        repeat_interval: (route.repeat_interval.clone()).or_else(|| above.repeat_interval.clone()),
        // Of these a route has its own only.
        mute_time_intervals: route.mute_time_intervals.clone(),
        active_time_intervals: route.active_time_intervals.clone(),
        goes_on: route.goes_on,
        ..Route::default()
    };
    let mut has_matched = false;
    for (nth, below) in route.routes.iter().enumerate() {
        let path = path.as_ref().map(|path| {
            let mut path = path.clone();
            path.push(nth);
            path
        });
        let matches = descend(below, &inherited, path, labels, found);
        has_matched |= matches;
        if matches && !below.goes_on {
            break;
        }
    }
    if !has_matched
        && let (Some(receiver), Some(group_wait), Some(group_interval), Some(repeat_interval)) = (
            inherited.receiver,
            inherited.group_wait,
            inherited.group_interval,
            inherited.repeat_interval,
        )
    {
        found.push(RouteMatch {
            receiver,
            path,
            group_by: inherited.group_by.unwrap_or_default(),
            group_wait,
            group_interval,
            repeat_interval,
            mute_time_intervals: inherited.mute_time_intervals,
            active_time_intervals: inherited.active_time_intervals,
            goes_on: inherited.goes_on,
        });
    }
    true
}
