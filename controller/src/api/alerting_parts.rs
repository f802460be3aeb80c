//! Receivers, inhibitions, time intervals and templates: parts of alerting that people
//! make, change and take away in one way.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{IfMatch, Json, NameOrder, Path, Query, Versioned, check_page};
use super::idempotency::{IdempotencyHeader, Keyed};
use super::rules::expect_all_groups;
use super::{AppState, Problem, change};
use crate::auth::Principal;
use crate::model::{Id, Page, PageRequest};

/// The five calls of each kind, in a module of its own: their names, which become the
/// names of operations, and what is said of them.
macro_rules! parts {
    ($(
        $module:ident $path:literal $one:literal: $part:ident, $body:ident, $draft:ident, $filter:ident;
        $(#[$list_doc:meta])* $list:ident;
        $(#[$create_doc:meta])* $create:ident;
        $(#[$get_doc:meta])* $get:ident;
        $(#[$update_doc:meta])* $update:ident;
        $(#[$delete_doc:meta])* $delete:ident;
    )*) => {$(
        pub(super) mod $module {
            use super::*;
            use crate::model::alerting::{$body, $draft, $filter, $part};

            $(#[$list_doc])*
            #[utoipa::path(get, path = $path, tag = "alerting",
                params($filter, NameOrder, PageRequest),
                responses((status = 200, body = Page<$part>)))]
            pub(in crate::api) async fn $list(
                State(state): State<AppState>,
                Query(filter): Query<$filter>,
                Query(order): Query<NameOrder>,
                Query(page): Query<PageRequest>,
            ) -> Result<Json<Page<$part>>, Problem> {
                let page = check_page(page)?;
                let mut tx = state.store.read().await?;
                let search = filter.search.as_deref();
                Ok(Json(tx.alerting_parts(search, order.sort(), page).await?))
            }

            $(#[$create_doc])*
            #[utoipa::path(post, path = $path, tag = "alerting", params(IdempotencyHeader),
                request_body = $body, responses((status = 201, body = $part)))]
            pub(in crate::api) async fn $create(
                State(state): State<AppState>,
                principal: Principal,
                Keyed { body, key }: Keyed<$body>,
            ) -> Result<Response, Problem> {
                expect_all_groups(&principal)?;
                let draft = $draft::parse(&body).map_err(Problem::invalid)?;
                let mut tx = state.store.write().await?;
                if let Some(answer) = key.answered(&mut tx).await? {
                    return Ok(answer);
                }
                let row = tx.insert_alerting_part(&draft).await?;
                change::created(tx, &principal, &key, row).await
            }

            $(#[$get_doc])*
            #[utoipa::path(get, path = $one, tag = "alerting", params(("id" = Id, Path)),
                responses((status = 200, body = $part)))]
            pub(in crate::api) async fn $get(
                State(state): State<AppState>,
                Path(id): Path<Id>,
            ) -> Result<Versioned<$part>, Problem> {
                let mut tx = state.store.read().await?;
                Ok(change::found(tx.alerting_part(id).await?))
            }

            $(#[$update_doc])*
            #[utoipa::path(put, path = $one, tag = "alerting", params(("id" = Id, Path)),
                request_body = $body, responses((status = 200, body = $part)))]
            pub(in crate::api) async fn $update(
                State(state): State<AppState>,
                principal: Principal,
                Path(id): Path<Id>,
                IfMatch(version): IfMatch,
                Json(body): Json<$body>,
            ) -> Result<Versioned<$part>, Problem> {
                expect_all_groups(&principal)?;
                let draft = $draft::parse(&body).map_err(Problem::invalid)?;
                let mut tx = state.store.write().await?;
                let rows = tx.update_alerting_part(id, version, &draft).await?;
                change::updated(tx, &principal, rows).await
            }

            $(#[$delete_doc])*
            #[utoipa::path(delete, path = $one, tag = "alerting", params(("id" = Id, Path)),
                responses((status = 204, description = "It is gone")))]
            pub(in crate::api) async fn $delete(
                State(state): State<AppState>,
                principal: Principal,
                Path(id): Path<Id>,
                IfMatch(version): IfMatch,
            ) -> Result<StatusCode, Problem> {
                expect_all_groups(&principal)?;
                let mut tx = state.store.write().await?;
                let before = tx.delete_alerting_part::<$part>(id, version).await?;
                change::deleted(tx, &principal, before).await
            }
        }
    )*};
}

parts! {
    receivers "/receivers" "/receivers/{id}": Receiver, ReceiverBody, ReceiverDraft, ReceiverFilter;
    /// Receivers. Secrets are in no answer.
    list_receivers;
    /// Makes a receiver.
    create_receiver;
    /// One receiver.
    get_receiver;
    /// Changes a receiver as a whole. Secrets that are not given stay, unless they would be
    /// sent to another place. Routes follow when it gets another name.
    update_receiver;
    /// Takes a receiver away to which no route leads.
    delete_receiver;

    inhibitions "/inhibitions" "/inhibitions/{id}": Inhibition, InhibitionBody, InhibitionDraft, InhibitionFilter;
    /// Inhibitions. Those that follow from topology are not among them.
    list_inhibitions;
    /// Makes an inhibition.
    create_inhibition;
    /// One inhibition.
    get_inhibition;
    /// Changes an inhibition as a whole.
    update_inhibition;
    /// Takes an inhibition away.
    delete_inhibition;

    time_intervals "/time-intervals" "/time-intervals/{id}": TimeInterval, TimeIntervalBody, TimeIntervalDraft, TimeIntervalFilter;
    /// Time intervals.
    list_time_intervals;
    /// Makes a time interval.
    create_time_interval;
    /// One time interval.
    get_time_interval;
    /// Changes a time interval as a whole. Routes follow when it gets another name.
    update_time_interval;
    /// Takes a time interval away to which no route refers.
    delete_time_interval;

    notification_templates "/notification-templates" "/notification-templates/{id}": NotificationTemplate, NotificationTemplateBody, NotificationTemplateDraft, NotificationTemplateFilter;
    /// Template files.
    list_notification_templates;
    /// Makes a template file.
    create_notification_template;
    /// One template file.
    get_notification_template;
    /// Changes a template file as a whole.
    update_notification_template;
    /// Takes a template file away.
    delete_notification_template;
}
