//! Sensors over any range as a file.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::asked::{Moment, Step, members, one};
use crate::api::download::{self, Form, Format, List, Rows};
use crate::api::extract::{Path, Query};
use crate::api::{AppState, Problem};
use crate::auth::Principal;
use crate::clock::Timestamp;
use crate::model::Id;
use crate::monitoring::kind::SensorKind;
use crate::monitoring::sensor::SensorStatus;
use crate::monitoring::source::Source;
use crate::monitoring::timeline::{self, Reading, Span};
use crate::transfer::{Field, push_fields};

/// Length of a range when nobody says where it begins.
const USUAL_RANGE: Duration = Duration::from_secs(24 * 3600);
/// Most moments of a range times servers: a hundred sensors make some gigabytes
/// of that.
const MAX_SERVER_POINTS: i64 = 500_000;

/// What is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The first moment: RFC 3339, or seconds since 1970; a day before the end
    /// when absent.
    #[param(value_type = Option<String>)]
    start: Option<Moment>,
    /// The last moment; now when absent.
    #[param(value_type = Option<String>)]
    end: Option<Moment>,
    /// How far apart the moments are: seconds, or with `s`, `m`, `h` or `d`; a
    /// minute, or what makes about 5,000 of a long range, when absent. At most
    /// 100,000 moments.
    #[param(value_type = Option<String>)]
    step: Option<Step>,
    /// What is measured; everything when absent.
    #[param(inline)]
    metric_type: Option<SensorKind>,
}

/// Values and states of a server's sensors, by time. One line or object for each
/// sensor and moment.
#[utoipa::path(get, path = "/monitoring/servers/{id}/export", tag = "monitoring",
    params(("id" = Id, Path), Wanted, Form),
    responses((status = 200, description = "The file",
        content((Vec<Reading<'_>> = "application/json"), (String = "text/csv")))))]
pub(super) async fn export_server(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(wanted): Query<Wanted>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let servers = one(&state, &principal, id).await?;
    let name = format!("server-{id}");
    export(state, servers, &wanted, form.format, &name).await
}

/// The same of all servers that are in a group now, one server after the other.
#[utoipa::path(get, path = "/monitoring/groups/{id}/export", tag = "monitoring",
    params(("id" = Id, Path), Wanted, Form),
    responses((status = 200, description = "The file",
        content((Vec<Reading<'_>> = "application/json"), (String = "text/csv")))))]
pub(super) async fn export_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(wanted): Query<Wanted>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let servers = members(&state, &principal, id).await?;
    let name = format!("group-{id}");
    export(state, servers, &wanted, form.format, &name).await
}

/// How far a file is.
struct Export {
    source: Source,
    servers: Vec<(Id, String)>,
    span: Span,
    kind: Option<SensorKind>,
    /// Server and piece that come next.
    next: (usize, usize),
}

async fn export(
    state: AppState,
    servers: Vec<(Id, String)>,
    wanted: &Wanted,
    format: Format,
    name: &str,
) -> Result<Response, Problem> {
    let now = state.store.clock().now();
    let end = wanted.end.map_or(now, |end| end.0);
    let back = i64::try_from(USUAL_RANGE.as_millis()).unwrap_or(i64::MAX);
    let day_before = Timestamp(end.0.saturating_sub(back));
    let start = wanted.start.map_or(day_before, |start| start.0);
    let span =
        Span::new(start, end, wanted.step.map(|step| step.0)).map_err(Problem::bad_request)?;
    let count = i64::try_from(servers.len()).unwrap_or(i64::MAX);
    if span.points().saturating_mul(count) > MAX_SERVER_POINTS {
        return Err(Problem::bad_request(format!(
            "step: makes {} moments for each of {count} servers; at most {MAX_SERVER_POINTS} in all are allowed; take a longer step or a shorter range",
            span.points()
        )));
    }
    let export = Export {
        source: state.monitoring.source,
        servers,
        span,
        kind: wanted.metric_type,
        next: (0, 0),
    };
    download::list(export, format, name).await
}

impl List for Export {
    fn header(&self) -> Cow<'static, str> {
        CSV_HEADER.into()
    }

    async fn next(&mut self, rows: &mut Rows) -> Result<bool, Problem> {
        let chunks = self.span.chunks();
        let (server, chunk) = self.next;
        if let (Some((id, name)), Some(chunk)) = (self.servers.get(server), chunks.get(chunk)) {
            let step = self.span.step();
            let piece = timeline::piece(&self.source, *id, self.kind, *chunk, step).await?;
            for reading in piece.readings(*id, name) {
                rows.push(&reading, |text| write_line(text, &reading))?;
            }
        }
        self.next = if chunk + 1 < chunks.len() {
            (server, chunk + 1)
        } else {
            (server + 1, 0)
        };
        Ok(self.next.0 < self.servers.len())
    }
}

const CSV_HEADER: &str = "timestamp,server_id,server_name,metric_type,metric,sensor_id,\
    metric_name,value,unit,status\r\n";

fn write_line(text: &mut String, reading: &Reading<'_>) {
    let timestamp = reading.timestamp.to_string();
    let server_id = reading.server_id.to_string();
    let fields = [
        Field::Text(&timestamp),
        Field::Text(&server_id),
        Field::Text(reading.server_name),
        Field::Text(reading.metric_type.as_str()),
        Field::Text(reading.metric),
        Field::Text(reading.sensor_id),
        Field::Text(reading.metric_name),
        Field::Number(reading.value),
        Field::Text(reading.unit.unwrap_or_default()),
        Field::Text(reading.status.map_or("", SensorStatus::as_str)),
    ];
    push_fields(text, fields);
}
