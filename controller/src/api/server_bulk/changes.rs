//! What a change of many servers changes in each.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::Problem;
use crate::auth::Principal;
use crate::model::{Id, ServerBody};
use crate::store::{Names, StoreError};

/// What is changed. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::api) struct BulkChanges {
    /// Whether their BMCs are asked.
    monitoring_enabled: Option<bool>,
    /// Group; `null` is none.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    group_id: Option<Option<Id>>,
    /// Credential profile; `null` is none.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    credential_id: Option<Option<Id>>,
    /// Exporter; `null` lets the controller choose.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    exporter_id: Option<Option<Id>>,
    /// Site.
    site: Option<String>,
    /// Rack.
    rack: Option<String>,
    /// Manufacturer.
    manufacturer: Option<String>,
    /// Model.
    model: Option<String>,
    /// Tags that they get.
    add_tags: Vec<String>,
    /// Tags that they lose.
    remove_tags: Vec<String>,
    /// Labels that they get, or that change.
    set_labels: BTreeMap<String, String>,
    /// Labels that they lose.
    remove_labels: Vec<String>,
}

/// Tells an absent field from `null`.
fn present<'de, D>(deserializer: D) -> Result<Option<Option<Id>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Option::<Id>::deserialize(deserializer).map(Some)
}

impl BulkChanges {
    /// Switches monitoring on or off.
    pub(in crate::api) fn monitoring(enabled: bool) -> Self {
        Self {
            monitoring_enabled: Some(enabled),
            ..Self::default()
        }
    }

    /// Changes a server.
    pub(super) fn apply(&self, body: &mut ServerBody) {
        fn put<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        put(
            &mut body.monitoring_enabled,
            self.monitoring_enabled.as_ref(),
        );
        put(&mut body.group_id, self.group_id.as_ref());
        put(&mut body.credential_id, self.credential_id.as_ref());
        put(&mut body.exporter_id, self.exporter_id.as_ref());
        put(&mut body.site, self.site.as_ref());
        put(&mut body.rack, self.rack.as_ref());
        put(&mut body.manufacturer, self.manufacturer.as_ref());
        put(&mut body.model, self.model.as_ref());
        body.tags.retain(|tag| !self.remove_tags.contains(tag));
        for tag in &self.add_tags {
            if !body.tags.contains(tag) {
                body.tags.push(tag.clone());
            }
        }
        for name in &self.remove_labels {
            body.labels.remove(name);
        }
        for (name, value) in &self.set_labels {
            body.labels.insert(name.clone(), value.clone());
        }
    }

    /// Whether what they refer to exists and is the asker's.
    pub(super) fn check(&self, principal: &Principal, names: &Names) -> Result<(), Problem> {
        let wanted = [
            ("group_id", self.group_id, &names.groups, "group"),
            (
                "credential_id",
                self.credential_id,
                &names.credentials,
                "credential",
            ),
            (
                "exporter_id",
                self.exporter_id,
                &names.exporters,
                "exporter",
            ),
        ];
        for (field, id, known, what) in wanted {
            if let Some(Some(id)) = id
                && !known.values().any(|known| *known == id)
            {
                return Err(StoreError::Dangling { what, field }.into());
            }
        }
        if let Some(group) = self.group_id
            && !principal.scope().covers(group)
        {
            return Err(Problem::invalid_field(
                "group_id",
                "is none of the groups that you are limited to",
            ));
        }
        Ok(())
    }
}
