//! What ties parts to the tree of routes and to the table of secrets.

use crate::model::alerting::{Inhibition, NotificationTemplate, Receiver, Route, TimeInterval};

/// What ties a part to others. Nothing, unless it says so.
pub trait Ties {
    /// Whether a route itself names it.
    fn is_in(&self, _route: &Route) -> bool {
        false
    }

    /// Gives it another name in a route.
    fn rename_in(&self, _route: &mut Route, _name: &str) {}

    /// The secrets that are its own.
    fn secrets(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Ties for Inhibition {}

impl Ties for NotificationTemplate {}

impl Ties for Receiver {
    fn is_in(&self, route: &Route) -> bool {
        route.receiver.as_ref() == Some(&self.name)
    }

    fn rename_in(&self, route: &mut Route, name: &str) {
        if self.is_in(route) {
            route.receiver = Some(name.to_owned());
        }
    }

    fn secrets(&self) -> Vec<&str> {
        let places = self.integrations.iter().flat_map(|it| it.secrets.values());
        places.map(|place| place.id.as_str()).collect()
    }
}

impl Ties for TimeInterval {
    fn is_in(&self, route: &Route) -> bool {
        let mut names = (route.mute_time_intervals.iter()).chain(&route.active_time_intervals);
        names.any(|name| *name == self.name)
    }

    fn rename_in(&self, route: &mut Route, name: &str) {
        let names = route.mute_time_intervals.iter_mut();
        for own in names.chain(&mut route.active_time_intervals) {
            if *own == self.name {
                name.clone_into(own);
            }
        }
    }
}
