//! What every change has in common: its entry in the audit trail is written and
//! committed with it, and the answer bears the version.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::Problem;
use super::extract::{Versioned, etag};
use super::idempotency::Key;
use crate::auth::Principal;
use crate::model::{
    Credential, Exporter, Group, Id, RuleGroup, Server, ThresholdOverride, User, Version,
};
use crate::store::{KeptAnswer, StoreError, WriteTx};

/// A kind of row that has a path of its own.
pub(super) trait Resource: Serialize {
    /// The list's path below `/api/v1`.
    const PATH: &'static str;
    /// Words of the audit trail for making, changing and taking away.
    const ACTIONS: [&'static str; 3];

    /// Number of the row.
    fn id(&self) -> Id;
    /// How often it was changed.
    fn version(&self) -> Version;

    /// The row's path below `/api/v1`.
    fn path(&self) -> String {
        format!("{}/{}", Self::PATH, self.id())
    }
}

macro_rules! resources {
    ($($type:ty: $word:literal in $path:literal;)*) => {$(
        impl Resource for $type {
            const PATH: &'static str = $path;
            const ACTIONS: [&'static str; 3] = [
                concat!($word, ".create"),
                concat!($word, ".update"),
                concat!($word, ".delete"),
            ];

            fn id(&self) -> Id {
                self.id
            }

            fn version(&self) -> Version {
                self.version
            }
        }
    )*};
}

resources! {
    Credential: "credential" in "credentials";
    Exporter: "exporter" in "exporters";
    Group: "group" in "groups";
    RuleGroup: "rule_group" in "rules";
    Server: "server" in "servers";
    ThresholdOverride: "threshold" in "thresholds";
    User: "user" in "users";
}

/// Writes down that a row was made.
pub(super) async fn made<T: Resource>(
    tx: &mut WriteTx,
    principal: &Principal,
    row: &T,
) -> Result<(), StoreError> {
    let [action, _, _] = T::ACTIONS;
    let event = principal.event(action, row.path());
    tx.append_audit(&event.with(None, Some(row))).await
}

/// Ends the making of a row, which may be asked for again.
pub(super) async fn created<T: Resource>(
    mut tx: WriteTx,
    principal: &Principal,
    key: &Key,
    row: T,
) -> Result<Response, Problem> {
    made(&mut tx, principal, &row).await?;
    let answer = KeptAnswer {
        status: StatusCode::CREATED.as_u16(),
        etag: Some(etag(row.version())),
        location: Some(format!("/api/v1/{}", row.path())),
        body: serde_json::to_string(&row).map_err(|error| Problem::internal(&error))?,
    };
    let response = key.answer(&mut tx, answer).await?;
    tx.commit().await?;
    Ok(response)
}

/// Ends the change of a row.
pub(super) async fn updated<T: Resource>(
    mut tx: WriteTx,
    principal: &Principal,
    (before, after): (T, T),
) -> Result<Versioned<T>, Problem> {
    let [_, action, _] = T::ACTIONS;
    let event = principal.event(action, after.path());
    let event = event.with(Some(&before), Some(&after));
    tx.append_audit(&event).await?;
    tx.commit().await?;
    Ok(found(after))
}

/// Ends the taking away of a row.
pub(super) async fn deleted<T: Resource>(
    mut tx: WriteTx,
    principal: &Principal,
    before: T,
) -> Result<StatusCode, Problem> {
    let [_, _, action] = T::ACTIONS;
    let event = principal.event(action, before.path());
    tx.append_audit(&event.with(Some(&before), None)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A row as it is.
pub(super) fn found<T: Resource>(row: T) -> Versioned<T> {
    let version = row.version();
    Versioned::ok(row, version)
}
