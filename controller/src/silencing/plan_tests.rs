//! What a comparison with Alertmanager leads to, by cases and as a law: against a
//! model of Alertmanager that crashes, loses answers and has other users.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn ours() -> Mirrored {
    Mirrored {
        id: 1,
        reference: "r1".to_owned(),
        matchers: vec![Matcher::equal("server_id", "1")],
        starts_at: NOW.before(HOUR),
        ends_at: NOW.after(HOUR),
        author: "root".to_owned(),
        reason: "new fans".to_owned(),
        is_ended: false,
        alertmanager_id: Some("a1".to_owned()),
        former_ids: Vec::new(),
        placed_version: Some(3),
        seen_update: Some(NOW),
        version: 3,
    }
}

fn theirs() -> HeldSilence {
    HeldSilence {
        id: "a1".to_owned(),
        state: HeldState::Active,
        matchers: ours().matchers,
        starts_at: NOW.before(HOUR / 2),
        ends_at: NOW.after(HOUR),
        updated_at: NOW,
        author: "root".to_owned(),
        comment: ours().comment(),
    }
}

fn only(ours: Mirrored, held: &[HeldSilence]) -> Option<Step> {
    let mut steps = plan(&[ours], held, NOW);
    assert!(steps.len() <= 1, "{steps:?}");
    steps.pop()
}

fn why(step: Option<Step>) -> Option<Why> {
    match step {
        Some(Step::Put { why, .. }) => Some(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_as_it_should_be_is_left() {
    assert_eq!(only(ours(), &[theirs()]), None);
    let ended = Mirrored {
        is_ended: true,
        ..ours()
    };
    let expired = HeldSilence {
        state: HeldState::Expired,
        ends_at: NOW,
        ..theirs()
    };
    assert_eq!(only(ended.clone(), &[expired]), None);
    assert_eq!(only(ended.clone(), &[]), None);
    let dirty = Mirrored {
        version: 4,
        ..ended
    };
    let settled = Step::Settled { id: 1, version: 4 };
    assert_eq!(only(dirty, &[]), Some(settled));
    let over = Mirrored {
        ends_at: NOW,
        ..ours()
    };
    assert_eq!(only(over, &[]), None);
}

#[test]
fn what_is_missing_is_given() {
    let new = Mirrored {
        alertmanager_id: None,
        placed_version: None,
        ..ours()
    };
    assert_eq!(why(only(new, &[])), Some(Why::New));
    assert_eq!(why(only(ours(), &[])), Some(Why::Lost));
}

#[test]
fn a_change_keeps_the_begin_that_alertmanager_knows() {
    let changed = Mirrored {
        version: 4,
        ends_at: NOW.after(2 * HOUR),
        ..ours()
    };
    let Some(Step::Put { wanted, why, .. }) = only(changed, &[theirs()]) else {
        panic!("nothing is given");
    };
    assert_eq!(why, Why::Changed);
    assert_eq!(wanted.replaces.as_deref(), Some("a1"));
    assert_eq!(wanted.starts_at, theirs().starts_at);
}

#[test]
fn what_was_ended_ends_where_it_was_not() {
    let ended = Mirrored {
        is_ended: true,
        ..ours()
    };
    let expire = Step::Expire {
        id: 1,
        alertmanager_id: "a1".to_owned(),
        version: Some(3),
    };
    assert_eq!(only(ended.clone(), &[theirs()]), Some(expire));
    // Somebody made a copy of it in Alertmanager afterwards.
    let gone = HeldSilence {
        state: HeldState::Expired,
        ..theirs()
    };
    let copy = HeldSilence {
        id: "a2".to_owned(),
        ..theirs()
    };
    assert_eq!(only(ended.clone(), &[gone, copy.clone()]), None);
    assert_eq!(only(ended.clone(), std::slice::from_ref(&copy)), None);
    // The answer to the first attempt was lost: the copy is ours.
    let unknown = Mirrored {
        alertmanager_id: None,
        ..ended
    };
    assert!(matches!(only(unknown, &[copy]), Some(Step::Expire { .. })));
}

#[test]
fn what_others_do_in_alertmanager_counts() {
    let ended = HeldSilence {
        state: HeldState::Expired,
        ends_at: NOW.before(HOUR / 4),
        ..theirs()
    };
    let step = Step::Ended {
        id: 1,
        at: ended.ends_at,
    };
    assert_eq!(only(ours(), &[ended]), Some(step));
    let longer = HeldSilence {
        ends_at: NOW.after(3 * HOUR),
        updated_at: NOW.after(HOUR),
        ..theirs()
    };
    let step = Step::Moved {
        id: 1,
        starts_at: ours().starts_at,
        ends_at: longer.ends_at,
        updated_at: longer.updated_at,
    };
    assert_eq!(only(ours(), std::slice::from_ref(&longer)), Some(step));
    // Not newer than what was seen: a crash took the last change back.
    let older = HeldSilence {
        updated_at: NOW,
        ..longer.clone()
    };
    assert_eq!(why(only(ours(), &[older])), Some(Why::Lost));
    // Given and never seen, and then a crash took a change back.
    let unseen = Mirrored {
        seen_update: None,
        ..ours()
    };
    assert_eq!(
        why(only(unseen, std::slice::from_ref(&longer))),
        Some(Why::Lost)
    );
    let seen = HeldSilence {
        updated_at: NOW.after(HOUR),
        ..theirs()
    };
    assert!(matches!(only(ours(), &[seen]), Some(Step::Seen { .. })));
}

#[test]
fn what_was_replaced_and_is_back_is_ended() {
    let ours = Mirrored {
        former_ids: vec!["a0".to_owned(), "a1".to_owned()],
        ..ours()
    };
    let back = HeldSilence {
        id: "a0".to_owned(),
        ..theirs()
    };
    let step = Step::Expire {
        id: 1,
        alertmanager_id: "a0".to_owned(),
        version: None,
    };
    assert_eq!(only(ours, &[back, theirs()]), Some(step));
}

#[test]
fn a_lost_answer_makes_no_second_silence() {
    let new = Mirrored {
        alertmanager_id: None,
        placed_version: None,
        ..ours()
    };
    let found = Step::Found {
        id: 1,
        version: 3,
        alertmanager_id: "a1".to_owned(),
        updated_at: NOW,
    };
    assert_eq!(only(new, &[theirs()]), Some(found));
    // Of a change: the old one is over, the new one has another id.
    let gone = HeldSilence {
        state: HeldState::Expired,
        ..theirs()
    };
    let next = HeldSilence {
        id: "a2".to_owned(),
        ..theirs()
    };
    assert!(matches!(
        only(ours(), &[gone, next]),
        Some(Step::Found { alertmanager_id, .. }) if alertmanager_id == "a2"
    ));
}

#[test]
fn what_others_made_is_told_from_ours() {
    let other = HeldSilence {
        id: "b".to_owned(),
        comment: "by hand".to_owned(),
        ..theirs()
    };
    let copy = HeldSilence {
        id: "c".to_owned(),
        ..theirs()
    };
    let earlier = HeldSilence {
        id: "d".to_owned(),
        state: HeldState::Expired,
        ..theirs()
    };
    let all = [theirs(), other, copy, earlier];
    let ids = HashSet::from(["a1".to_owned()]);
    let references = HashSet::from(["r1".to_owned()]);
    let found: Vec<&str> = foreign(&all, &ids, &references)
        .iter()
        .map(|held| held.id.as_str())
        .collect();
    assert_eq!(found, ["b", "c"]);
    assert_eq!(
        reference("x [ipmi_controller a] [ipmi_controller b]"),
        Some("b")
    );
    for none in ["", "x", "[ipmi_controller a", "[ipmi_controller a] x"] {
        assert_eq!(reference(none), None, "{none}");
    }
}

/// Alertmanager, as far as silences are concerned.
#[derive(Clone, Default)]
struct Model {
    silences: Vec<HeldSilence>,
    snapshot: Vec<HeldSilence>,
    next: u32,
    /// Goes on with each change, also over a crash.
    time: i64,
}

impl Model {
    fn put(&mut self, wanted: &WantedSilence, now: Timestamp) -> Option<String> {
        self.time += 1;
        let updated_at = Timestamp(self.time);
        let replaced = wanted.replaces.as_ref();
        let known = replaced.map(|id| self.silences.iter_mut().find(|held| held.id == *id));
        if let Some(known) = known {
            let known = known?;
            let keeps_begin = known.state == HeldState::Pending
                || known.state == HeldState::Active && known.starts_at == wanted.starts_at;
            if known.matchers == wanted.matchers && keeps_begin {
                known.starts_at = wanted.starts_at;
                known.ends_at = wanted.ends_at;
                known.updated_at = updated_at;
                known.comment = wanted.comment.clone();
                return Some(known.id.clone());
            }
            known.state = HeldState::Expired;
        }
        self.next += 1;
        let id = format!("s{}", self.next);
        self.silences.push(HeldSilence {
            id: id.clone(),
            state: if wanted.starts_at > now {
                HeldState::Pending
            } else {
                HeldState::Active
            },
            matchers: wanted.matchers.clone(),
            starts_at: wanted.starts_at.max(now),
            ends_at: wanted.ends_at,
            updated_at,
            author: wanted.author.clone(),
            comment: wanted.comment.clone(),
        });
        Some(id)
    }
}

#[derive(Clone, Debug)]
enum Event {
    Snapshot,
    Crash,
    Add,
    Extend(usize),
    Narrow(usize),
    End(usize),
    /// Alertmanager does what it is asked, and its answer is lost.
    LostAnswer,
    Pass,
    /// Somebody makes one in Alertmanager.
    Foreign,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Snapshot),
        Just(Event::Crash),
        Just(Event::Add),
        (0..8_usize).prop_map(Event::Extend),
        (0..8_usize).prop_map(Event::Narrow),
        (0..8_usize).prop_map(Event::End),
        Just(Event::LostAnswer),
        Just(Event::Pass),
        Just(Event::Foreign),
    ]
}

fn placed(row: &mut Mirrored, id: String, version: Version, seen: Option<Timestamp>) {
    if row.alertmanager_id.as_ref() != Some(&id) {
        row.former_ids.extend(row.alertmanager_id.replace(id));
        row.seen_update = None;
    }
    row.placed_version = Some(version);
    row.seen_update = seen.or(row.seen_update);
}

/// One pass; the answers to what Alertmanager is asked are lost if `is_lost`.
fn pass(mirror: &mut [Mirrored], model: &mut Model, is_lost: bool) -> usize {
    let steps = plan(mirror, &model.silences.clone(), NOW);
    for step in &steps {
        let row = |id: Id| usize::try_from(id).unwrap();
        match step {
            Step::Put {
                id,
                version,
                wanted,
                ..
            } => {
                let made = model.put(wanted, NOW).expect("what is replaced is there");
                if !is_lost {
                    // The keeper asks for it at once.
                    let held = model.silences.iter().find(|held| held.id == made);
                    let seen = held.map(|held| held.updated_at);
                    placed(&mut mirror[row(*id)], made, *version, seen);
                }
            }
            Step::Found {
                id,
                version,
                alertmanager_id,
                updated_at,
            } => placed(
                &mut mirror[row(*id)],
                alertmanager_id.clone(),
                *version,
                Some(*updated_at),
            ),
            Step::Seen { id, updated_at } => mirror[row(*id)].seen_update = Some(*updated_at),
            Step::Expire {
                id,
                alertmanager_id,
                version,
            } => {
                let held = model
                    .silences
                    .iter_mut()
                    .find(|held| held.id == *alertmanager_id);
                held.expect("it is there").state = HeldState::Expired;
                if let Some(version) = version {
                    mirror[row(*id)].placed_version = Some(*version);
                }
            }
            Step::Settled { id, version } => mirror[row(*id)].placed_version = Some(*version),
            Step::Ended { .. } | Step::Moved { .. } => panic!("nobody did that: {step:?}"),
        }
    }
    steps.len()
}

proptest! {
    #[test]
    fn whatever_happens_alertmanager_ends_with_each_wanted_silence_once(
        events in prop::collection::vec(any_event(), 1..40)
    ) {
        let mut mirror: Vec<Mirrored> = Vec::new();
        let mut model = Model::default();
        for event in events {
            let pick = |at: usize, mirror: &[Mirrored]| at % mirror.len().max(1);
            match event {
                Event::Snapshot => model.snapshot = model.silences.clone(),
                Event::Crash => model.silences = model.snapshot.clone(),
                Event::Add => {
                    let id = i64::try_from(mirror.len()).unwrap();
                    mirror.push(Mirrored {
                        id,
                        reference: format!("r{id}"),
                        alertmanager_id: None,
                        placed_version: None,
                        version: 1,
                        ..ours()
                    });
                }
                Event::Extend(at) => {
                    let at = pick(at, &mirror);
                    if let Some(row) = mirror.get_mut(at) {
                        row.ends_at = row.ends_at.after(HOUR);
                        row.version += 1;
                    }
                }
                Event::Narrow(at) => {
                    // An answer that was lost is known before the next change.
                    pass(&mut mirror, &mut model, false);
                    let at = pick(at, &mirror);
                    if let Some(row) = mirror.get_mut(at) {
                        let narrower = Matcher::equal("severity", "warning");
                        // Matchers are a set at Alertmanager.
                        if !row.matchers.contains(&narrower) {
                            row.matchers.push(narrower);
                        }
                        row.version += 1;
                    }
                }
                Event::End(at) => {
                    let at = pick(at, &mirror);
                    if let Some(row) = mirror.get_mut(at) {
                        row.is_ended = true;
                        row.version += 1;
                    }
                }
                Event::LostAnswer => {
                    pass(&mut mirror, &mut model, true);
                }
                Event::Pass => {
                    pass(&mut mirror, &mut model, false);
                }
                Event::Foreign => {
                    let wanted = WantedSilence {
                        replaces: None,
                        matchers: ours().matchers,
                        starts_at: NOW,
                        ends_at: NOW.after(HOUR),
                        author: "somebody".to_owned(),
                        comment: "by hand".to_owned(),
                    };
                    model.put(&wanted, NOW);
                }
            }
        }
        let by_hand = |model: &Model| {
            let alive = model.silences.iter().filter(|held| held.is_alive());
            alive.filter(|held| held.comment == "by hand").count()
        };
        let others = by_hand(&model);
        // It settles, and then nothing is left to do.
        let mut passes = 0;
        while pass(&mut mirror, &mut model, false) > 0 {
            passes += 1;
            prop_assert!(passes < 6, "it does not settle");
        }
        prop_assert_eq!(by_hand(&model), others);
        for row in &mirror {
            let alive: Vec<&HeldSilence> = model
                .silences
                .iter()
                .filter(|held| held.is_alive())
                .filter(|held| reference(&held.comment) == Some(&row.reference))
                .collect();
            if row.is_ended {
                // One that was lost before it was known may come back once; it is
                // ended as soon as it is seen.
                prop_assert!(alive.is_empty(), "{:?} {:?}", row, alive);
                continue;
            }
            prop_assert_eq!(alive.len(), 1, "{:?} {:?}", row, alive);
            prop_assert_eq!(&alive[0].matchers, &row.matchers);
            prop_assert_eq!(alive[0].ends_at, row.ends_at);
        }
    }
}
