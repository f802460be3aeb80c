//! The mirror of silences, and maintenance windows.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::draft::{group, server};
use super::{Lab, NOON};
use crate::alertmanager::{HeldSilence, HeldState};
use crate::model::{
    Id, MatchOperator, Matcher, NameSort, PageRequest, Scope, Silence, SilenceDraft, SilenceFilter,
    SilenceOrigin, SilenceState, SilenceSubject, Sort, Text, WindowBody, WindowDraft, WindowFilter,
};
use crate::store::{NewSilence, Store, StoreError, WriteTx};

const HOUR: Duration = Duration::from_secs(3600);

fn draft(subject: SilenceSubject) -> SilenceDraft {
    SilenceDraft {
        subject,
        matchers: Vec::new(),
        starts_at: NOON,
        ends_at: NOON.after(2 * HOUR),
        reason: Text::parse("New fans").unwrap(),
    }
}

async fn insert(tx: &mut WriteTx, draft: &SilenceDraft, matchers: &[Matcher]) -> Id {
    let new = NewSilence {
        draft,
        matchers,
        author: "root",
        window: None,
    };
    tx.insert_silence(&new).await.unwrap().id
}

async fn listed(store: &Store, filter: SilenceFilter, scope: &Scope) -> Vec<Silence> {
    let mut tx = store.read().await.unwrap();
    let page = tx.silences(&filter, scope, PageRequest::default()).await;
    let page = page.unwrap();
    assert_eq!(usize::try_from(page.total).unwrap(), page.items.len());
    page.items
}

async fn ids(store: &Store, filter: SilenceFilter, scope: &Scope) -> BTreeSet<Id> {
    let found = listed(store, filter, scope).await;
    found.iter().map(|silence| silence.id).collect()
}

pub(super) async fn silences_are_filtered_and_concealed(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let mine = tx.insert_group(&group("mine")).await.unwrap().id;
    let other = tx.insert_group(&group("other")).await.unwrap().id;
    let within = |group: Id| move |body: &mut crate::model::ServerBody| body.group_id = Some(group);
    let own = tx
        .insert_server(&server("own", within(mine)))
        .await
        .unwrap()
        .id;
    let far = tx
        .insert_server(&server("far", within(other)))
        .await
        .unwrap()
        .id;
    let text = |id: Id| id.to_string();
    let servers = |ids: &[Id]| SilenceSubject::Servers {
        server_ids: ids.iter().copied().collect(),
    };
    let of_own = insert(
        &mut tx,
        &draft(servers(&[own])),
        &[Matcher::equal("server_id", &text(own))],
    )
    .await;
    let both = format!("{own}|{far}");
    let of_both = insert(
        &mut tx,
        &draft(servers(&[own, far])),
        &[Matcher::new("server_id", MatchOperator::Regex, &both)],
    )
    .await;
    let of_group = insert(
        &mut tx,
        &draft(SilenceSubject::Group { group_id: other }),
        &[Matcher::equal("group", "other")],
    )
    .await;
    let of_all = insert(
        &mut tx,
        &draft(SilenceSubject::Matchers),
        &[Matcher::equal("alertname", "FanFailed")],
    )
    .await;
    tx.commit().await.unwrap();

    let all = SilenceFilter::default;
    let scope = Scope::Groups(BTreeSet::from([mine]));
    assert_eq!(
        ids(&store, all(), &Scope::All).await,
        BTreeSet::from([of_own, of_both, of_group, of_all])
    );
    assert_eq!(
        ids(&store, all(), &scope).await,
        BTreeSet::from([of_own, of_both, of_all])
    );
    assert!(
        ids(&store, all(), &Scope::Groups(BTreeSet::new()))
            .await
            .is_subset(&BTreeSet::from([of_all]))
    );
    for silence in listed(&store, all(), &scope).await {
        let is_hers = silence.id == of_own;
        assert_eq!(silence.reaches_beyond, !is_hers);
        assert_eq!(silence.matchers.is_empty(), !is_hers);
        assert_eq!(silence.reason.is_empty(), !is_hers);
    }
    let of_far = SilenceFilter {
        server_id: Some(far),
        ..all()
    };
    assert_eq!(
        ids(&store, of_far, &Scope::All).await,
        BTreeSet::from([of_both, of_group, of_all])
    );
    let searched = SilenceFilter {
        search: Some("fanFAILED".to_owned()),
        ..all()
    };
    assert_eq!(
        ids(&store, searched, &Scope::All).await,
        BTreeSet::from([of_all])
    );
    let mut tx = store.read().await.unwrap();
    let missing = tx.silence(of_group, &scope).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    drop(tx);

    // Where they stand follows from the time and from Alertmanager.
    let in_state = async |state| {
        let filter = SilenceFilter {
            state: Some(state),
            ..SilenceFilter::default()
        };
        let found = listed(&store, filter, &Scope::All).await;
        assert!(found.iter().all(|silence| silence.state == state));
        found.len()
    };
    assert_eq!(in_state(SilenceState::Pending).await, 4);
    let mut tx = store.write().await.unwrap();
    tx.note_placed(of_own, 1, "a1", None, false).await.unwrap();
    let (before, after) = tx.end_silence(of_all, Some(1), "eve").await.unwrap();
    assert_eq!(before.state, SilenceState::Pending);
    assert_eq!(after.state, SilenceState::Expired);
    assert_eq!(after.ended_by.as_deref(), Some("eve"));
    let stale = tx.end_silence(of_own, Some(7), "eve").await;
    assert!(matches!(stale, Err(StoreError::Changed { .. })));
    tx.commit().await.unwrap();
    assert_eq!(in_state(SilenceState::Active).await, 1);
    assert_eq!(in_state(SilenceState::Pending).await, 2);
    assert_eq!(in_state(SilenceState::Expired).await, 1);
    lab.clock.advance(2 * HOUR);
    assert_eq!(in_state(SilenceState::Expired).await, 4);
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.forget_silences(NOON.after(3 * HOUR)).await.unwrap(), 4);
    tx.commit().await.unwrap();
    assert_eq!(ids(&store, all(), &Scope::All).await, BTreeSet::new());
}

pub(super) async fn silences_are_compared_with_what_alertmanager_has(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let group_id = tx.insert_group(&group("g")).await.unwrap().id;
    let id = insert(
        &mut tx,
        &draft(SilenceSubject::Group { group_id }),
        &[Matcher::equal("group", "g")],
    )
    .await;
    assert!(tx.silence_revision().await.unwrap() > 0);
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.note_placed(id, 1, "a1", None, false).await.unwrap();
    tx.note_placed(id, 1, "a2", Some(NOON), true).await.unwrap();
    tx.note_silences_looked(Some("Alertmanager sleeps"))
        .await
        .unwrap();
    assert_eq!(tx.silence(id, &Scope::All).await.unwrap().problem, None);
    tx.update_group(group_id, None, &group("h"), &Scope::All)
        .await
        .unwrap();
    assert_eq!(tx.follow_group_names().await.unwrap(), 1);
    assert_eq!(tx.follow_group_names().await.unwrap(), 0);
    let found = tx.silence(id, &Scope::All).await.unwrap();
    assert_eq!(found.matchers, [Matcher::equal("group", "h")]);
    assert_eq!(found.problem.as_deref(), Some("Alertmanager sleeps"));
    assert_eq!(found.put_back, 1);
    tx.note_silences_looked(None).await.unwrap();
    assert_eq!(tx.silence(id, &Scope::All).await.unwrap().problem, None);
    let open = tx.open_silences().await.unwrap().remove(0);
    assert_eq!(open.alertmanager_id.as_deref(), Some("a2"));
    assert_eq!(open.former_ids, ["a1"]);
    assert_eq!((open.placed_version, open.version), (Some(1), 2));
    assert_eq!(open.seen_update, Some(NOON));
    let (known, references) = tx.known_silences().await.unwrap();
    assert_eq!(known, HashSet::from(["a1".to_owned(), "a2".to_owned()]));
    assert_eq!(references, HashSet::from([open.reference]));
    tx.note_refused(id, "no such regex").await.unwrap();
    let found = tx.silence(id, &Scope::All).await.unwrap();
    assert_eq!(found.problem.as_deref(), Some("no such regex"));
    tx.note_moved(id, (NOON, NOON.after(HOUR)), NOON)
        .await
        .unwrap();
    tx.note_ended(id, NOON, "Alertmanager").await.unwrap();
    let found = tx.silence(id, &Scope::All).await.unwrap();
    assert_eq!((found.state, found.ends_at), (SilenceState::Expired, NOON));
    tx.commit().await.unwrap();

    let theirs = HeldSilence {
        id: "b1".to_owned(),
        state: HeldState::Active,
        matchers: vec![Matcher::equal("server_id", "7")],
        starts_at: NOON,
        ends_at: NOON.after(HOUR),
        updated_at: NOON,
        author: "somebody".to_owned(),
        comment: "by hand".to_owned(),
    };
    let expired = HeldSilence {
        state: HeldState::Expired,
        ends_at: NOON,
        updated_at: NOON.after(HOUR),
        ..theirs.clone()
    };
    let foreign = SilenceFilter {
        origin: Some(SilenceOrigin::Alertmanager),
        ..SilenceFilter::default()
    };
    for (held, is_news, states) in [
        (vec![&theirs], true, vec![SilenceState::Active]),
        (vec![&theirs], false, vec![SilenceState::Active]),
        (vec![&expired], true, vec![SilenceState::Expired]),
        (vec![], true, vec![]),
    ] {
        let mut tx = store.write().await.unwrap();
        assert_eq!(tx.mirror_foreign(&held).await.unwrap(), is_news);
        tx.commit().await.unwrap();
        let found = listed(&store, foreign.clone(), &Scope::All).await;
        let found: Vec<SilenceState> = found.iter().map(|silence| silence.state).collect();
        assert_eq!(found, states);
    }
}

pub(super) async fn windows_make_silences_once(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let group_id = tx.insert_group(&group("g")).await.unwrap().id;
    let other = tx.insert_group(&group("h")).await.unwrap().id;
    tx.commit().await.unwrap();
    let body =
        |group: Id, name: &str| -> WindowBody {
            serde_json::from_value(serde_json::json!({"name": name, "group_id": group, "when": {
            "repeat": "daily", "start": "22:00", "duration": "1h", "time_zone": "Asia/Shanghai",
        }}))
        .unwrap()
        };
    let parsed = |group: Id, name: &str| WindowDraft::parse(&body(group, name)).unwrap();
    let mut tx = store.write().await.unwrap();
    let window = tx
        .insert_maintenance_window(&parsed(group_id, "nights"), "root")
        .await
        .unwrap();
    assert_eq!(window.when, body(group_id, "nights").when);
    tx.commit().await.unwrap();
    let refused = async |draft: WindowDraft| {
        let mut tx = store.write().await.unwrap();
        let refused = tx.insert_maintenance_window(&draft, "root").await;
        refused.expect_err("it is refused")
    };
    let taken = refused(parsed(group_id, "nights")).await;
    assert!(matches!(taken, StoreError::Taken { .. }), "{taken}");
    let dangling = refused(parsed(99, "days")).await;
    assert!(
        matches!(dangling, StoreError::Dangling { .. }),
        "{dangling}"
    );
    let mut tx = store.write().await.unwrap();
    let window = tx
        .insert_maintenance_window(&parsed(group_id, "mornings"), "root")
        .await
        .unwrap();
    let occurrence = parsed(group_id, "x").recurrence.next(NOON, 1)[0];
    let made = NewSilence {
        draft: &SilenceDraft {
            starts_at: occurrence.starts_at,
            ends_at: occurrence.ends_at,
            ..draft(SilenceSubject::Group { group_id })
        },
        matchers: &[Matcher::equal("group", "g")],
        author: "root",
        window: Some((window.id, window.version, occurrence)),
    };
    let silence = tx.insert_silence(&made).await.unwrap();
    assert_eq!(silence.origin, SilenceOrigin::Window);
    let found = tx.silences_of_window(window.id).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].occurrence), (silence.id, occurrence));
    assert!(!found[0].is_ended);
    let scope = Scope::Groups(BTreeSet::from([other]));
    let hidden = tx.maintenance_window(window.id, &scope).await;
    assert!(matches!(hidden, Err(StoreError::NotFound { .. })));
    let (filter, sort) = (WindowFilter::default(), Sort::<NameSort>::default());
    let page = PageRequest::default();
    let list = tx.maintenance_windows(&filter, sort, &scope, page).await;
    assert_eq!(list.unwrap().total, 0);
    let (_, after) = tx
        .update_maintenance_window(
            window.id,
            Some(1),
            &parsed(other, "mornings"),
            "eve",
            &Scope::All,
        )
        .await
        .unwrap();
    assert_eq!((after.author.as_str(), after.version), ("eve", 2));
    tx.delete_maintenance_window(window.id, Some(2), &Scope::All)
        .await
        .unwrap();
    assert_eq!(tx.silences_without_window().await.unwrap(), [silence.id]);
    tx.commit().await.unwrap();
}
