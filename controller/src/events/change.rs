//! One change, and who may hear of it.

use std::collections::BTreeSet;

use axum::http::Method;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::auth::access;
use crate::model::{AuditEntry, Id, Scope};

/// Most single resources that one message names; the topics name all.
const MAX_RESOURCES: usize = 100;

/// Whose servers something is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// About none in particular.
    Everybody,
    /// About servers of these groups; `None` are those without a group.
    Groups(BTreeSet<Option<Id>>),
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The list it is in, as path below `/api/v1`.
    topic: String,
    /// Its own path below `/api/v1`, if it is one thing.
    resource: Option<String>,
    audience: Audience,
}

/// What a listener is told.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ChangesBody)]
pub struct Told {
    /// Lists in which something changed, as paths below `/api/v1`.
    pub topics: BTreeSet<String>,
    /// Single things that changed, as far as there are not too many.
    pub resources: BTreeSet<String>,
}

/// The alert that an entry is about.
pub(super) fn alert_of(entry: &AuditEntry) -> Option<Id> {
    let (kind, rest) = entry.resource.split_once('/')?;
    (kind == "alerts").then(|| rest.split('/').next()?.parse().ok())?
}

impl Change {
    /// What an entry of the audit trail tells. `group` is that of the server that
    /// an alert is about.
    pub(super) fn of_entry(entry: &AuditEntry, group: Option<Id>) -> Option<Self> {
        let mut parts = entry.resource.split('/');
        let topic = parts.next().filter(|topic| !topic.is_empty())?;
        let id: Option<Id> = parts.next().and_then(|id| id.parse().ok());
        let audience = match topic {
            "servers" => Audience::Groups(groups_of(entry)),
            "groups" => Audience::Groups(BTreeSet::from([id])),
            "alerts" => Audience::Groups(BTreeSet::from([group])),
            _ => Audience::Everybody,
        };
        Some(Self {
            topic: topic.to_owned(),
            resource: id.map(|id| format!("{topic}/{id}")),
            audience,
        })
    }

    /// Alerts of these groups began, ended or are told differently.
    pub(super) fn of_alerts(groups: BTreeSet<Option<Id>>) -> Option<Self> {
        (!groups.is_empty()).then(|| Self {
            topic: "alerts".to_owned(),
            resource: None,
            audience: Audience::Groups(groups),
        })
    }

    /// Something is published, refused or seen live.
    pub(super) fn of_sync() -> Self {
        Self {
            topic: "sync".to_owned(),
            resource: None,
            audience: Audience::Everybody,
        }
    }

    /// Whether somebody may know of it: they may read its list, and it is about
    /// something in there.
    fn is_for(&self, principal: &Principal) -> bool {
        let path = format!("/api/v1/{}", self.topic);
        let may_read = access::find(&Method::GET, &path).is_some_and(|rule| principal.may(rule));
        let is_in_sight = match (&self.audience, principal.scope()) {
            (_, Scope::All) | (Audience::Everybody, _) => true,
            (Audience::Groups(about), Scope::Groups(seen)) => {
                about.iter().flatten().any(|group| seen.contains(group))
            }
        };
        may_read && is_in_sight
    }
}

impl Told {
    /// What somebody hears of these changes; nothing when none is for them.
    #[must_use]
    pub fn of(changes: &[Change], principal: &Principal) -> Option<Self> {
        let mut told = Self::default();
        let sees_all = principal.scope() == Scope::All;
        for change in changes.iter().filter(|change| change.is_for(principal)) {
            told.topics.insert(change.topic.clone());
            // A number tells that there is such a thing.
            let may_be_named = sees_all || change.audience != Audience::Everybody;
            if may_be_named && told.resources.len() < MAX_RESOURCES {
                told.resources.extend(change.resource.clone());
            }
        }
        (!told.topics.is_empty()).then_some(told)
    }
}

/// Groups that a server was and is in.
fn groups_of(entry: &AuditEntry) -> BTreeSet<Option<Id>> {
    let values = [&entry.before, &entry.after].into_iter().flatten();
    values
        .map(|value| value.get("group_id").and_then(Value::as_i64))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use serde_json::json;

    use super::*;
    use crate::auth::Subject;
    use crate::clock::Timestamp;
    use crate::model::{Role, Token, TokenKind, User, Version};

    fn principal(role: Role, groups: Option<&[Id]>, scopes: &[&str]) -> Principal {
        let now = Timestamp(0);
        Principal {
            subject: Subject::User(Box::new(User {
                id: 1,
                username: "eve".to_owned(),
                email: String::new(),
                role,
                is_active: true,
                group_ids: groups.map(|groups| groups.iter().copied().collect()),
                version: Version::default(),
                last_login_at: None,
                created_at: now,
                updated_at: now,
            })),
            token: Token {
                id: 1,
                kind: TokenKind::Session,
                name: String::new(),
                user_id: Some(1),
                exporter_id: None,
                scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
                expires_at: None,
                created_at: now,
                last_used_at: None,
            },
            family: String::new(),
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    fn entry(resource: &str, before: Option<Value>, after: Option<Value>) -> AuditEntry {
        AuditEntry {
            sequence: 1,
            at: Timestamp(0),
            actor: "root".to_owned(),
            actor_id: None,
            source: None,
            action: "x".to_owned(),
            resource: resource.to_owned(),
            before,
            after,
            hash: String::new(),
        }
    }

    fn topics(change: Option<Change>, principal: &Principal) -> Vec<String> {
        let changes: Vec<Change> = change.into_iter().collect();
        let told = Told::of(&changes, principal);
        told.into_iter().flat_map(|told| told.topics).collect()
    }

    #[test]
    fn who_is_limited_hears_of_their_groups_only() {
        let east = principal(Role::Operator, Some(&[1]), &[]);
        let all = principal(Role::Viewer, None, &[]);
        let server = |group: Value| Some(json!({"id": 7, "group_id": group}));
        for (change, is_heard) in [
            (entry("servers/7", server(json!(1)), server(json!(1))), true),
            // Gone from their sight: they have to ask again.
            (entry("servers/7", server(json!(1)), server(json!(2))), true),
            (entry("servers/7", server(json!(2)), None), false),
            (entry("servers/7", None, server(Value::Null)), false),
            (entry("groups/1", None, None), true),
            (entry("groups/2", None, None), false),
        ] {
            let change = Change::of_entry(&change, None);
            assert_eq!(
                !topics(change.clone(), &east).is_empty(),
                is_heard,
                "{change:?}"
            );
            assert!(!topics(change, &all).is_empty());
        }
        let alert = entry("alerts/3", None, None);
        assert_eq!(alert_of(&alert), Some(3));
        assert!(topics(Change::of_entry(&alert, Some(2)), &east).is_empty());
        assert!(topics(Change::of_entry(&alert, None), &east).is_empty());
        assert_eq!(topics(Change::of_entry(&alert, Some(1)), &east), ["alerts"]);
        let began = Change::of_alerts(BTreeSet::from([None, Some(2)]));
        assert!(topics(began.clone(), &east).is_empty());
        assert_eq!(topics(began, &all), ["alerts"]);
        assert_eq!(Change::of_alerts(BTreeSet::new()), None);
    }

    #[test]
    fn who_may_not_read_a_list_does_not_hear_of_it() {
        let viewer = principal(Role::Viewer, None, &[]);
        let admin = principal(Role::Admin, None, &[]);
        let limited = principal(Role::Admin, None, &["alerts:read"]);
        let user = || Change::of_entry(&entry("users/2", None, None), None);
        assert!(topics(user(), &viewer).is_empty());
        assert_eq!(topics(user(), &admin), ["users"]);
        assert!(topics(user(), &limited).is_empty());
        assert_eq!(topics(Some(Change::of_sync()), &viewer), ["sync"]);
        // What is no list is nobody's business.
        let other = || Change::of_entry(&entry("auth", None, None), None);
        assert!(topics(other(), &admin).is_empty());
    }

    #[test]
    fn numbers_are_told_to_whom_they_say_nothing_new() {
        let changes: Vec<Change> = ["thresholds/5", "groups/1"]
            .into_iter()
            .filter_map(|resource| Change::of_entry(&entry(resource, None, None), None))
            .collect();
        let of = |groups| Told::of(&changes, &principal(Role::Viewer, groups, &[])).unwrap();
        let east = of(Some(&[1][..]));
        assert_eq!(east.topics.len(), 2);
        assert_eq!(east.resources, BTreeSet::from(["groups/1".to_owned()]));
        assert_eq!(of(None).resources.len(), 2);
    }
}
