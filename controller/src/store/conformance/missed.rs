//! What is found out afterwards: from Prometheus' records and by looks at
//! Alertmanager.

use std::collections::BTreeMap;
use std::time::Duration;

use super::journal::{MINUTE, Told, deliver, history, told};
use super::{Lab, NOON};
use crate::alert::{Afterwards, Look, Loss, Record, Sighting, parse_look};
use crate::clock::Timestamp;
use crate::model::{
    AlertEventKind, AlertGap, AlertLife, AlertState, EndReason, GapCause, GapFilter, GapState,
    PageRequest,
};
use crate::store::{Looked, RecoveredWindow, Store};

const PROMETHEUS: &str = "http://prometheus:9090/";
const ALERTMANAGER: &str = "http://alertmanager:9093/";
const FIVE_MINUTES: Duration = Duration::from_secs(300);

fn at(minute: i64) -> Timestamp {
    Timestamp(NOON.0 + minute * MINUTE)
}

/// What the records show of an alert from its start to that minute.
fn record(told: &Told<'_>, last: i64, then: Afterwards) -> Record {
    let sighting = told.push(told.start).remove(0);
    Record {
        labels: sighting.labels,
        starts_at: sighting.starts_at,
        is_start_seen: true,
        pending_since: None,
        first: sighting.starts_at,
        last: at(last),
        then,
        interval: Duration::from_secs(60),
        annotations: BTreeMap::new(),
    }
}

async fn read(store: &Store, records: &[Record]) -> usize {
    read_of(store, PROMETHEUS, records).await
}

async fn read_of(store: &Store, prometheus: &str, records: &[Record]) -> usize {
    let mut tx = store.write().await.unwrap();
    let found = tx.record_records(prometheus, records).await.unwrap();
    tx.commit().await.unwrap();
    found
}

async fn expire(store: &Store) -> usize {
    let mut tx = store.write().await.unwrap();
    let count = tx.expire_alerts().await.unwrap();
    tx.commit().await.unwrap();
    count
}

async fn gaps(store: &Store) -> Vec<AlertGap> {
    let mut tx = store.read().await.unwrap();
    let page = tx
        .alert_gaps(&GapFilter::default(), PageRequest::default())
        .await
        .unwrap();
    assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
    page.items
}

/// The same without what depends on when something became known.
fn essence(lives: Vec<AlertLife>) -> Vec<AlertLife> {
    let mut lives = lives;
    for life in &mut lives {
        life.events
            .retain(|event| event.kind != AlertEventKind::Reconstructed);
    }
    lives
}

pub(super) async fn what_paired_servers_recorded_is_one_episode(lab: Lab) {
    let store = lab.open().await;
    let ended = |minute| Afterwards::Ended(at(minute));
    let mut other = told(None, "");
    other.start = 2;
    let records = [
        record(&told(None, ""), 8, ended(9)),
        record(&other, 9, ended(10)),
    ];
    for order in [[0, 1], [1, 0]] {
        let mut tx = store.write().await.unwrap();
        sqlx::query("DELETE FROM alerts")
            .execute(tx.connection())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        for place in order {
            let name = format!("http://prometheus-{place}:9090/");
            // Each reads its window again after a restart.
            for _ in 0..2 {
                read_of(&store, &name, &records[place..=place]).await;
            }
        }
        let lives = history(&store).await;
        assert_eq!(lives.len(), 1, "{order:?}");
        let alert = &lives[0].alert;
        assert_eq!(alert.ends_at, Some(at(10)), "it ended when both say so");
    }
}

pub(super) async fn records_and_deliveries_in_any_order_are_one_history(lab: Lab) {
    enum Word {
        Told(Vec<Sighting>),
        Records(Vec<Record>),
    }
    let store = lab.open().await;
    let mut next = told(Some(24), "1 fan");
    next.start = 20;
    let ended = |minute| Afterwards::Ended(at(minute));
    let mut both = vec![
        record(&told(None, ""), 8, ended(9)),
        record(&next, 22, ended(23)),
    ];
    both[1].pending_since = Some(at(19));
    let mut running = record(&told(None, ""), 5, Afterwards::GoesOn);
    running.first = at(2);
    running.is_start_seen = false;
    let words = [
        Word::Told(told(Some(4), "1 fan").push(0)),
        Word::Told(told(Some(5), "1 fan").push(1)),
        Word::Told(told(None, "1 fan").webhook("mail")),
        Word::Told(told(Some(9), "1 fan").push(10)),
        Word::Told(told(Some(9), "1 fan").webhook("mail")),
        Word::Told(next.push(20)),
        Word::Records(both),
        Word::Records(vec![running]),
    ];
    let play = async |order: &[usize]| {
        let mut tx = store.write().await.unwrap();
        sqlx::query("DELETE FROM alerts")
            .execute(tx.connection())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        for index in order {
            match &words[*index] {
                Word::Told(sightings) => deliver(&store, sightings).await,
                Word::Records(records) => {
                    read(&store, records).await;
                }
            }
        }
        essence(history(&store).await)
    };
    let straight: Vec<usize> = (0..words.len()).collect();
    let expected = play(&straight).await;
    assert_eq!(expected.len(), 2);
    let first = &expected[0].alert;
    assert_eq!(
        (first.state, first.end_reason, first.ends_at),
        (
            AlertState::Resolved,
            Some(EndReason::Recovered),
            Some(at(9))
        )
    );
    let second = &expected[1];
    assert_eq!(second.alert.ends_at, Some(at(23)), "nobody told of its end");
    let pending: Vec<_> = second
        .events
        .iter()
        .filter(|event| event.kind == AlertEventKind::Pending)
        .collect();
    assert_eq!((pending.len(), pending[0].at), (1, at(19)));

    let mut seed: u64 = 7;
    let mut below = |end: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap() % end
    };
    for _ in 0..12 {
        let mut order: Vec<usize> = straight.iter().chain(&straight).copied().collect();
        for place in (1..order.len()).rev() {
            order.swap(place, below(place + 1));
        }
        assert_eq!(play(&order).await, expected, "{order:?}");
    }
}

pub(super) async fn what_records_tell_ends_for_a_reason(lab: Lab) {
    use AlertState::{Expired, Firing, Resolved};
    use EndReason::{PrometheusLost, Recovered, RuleChanged};
    let store = lab.open().await;
    let named = |name: &'static str| Told {
        name,
        server_id: 999,
        start: 0,
        end: Some(4),
        summary: "s",
    };
    let ended = Afterwards::Ended(at(30));
    let broken = |loss| Afterwards::BreaksOff(loss);
    for name in ["Known", "RuleGone", "GoesOn"] {
        deliver(&store, &named(name).push(0)).await;
    }
    lab.clock.advance(Duration::from_secs(50 * 60));
    assert_eq!(expire(&store).await, 3);
    let mut records = vec![
        record(&named("Known"), 29, ended),
        record(&named("RuleGone"), 29, broken(Loss::RuleChanged)),
        record(&named("GoesOn"), 34, Afterwards::GoesOn),
        record(&named("Missed"), 29, ended),
        record(&named("MissedLost"), 29, broken(Loss::PrometheusLost)),
        record(&named("MissedRule"), 29, broken(Loss::RuleChanged)),
        record(&named("MissedGoesOn"), 34, Afterwards::GoesOn),
    ];
    // Not counted: what was told and goes on, and what was known to be lost.
    assert_eq!(read(&store, &records).await, 5);
    assert_eq!(read(&store, &records).await, 0, "read again");
    assert_eq!(expire(&store).await, 0);
    let reasons = async || {
        let mut reasons: Vec<(String, AlertState, Option<EndReason>)> = history(&store)
            .await
            .into_iter()
            .map(|life| {
                let alert = life.alert;
                (alert.alertname, alert.state, alert.end_reason)
            })
            .collect();
        reasons.sort_by(|a, b| a.0.cmp(&b.0));
        reasons
    };
    let expected = |goes_on: AlertState, end| {
        [
            ("GoesOn", goes_on, end),
            ("Known", Resolved, Some(Recovered)),
            ("Missed", Resolved, Some(Recovered)),
            ("MissedGoesOn", goes_on, end),
            ("MissedLost", Expired, Some(PrometheusLost)),
            ("MissedRule", Expired, Some(RuleChanged)),
            // As the watchdog said, for all that could be known then.
            ("RuleGone", Expired, Some(PrometheusLost)),
        ]
        .map(|(name, state, reason)| (name.to_owned(), state, reason))
    };
    assert_eq!(reasons().await, expected(Firing, None));
    records.retain(|record| record.then == Afterwards::GoesOn);
    for record in &mut records {
        record.first = at(33);
        record.last = at(39);
        record.is_start_seen = false;
        record.then = Afterwards::Ended(at(40));
    }
    assert_eq!(read(&store, &records).await, 1, "one was told before");
    assert_eq!(reasons().await, expected(Resolved, Some(Recovered)));
    let lives = history(&store).await;
    let life = |name: &str| lives.iter().find(|life| life.alert.alertname == name);
    let missed = life("Missed").unwrap();
    let found: Vec<_> = missed
        .events
        .iter()
        .filter(|event| event.kind == AlertEventKind::Reconstructed)
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].detail["source"], "prometheus");
    assert_eq!(found[0].detail["gap_from"], at(0).to_string());
    assert_eq!(found[0].detail["gap_until"], at(30).to_string());
    assert_eq!(missed.alert.ends_at, Some(at(30)));

    // What goes on by records alone is given up when nothing comes of it.
    let alone = record(&named("Alone"), 49, Afterwards::GoesOn);
    assert_eq!(read(&store, &[alone]).await, 1);
    lab.clock.advance(Duration::from_secs(71 * 3_600));
    assert_eq!(expire(&store).await, 0);
    lab.clock.advance(Duration::from_secs(2 * 3_600));
    assert_eq!(expire(&store).await, 1);
}

pub(super) async fn gaps_are_noted_closed_and_forgotten(lab: Lab) {
    use GapCause::{
        ControllerDown, NotHeard, PrometheusDown, PrometheusUnreachable, RecordsUnread,
    };
    use GapState::{Closed, Lost, Open};
    let store = lab.open().await;
    let begin = async |can_ask| {
        let mut tx = store.write().await.unwrap();
        let since = tx.begin_to_beat(can_ask).await.unwrap();
        tx.commit().await.unwrap();
        since
    };
    assert_eq!(begin(true).await, None, "the first start");
    let mut tx = store.write().await.unwrap();
    let marker = tx.recovery_marker(PROMETHEUS).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(marker.recovered_until, NOON);
    lab.clock.advance(Duration::from_secs(59));
    assert_eq!(begin(true).await, None, "restarted at once");
    lab.clock.advance(Duration::from_secs(3_541));
    assert_eq!(begin(true).await, Some(Timestamp(NOON.0 + 59_000)));
    let open = gaps(&store).await;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (open[0].cause, open[0].state, open[0].until),
        (ControllerDown, Open, at(60))
    );

    // Found while nobody was there, and while somebody was.
    lab.clock.advance(Duration::from_secs(3_600));
    let fired = |start: i64, last: i64| {
        let mut alert = told(None, "");
        alert.start = start;
        record(&alert, last, Afterwards::Ended(at(last + 1)))
    };
    assert_eq!(read(&store, &[fired(10, 20), fired(90, 95)]).await, 2);
    assert_eq!(read(&store, &[fired(97, 98)]).await, 1);
    let advance = async |from, until, holes: Vec<(Timestamp, Timestamp)>| {
        let mut tx = store.write().await.unwrap();
        let window = RecoveredWindow {
            from: at(from),
            until: at(until),
            alive: at(until),
            holes,
        };
        tx.advance_recovery(PROMETHEUS, &window).await.unwrap();
        tx.commit().await.unwrap();
    };
    advance(0, 59, vec![]).await;
    assert_eq!(gaps(&store).await.last().unwrap().state, Open);
    advance(59, 100, vec![(at(70), at(75))]).await;
    // Somebody else has read that already.
    advance(59, 99, vec![(at(80), at(85))]).await;
    let mut tx = store.write().await.unwrap();
    let gap = Some((at(100), at(105)));
    tx.note_recovery_problem(PROMETHEUS, "no answer", gap)
        .await
        .unwrap();
    let gap = Some((at(100), at(110)));
    tx.note_recovery_problem(PROMETHEUS, "no answer", gap)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let seen = async || {
        let mut seen: Vec<_> = gaps(&store)
            .await
            .into_iter()
            .map(|gap| (gap.cause, gap.state, gap.from, gap.until, gap.episodes))
            .collect();
        seen.reverse();
        seen
    };
    let away = Timestamp(NOON.0 + 59_000);
    let mut expected = vec![
        (ControllerDown, Closed, away, at(60), 1),
        (PrometheusDown, Lost, at(70), at(75), 0),
        (NotHeard, Closed, at(90), at(99), 2),
        (PrometheusUnreachable, Open, at(100), at(110), 0),
    ];
    assert_eq!(seen().await, expected);
    let mut tx = store.read().await.unwrap();
    let source = tx.recovery_sources().await.unwrap().remove(0);
    assert_eq!(source.recovered_until, at(100));
    assert_eq!(source.problem.as_deref(), Some("no answer"));
    drop(tx);

    advance(100, 110, vec![]).await;
    expected[3].1 = Closed;
    assert_eq!(seen().await, expected);
    let mut tx = store.write().await.unwrap();
    let window = RecoveredWindow {
        from: at(110),
        until: at(115),
        alive: at(115),
        holes: vec![],
    };
    tx.skip_recovery(PROMETHEUS, &window).await.unwrap();
    tx.commit().await.unwrap();
    expected.push((RecordsUnread, Lost, at(110), at(115), 0));
    assert_eq!(seen().await, expected);
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.recovery_sources().await.unwrap()[0].problem, None);
    for (filter, count) in [
        (
            GapFilter {
                state: Some(Lost),
                ..GapFilter::default()
            },
            2,
        ),
        (
            GapFilter {
                cause: Some(NotHeard),
                ..GapFilter::default()
            },
            1,
        ),
        (
            GapFilter {
                since: Some(at(72)),
                until: Some(at(100)),
                ..GapFilter::default()
            },
            2,
        ),
    ] {
        let page = tx.alert_gaps(&filter, PageRequest::default()).await;
        assert_eq!(page.unwrap().total, count, "{filter:?}");
    }
    drop(tx);
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.forget_gaps(at(80)).await.unwrap(), 2);
    assert_eq!(tx.keep_recovery_sources(&[PROMETHEUS]).await.unwrap(), 0);
    assert_eq!(tx.keep_recovery_sources(&[]).await.unwrap(), 1);
    assert!(tx.recovery_sources().await.unwrap().is_empty());
    tx.commit().await.unwrap();

    // Without a Prometheus to ask, only what is told again for a while is safe.
    lab.clock.advance(Duration::from_secs(600));
    assert!(begin(false).await.is_some());
    lab.clock.advance(Duration::from_secs(1_200));
    assert!(begin(false).await.is_some());
    let states: Vec<GapState> = gaps(&store)
        .await
        .into_iter()
        .filter(|gap| gap.cause == ControllerDown)
        .map(|gap| gap.state)
        .collect();
    assert_eq!(states, [Lost, Lost], "the first was of 80 minutes");
}

/// What Alertmanager answers at that minute.
fn look(minute: i64, alerts: &[(&Told<'_>, &[&str], &[&str])]) -> Look {
    let alerts: Vec<serde_json::Value> = alerts
        .iter()
        .map(|(told, silences, inhibited_by)| {
            let mut alert = told.json();
            let sighting = told.push(told.start).remove(0);
            alert["fingerprint"] = sighting.labels.fingerprint().to_string().into();
            alert["status"] = serde_json::json!({"state": "active", "silencedBy": silences,
                "inhibitedBy": inhibited_by});
            alert["endsAt"] = at(minute + 4).to_string().into();
            alert
        })
        .collect();
    let body = serde_json::to_vec(&alerts).unwrap();
    let look = parse_look(&body, at(minute)).unwrap();
    assert_eq!(look.refused, []);
    look
}

async fn see(store: &Store, look: &Look) -> Looked {
    let mut tx = store.write().await.unwrap();
    let looked = tx
        .record_look(ALERTMANAGER, look, FIVE_MINUTES)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    looked
}

pub(super) async fn looks_at_alertmanager_tell_what_is_kept_back(lab: Lab) {
    let store = lab.open().await;
    let alert = told(Some(64), "s");
    deliver(&store, &alert.push(0)).await;
    let nothing = Looked::default();
    let changed = Looked {
        suppression_changed: 1,
        ..nothing
    };
    let looks: [(&[&str], &[&str], Looked); 8] = [
        (&[], &[], nothing),
        (&["s1"], &[], changed),
        (&["s1"], &[], nothing),
        (&["s1", "s2"], &["f1"], changed),
        (&[], &["f1"], changed),
        (&[], &[], changed),
        (&[], &[], nothing),
        (&["s1"], &[], changed),
    ];
    for (minute, (silences, inhibited_by, expected)) in (1..).zip(looks) {
        let look = look(minute, &[(&alert, silences, inhibited_by)]);
        assert_eq!(see(&store, &look).await, expected, "{minute}");
        assert_eq!(see(&store, &look).await, nothing, "the same look");
    }
    assert_eq!(
        see(&store, &look(3, &[(&alert, &[], &[])])).await,
        nothing,
        "an old one"
    );
    let mut lives = history(&store).await;
    let life = lives.remove(0);
    assert!(lives.is_empty());
    let mut kinds: Vec<&str> = life
        .events
        .iter()
        .filter(|event| {
            matches!(
                event.kind,
                AlertEventKind::Silenced | AlertEventKind::Inhibited | AlertEventKind::Unsuppressed
            )
        })
        .map(|event| event.kind.as_str())
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "inhibited",
            "silenced",
            "silenced",
            "silenced",
            "unsuppressed"
        ]
    );
    // Prometheus is heard of it: what Alertmanager has not got says nothing.
    for minute in 10..30 {
        assert_eq!(see(&store, &look(minute, &[])).await, nothing);
    }
    deliver(&store, &told(Some(30), "s").push(31)).await;
    let life = history(&store).await.remove(0);
    assert_eq!(life.alert.end_reason, Some(EndReason::Recovered));
    // It has not heard of the end yet.
    assert_eq!(see(&store, &look(31, &[(&alert, &[], &[])])).await, nothing);
    assert_eq!(history(&store).await[0].alert.state, AlertState::Resolved);
}

pub(super) async fn what_alertmanager_drops_has_ended_unannounced(lab: Lab) {
    let store = lab.open().await;
    let named = |name: &'static str| Told {
        name,
        server_id: 999,
        start: 0,
        end: None,
        summary: "s",
    };
    let (silenced, shown, notified, short) = (
        named("Silenced"),
        named("Shown"),
        named("Notified"),
        named("Short"),
    );
    // One of which only a webhook told, while nobody looked.
    deliver(&store, &notified.webhook("mail")).await;
    let first = look(
        1,
        &[
            (&silenced, &["s1"], &[]),
            (&shown, &[], &[]),
            (&short, &[], &[]),
        ],
    );
    let looked = see(&store, &first).await;
    assert_eq!((looked.opened, looked.suppression_changed), (3, 1));
    let lives = history(&store).await;
    assert!(
        lives
            .iter()
            .all(|life| life.alert.annotations["summary"] == "s"
                && life.alert.state == AlertState::Firing)
    );
    let second = look(2, &[(&silenced, &["s1"], &[]), (&shown, &[], &[])]);
    see(&store, &second).await;
    // Gone; one comes back, as after a restart of Alertmanager.
    for minute in 3..6 {
        assert_eq!(see(&store, &look(minute, &[])).await.ended, 0);
    }
    // Five minutes after the first look that did not have it.
    let looked = see(&store, &look(6, &[(&short, &[], &[])])).await;
    assert_eq!(looked.ended, 1);
    assert_eq!(see(&store, &look(7, &[(&short, &[], &[])])).await.ended, 0);
    let looked = see(&store, &look(8, &[(&short, &[], &[])])).await;
    assert_eq!(looked.ended, 2);
    let ends = async || {
        let mut ends: Vec<_> = history(&store)
            .await
            .into_iter()
            .map(|life| {
                let alert = life.alert;
                (alert.alertname, alert.ends_at, alert.end_reason)
            })
            .collect();
        ends.sort();
        ends
    };
    let end = |name: &str, minute: i64, reason| (name.to_owned(), Some(at(minute)), Some(reason));
    let mut expected = vec![
        end("Notified", 0, EndReason::Unknown),
        ("Short".to_owned(), None, None),
        end("Shown", 2, EndReason::Unknown),
        end("Silenced", 2, EndReason::Silenced),
    ];
    assert_eq!(ends().await, expected);
    // It was only away for long.
    let back = look(9, &[(&shown, &[], &[]), (&short, &[], &[])]);
    see(&store, &back).await;
    expected[2] = ("Shown".to_owned(), None, None);
    assert_eq!(ends().await, expected);
    // Prometheus' records know better; that it ended was known.
    let record = record(&silenced, 1, Afterwards::Ended(at(2)));
    assert_eq!(read(&store, &[record]).await, 0);
    expected[3] = end("Silenced", 2, EndReason::Recovered);
    assert_eq!(ends().await, expected);
    // Nobody renews it, but Alertmanager has it.
    for hour in 1..100 {
        lab.clock.advance(Duration::from_secs(3_600));
        let look = look(hour * 60 + 9, &[(&shown, &[], &[]), (&short, &[], &[])]);
        see(&store, &look).await;
        assert_eq!(expire(&store).await, 0, "{hour}");
    }
}
