//! Servers as a file that can be imported again.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::download::{self, Form, Format, List, Rows};
use super::extract::Query;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{Id, Scope, Server, ServerFilter};
use crate::store::{Names, Store, StoreError};
use crate::transfer::{RowNames, to_object, write_header, write_row};

/// Servers that are read at a time.
const BATCH: i64 = 500;
/// Most labels that have a column.
const MAX_LABEL_COLUMNS: usize = 900;

/// All servers that a filter lets through, by number, in the form that
/// `POST /servers/import` takes.
#[utoipa::path(get, path = "/servers/export", tag = "servers", params(ServerFilter, Form),
    responses((status = 200, description = "The file",
        content((Vec<Object> = "application/json"), (String = "text/csv"))),
        (status = 422, body = super::ProblemBody, content_type = "application/problem+json",
            description = "More labels than columns are possible")))]
pub(super) async fn export_servers(
    State(state): State<AppState>,
    principal: Principal,
    Query(filter): Query<ServerFilter>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let scope = principal.scope();
    let names = state.store.read().await?.names().await?;
    let labels = match form.format {
        Format::Json => BTreeSet::new(),
        Format::Csv => labels(&state.store, &filter, &scope).await?,
    };
    if labels.len() > MAX_LABEL_COLUMNS {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Too many columns",
            format!(
                "format: {} names of labels are more than the {MAX_LABEL_COLUMNS} columns of a file; ask for json",
                labels.len()
            ),
        ));
    }
    let servers = Servers {
        store: state.store.clone(),
        filter,
        scope,
        names: ById::new(&names),
        labels,
        after: 0,
    };
    download::list(servers, form.format, "servers").await
}

/// Names of all labels of the servers.
async fn labels(
    store: &Store,
    filter: &ServerFilter,
    scope: &Scope,
) -> Result<BTreeSet<String>, StoreError> {
    let mut labels = BTreeSet::new();
    let mut after = 0;
    loop {
        let servers = {
            let mut tx = store.read().await?;
            tx.servers_after(after, filter, scope, BATCH).await?
        };
        let Some(last) = servers.last() else {
            return Ok(labels);
        };
        after = last.id;
        for (name, _) in servers.iter().flat_map(|server| server.labels.iter()) {
            if !labels.contains(name) {
                labels.insert(name.to_owned());
            }
        }
    }
}

/// Names by number.
struct ById {
    groups: HashMap<Id, String>,
    credentials: HashMap<Id, String>,
    exporters: HashMap<Id, String>,
}

impl ById {
    fn new(names: &Names) -> Self {
        let turned = |names: &HashMap<String, Id>| {
            names.iter().map(|(name, id)| (*id, name.clone())).collect()
        };
        Self {
            groups: turned(&names.groups),
            credentials: turned(&names.credentials),
            exporters: turned(&names.exporters),
        }
    }

    /// A server's names; `None` when one of them is newer than the file.
    fn of(&self, server: &Server) -> Option<RowNames<'_>> {
        fn name(names: &HashMap<Id, String>, id: Option<Id>) -> Option<&str> {
            id.map_or(Some(""), |id| names.get(&id).map(String::as_str))
        }
        Some(RowNames {
            credential: name(&self.credentials, server.credential_id)?,
            group: name(&self.groups, server.group_id)?,
            exporter: name(&self.exporters, server.exporter_id)?,
        })
    }
}

/// Servers from one on.
struct Servers {
    store: Store,
    filter: ServerFilter,
    scope: Scope,
    names: ById,
    /// Those that have a column.
    labels: BTreeSet<String>,
    after: Id,
}

impl List for Servers {
    fn header(&self) -> Cow<'static, str> {
        let mut text = String::new();
        write_header(&mut text, &self.labels);
        text.into()
    }

    async fn next(&mut self, rows: &mut Rows) -> Result<bool, Problem> {
        let servers = {
            let mut tx = self.store.read().await?;
            tx.servers_after(self.after, &self.filter, &self.scope, BATCH)
                .await?
        };
        for server in &servers {
            self.push(rows, server)?;
            self.after = server.id;
        }
        Ok(!servers.is_empty())
    }
}

impl Servers {
    fn push(&self, rows: &mut Rows, server: &Server) -> Result<(), Problem> {
        let names = self.names.of(server).ok_or_else(|| changed(server))?;
        let mut is_whole = true;
        rows.push(&to_object(server, names), |text| {
            is_whole = write_row(text, server, names, &self.labels);
        })?;
        is_whole.then_some(()).ok_or_else(|| changed(server))
    }
}

/// A server got a group, a profile, an exporter or a label that is newer than
/// the list of them.
fn changed(server: &Server) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Changed meanwhile",
        format!(
            "server {} got something new while the file was made; ask again",
            server.id
        ),
    )
    .retry_after(1)
}
