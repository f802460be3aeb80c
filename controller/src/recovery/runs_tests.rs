//! What Prometheus 2.42 writes down in the cases that matter, at second
//! granularity: it evaluates each 15 s, 7.25 s after the full minute.

use super::*;

const PHASE: i64 = 7_250;

/// The moment of an evaluation; they are 15 s apart.
fn eval(number: i64) -> Timestamp {
    Timestamp(1_700_000_000_000 + PHASE + number * 15_000)
}

fn labels(name: &str) -> LabelMap {
    let labels = [("alertname", name), ("severity", "critical")];
    labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Both series of an alert: evaluations at which it is pending or fires, with
/// the evaluation at which the condition became true.
fn alert(
    name: &str,
    runs: &[(
        i64,
        std::ops::RangeInclusive<i64>,
        std::ops::RangeInclusive<i64>,
    )],
) -> Vec<Series> {
    let mut firing = labels(name);
    firing.insert("__name__".to_owned(), "ALERTS".to_owned());
    firing.insert("alertstate".to_owned(), "firing".to_owned());
    let mut active = labels(name);
    active.insert("__name__".to_owned(), "ALERTS_FOR_STATE".to_owned());
    let fires = runs.iter().flat_map(|(_, _, fires)| fires.clone());
    let writes = runs.iter().flat_map(|(began, pending, fires)| {
        let second = eval(*began).0 / 1_000;
        pending
            .clone()
            .chain(fires.clone())
            .map(move |at| (at, second))
    });
    #[expect(clippy::cast_precision_loss, reason = "seconds are small")]
    let state = writes
        .map(|(at, second)| (eval(at), second as f64))
        .collect();
    vec![
        Series {
            labels: firing,
            samples: fires.map(|at| (eval(at), 1.0)).collect(),
        },
        Series {
            labels: active,
            samples: state,
        },
    ]
}

#[expect(clippy::reversed_empty_ranges, reason = "that is what nothing is")]
const NEVER: std::ops::RangeInclusive<i64> = 1..=0;

fn facts(hold_seconds: u64) -> Facts {
    Facts {
        rules: vec![Rule {
            name: "A".to_owned(),
            labels: [("severity".to_owned(), "critical".to_owned())].into(),
            annotations: LabelMap::new(),
            hold: Duration::from_secs(hold_seconds),
            interval: Duration::from_secs(15),
        }],
        relabelling: Relabelling::of(&super::super::answer::Configuration::default()).unwrap(),
        interval: Duration::from_secs(60),
        slot: Some(Duration::from_secs(30)),
    }
}

/// Scrapes in all slots but those that begin at or after the first number and
/// end before the second, counted in evaluations.
fn alive(dead: &[(i64, i64)]) -> Alive {
    let slots = (-40..400)
        .map(|slot| eval(slot * 2))
        .filter(|end| {
            !dead
                .iter()
                .any(|(from, until)| *end > eval(*from) && *end <= eval(*until))
        })
        .collect();
    Alive {
        slots,
        slot: Some(Duration::from_secs(30)),
    }
}

fn span() -> Span {
    Span {
        from: eval(-20),
        until: eval(200),
    }
}

fn judged(series: &[Series], dead: &[(i64, i64)], facts: &Facts) -> Vec<Record> {
    records(series, span(), &alive(dead), facts)
}

/// Start, last and end of each, in evaluations.
fn told(records: &[Record]) -> Vec<(i64, i64, Afterwards)> {
    let number = |at: Timestamp| {
        let number = (at.0 - eval(0).0).div_euclid(15_000);
        assert_eq!(eval(number), at, "no evaluation");
        number
    };
    records
        .iter()
        .map(|record| (number(record.starts_at), number(record.last), record.then))
        .collect()
}

fn ended(number: i64) -> Afterwards {
    Afterwards::Ended(eval(number))
}

const LOST: Afterwards = Afterwards::BreaksOff(Loss::PrometheusLost);

#[test]
fn an_alert_fires_from_its_first_sample_to_the_evaluation_after_its_last() {
    let found = judged(&alert("A", &[(5, NEVER, 5..=20)]), &[], &facts(0));
    assert_eq!(told(&found), [(5, 20, ended(21))]);
    assert!(found[0].is_start_seen);
    assert_eq!(found[0].pending_since, None);
}

#[test]
fn a_rule_that_waits_tells_since_when() {
    let found = judged(&alert("A", &[(1, 1..=4, 5..=20)]), &[], &facts(60));
    assert_eq!(told(&found), [(5, 20, ended(21))]);
    assert_eq!(found[0].pending_since, Some(eval(1)));
    // Pending only: no episode.
    assert_eq!(
        judged(&alert("A", &[(1, 1..=3, NEVER)]), &[], &facts(60)),
        []
    );
}

#[test]
fn what_fires_again_is_another_and_a_missed_evaluation_is_none() {
    let again = alert("A", &[(5, NEVER, 5..=10), (12, NEVER, 12..=14)]);
    assert_eq!(
        told(&judged(&again, &[], &facts(0))),
        [(5, 10, ended(11)), (12, 14, ended(15))]
    );
    let missed = alert("A", &[(5, NEVER, 5..=10), (5, NEVER, 13..=20)]);
    assert_eq!(told(&judged(&missed, &[], &facts(0))), [(5, 20, ended(21))]);
}

#[test]
fn after_a_restart_the_true_start_is_told_and_what_was_before_is_lost() {
    // Evaluations 12 and 13 are not written.
    let restart = alert("A", &[(5, NEVER, 5..=10), (12, NEVER, 14..=20)]);
    assert_eq!(
        told(&judged(&restart, &[], &facts(0))),
        [(5, 10, LOST), (12, 20, ended(21))]
    );
    // A rule that waits for long goes on where it was, but fires anew.
    let restart = alert("A", &[(-100, NEVER, 5..=10), (-100, NEVER, 14..=20)]);
    let found = judged(&restart, &[], &facts(1_200));
    assert_eq!(told(&found), [(5, 10, LOST), (14, 20, ended(21))]);
    // Prometheus had been down in between; it was over when it came back.
    let down = alert("A", &[(5, NEVER, 5..=10)]);
    assert_eq!(
        told(&judged(&down, &[(11, 60)], &facts(0))),
        [(5, 10, LOST)]
    );
    // It had ended long before the restart.
    let late = alert("A", &[(5, NEVER, 5..=10), (60, NEVER, 62..=70)]);
    assert_eq!(
        told(&judged(&late, &[(50, 60)], &facts(0))),
        [(5, 10, ended(11)), (60, 70, ended(71))]
    );
}

#[test]
fn an_alert_whose_rule_is_gone_has_no_certain_end() {
    let mut none = facts(0);
    none.rules.clear();
    let gone = Afterwards::BreaksOff(Loss::RuleChanged);
    let series = alert("A", &[(5, NEVER, 5..=20)]);
    assert_eq!(told(&judged(&series, &[], &none)), [(5, 20, gone)]);
    let mut other = facts(0);
    other.rules[0]
        .labels
        .insert("team".to_owned(), "x".to_owned());
    assert_eq!(told(&judged(&series, &[], &other)), [(5, 20, gone)]);
}

#[test]
fn what_reaches_the_edge_of_the_window_is_open() {
    let series = alert("A", &[(5, NEVER, 5..=200)]);
    let found = judged(&series, &[], &facts(0));
    assert_eq!(told(&found), [(5, 200, Afterwards::GoesOn)]);
    // Not enough is seen after its end.
    let series = alert("A", &[(5, NEVER, 5..=193)]);
    let found = judged(&series, &[], &facts(0));
    assert_eq!(told(&found), [(5, 193, Afterwards::GoesOn)]);
    // Its begin is before the window, but is known.
    let series = alert("A", &[(-300, NEVER, -20..=100), (-305, NEVER, NEVER)]);
    let found = judged(&series, &[], &facts(30));
    assert_eq!(told(&found), [(-298, 100, ended(101))]);
    assert!(!found[0].is_start_seen);
    assert_eq!(found[0].pending_since, Some(eval(-300)));
}

#[test]
fn windows_that_follow_one_another_tell_the_same_as_one() {
    let series = alert(
        "A",
        &[
            (5, NEVER, 5..=20),
            (22, NEVER, 22..=22),
            (40, NEVER, 40..=90),
        ],
    );
    let facts = facts(0);
    let margin = facts.margin();
    let whole = judged(&series, &[], &facts);
    assert_eq!(whole.len(), 3);
    for step in [1, 3, 7, 50] {
        let mut found: BTreeMap<Timestamp, Record> = BTreeMap::new();
        let mut from = eval(-20);
        while from < eval(200) {
            let until = from.after(Duration::from_secs(15 * step));
            let span = Span {
                from: from.before(margin),
                until,
            };
            let seen: Vec<Series> = series
                .iter()
                .map(|series| Series {
                    labels: series.labels.clone(),
                    samples: series
                        .samples
                        .iter()
                        .filter(|(at, _)| *at >= span.from && *at <= until)
                        .copied()
                        .collect(),
                })
                .collect();
            for record in records(&seen, span, &alive(&[]), &facts) {
                let last = found.get(&record.starts_at).map(|record| record.last);
                if last <= Some(record.last) {
                    found.insert(record.starts_at, record);
                }
            }
            from = until;
        }
        let found: Vec<Record> = found.into_values().collect();
        assert_eq!(told(&found), told(&whole), "{step}");
    }
}

#[test]
fn times_without_scrapes_are_holes() {
    let alive = alive(&[(20, 60)]);
    let (holes, last) = alive.holes(eval(0), Duration::from_secs(60));
    assert_eq!(holes, [(eval(20), eval(60))]);
    assert!(last > eval(60));
    assert_eq!(alive.holes(last, Duration::from_secs(60)), (vec![], last));
    let nothing = Alive::default();
    assert_eq!(
        nothing.holes(eval(0), Duration::from_secs(60)),
        (vec![], eval(0))
    );
}

proptest::proptest! {
    #[test]
    fn any_samples_give_records_that_are_in_order(
        firing in proptest::collection::vec((-1_000_000_i64..1_000_000, -1.0..2.0), 0..40),
        active in proptest::collection::vec((-1_000_000_i64..1_000_000, -1e12..1e12), 0..40),
        hold in 0_u64..2_000,
    ) {
        let mut series = alert("A", &[]);
        series[0].samples = firing.into_iter().map(|(at, value)| (Timestamp(at), value)).collect();
        series[1].samples = active.into_iter().map(|(at, value)| (Timestamp(at), value)).collect();
        for record in judged(&series, &[], &facts(hold)) {
            proptest::prop_assert!(record.starts_at <= record.first && record.first <= record.last);
            if let Afterwards::Ended(at) = record.then {
                proptest::prop_assert!(at > record.last);
            }
            proptest::prop_assert!(record.pending_since.is_none_or(|since| since < record.first));
        }
    }
}
