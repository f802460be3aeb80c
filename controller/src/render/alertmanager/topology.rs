//! Inhibition that follows from where servers stand: the alert about a place
//! holds back those about what is in it.

use crate::model::alerting::{MatchOperator, Matcher};
use crate::render::JOB;

/// Alert names of what one server's being unreachable causes.
const SINGLE: &str = "IpmiBmcUnreachable|IpmiScrapeFailing|IpmiCollectorFailing";

/// An inhibition of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) source: Vec<Matcher>,
    pub(super) target: Vec<Matcher>,
    pub(super) equal: &'static [&'static str],
}

/// The alert about a place, whose alerts it holds back, and the labels that both
/// have alike. From the widest to the narrowest.
const PLACES: [(&str, &str, &[&str]); 5] = [
    (
        "IpmiSiteUnreachable",
        "IpmiRoomUnreachable|IpmiRackUnreachable|IpmiSwitchUnreachable|IpmiPduUnreachable",
        &["site"],
    ),
    (
        "IpmiRoomUnreachable",
        "IpmiRackUnreachable|IpmiSwitchUnreachable|IpmiPduUnreachable",
        &["site", "room"],
    ),
    ("IpmiRackUnreachable", "", &["site", "room", "rack"]),
    ("IpmiSwitchUnreachable", "", &["site", "switch"]),
    ("IpmiPduUnreachable", "", &["site", "pdu"]),
];

/// All of them.
pub(super) fn inhibitions() -> Vec<Held> {
    let named = |name: &str| vec![Matcher::equal("alertname", name)];
    let mut all = Vec::new();
    for (place, narrower, equal) in PLACES {
        let targets = match narrower {
            "" => SINGLE.to_owned(),
            narrower => format!("{narrower}|{SINGLE}"),
        };
        all.push(Held {
            source: named(place),
            target: vec![Matcher::new("alertname", MatchOperator::Regex, &targets)],
            equal,
        });
    }
    all.push(Held {
        source: named("IpmiBmcUnreachable"),
        target: vec![
            Matcher::new("alertname", MatchOperator::NotEqual, "IpmiBmcUnreachable"),
            Matcher::equal("job", JOB),
        ],
        equal: &["server_id"],
    });
    all
}
