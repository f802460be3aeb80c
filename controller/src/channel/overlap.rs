//! What exporters carried until a moment ago: it stays listed for a while. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::view::Listed;
use crate::model::Id;

/// How long a target stays listed after it has left everything that an exporter
/// carries: Prometheus, or one of several, may not have heard yet. HTTP
/// discovery refreshes once a minute by default.
pub(super) const OVERLAP: Duration = Duration::from_secs(120);

/// Targets that have left, by exporter and module, with the moment from which
/// they are listed no more.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    before: Listed,
    leaving: BTreeMap<(Id, String, Box<str>), Instant>,
}

impl Overlap {
    /// Takes what is carried now, and adds to it what has left lately.
    pub(super) fn add_leaving(&mut self, carried: Listed, now: Instant) -> Listed {
        for (exporter, modules) in &self.before {
            for (module, targets) in modules {
                let still = carried.get(exporter).and_then(|now| now.get(module));
                let gone = targets
                    .iter()
                    .filter(|target| !still.is_some_and(|still| still.contains(*target)));
                for target in gone {
                    let key = (*exporter, module.clone(), target.clone());
                    self.leaving.insert(key, now + OVERLAP);
                }
            }
        }
        let mut all = carried.clone();
        self.leaving.retain(|(exporter, module, target), until| {
            // An exporter that is gone has no view.
            let Some(modules) = all.get_mut(exporter) else {
                return false;
            };
            let is_back = carried
                .get(exporter)
                .and_then(|modules| modules.get(module))
                .is_some_and(|targets| targets.contains(target));
            let stays = *until > now && !is_back;
            if stays {
                let targets = modules.entry(module.clone()).or_default();
                targets.insert(target.clone());
            }
            stays
        });
        self.before = carried;
        all
    }

    /// When the next one is listed no more.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.leaving.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn listed(entries: &[(Id, &str)]) -> Listed {
        let mut listed = Listed::from([(1, BTreeMap::new()), (2, BTreeMap::new())]);
        for (exporter, target) in entries {
            let modules = listed.entry(*exporter).or_default();
            let targets: &mut BTreeSet<Box<str>> = modules.entry("m".to_owned()).or_default();
            targets.insert((*target).into());
        }
        listed
    }

    #[test]
    fn a_server_that_moves_is_listed_by_both_for_a_while() {
        let start = Instant::now();
        let mut overlap = Overlap::default();
        let first = listed(&[(1, "a"), (1, "b")]);
        assert_eq!(overlap.add_leaving(first.clone(), start), first);
        assert_eq!(overlap.next_end(), None);
        let moved = listed(&[(1, "a"), (2, "b")]);
        let both = listed(&[(1, "a"), (1, "b"), (2, "b")]);
        assert_eq!(overlap.add_leaving(moved.clone(), start), both);
        assert_eq!(overlap.next_end(), Some(start + OVERLAP));
        let later = start + OVERLAP / 2;
        assert_eq!(
            overlap.add_leaving(moved.clone(), later),
            both,
            "not longer"
        );
        assert_eq!(overlap.next_end(), Some(start + OVERLAP));
        assert_eq!(overlap.add_leaving(moved.clone(), start + OVERLAP), moved);
        assert_eq!(overlap.next_end(), None);
    }

    #[test]
    fn a_server_that_comes_back_does_not_leave() {
        let start = Instant::now();
        let mut overlap = Overlap::default();
        overlap.add_leaving(listed(&[(1, "a")]), start);
        overlap.add_leaving(listed(&[]), start);
        overlap.add_leaving(listed(&[(1, "a")]), start);
        assert_eq!(overlap.next_end(), None);
        let late = start + OVERLAP * 2;
        assert_eq!(
            overlap.add_leaving(listed(&[(1, "a")]), late),
            listed(&[(1, "a")])
        );
    }

    #[test]
    fn an_exporter_that_is_gone_is_forgotten() {
        let start = Instant::now();
        let mut overlap = Overlap::default();
        overlap.add_leaving(listed(&[(2, "a")]), start);
        let mut without = listed(&[]);
        without.remove(&2);
        assert_eq!(overlap.add_leaving(without.clone(), start), without);
        assert_eq!(overlap.next_end(), None);
    }
}
