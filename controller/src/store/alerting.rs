//! What Alertmanager's configuration is made of. The parts that people make are
//! rows of one table, each kind with a body of its own; their secrets are in the
//! table of secrets.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use zeroize::Zeroizing;

use super::guard::expect_version;
use super::query::{List, Query, name_order, statements};
use super::{StoreError, Tx, WriteTx, json, moment, to_json};
use crate::clock::Timestamp;
use crate::model::alerting::{
    Alerting, AlertingSettings, AlertingSettingsDraft, Inhibition, InhibitionDraft, Integration,
    MAX_INHIBITIONS, MAX_RECEIVERS, MAX_TEMPLATES, MAX_TIME_INTERVALS, MailSettings, Matcher,
    NotificationTemplate, NotificationTemplateDraft, Receiver, ReceiverDraft, Route, RouteTree,
    SecretPlace, SecretSource, TimeInterval, TimeIntervalDraft, TimeSpan, receiver_without_mail,
};
use crate::model::{
    Id, Invalid, NameSort, Page, PageRequest, PromDuration, SecretChange, Sort, Version,
};
use crate::render::alertmanager::Vault;

macro_rules! columns {
    () => {
        "id, name, description, body, version, created_ms, updated_ms"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM alerting_parts WHERE id = $1 AND kind = $2");
    ALL = concat!("SELECT ", columns!(), " FROM alerting_parts WHERE kind = $1 ORDER BY name, id");
    COUNT = "SELECT COUNT(*) FROM alerting_parts WHERE kind = $1";
    INSERT = "INSERT INTO alerting_parts (kind, name, description, body, version, created_ms, \
              updated_ms) VALUES ($1, $2, $3, $4, 1, $5, $5) RETURNING id";
    UPDATE = "UPDATE alerting_parts SET name = $1, description = $2, body = $3, \
              version = version + 1, updated_ms = $4 WHERE id = $5";
    DELETE = "DELETE FROM alerting_parts WHERE id = $1";
    GET_DOCUMENT = "SELECT document, version, updated_ms FROM alerting_documents WHERE name = $1";
    PUT_DOCUMENT = "INSERT INTO alerting_documents (name, document, version, updated_ms) \
                    VALUES ($1, $2, 1, $3) ON CONFLICT (name) DO UPDATE SET \
                    document = excluded.document, version = alerting_documents.version + 1, \
                    updated_ms = excluded.updated_ms";
}

/// What the secrets of receivers and of the settings are for.
const RECEIVER_SECRET: &str = "receiver";
const MAIL_PASSWORD: &str = "alerting.mail_password";
/// Names of the documents.
const ROUTE: &str = "route";
const SETTINGS: &str = "settings";

/// A kind of part.
pub trait AlertingPart: Sized {
    /// The word in the table.
    const KIND: &'static str;
    /// What one is called, and several.
    const WORDS: [&'static str; 2];
    /// How many there may be.
    const LIMIT: i64;
    /// What of it is in the body.
    type Body: Serialize + DeserializeOwned;

    /// The part of a row.
    fn of(row: PartRow, body: Self::Body) -> Self;
}

/// What all parts have in common.
#[derive(Clone, Debug)]
pub struct PartRow {
    id: Id,
    name: String,
    description: String,
    version: Version,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The body of an inhibition.
#[derive(Debug, Serialize, Deserialize)]
pub struct InhibitionRow {
    enabled: bool,
    source: Vec<Matcher>,
    target: Vec<Matcher>,
    equal: Vec<String>,
}

macro_rules! parts {
    ($($type:ident $kind:literal, $one:literal, $many:literal, $limit:ident: $body:ty
        => |$it:ident| { $($field:ident: $value:expr),* };)*) => {$(
        impl AlertingPart for $type {
            const KIND: &'static str = $kind;
            const WORDS: [&'static str; 2] = [$one, $many];
            const LIMIT: i64 = $limit;
            type Body = $body;

            fn of(row: PartRow, $it: $body) -> Self {
                Self {
                    id: row.id,
                    name: row.name,
                    description: row.description,
                    version: row.version,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                    $($field: $value),*
                }
            }
        }
    )*};
}

parts! {
    Receiver "receiver", "receiver", "receivers", MAX_RECEIVERS: Vec<Integration>
        => |body| { integrations: body };
    Inhibition "inhibition", "inhibition", "inhibitions", MAX_INHIBITIONS: InhibitionRow
        => |body| { enabled: body.enabled, source: body.source, target: body.target, equal: body.equal };
    TimeInterval "time_interval", "time interval", "time intervals", MAX_TIME_INTERVALS: Vec<TimeSpan>
        => |body| { spans: body };
    NotificationTemplate "template", "template", "templates", MAX_TEMPLATES: String
        => |body| { content: body };
}

/// The settings as they are in the table.
#[derive(Debug, Serialize, Deserialize)]
struct SettingsRow {
    resolve_timeout: Option<PromDuration>,
    mail: MailSettings,
    mail_password: Option<SecretPlace>,
    topology_inhibition: bool,
}

impl Default for SettingsRow {
    fn default() -> Self {
        Self {
            resolve_timeout: None,
            mail: MailSettings::default(),
            mail_password: None,
            topology_inhibition: true,
        }
    }
}

impl Tx {
    /// The part of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn alerting_part<P: AlertingPart>(&mut self, id: Id) -> Result<P, StoreError> {
        let [what, _] = P::WORDS;
        let query = sqlx::query(GET).bind(id).bind(P::KIND);
        let row = query.fetch_optional(self.connection()).await?;
        read(&row.ok_or(StoreError::NotFound { what })?)
    }

    /// Parts of a kind whose name or description has a text in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerting_parts<P: AlertingPart>(
        &mut self,
        search: Option<&str>,
        sort: Sort<NameSort>,
        page: PageRequest,
    ) -> Result<Page<P>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM alerting_parts",
            order: name_order(sort),
        };
        let filter = |query: &mut Query| {
            query
                .and_equals("kind = ", Some(P::KIND))?
                .and_any_contains(&["LOWER(name) LIKE ", "LOWER(description) LIKE "], search)?;
            Ok(())
        };
        list.page(self, page, filter, read).await
    }

    async fn all_parts<P: AlertingPart>(&mut self) -> Result<Vec<P>, StoreError> {
        let query = sqlx::query(ALL).bind(P::KIND);
        let rows = query.fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }

    /// The tree of routes; one that tells nobody when nobody made any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn route_tree(&mut self) -> Result<RouteTree, StoreError> {
        let (route, version, updated_at) = self.document::<Route>(ROUTE).await?;
        Ok(RouteTree {
            route,
            version,
            updated_at,
        })
    }

    /// What all of alerting has in common.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerting_settings(&mut self) -> Result<AlertingSettings, StoreError> {
        let (row, version, updated_at) = self.document::<SettingsRow>(SETTINGS).await?;
        Ok(AlertingSettings {
            resolve_timeout: row.resolve_timeout,
            mail: row.mail,
            mail_password: row.mail_password,
            topology_inhibition: row.topology_inhibition,
            version,
            updated_at,
        })
    }

    /// A document, or what it is before anybody wrote it, at version 0.
    async fn document<T: DeserializeOwned + Default>(
        &mut self,
        name: &'static str,
    ) -> Result<(T, Version, Timestamp), StoreError> {
        let query = sqlx::query(GET_DOCUMENT).bind(name);
        match query.fetch_optional(self.connection()).await? {
            None => Ok((T::default(), 0, Timestamp(0))),
            Some(row) => Ok((
                json(&row, "document")?,
                row.try_get("version")?,
                moment(&row, "updated_ms")?,
            )),
        }
    }

    /// All of alerting, from one moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerting(&mut self) -> Result<Alerting, StoreError> {
        Ok(Alerting {
            receivers: self.all_parts().await?,
            route: self.route_tree().await?.route,
            inhibitions: self.all_parts().await?,
            intervals: self.all_parts().await?,
            templates: self.all_parts().await?,
            settings: self.alerting_settings().await?,
        })
    }

    /// Opens all secrets of receivers and of the settings. They are for
    /// Alertmanager only.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub async fn alerting_vault(
        &mut self,
        receivers: &[Receiver],
        settings: &AlertingSettings,
    ) -> Result<Vault, StoreError> {
        let integrations = receivers.iter().flat_map(|one| &one.integrations);
        let places = integrations.flat_map(|one| one.secrets.values());
        let mut vault = Vault::new();
        for place in places.chain(&settings.mail_password) {
            let secret = self.secret_text(&place.id).await?;
            vault.insert(place.id.clone(), secret);
        }
        Ok(vault)
    }

    /// Opens a secret that is a text. Anything that shows it to a person or a log is
    /// a mistake.
    ///
    /// # Errors
    /// As [`Self::open_secret`].
    pub async fn secret_text(&mut self, id: &str) -> Result<Zeroizing<String>, StoreError> {
        let bytes = self.open_secret(id).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| StoreError::Damaged("a secret is no text".to_owned()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

impl WriteTx {
    async fn insert_part<P: AlertingPart>(
        &mut self,
        name: &str,
        description: &str,
        body: &P::Body,
    ) -> Result<P, StoreError> {
        let [what, many] = P::WORDS;
        let query = sqlx::query(COUNT).bind(P::KIND);
        let count: i64 = query.fetch_one(self.connection()).await?.try_get(0)?;
        if count >= P::LIMIT {
            return Err(StoreError::TooMany {
                what: many,
                limit: P::LIMIT,
            });
        }
        let now = self.now();
        let row = sqlx::query(INSERT)
            .bind(P::KIND)
            .bind(name.to_owned())
            .bind(description.to_owned())
            .bind(to_json(body)?)
            .bind(now.0)
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken(what, "name"))?;
        self.touch();
        self.alerting_part(row.try_get(0)?).await
    }

    async fn update_part<P: AlertingPart>(
        &mut self,
        id: Id,
        name: &str,
        description: &str,
        body: &P::Body,
    ) -> Result<P, StoreError> {
        let [what, _] = P::WORDS;
        let now = self.now();
        sqlx::query(UPDATE)
            .bind(name.to_owned())
            .bind(description.to_owned())
            .bind(to_json(body)?)
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken(what, "name"))?;
        self.touch();
        self.alerting_part(id).await
    }

    async fn put_document<T: Serialize>(
        &mut self,
        name: &'static str,
        document: &T,
    ) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(PUT_DOCUMENT)
            .bind(name)
            .bind(to_json(document)?)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        self.touch();
        Ok(())
    }

    /// Adds a receiver and seals its secrets.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::TooMany`],
    /// [`StoreError::Invalid`] when a secret or a mail server is missing.
    pub async fn insert_receiver(&mut self, draft: &ReceiverDraft) -> Result<Receiver, StoreError> {
        self.take_turn().await?;
        let integrations = self.with_secrets(draft, &[]).await?;
        let (name, description) = (draft.name.as_str(), draft.description.as_str());
        self.insert_part(name, description, &integrations).await
    }

    /// Changes a receiver; with a version only when it still has that. Routes
    /// follow when it gets another name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`],
    /// [`StoreError::Invalid`].
    pub async fn update_receiver(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &ReceiverDraft,
    ) -> Result<(Receiver, Receiver), StoreError> {
        self.take_turn().await?;
        let before: Receiver = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        let integrations = self.with_secrets(draft, &before.integrations).await?;
        let (name, description) = (draft.name.as_str(), draft.description.as_str());
        let after: Receiver = self
            .update_part(id, name, description, &integrations)
            .await?;
        let ids = |receiver: &Receiver| -> Vec<String> {
            let places = receiver
                .integrations
                .iter()
                .flat_map(|it| it.secrets.values());
            places.map(|place| place.id.clone()).collect()
        };
        let kept = ids(&after);
        for old in ids(&before).into_iter().filter(|old| !kept.contains(old)) {
            self.delete_secret(Some(&old)).await?;
        }
        if before.name != after.name {
            self.rename_in_routes(|route| {
                if route.receiver.as_ref() == Some(&before.name) {
                    route.receiver = Some(after.name.clone());
                }
            })
            .await?;
        }
        Ok((before, after))
    }

    /// Takes a receiver away to which no route leads, and its secrets.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::InUse`].
    pub async fn delete_receiver(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<Receiver, StoreError> {
        self.take_turn().await?;
        let before: Receiver = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        self.expect_no_route(|route| route.receiver.as_ref() == Some(&before.name))
            .await?;
        self.delete_row(DELETE, id).await?;
        for place in before
            .integrations
            .iter()
            .flat_map(|it| it.secrets.values())
        {
            self.delete_secret(Some(&place.id)).await?;
        }
        self.touch();
        Ok(before)
    }

    /// Seals what secrets a draft gives, and keeps the others.
    async fn with_secrets(
        &mut self,
        draft: &ReceiverDraft,
        before: &[Integration],
    ) -> Result<Vec<Integration>, StoreError> {
        let sources = draft.secret_sources(before).map_err(StoreError::Invalid)?;
        let mut integrations = Vec::with_capacity(sources.len());
        for (one, sources) in draft.integrations.iter().zip(sources) {
            let mut secrets = BTreeMap::new();
            for (name, source) in sources {
                if let Some(place) = self.put_source(RECEIVER_SECRET, source).await? {
                    secrets.insert(name, place);
                }
            }
            integrations.push(Integration {
                key: one.key.clone(),
                send_resolved: one.send_resolved,
                language: one.language,
                settings: one.settings.clone(),
                http: one.http.clone(),
                secrets,
            });
        }
        let settings = self.alerting_settings().await?;
        match receiver_without_mail(&integrations, &settings) {
            found if found.is_empty() => Ok(integrations),
            found => Err(StoreError::Invalid(found)),
        }
    }

    async fn put_source(
        &mut self,
        purpose: &'static str,
        source: SecretSource,
    ) -> Result<Option<SecretPlace>, StoreError> {
        Ok(match source {
            SecretSource::Kept(place) => Some(place),
            SecretSource::Given(SecretChange::Set(secret), hint) => Some(SecretPlace {
                id: self.put_secret(purpose, secret.as_bytes()).await?,
                hint,
            }),
            SecretSource::Given(SecretChange::Keep | SecretChange::Clear, _) => None,
        })
    }

    async fn rename_in_routes(
        &mut self,
        mut rename: impl FnMut(&mut Route),
    ) -> Result<(), StoreError> {
        let before = self.route_tree().await?.route;
        let mut after = before.clone();
        after.walk_mut(&mut rename);
        match after == before {
            true => Ok(()),
            false => self.put_document(ROUTE, &after).await,
        }
    }

    async fn expect_no_route(&mut self, uses: impl Fn(&Route) -> bool) -> Result<(), StoreError> {
        let tree = self.route_tree().await?.route;
        let mut count = 0;
        tree.walk(&mut |_, route| count += i64::from(uses(route)));
        match count {
            0 => Ok(()),
            count => Err(StoreError::InUse {
                count,
                users: "routes",
            }),
        }
    }

    /// Replaces the whole tree of routes; with a version only when it still has that.
    ///
    /// # Errors
    /// [`StoreError::Changed`]; [`StoreError::Invalid`] when it names a receiver or
    /// an interval that there is not.
    pub async fn set_route_tree(
        &mut self,
        version: Option<Version>,
        route: &Route,
    ) -> Result<(RouteTree, RouteTree), StoreError> {
        self.take_turn().await?;
        let before = self.route_tree().await?;
        expect_version(before.version, version)?;
        let mut alerting = self.alerting().await?;
        alerting.route = route.clone();
        alerting.check_route().map_err(StoreError::Invalid)?;
        self.put_document(ROUTE, route).await?;
        Ok((before, self.route_tree().await?))
    }

    /// Changes the settings; with a version only when they still have that.
    ///
    /// # Errors
    /// [`StoreError::Changed`]; [`StoreError::Invalid`] when the password would go to
    /// another mail server, or a receiver needs the mail server that is taken away.
    pub async fn set_alerting_settings(
        &mut self,
        version: Option<Version>,
        draft: &AlertingSettingsDraft,
    ) -> Result<(AlertingSettings, AlertingSettings), StoreError> {
        self.take_turn().await?;
        let before = self.alerting_settings().await?;
        expect_version(before.version, version)?;
        let source = draft
            .password_source(&before)
            .map_err(StoreError::Invalid)?;
        let mail_password = match source {
            None => None,
            Some(source) => self.put_source(MAIL_PASSWORD, source).await?,
        };
        let row = SettingsRow {
            resolve_timeout: draft.resolve_timeout.clone(),
            mail: draft.mail.clone(),
            mail_password: mail_password.clone(),
            topology_inhibition: draft.topology_inhibition,
        };
        self.put_document(SETTINGS, &row).await?;
        if let Some(old) = &before.mail_password
            && before.mail_password != mail_password
        {
            self.delete_secret(Some(&old.id)).await?;
        }
        let after = self.alerting_settings().await?;
        for receiver in self.all_parts::<Receiver>().await? {
            if let Some(found) = receiver_without_mail(&receiver.integrations, &after).first() {
                let message = format!("is needed by the receiver \"{}\"", receiver.name);
                let field = found.field.rsplit('.').next().unwrap_or_default();
                return Err(StoreError::Invalid(vec![Invalid::new(
                    format!("mail.{field}"),
                    message,
                )]));
            }
        }
        Ok((before, after))
    }

    /// Adds an interval.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::TooMany`].
    pub async fn insert_time_interval(
        &mut self,
        draft: &TimeIntervalDraft,
    ) -> Result<TimeInterval, StoreError> {
        self.take_turn().await?;
        let (name, description) = (draft.name.as_str(), draft.description.as_str());
        self.insert_part(name, description, &draft.spans).await
    }

    /// Changes an interval; with a version only when it still has that. Routes
    /// follow when it gets another name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`].
    pub async fn update_time_interval(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &TimeIntervalDraft,
    ) -> Result<(TimeInterval, TimeInterval), StoreError> {
        self.take_turn().await?;
        let before: TimeInterval = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        let (name, description) = (draft.name.as_str(), draft.description.as_str());
        let after: TimeInterval = self
            .update_part(id, name, description, &draft.spans)
            .await?;
        self.rename_in_routes(|route| {
            let names = route.mute_time_intervals.iter_mut();
            for name in names.chain(&mut route.active_time_intervals) {
                if *name == before.name {
                    name.clone_from(&after.name);
                }
            }
        })
        .await?;
        Ok((before, after))
    }

    /// Takes an interval away that no route refers to.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::InUse`].
    pub async fn delete_time_interval(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<TimeInterval, StoreError> {
        self.take_turn().await?;
        let before: TimeInterval = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        self.expect_no_route(|route| {
            let names = route.mute_time_intervals.iter();
            names
                .chain(&route.active_time_intervals)
                .any(|name| *name == before.name)
        })
        .await?;
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }

    /// Adds an inhibition.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::TooMany`].
    pub async fn insert_inhibition(
        &mut self,
        draft: &InhibitionDraft,
    ) -> Result<Inhibition, StoreError> {
        self.take_turn().await?;
        let (name, description) = (draft.name.as_str(), draft.description.as_str());
        self.insert_part(name, description, &inhibition_row(draft))
            .await
    }

    /// Changes an inhibition; with a version only when it still has that.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`].
    pub async fn update_inhibition(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &InhibitionDraft,
    ) -> Result<(Inhibition, Inhibition), StoreError> {
        self.take_turn().await?;
        let before: Inhibition = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        let (name, description) = (draft.name.as_str(), draft.description.as_str());
        let after = self
            .update_part(id, name, description, &inhibition_row(draft))
            .await?;
        Ok((before, after))
    }

    /// Takes an inhibition away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`].
    pub async fn delete_inhibition(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<Inhibition, StoreError> {
        self.take_turn().await?;
        let before: Inhibition = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }

    /// Adds a template file.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::TooMany`].
    pub async fn insert_notification_template(
        &mut self,
        draft: &NotificationTemplateDraft,
    ) -> Result<NotificationTemplate, StoreError> {
        self.take_turn().await?;
        self.insert_part(&draft.name, draft.description.as_str(), &draft.content)
            .await
    }

    /// Changes a template file; with a version only when it still has that.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`].
    pub async fn update_notification_template(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &NotificationTemplateDraft,
    ) -> Result<(NotificationTemplate, NotificationTemplate), StoreError> {
        self.take_turn().await?;
        let before: NotificationTemplate = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        let after = self
            .update_part(id, &draft.name, draft.description.as_str(), &draft.content)
            .await?;
        Ok((before, after))
    }

    /// Takes a template file away. Whether texts still use it, Alertmanager says
    /// when it notifies.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`].
    pub async fn delete_notification_template(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<NotificationTemplate, StoreError> {
        self.take_turn().await?;
        let before: NotificationTemplate = self.alerting_part(id).await?;
        expect_version(before.version, version)?;
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }
}

fn inhibition_row(draft: &InhibitionDraft) -> InhibitionRow {
    InhibitionRow {
        enabled: draft.enabled,
        source: draft.source.clone(),
        target: draft.target.clone(),
        equal: draft.equal.clone(),
    }
}

fn read<P: AlertingPart>(row: &AnyRow) -> Result<P, StoreError> {
    let part = PartRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    };
    Ok(P::of(part, json(row, "body")?))
}
