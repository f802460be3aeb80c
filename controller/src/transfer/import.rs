//! Rows become servers, in one transaction: all of them, or those that are right.

use std::collections::{HashMap, HashSet};

use axum::body::Bytes;
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::login::Logins;
use super::report::{Line, Outcome, Report};
use super::{FileError, Form, Parsed, Row, parse};
use crate::auth::Principal;
use crate::model::{AuditEvent, GroupBody, GroupDraft, Id, Invalid, Scope, Server, ServerDraft};
use crate::store::{Names, Places, Session, Store, StoreError};

/// Most names of new groups that a report lists.
const MAX_NEW_GROUPS: usize = 1000;

/// What rows do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Make servers; a name that exists is a mistake.
    #[default]
    Create,
    /// Change servers; a name that does not exist is a mistake.
    Update,
    /// Make those that do not exist, change the others.
    Upsert,
}

/// How a file is imported.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What rows do.
    pub mode: Mode,
    /// Change nothing, and say what would become.
    pub dry_run: bool,
    /// Keep the rows that are right when others are not.
    pub partial: bool,
    /// Make groups that there are not.
    pub create_groups: bool,
    /// Tell only of rows with which something is wrong.
    pub errors_only: bool,
    /// Whether new servers are asked when their row does not say.
    pub monitoring_by_default: bool,
    /// Group of new servers whose row names none.
    pub group_id: Option<Id>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread that read it is gone.
    #[error("the reading of the file ended in a panic")]
    Reader,
}

/// Imports a file.
///
/// # Errors
/// Then nothing was changed. Rows with which something is wrong are in the report.
pub async fn import(
    store: &Store,
    principal: &Principal,
    settings: Settings,
    file: Bytes,
    form: Form,
) -> Result<Report, ImportError> {
    let (sender, mut rows) = mpsc::channel(2);
    let reader = tokio::task::spawn_blocking(move || parse(&file, form, &sender));
    let mut importer = Importer::new(store, principal, settings).await?;
    while let Some(chunk) = rows.recv().await {
        importer.take(chunk).await?;
    }
    reader.await.map_err(|_| ImportError::Reader)??;
    Ok(importer.finish().await?)
}

/// What is imported, some hundred rows at a time.
pub struct Importer<'a> {
    session: Session,
    principal: &'a Principal,
    scope: Scope,
    settings: Settings,
    names: Names,
    logins: Logins,
    /// Names and places that rows had, with their lines.
    seen_names: HashMap<String, u64>,
    seen_places: HashMap<(String, u16), u64>,
    /// Servers that have left their place.
    moved: HashSet<Id>,
    /// Stand for groups that were not made.
    imagined: Id,
    report: Report,
}

/// A row that is right, and the server that it is about.
struct Planned {
    line: u64,
    before: Option<Server>,
    draft: ServerDraft,
}

/// What a row wants of references.
struct References {
    group: Wanted,
    exporter_id: Option<Id>,
    credential: Login,
}

/// A group that a row wants.
enum Wanted {
    Known(Option<Id>),
    New(GroupDraft),
}

/// A profile that a row wants.
enum Login {
    Known(Option<Id>),
    Pair,
}

impl<'a> Importer<'a> {
    /// Begins. Unless nothing is to be changed, others wait with their changes until
    /// it is finished.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(
        store: &Store,
        principal: &'a Principal,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let mut session = Session::begin(store, settings.dry_run).await?;
        let names = session.tx().names().await?;
        Ok(Self {
            session,
            principal,
            scope: principal.scope(),
            report: Report {
                dry_run: settings.dry_run,
                ..Report::default()
            },
            settings,
            names,
            logins: Logins::default(),
            seen_names: HashMap::new(),
            seen_places: HashMap::new(),
            moved: HashSet::new(),
            imagined: 0,
        })
    }

    /// Takes rows, no more than some hundred.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(&mut self, rows: Vec<Parsed>) -> Result<(), StoreError> {
        let mut known = self.known(&rows).await?;
        let places = self.places(&rows, &known).await?;
        let mut planned = Vec::with_capacity(rows.len());
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let row = match row {
                Ok(row) => row,
                Err(line) => {
                    lines.push(line);
                    continue;
                }
            };
            let before = known.remove(&row.name);
            match self.plan(&row, before, &places).await? {
                Ok(plan) => planned.push(plan),
                Err(errors) => lines.push(Line::wrong(row.line, &row.name, errors)),
            }
        }
        let failed = !lines.is_empty() || self.report.failed > 0;
        lines.extend(self.write(planned, failed).await?);
        lines.sort_by_key(|line| line.line);
        for line in lines {
            self.report.add(line, self.settings.errors_only);
        }
        Ok(())
    }

    /// Makes the changes durable, if they are to be.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn finish(mut self) -> Result<Report, StoreError> {
        self.report.new_credentials = self.logins.into_made();
        let is_right = self.report.failed == 0 || self.settings.partial;
        if is_right {
            self.report.applied = self.session.commit().await?;
        }
        Ok(self.report)
    }

    /// Whether rows are still written: after a mistake that undoes everything, the
    /// others are only looked at.
    fn writes(&self, failed: bool) -> bool {
        matches!(self.session, Session::Write(_)) && (!failed || self.settings.partial)
    }

    /// The servers that rows name.
    async fn known(&mut self, rows: &[Parsed]) -> Result<HashMap<String, Server>, StoreError> {
        let names: Vec<&str> = rows.iter().flatten().map(|row| row.name.as_str()).collect();
        self.session.tx().servers_named(&names).await
    }

    /// Who is at the places that rows want.
    async fn places(
        &mut self,
        rows: &[Parsed],
        known: &HashMap<String, Server>,
    ) -> Result<Places, StoreError> {
        let mut wanted: Vec<(String, u16)> = Vec::with_capacity(rows.len());
        for row in rows.iter().flatten() {
            let body = row.body(known.get(&row.name), false);
            // What is no place is named later.
            if let Ok(draft) = ServerDraft::parse(&body) {
                wanted.push(place(&draft));
            }
        }
        let wanted: Vec<(&str, u16)> = wanted
            .iter()
            .map(|(address, port)| (address.as_str(), *port))
            .collect();
        self.session.tx().servers_at(&wanted).await
    }

    /// What a row does, or what is wrong with it.
    async fn plan(
        &mut self,
        row: &Row,
        before: Option<Server>,
        places: &Places,
    ) -> Result<Result<Planned, Vec<Invalid>>, StoreError> {
        let mut errors = Vec::new();
        if let Some(line) = self.seen_names.get(&row.name) {
            errors.push(Invalid::new("name", format!("is that of line {line} too")));
            return Ok(Err(errors));
        }
        self.seen_names.insert(row.name.clone(), row.line);
        if let Err(error) = self.check_mode(before.as_ref()) {
            return Ok(Err(vec![error]));
        }
        if before.is_none() && row.address.is_none() {
            errors.push(Invalid::new("address", "is missing"));
            return Ok(Err(errors));
        }
        let body = row.body(before.as_ref(), self.settings.monitoring_by_default);
        let draft = match ServerDraft::parse(&body) {
            Ok(draft) => Some(draft),
            Err(found) => {
                errors.extend(found);
                None
            }
        };
        if let Some(draft) = &draft {
            errors.extend(self.check_place(draft, before.as_ref(), places));
        }
        let references = self.references(row, before.as_ref());
        let (mut draft, references) = match (draft, references) {
            (Some(draft), Ok(references)) if errors.is_empty() => (draft, references),
            (_, Err(found)) => {
                errors.extend(found);
                return Ok(Err(errors));
            }
            _ => return Ok(Err(errors)),
        };
        draft.exporter_id = references.exporter_id;
        draft.credential_id = match references.credential {
            Login::Known(id) => id,
            Login::Pair => match self.login(row).await? {
                Ok(id) => Some(id),
                Err(errors) => return Ok(Err(errors)),
            },
        };
        draft.group_id = match references.group {
            Wanted::Known(id) => id,
            Wanted::New(group) => Some(self.make_group(&group).await?),
        };
        let place = place(&draft);
        if let Some(before) = &before
            && (&before.address, before.port) != (&place.0, place.1)
        {
            self.moved.insert(before.id);
        }
        self.seen_places.insert(place, row.line);
        Ok(Ok(Planned {
            line: row.line,
            before,
            draft,
        }))
    }

    /// What is wrong with the place that a row wants, if anything is.
    fn check_place(
        &self,
        draft: &ServerDraft,
        before: Option<&Server>,
        places: &Places,
    ) -> Option<Invalid> {
        let place = place(draft);
        if let Some(line) = self.seen_places.get(&place) {
            let message = format!("with this port is that of line {line} too");
            return Some(Invalid::new("address", message));
        }
        let owner = places.get(&place)?;
        let is_free =
            before.is_some_and(|before| before.id == *owner) || self.moved.contains(owner);
        let message = "another server has this address and port already";
        (!is_free).then(|| Invalid::new("address", message))
    }

    fn check_mode(&self, before: Option<&Server>) -> Result<(), Invalid> {
        match (self.settings.mode, before) {
            (Mode::Create, Some(_)) => {
                Err(Invalid::new("name", "another server has this name already"))
            }
            (Mode::Update, None) => Err(Invalid::new("name", "there is no server of this name")),
            // Who is limited to groups must not change what they do not see, and
            // learns no more of it than that the name is taken.
            (_, Some(before)) if !self.scope.covers(before.group_id) => {
                Err(Invalid::new("name", "another server has this name already"))
            }
            _ => Ok(()),
        }
    }

    /// The rows that a row names.
    fn references(&self, row: &Row, before: Option<&Server>) -> Result<References, Vec<Invalid>> {
        let mut errors = Vec::new();
        let mut find = |field: &str, known: &HashMap<String, Id>, name: Option<&String>| {
            let name = name.filter(|name| !name.is_empty())?;
            let id = known.get(name).copied();
            if id.is_none() {
                errors.push(Invalid::new(
                    field,
                    format!("there is no {field} \"{name}\""),
                ));
            }
            id
        };
        let exporter_id = match &row.exporter {
            Some(name) => find("exporter", &self.names.exporters, Some(name)),
            None => before.and_then(|before| before.exporter_id),
        };
        let has_login = row.username.is_some() || row.password.is_some();
        let credential = match &row.credential {
            Some(name) if !name.is_empty() || !has_login => {
                Login::Known(find("credential", &self.names.credentials, Some(name)))
            }
            _ if has_login => Login::Pair,
            _ => Login::Known(before.and_then(|before| before.credential_id)),
        };
        if has_login && matches!(credential, Login::Known(Some(_))) {
            let message = "stands beside a credential profile; one of both is possible";
            errors.push(Invalid::new("username", message));
        }
        let group = match &row.group {
            Some(name) if name.is_empty() => Wanted::Known(None),
            Some(name) => match self.names.groups.get(name) {
                Some(id) => Wanted::Known(Some(*id)),
                None if self.settings.create_groups => {
                    let body = GroupBody {
                        name: name.clone(),
                        description: String::new(),
                    };
                    match GroupDraft::parse(&body) {
                        Ok(group) => Wanted::New(group),
                        Err(found) => {
                            let messages = found.into_iter().map(|error| error.message);
                            errors.extend(messages.map(|message| Invalid::new("group", message)));
                            Wanted::Known(None)
                        }
                    }
                }
                None => {
                    let message = format!("there is no group \"{name}\"");
                    errors.push(Invalid::new("group", message));
                    Wanted::Known(None)
                }
            },
            None => Wanted::Known(before.map_or(self.settings.group_id, |before| before.group_id)),
        };
        if let Wanted::Known(id) = &group
            && errors.is_empty()
            && !self.scope.covers(*id)
        {
            let message = "is none of the groups that you are limited to";
            errors.push(Invalid::new("group", message));
        }
        if errors.is_empty() {
            Ok(References {
                group,
                exporter_id,
                credential,
            })
        } else {
            Err(errors)
        }
    }

    /// The profile for a row's user name and password.
    async fn login(&mut self, row: &Row) -> Result<Result<Id, Vec<Invalid>>, StoreError> {
        let (Some(username), Some(password)) = (&row.username, &row.password) else {
            let missing = if row.username.is_none() {
                "username"
            } else {
                "password"
            };
            let message = "is missing; user name and password come together";
            return Ok(Err(vec![Invalid::new(missing, message)]));
        };
        let draft = match Logins::check(username, password) {
            Ok(draft) => draft,
            Err(errors) => return Ok(Err(errors)),
        };
        let found = self
            .logins
            .find(self.session.tx(), username, password)
            .await?;
        if let Some(id) = found {
            return Ok(Ok(id));
        }
        if self.logins.is_full() {
            let message = "is one more than the 1,000 pairs of user name and password that a \
                           file may have; make credential profiles and name those";
            return Ok(Err(vec![Invalid::new("username", message)]));
        }
        let writes = self.writes(self.report.failed > 0);
        let tx = match &mut self.session {
            Session::Write(tx) if writes => Some(tx),
            _ => None,
        };
        let names = &mut self.names.credentials;
        let made = self.logins.make(tx, self.principal, names, draft, password);
        Ok(Ok(made.await?))
    }

    async fn make_group(&mut self, draft: &GroupDraft) -> Result<Id, StoreError> {
        let name = draft.name.as_str().to_owned();
        let writes = self.writes(self.report.failed > 0);
        let id = match &mut self.session {
            Session::Write(tx) if writes => {
                let made = tx.insert_group(draft).await?;
                let event = self
                    .principal
                    .event("group.create", format!("groups/{}", made.id));
                tx.append_audit(&event.with(None, Some(&made))).await?;
                made.id
            }
            _ => {
                self.imagined -= 1;
                self.imagined
            }
        };
        if self.report.new_groups.len() < MAX_NEW_GROUPS {
            self.report.new_groups.push(name.clone());
        }
        self.names.groups.insert(name, id);
        Ok(id)
    }

    /// Writes what was planned, with its entries in the audit trail.
    async fn write(
        &mut self,
        planned: Vec<Planned>,
        failed: bool,
    ) -> Result<Vec<Line>, StoreError> {
        let mut lines = Vec::with_capacity(planned.len());
        let mut new = Vec::new();
        let mut changed = Vec::new();
        for plan in &planned {
            let line = |outcome, id| Line {
                line: plan.line,
                name: plan.draft.name.as_str().to_owned(),
                outcome,
                id,
                errors: Vec::new(),
            };
            let Some(before) = &plan.before else {
                new.push((&plan.draft, lines.len()));
                lines.push(line(Outcome::Created, None));
                continue;
            };
            let after = plan.draft.stored(
                before.id,
                before.version,
                before.created_at,
                before.updated_at,
            );
            if after == *before {
                lines.push(line(Outcome::Unchanged, Some(before.id)));
            } else {
                changed.push((before, &plan.draft));
                lines.push(line(Outcome::Updated, Some(before.id)));
            }
        }
        if !self.writes(failed) {
            return Ok(lines);
        }
        let Session::Write(tx) = &mut self.session else {
            return Ok(lines);
        };
        // First those that may leave a place that a new one takes.
        let replaced = tx.replace_servers(&changed).await?;
        let drafts: Vec<&ServerDraft> = new.iter().map(|(draft, _)| *draft).collect();
        let inserted = tx.insert_servers(&drafts).await?;
        let mut events: Vec<AuditEvent> = Vec::with_capacity(replaced.len() + inserted.len());
        for ((before, _), after) in changed.iter().zip(&replaced) {
            let event = self
                .principal
                .event("server.update", format!("servers/{}", after.id));
            events.push(event.with(Some(*before), Some(after)));
        }
        for ((_, at), after) in new.iter().zip(&inserted) {
            let event = self
                .principal
                .event("server.create", format!("servers/{}", after.id));
            events.push(event.with(None, Some(after)));
            if let Some(line) = lines.get_mut(*at) {
                line.id = Some(after.id);
            }
        }
        tx.append_audits(&events).await?;
        Ok(lines)
    }
}

/// Address and port.
fn place(draft: &ServerDraft) -> (String, u16) {
    (draft.address.as_str().to_owned(), draft.port.0)
}
