//! Groups, servers, exporters, and what they are together.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{credential, exporter, group, server, user};
use super::{Lab, NOON};
use crate::model::{
    CredentialFilter, Driver, ExporterFilter, GroupFilter, NameSort, PageRequest, Role, Scope,
    ServerFilter, ServerSort, Sort, UserFilter,
};
use crate::store::StoreError;

pub(super) async fn a_group_in_use_stays(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let rack = tx.insert_group(&group("rack 1")).await.unwrap();
    assert!(matches!(
        tx.insert_group(&group("rack 1")).await,
        Err(StoreError::Taken {
            what: "group",
            field: "name"
        })
    ));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let rack = tx.insert_group(&group(&rack.name)).await.unwrap();
    let node = server("n1", |body| body.group_id = Some(rack.id));
    let node = tx.insert_server(&node).await.unwrap();
    let refused = tx.delete_group(rack.id, None, &Scope::All).await;
    assert!(matches!(
        refused,
        Err(StoreError::InUse {
            count: 1,
            users: "servers"
        })
    ));
    tx.delete_server(node.id, None, &Scope::All).await.unwrap();
    tx.delete_group(rack.id, None, &Scope::All).await.unwrap();
    assert!(matches!(
        tx.group(rack.id, &Scope::All).await,
        Err(StoreError::NotFound { .. })
    ));
}

pub(super) async fn versions_guard_against_lost_changes(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let made = tx.insert_server(&server("a", |_| ())).await.unwrap();
    assert_eq!((made.version, made.created_at), (1, NOON));
    let moved = server("a", |body| body.rack = "r2".to_owned());
    let (before, after) = tx
        .update_server(made.id, Some(1), &moved, &Scope::All)
        .await
        .unwrap();
    assert_eq!((before.rack.as_str(), after.rack.as_str()), ("", "r2"));
    assert_eq!(after.version, 2);
    let late = tx
        .update_server(made.id, Some(1), &moved, &Scope::All)
        .await;
    assert!(matches!(late, Err(StoreError::Changed { current: 2 })));
    let late = tx.delete_server(made.id, Some(1), &Scope::All).await;
    assert!(matches!(late, Err(StoreError::Changed { current: 2 })));
}

pub(super) async fn servers_are_filtered_sorted_and_scoped(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let west = tx.insert_group(&group("west")).await.unwrap().id;
    for (name, group, enabled, serial) in [
        ("Alpha", Some(east), true, "S_1"),
        ("beta", Some(west), false, "SX1"),
        ("gamma", None, true, "100%"),
    ] {
        let draft = server(name, |body| {
            body.group_id = group;
            body.monitoring_enabled = enabled;
            body.serial_number = serial.to_owned();
            body.tags = vec!["Blade".to_owned()];
        });
        tx.insert_server(&draft).await.unwrap();
    }
    let mut names = async |filter: ServerFilter, sort: Sort<ServerSort>, scope: Scope| {
        let page = tx
            .servers(&filter, sort, &scope, PageRequest::default())
            .await
            .unwrap();
        assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
        let names: Vec<String> = page.items.into_iter().map(|server| server.name).collect();
        names.join(" ")
    };
    let by_id = Sort::default();
    let search = |text: &str| ServerFilter {
        search: Some(text.to_owned()),
        ..ServerFilter::default()
    };
    assert_eq!(names(search("ALPHA"), by_id, Scope::All).await, "Alpha");
    assert_eq!(
        names(search("s_1"), by_id, Scope::All).await,
        "Alpha",
        "no pattern"
    );
    assert_eq!(names(search("%"), by_id, Scope::All).await, "gamma");
    assert_eq!(
        names(search("blade"), by_id, Scope::All).await,
        "Alpha beta gamma"
    );
    assert_eq!(names(search("bmc-b"), by_id, Scope::All).await, "beta");
    let disabled = ServerFilter {
        monitoring_enabled: Some(false),
        ..ServerFilter::default()
    };
    assert_eq!(names(disabled, by_id, Scope::All).await, "beta");
    for key in [
        ServerSort::Id,
        ServerSort::Name,
        ServerSort::Address,
        ServerSort::Manufacturer,
        ServerSort::Site,
        ServerSort::UpdatedAt,
    ] {
        let up = names(
            ServerFilter::default(),
            Sort {
                key,
                descending: false,
            },
            Scope::All,
        )
        .await;
        let down = names(
            ServerFilter::default(),
            Sort {
                key,
                descending: true,
            },
            Scope::All,
        )
        .await;
        let mut turned: Vec<&str> = down.split(' ').collect();
        turned.reverse();
        assert_eq!(turned.join(" "), up, "{key:?}");
    }
    let only_west = Scope::Groups(BTreeSet::from([west]));
    assert_eq!(
        names(ServerFilter::default(), by_id, only_west.clone()).await,
        "beta"
    );
    let nothing = Scope::Groups(BTreeSet::new());
    assert_eq!(names(ServerFilter::default(), by_id, nothing).await, "");
    let page = PageRequest {
        offset: 1,
        limit: 1,
    };
    let page = tx
        .servers(&ServerFilter::default(), by_id, &Scope::All, page)
        .await
        .unwrap();
    assert_eq!((page.total, page.items.len()), (3, 1));
    let alpha = tx
        .servers(&search("alpha"), by_id, &Scope::All, PageRequest::default())
        .await
        .unwrap()
        .items
        .remove(0);
    assert!(matches!(
        tx.server(alpha.id, &only_west).await,
        Err(StoreError::NotFound { .. })
    ));
}

pub(super) async fn numbers_of_servers_are_those_in_scope(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let west = tx.insert_group(&group("west")).await.unwrap().id;
    let mut made = Vec::new();
    for (name, group) in [("a", Some(east)), ("b", Some(west)), ("c", None)] {
        let draft = server(name, |body| body.group_id = group);
        made.push(tx.insert_server(&draft).await.unwrap().id);
    }
    let groups = |ids: &[i64]| Scope::Groups(ids.iter().copied().collect());
    assert_eq!(tx.server_ids(&Scope::All).await.unwrap(), made);
    assert_eq!(tx.server_ids(&groups(&[east])).await.unwrap(), made[..1]);
    let both = groups(&[east, west]);
    assert_eq!(tx.server_ids(&both).await.unwrap(), made[..2]);
    assert!(tx.server_ids(&groups(&[])).await.unwrap().is_empty());
    // Whose number comes to another server would hand its history over.
    tx.delete_server(made[2], None, &Scope::All).await.unwrap();
    let next = tx.insert_server(&server("d", |_| ())).await.unwrap().id;
    assert!(next > made[2]);
}

pub(super) async fn what_a_server_names_must_exist(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_server(&server("a", |_| ())).await.unwrap();
    let dangling = server("b", |body| body.credential_id = Some(99));
    assert!(matches!(
        tx.insert_server(&dangling).await,
        Err(StoreError::Dangling {
            field: "credential_id",
            ..
        })
    ));
    assert!(matches!(
        tx.insert_server(&server("a", |body| body.address = "other".to_owned()))
            .await,
        Err(StoreError::Taken { field: "name", .. })
    ));
    let same_place = server("c", |body| body.address = "bmc-a".to_owned());
    assert!(matches!(
        tx.insert_server(&same_place).await,
        Err(StoreError::Taken {
            field: "address",
            ..
        })
    ));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let labels = BTreeMap::from([("dc".to_owned(), "fra1".to_owned())]);
    let made = tx
        .insert_server(&server("d", |body| body.labels = labels))
        .await
        .unwrap();
    assert_eq!(made.labels.iter().collect::<Vec<_>>(), [("dc", "fra1")]);
}

pub(super) async fn an_exporter_in_use_stays(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let first = tx.insert_exporter(&exporter("exp-1", 10)).await.unwrap();
    assert_eq!(
        (first.url.as_str(), first.site.as_str(), first.weight),
        ("http://exp-1:9290", "east", 10)
    );
    assert!(matches!(
        tx.insert_exporter(&exporter("exp-1", 1)).await,
        Err(StoreError::Taken { field: "name", .. })
    ));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let first = tx.insert_exporter(&exporter("exp-1", 10)).await.unwrap();
    tx.insert_exporter(&exporter("exp-2", 10)).await.unwrap();
    let (before, after) = tx
        .update_exporter(first.id, Some(1), &exporter("exp-1", 20))
        .await
        .unwrap();
    assert_eq!((before.weight, after.weight, after.version), (10, 20, 2));
    let late = tx
        .update_exporter(first.id, Some(1), &exporter("exp-1", 30))
        .await;
    assert!(matches!(late, Err(StoreError::Changed { current: 2 })));
    let found = tx
        .exporters(
            &ExporterFilter {
                search: Some("EXP-2".to_owned()),
                ..ExporterFilter::default()
            },
            Sort::default(),
            PageRequest::default(),
        )
        .await
        .unwrap();
    assert_eq!((found.total, found.items[0].name.as_str()), (1, "exp-2"));
    assert_eq!(tx.exporter_by_name("exp-1").await.unwrap(), after);
    let node = server("n1", |body| body.exporter_id = Some(first.id));
    let node = tx.insert_server(&node).await.unwrap();
    assert!(matches!(
        tx.delete_exporter(first.id, None).await,
        Err(StoreError::InUse { count: 1, .. })
    ));
    tx.delete_server(node.id, None, &Scope::All).await.unwrap();
    tx.delete_exporter(first.id, None).await.unwrap();
    assert!(matches!(
        tx.exporter(first.id).await,
        Err(StoreError::NotFound { .. })
    ));
}

pub(super) async fn the_inventory_has_what_is_monitored(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    let east = tx.insert_group(&group("east")).await.unwrap().id;
    let profile = credential("lab", None);
    let profile = tx.insert_credential(&profile).await.unwrap().id;
    tx.insert_exporter(&exporter("exp-1", 10)).await.unwrap();
    let full = server("a", |body| {
        body.group_id = Some(east);
        body.credential_id = Some(profile);
        body.labels = BTreeMap::from([("dc".to_owned(), "fra1".to_owned())]);
    });
    tx.insert_server(&full).await.unwrap();
    tx.insert_server(&server("b", |body| body.monitoring_enabled = false))
        .await
        .unwrap();
    tx.insert_server(&server("c", |_| ())).await.unwrap();
    tx.commit().await.unwrap();
    let inventory = store.read().await.unwrap().inventory().await.unwrap();
    assert_eq!(inventory.revision, *store.revisions().borrow());
    assert_eq!(inventory.exporters.len(), 1);
    let names: Vec<&str> = inventory.servers.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    let first = &inventory.servers[0];
    assert_eq!(first.group.as_deref(), Some("east"));
    assert_eq!(first.module.as_deref(), Some("lab"));
    assert_eq!(first.labels.iter().collect::<Vec<_>>(), [("dc", "fra1")]);
    assert_eq!(inventory.servers[1].module, None);
}

/// The names on a page of whatever has some.
macro_rules! names {
    ($page:expr, $name:ident) => {
        $page
            .await
            .unwrap()
            .items
            .iter()
            .map(|row| row.$name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
}

pub(super) async fn named_rows_are_filtered_and_sorted(lab: Lab) {
    let store = lab.open().await;
    let mut tx = store.write().await.unwrap();
    for name in ["b", "a", "c"] {
        tx.insert_group(&group(name)).await.unwrap();
        tx.insert_credential(&credential(name, None)).await.unwrap();
        tx.insert_exporter(&exporter(name, 1)).await.unwrap();
        tx.insert_user(&user(name, Role::Viewer, None), "hash")
            .await
            .unwrap();
    }
    let page = PageRequest::default();
    for (key, up) in [
        (NameSort::Name, "a b c"),
        (NameSort::Id, "b a c"),
        (NameSort::UpdatedAt, "b a c"),
    ] {
        let down: String = up.chars().rev().collect();
        for (descending, expected) in [(false, up), (true, down.as_str())] {
            let sort = Sort { key, descending };
            assert_eq!(
                names!(
                    tx.groups(&GroupFilter::default(), sort, &Scope::All, page),
                    name
                ),
                expected,
                "{sort:?}"
            );
            assert_eq!(
                names!(
                    tx.credentials(&CredentialFilter::default(), sort, page),
                    name
                ),
                expected,
                "{sort:?}"
            );
            assert_eq!(
                names!(tx.exporters(&ExporterFilter::default(), sort, page), name),
                expected,
                "{sort:?}"
            );
            assert_eq!(
                names!(tx.users(&UserFilter::default(), sort, page), username),
                expected,
                "{sort:?}"
            );
        }
    }
    let sort = Sort::default();
    let drivers = |driver| CredentialFilter {
        driver: Some(driver),
        ..CredentialFilter::default()
    };
    assert_eq!(
        names!(tx.credentials(&drivers(Driver::Lan20), sort, page), name),
        "a b c"
    );
    assert_eq!(
        names!(tx.credentials(&drivers(Driver::Lan15), sort, page), name),
        ""
    );
    let by_url = ExporterFilter {
        search: Some("//C:".to_owned()),
        site: Some("east".to_owned()),
        enabled: Some(true),
    };
    assert_eq!(names!(tx.exporters(&by_url, sort, page), name), "c");
    let elsewhere = ExporterFilter {
        site: Some("west".to_owned()),
        ..ExporterFilter::default()
    };
    assert_eq!(names!(tx.exporters(&elsewhere, sort, page), name), "");
    let viewers = |search: &str, is_active| UserFilter {
        search: Some(search.to_owned()),
        role: Some(Role::Viewer),
        is_active: Some(is_active),
    };
    assert_eq!(
        names!(tx.users(&viewers("B", true), sort, page), username),
        "b"
    );
    assert_eq!(
        names!(tx.users(&viewers("B", false), sort, page), username),
        ""
    );
}
