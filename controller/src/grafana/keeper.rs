//! Looks at Grafana again and again, and makes it match.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::board::{Board, ObjectState, ObjectStatus, Section, state_of};
use super::client::{Client, FoundDashboard, GrafanaError};
use super::judge::{self, Verdict};
use super::source;
use crate::config::{Config, DataSource, Drift, GrafanaConfig};
use crate::dashboards::{self, FOLDER_UID, Options};
use crate::model::{AuditEvent, GrafanaKind, GrafanaRecord};
use crate::store::{Store, StoreError};
use crate::sync::State;

/// Pause after a first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Who it is in the audit trail.
const ACTOR: &str = concat!("ipmi_controller ", env!("CARGO_PKG_VERSION"));

/// Why a look ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// Grafana.
    #[error(transparent)]
    Grafana(#[from] GrafanaError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps one Grafana. Cheap to clone.
#[derive(Clone)]
pub struct Keeper {
    store: Store,
    client: Client,
    config: Arc<GrafanaConfig>,
    sources: Arc<[DataSource]>,
    options: Arc<Options>,
    board: Board,
    nudge: Arc<Notify>,
    /// Grafana's URL, under which objects are remembered.
    name: String,
}

type Records = BTreeMap<(GrafanaKind, String), GrafanaRecord>;

impl Keeper {
    /// One for the Grafana of the configuration; `None` when it gives no token.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(store: Store, config: &Config) -> Result<Option<Self>, GrafanaError> {
        if config.grafana.token_file.is_none() {
            return Ok(None);
        }
        let Some(client) = Client::new(&config.grafana)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            board: Board::new(store.clock().now()),
            name: client.url().to_string(),
            store,
            client,
            sources: config.data_sources().into(),
            options: Arc::new(config.dashboard_options()),
            config: Arc::new(config.grafana.clone()),
            nudge: Arc::new(Notify::new()),
        }))
    }

    /// Where everything stands.
    #[must_use]
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// Grafana's URL, under which objects are remembered.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Has it look now.
    pub fn look_now(&self) {
        self.nudge.notify_one();
    }

    /// Looks again and again until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        let mut is_failing = false;
        loop {
            let looked = tokio::select! {
                () = shutdown.cancelled() => return,
                looked = self.look() => looked,
            };
            let rest = match looked {
                Ok(true) => {
                    (pause, is_failing) = (FIRST_PAUSE, false);
                    self.config.interval()
                }
                failed => {
                    if let (Err(error), false) = (failed, is_failing) {
                        // It is told once, not with each look.
                        tracing::warn!(%error, "Grafana could not be kept in step");
                    }
                    is_failing = true;
                    let rest = jittered(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    rest
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Looks once, and does what is needed. Whether all could be done.
    ///
    /// # Errors
    /// When Grafana as a whole, or the store, fails.
    pub async fn look(&self) -> Result<bool, KeepError> {
        match self.look_at_all().await {
            Ok(is_good) => Ok(is_good),
            Err(error) => {
                let now = self.store.clock().now();
                let state = match &error {
                    KeepError::Grafana(
                        GrafanaError::Unreachable { .. }
                        | GrafanaError::TimedOut { .. }
                        | GrafanaError::Failed { .. },
                    ) => State::Pending,
                    _ => State::Failed,
                };
                self.board.with(|sections| {
                    for section in [&mut sections.sources, &mut sections.dashboards] {
                        section.row.fail(now);
                        section.row.stand(state, error.to_string(), now);
                    }
                });
                Err(error)
            }
        }
    }

    async fn look_at_all(&self) -> Result<bool, KeepError> {
        let mut tx = self.store.read().await?;
        let records: Records = tx.grafana_objects(&self.name).await?.into_iter().collect();
        drop(tx);
        let is_removed = self.config.remove;
        let mut dashboards = Vec::new();
        let mut sources = Vec::new();
        if !is_removed {
            for source in self.sources.iter() {
                let status = told(self.source(source, &records).await)?;
                sources.push((source.uid.clone(), status));
            }
            match told(self.folder(&records).await)? {
                folder if folder.state == ObjectState::Failed => {
                    dashboards.push((FOLDER_UID.to_owned(), folder));
                }
                _ => {
                    for dashboard in dashboards::all() {
                        let content = dashboard.write(&self.options);
                        let status = told(self.dashboard(dashboard.uid, &content, &records).await)?;
                        dashboards.push((dashboard.uid.to_owned(), status));
                    }
                }
            }
        }
        self.tidy(&records, &mut sources, &mut dashboards).await?;
        let now = self.store.clock().now();
        let is_good = self.board.with(|sections| {
            let mut is_good = true;
            for (section, objects) in [
                (&mut sections.sources, sources),
                (&mut sections.dashboards, dashboards),
            ] {
                let (state, message) = state_of(&objects, is_removed);
                if state == State::Failed {
                    section.row.fail(now);
                    is_good = false;
                } else {
                    section.row.verified_at = Some(now);
                }
                section.row.entries = i64::try_from(objects.len()).unwrap_or(i64::MAX);
                section.row.warnings = objects
                    .iter()
                    .filter(|(_, status)| !status.message.is_empty())
                    .map(|(uid, status)| format!("{uid}: {}", status.message))
                    .collect();
                section.row.stand(state, message, now);
                section.objects = objects;
            }
            is_good
        });
        Ok(is_good)
    }

    async fn source(
        &self,
        source: &DataSource,
        records: &Records,
    ) -> Result<ObjectStatus, KeepError> {
        let kind = GrafanaKind::DataSource;
        let record = records.get(&(kind, source.uid.clone()));
        let found = self.client.data_source(&source.uid).await?;
        let source::Wanted { mut body, digest } = source::wanted(source, &self.store)?;
        let verdict = judge::data_source(&body, &digest, record, found.as_ref(), self.config.drift);
        let path = format!("grafana/datasources/{}", source.uid);
        let new = |is_made: bool| GrafanaRecord {
            wanted: digest.clone(),
            shown: String::new(),
            version: 0,
            is_made,
            adopted: None,
        };
        match verdict {
            Verdict::Make => {
                self.client.create_data_source(&body).await?;
                self.remember(
                    kind,
                    &source.uid,
                    &new(true),
                    Some(("data_source.publish", path)),
                )
                .await?;
            }
            Verdict::Update | Verdict::Repair => {
                // Which one is the default is people's business.
                if let Some(found) = &found {
                    body["isDefault"] = found["isDefault"].as_bool().unwrap_or_default().into();
                }
                self.client.update_data_source(&source.uid, &body).await?;
                let is_made = record.is_some_and(|record| record.is_made);
                let action = match verdict {
                    Verdict::Repair => "data_source.repair",
                    _ => "data_source.publish",
                };
                self.remember(kind, &source.uid, &new(is_made), Some((action, path)))
                    .await?;
                if verdict == Verdict::Repair {
                    self.count_repair(|sections| &mut sections.sources);
                }
            }
            Verdict::Remember => self.remember(kind, &source.uid, &new(false), None).await?,
            Verdict::InPlace
            | Verdict::Adopt
            | Verdict::Leave
            | Verdict::Provisioned { .. }
            | Verdict::Foreign => {}
        }
        Ok(standing(
            &verdict,
            "data source",
            found.is_some(),
            String::new(),
            None,
        ))
    }

    async fn folder(&self, records: &Records) -> Result<ObjectStatus, KeepError> {
        let kind = GrafanaKind::Folder;
        let title = &self.config.folder;
        let record = records.get(&(kind, FOLDER_UID.to_owned()));
        let new = |is_made: bool, version: i64| GrafanaRecord {
            wanted: title.clone(),
            shown: title.clone(),
            version,
            is_made,
            adopted: None,
        };
        let path = || "grafana/folders/".to_owned() + FOLDER_UID;
        match self.client.folder(FOLDER_UID).await? {
            None => {
                let made = self.client.create_folder(FOLDER_UID, title).await?;
                let record = new(true, made.version);
                let event = ("folder.publish", path());
                self.remember(kind, FOLDER_UID, &record, Some(event))
                    .await?;
            }
            Some(found) => {
                let is_wanted = record.is_some_and(|record| record.wanted == *title);
                let is_made = record.is_some_and(|record| record.is_made);
                // With other words for drift a title that people gave it stays.
                let is_renamed =
                    found.title != *title && (self.config.drift == Drift::Repair || !is_wanted);
                if is_renamed {
                    let renamed = self
                        .client
                        .rename_folder(FOLDER_UID, title, found.version)
                        .await?;
                    let record = new(is_made, renamed.version);
                    let event = ("folder.publish", path());
                    self.remember(kind, FOLDER_UID, &record, Some(event))
                        .await?;
                } else if !is_wanted {
                    let record = new(is_made, found.version);
                    self.remember(kind, FOLDER_UID, &record, None).await?;
                }
            }
        }
        Ok(ObjectStatus::default())
    }

    async fn dashboard(
        &self,
        uid: &str,
        content: &Value,
        records: &Records,
    ) -> Result<ObjectStatus, KeepError> {
        let record = records.get(&(GrafanaKind::Dashboard, uid.to_owned()));
        match self.look_at_dashboard(uid, content, record).await {
            // Somebody saved it between the look and the write: look again, once.
            Err(KeepError::Grafana(GrafanaError::Changed(_))) => {
                self.look_at_dashboard(uid, content, record).await
            }
            other => other,
        }
    }

    async fn look_at_dashboard(
        &self,
        uid: &str,
        content: &Value,
        record: Option<&GrafanaRecord>,
    ) -> Result<ObjectStatus, KeepError> {
        let found = self.client.dashboard(uid).await?;
        let drift = self.config.drift;
        let verdict = judge::dashboard(content, record, found.as_ref(), drift);
        let editor = found
            .as_ref()
            .map(|found| found.editor.clone())
            .unwrap_or_default();
        let adopted = record.and_then(|record| record.adopted.as_ref());
        let adopted = adopted.filter(|_| drift == Drift::Adopt);
        let path = format!("dashboards/{uid}");
        let mut version = found.as_ref().map(|found| found.version);
        let kept = |found: &FoundDashboard, is_made: bool, adopted: Option<Value>| GrafanaRecord {
            wanted: judge::digest(content),
            shown: judge::digest(&found.content),
            version: found.version,
            is_made,
            adopted,
        };
        let is_made = record.is_some_and(|record| record.is_made);
        let kind = GrafanaKind::Dashboard;
        match (&verdict, &found) {
            (Verdict::Make | Verdict::Update | Verdict::Repair, found) => {
                let goal = adopted.unwrap_or(content);
                let folder = match found {
                    Some(found) if drift != Drift::Repair => found.folder.as_str(),
                    _ => FOLDER_UID,
                };
                let (action, message) = match verdict {
                    Verdict::Repair => (
                        "dashboard.repair",
                        format!("{ACTOR} undoes an edit; grafana.drift says whether it may"),
                    ),
                    _ => ("dashboard.publish", format!("Published by {ACTOR}")),
                };
                let at = found.as_ref().map(|found| found.version);
                self.client
                    .save_dashboard(goal, at, folder, &message)
                    .await?;
                let shown = self.client.dashboard(uid).await?.ok_or_else(|| {
                    GrafanaError::Answer(format!("{uid} was saved and is not there"))
                })?;
                version = Some(shown.version);
                let mut now = kept(&shown, is_made || found.is_none(), adopted.cloned());
                // What was adopted stays known for being of an older program.
                if let (Some(_), Some(before)) = (adopted, record) {
                    now.wanted.clone_from(&before.wanted);
                }
                self.remember(kind, uid, &now, Some((action, path))).await?;
                if verdict == Verdict::Repair {
                    tracing::info!(dashboard = uid, editor, "An edit in Grafana was undone");
                    self.count_repair(|sections| &mut sections.dashboards);
                }
            }
            (Verdict::Adopt, Some(found)) => {
                let mut content = found.content.clone();
                if let Some(content) = content.as_object_mut() {
                    content.remove("id");
                    content.remove("version");
                }
                let record = kept(found, is_made, Some(content));
                let event = ("dashboard.adopt", path);
                self.remember(kind, uid, &record, Some(event)).await?;
            }
            (Verdict::Remember, Some(found)) => {
                let mut now = kept(found, is_made, adopted.cloned());
                // What was adopted stays known for being of an older program.
                if let (Some(_), Some(before)) = (adopted, record) {
                    now.wanted.clone_from(&before.wanted);
                }
                self.remember(kind, uid, &now, None).await?;
            }
            _ => {}
        }
        let mut status = standing(
            &verdict,
            "dashboard",
            found.is_some(),
            editor.clone(),
            version,
        );
        if adopted.is_some() && status.state == ObjectState::InSync {
            status.state = ObjectState::Adopted;
            status.editor = editor;
            if record.is_some_and(|record| record.wanted != judge::digest(content)) {
                status.message = format!(
                    "is as people made it, and the program has a newer one: POST dashboards/{uid}/reset takes that"
                );
            }
        }
        Ok(status)
    }

    /// Takes away what is remembered and not wanted any more.
    async fn tidy(
        &self,
        records: &Records,
        sources: &mut Vec<(String, ObjectStatus)>,
        dashboards: &mut Vec<(String, ObjectStatus)>,
    ) -> Result<(), KeepError> {
        let is_removed = self.config.remove;
        let mut kept: BTreeSet<(GrafanaKind, &str)> = BTreeSet::new();
        if !is_removed {
            kept.insert((GrafanaKind::Folder, FOLDER_UID));
            for source in self.sources.iter() {
                kept.insert((GrafanaKind::DataSource, &source.uid));
            }
            let all = dashboards::all();
            kept.extend(
                all.iter()
                    .map(|dashboard| (GrafanaKind::Dashboard, dashboard.uid)),
            );
        }
        // Dashboards first: a folder goes only when it is empty.
        for ((kind, uid), record) in records.iter().rev() {
            if kept.contains(&(*kind, uid.as_str())) {
                continue;
            }
            let (removed, list) = match kind {
                GrafanaKind::Dashboard => {
                    (self.remove_dashboard(uid, record).await, &mut *dashboards)
                }
                GrafanaKind::Folder => (self.remove_folder(uid, record).await, &mut *dashboards),
                GrafanaKind::DataSource => (self.remove_source(uid, record).await, &mut *sources),
            };
            let status = told(removed)?;
            if status.state != ObjectState::Removed {
                list.push((uid.clone(), status));
            }
        }
        Ok(())
    }

    async fn remove_dashboard(
        &self,
        uid: &str,
        record: &GrafanaRecord,
    ) -> Result<ObjectStatus, KeepError> {
        if let Some(found) = self.client.dashboard(uid).await?
            && !found.is_provisioned
        {
            let is_edited = record.adopted.is_some()
                || found.version != record.version && judge::digest(&found.content) != record.shown;
            if is_edited && self.config.drift != Drift::Repair {
                return Ok(ObjectStatus {
                    state: ObjectState::Drifted,
                    message: "is not wanted any more and was edited, so it stays; delete it by hand, or set grafana.drift to repair".to_owned(),
                    version: Some(found.version),
                    editor: found.editor,
                });
            }
            self.client.delete_dashboard(uid).await?;
        }
        let path = format!("dashboards/{uid}");
        self.forget(GrafanaKind::Dashboard, uid, ("dashboard.remove", path))
            .await
    }

    async fn remove_folder(
        &self,
        uid: &str,
        record: &GrafanaRecord,
    ) -> Result<ObjectStatus, KeepError> {
        if record.is_made && self.client.folder(uid).await?.is_some() {
            if !self.client.folder_is_empty(uid).await? {
                return Ok(ObjectStatus {
                    state: ObjectState::Drifted,
                    message: "the folder stays: something of others is in it".to_owned(),
                    ..ObjectStatus::default()
                });
            }
            self.client.delete_folder(uid).await?;
        }
        let path = format!("grafana/folders/{uid}");
        self.forget(GrafanaKind::Folder, uid, ("folder.remove", path))
            .await
    }

    async fn remove_source(
        &self,
        uid: &str,
        record: &GrafanaRecord,
    ) -> Result<ObjectStatus, KeepError> {
        if record.is_made {
            self.client.delete_data_source(uid).await?;
        }
        let path = format!("grafana/datasources/{uid}");
        self.forget(GrafanaKind::DataSource, uid, ("data_source.remove", path))
            .await
    }

    async fn forget(
        &self,
        kind: GrafanaKind,
        uid: &str,
        (action, path): (&'static str, String),
    ) -> Result<ObjectStatus, KeepError> {
        let mut tx = self.store.write().await?;
        tx.forget_grafana_object(&self.name, kind, uid).await?;
        tx.append_audit(&event(action, path, None)).await?;
        tx.commit().await?;
        Ok(ObjectStatus {
            state: ObjectState::Removed,
            ..ObjectStatus::default()
        })
    }

    async fn remember(
        &self,
        kind: GrafanaKind,
        uid: &str,
        record: &GrafanaRecord,
        done: Option<(&'static str, String)>,
    ) -> Result<(), KeepError> {
        let mut tx = self.store.write().await?;
        tx.put_grafana_object(&self.name, kind, uid, record).await?;
        if let Some((action, path)) = done {
            let after = json!({"grafana": self.name, "version": record.version});
            tx.append_audit(&event(action, path, Some(after))).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    fn count_repair(&self, section: impl FnOnce(&mut super::board::Sections) -> &mut Section) {
        let now = self.store.clock().now();
        self.board.with(|sections| {
            let row = &mut section(sections).row;
            row.repairs += 1;
            row.repaired_at = Some(now);
        });
    }
}

/// What only one object is about becomes its status; the rest ends the look.
fn told(result: Result<ObjectStatus, KeepError>) -> Result<ObjectStatus, KeepError> {
    match result {
        Err(KeepError::Grafana(error)) if !error.is_general() => Ok(ObjectStatus {
            state: ObjectState::Failed,
            message: error.to_string(),
            ..ObjectStatus::default()
        }),
        other => other,
    }
}

/// Where an object stands once a verdict was carried out.
fn standing(
    verdict: &Verdict,
    what: &str,
    is_there: bool,
    editor: String,
    version: Option<i64>,
) -> ObjectStatus {
    let (state, message) = match verdict {
        Verdict::InPlace
        | Verdict::Remember
        | Verdict::Make
        | Verdict::Update
        | Verdict::Repair => (ObjectState::InSync, String::new()),
        Verdict::Adopt => (ObjectState::Adopted, String::new()),
        Verdict::Leave if is_there => (
            ObjectState::Drifted,
            format!("the {what} was edited in Grafana, and grafana.drift leaves that"),
        ),
        Verdict::Leave => (
            ObjectState::Drifted,
            format!("the {what} was deleted in Grafana, and grafana.drift leaves that"),
        ),
        Verdict::Provisioned { is_wanted: true } => (ObjectState::Provisioned, String::new()),
        Verdict::Provisioned { is_wanted: false } => (
            ObjectState::Drifted,
            format!(
                "a file of Grafana's provisioning owns the {what} and says something else; remove that file, or write it anew with `ipmi_controller dashboards`"
            ),
        ),
        Verdict::Foreign => (
            ObjectState::Failed,
            format!(
                "Grafana has a {what} of another origin with this unique name; give that another one"
            ),
        ),
    };
    let is_edited = matches!(state, ObjectState::Drifted | ObjectState::Adopted);
    ObjectStatus {
        state,
        message,
        version,
        editor: if is_edited { editor } else { String::new() },
    }
}

fn event(action: &'static str, resource: String, after: Option<Value>) -> AuditEvent {
    AuditEvent {
        actor: ACTOR.to_owned(),
        actor_id: None,
        source: None,
        action,
        resource,
        before: None,
        after,
    }
}

/// Up to a quarter less, so that several controllers do not come at once.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 - rand::random::<f64>() / 4.0)
}
