//! Servers as a file that can be imported again.

use std::collections::{BTreeSet, HashMap};

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::download::{self, Form, Format};
use super::extract::Query;
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::model::{Id, Scope, Server, ServerFilter};
use crate::store::{Names, Store, StoreError};
use crate::transfer::{RowNames, write_header, write_object, write_row};

/// Servers that are read at a time. In between, no transaction is open: a slow
/// reader must not keep the database from tidying up.
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
    let format = form.format;
    let names = state.store.read().await?.names().await?;
    let labels = match format {
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
    download::file("servers", format, |writer| async move {
        let file = File {
            format,
            names: ById::new(&names),
            labels,
        };
        file.write(&state.store, writer, &filter, &scope).await
    })
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

struct File {
    format: Format,
    names: ById,
    labels: BTreeSet<String>,
}

impl File {
    async fn write(
        self,
        store: &Store,
        mut writer: DuplexStream,
        filter: &ServerFilter,
        scope: &Scope,
    ) -> anyhow::Result<()> {
        let mut text = String::new();
        match self.format {
            Format::Json => text.push('['),
            Format::Csv => write_header(&mut text, &self.labels),
        }
        let mut after = 0;
        loop {
            writer.write_all(text.as_bytes()).await?;
            text.clear();
            let servers = {
                let mut tx = store.read().await?;
                tx.servers_after(after, filter, scope, BATCH).await?
            };
            if servers.is_empty() {
                break;
            }
            for server in &servers {
                self.push(&mut text, server, after == 0)?;
                after = server.id;
            }
        }
        if self.format == Format::Json {
            writer.write_all(b"\n]\n").await?;
        }
        writer.shutdown().await?;
        Ok(())
    }

    fn push(&self, text: &mut String, server: &Server, is_first: bool) -> anyhow::Result<()> {
        let names = self
            .names
            .of(server)
            .with_context(|| format!("server {} got something new meanwhile", server.id))?;
        match self.format {
            Format::Json => {
                text.push_str(if is_first { "\n" } else { ",\n" });
                text.push_str(&write_object(server, names)?);
            }
            Format::Csv => {
                let is_whole = write_row(text, server, names, &self.labels);
                anyhow::ensure!(
                    is_whole,
                    "server {} got a label meanwhile that has no column",
                    server.id
                );
            }
        }
        Ok(())
    }
}
