//! What tests put into the store, with little said.

use std::collections::BTreeSet;

use crate::model::{
    CredentialBody, CredentialDraft, ExporterBody, ExporterDraft, GroupBody, GroupDraft, Role,
    ServerBody, ServerDraft, UserBody, UserDraft,
};

pub(super) fn group(name: &str) -> GroupDraft {
    GroupDraft::parse(&GroupBody {
        name: name.to_owned(),
        description: String::new(),
    })
    .unwrap()
}

pub(super) fn server(name: &str, change: impl FnOnce(&mut ServerBody)) -> ServerDraft {
    let mut body: ServerBody =
        serde_json::from_value(serde_json::json!({"name": name, "address": format!("bmc-{name}")}))
            .unwrap();
    change(&mut body);
    ServerDraft::parse(&body).unwrap()
}

pub(super) fn credential(name: &str, password: Option<&str>) -> CredentialDraft {
    let body = CredentialBody {
        name: name.to_owned(),
        password: password.map(|password| Some(password.to_owned())),
        ..CredentialBody::default()
    };
    CredentialDraft::parse(&body).unwrap()
}

pub(super) fn user(name: &str, role: Role, groups: Option<BTreeSet<i64>>) -> UserDraft {
    let body = UserBody {
        username: name.to_owned(),
        email: String::new(),
        role,
        is_active: true,
        group_ids: groups,
        password: None,
    };
    UserDraft::parse(&body).unwrap().0
}

pub(super) fn exporter(name: &str, weight: i64) -> ExporterDraft {
    ExporterDraft::parse(&ExporterBody {
        name: name.to_owned(),
        url: format!("http://{name}:9290/"),
        site: "east".to_owned(),
        weight,
        enabled: true,
    })
    .unwrap()
}
