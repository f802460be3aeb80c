//! Which servers a silence can be about at most, as far as its matchers say so by
//! themselves. Pure.

use std::collections::BTreeSet;

use crate::model::{Id, Matcher, listed};

/// Label with the number of a server.
pub(super) const SERVER_ID: &str = "server_id";
/// Label with the name of a group.
pub(super) const GROUP: &str = "group";

/// What a silence is limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing limits it.
    All,
    /// These servers.
    Servers(BTreeSet<Id>),
    /// The servers of the groups with these names.
    Groups(BTreeSet<String>),
}

impl Reach {
    /// What matchers limit a silence to. A list of servers says more than one of
    /// groups.
    #[must_use]
    pub fn of(matchers: &[Matcher]) -> Self {
        let lists = |label: &str| {
            let matchers = matchers.iter().filter(|matcher| matcher.name == label);
            let lists: Vec<Vec<String>> = matchers.filter_map(listed).collect();
            lists
        };
        for values in lists(SERVER_ID) {
            // Whatever is no number is no server of ours.
            let ids: Option<BTreeSet<Id>> = values.iter().map(|value| value.parse().ok()).collect();
            if let Some(ids) = ids {
                return Self::Servers(ids);
            }
        }
        let groups = lists(GROUP).into_iter().next();
        match groups.filter(|groups| groups.iter().all(|group| !group.is_empty())) {
            Some(groups) => Self::Groups(groups.into_iter().collect()),
            None => Self::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MatchOperator, one_of};

    #[test]
    fn lists_of_servers_and_groups_limit_a_silence() {
        let servers = |ids: &[Id]| Reach::Servers(ids.iter().copied().collect());
        let groups =
            |names: &[&str]| Reach::Groups(names.iter().map(|name| (*name).to_owned()).collect());
        let regex = |name: &str, value: &str| Matcher::new(name, MatchOperator::Regex, value);
        for (matchers, expected) in [
            (vec![], Reach::All),
            (vec![Matcher::equal("alertname", "x")], Reach::All),
            (vec![Matcher::equal("server_id", "7")], servers(&[7])),
            (vec![one_of("server_id", ["7", "12"])], servers(&[7, 12])),
            (
                vec![one_of("group", ["a|b", "c.d"])],
                groups(&["a|b", "c.d"]),
            ),
            (
                vec![
                    Matcher::equal("group", "a"),
                    Matcher::equal("server_id", "7"),
                ],
                servers(&[7]),
            ),
            // What may be anything, or nothing, limits nothing.
            (vec![regex("server_id", "7.*")], Reach::All),
            (vec![regex("server_id", "7|")], Reach::All),
            (vec![regex("group", "a|")], Reach::All),
            (vec![Matcher::equal("group", "")], Reach::All),
            (
                vec![Matcher::new("group", MatchOperator::NotEqual, "a")],
                Reach::All,
            ),
            (
                vec![regex("server_id", ".+"), Matcher::equal("group", "a")],
                groups(&["a"]),
            ),
        ] {
            assert_eq!(Reach::of(&matchers), expected, "{matchers:?}");
        }
    }
}
