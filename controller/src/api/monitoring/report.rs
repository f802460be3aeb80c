//! Servers over a period, and two periods side by side.

use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asked::{Moment, members, one};
use crate::api::download::{Form, Format, file};
use crate::api::extract::{Path, Query};
use crate::api::{AppState, Problem};
use crate::auth::Principal;
use crate::clock::Timestamp;
use crate::model::{AlertFilter, Id, Scope};
use crate::monitoring::report::{self, Period, ServerComparison, ServerReport, Totals, pairs};
use crate::transfer::{Field, push_fields};

/// A period.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// When it begins: RFC 3339, or seconds since 1970.
    #[param(value_type = String)]
    start: Moment,
    /// When it ends.
    #[param(value_type = String)]
    end: Moment,
}

/// Two periods.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedTwo {
    /// When the first begins: RFC 3339, or seconds since 1970.
    #[param(value_type = String)]
    first_start: Moment,
    /// When the first ends.
    #[param(value_type = String)]
    first_end: Moment,
    /// When the second begins.
    #[param(value_type = String)]
    second_start: Moment,
    /// When the second ends.
    #[param(value_type = String)]
    second_end: Moment,
}

/// Servers over a period.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    /// When it begins.
    start: Timestamp,
    /// When it ends.
    end: Timestamp,
    /// The servers, by number.
    servers: Vec<ServerReport>,
    /// All of them together.
    totals: Totals,
}

/// Servers over two periods.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Comparison {
    /// The first period.
    first: Period,
    /// The second.
    second: Period,
    /// The servers, by number.
    servers: Vec<ServerComparison>,
    /// All of them together: the first period, and the second.
    totals: [Totals; 2],
}

/// A server over a period: availability, alerts, power, and least, average and
/// greatest value of each sensor.
#[utoipa::path(get, path = "/monitoring/servers/{id}/report", tag = "monitoring",
    params(("id" = Id, Path), Asked, Form),
    responses((status = 200, description = "The report",
        content((Report = "application/json"), (String = "text/csv")))))]
pub(super) async fn report_on_server(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(asked): Query<Asked>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let servers = one(&state, &principal, id).await?;
    let name = format!("report-server-{id}");
    let periods = vec![period(asked.start, asked.end)?];
    Writer::new(state, &principal, servers, periods, form.format)
        .answer(&name)
        .await
}

/// The same of all servers that are in a group now.
#[utoipa::path(get, path = "/monitoring/groups/{id}/report", tag = "monitoring",
    params(("id" = Id, Path), Asked, Form),
    responses((status = 200, description = "The report",
        content((Report = "application/json"), (String = "text/csv")))))]
pub(super) async fn report_on_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(asked): Query<Asked>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let servers = members(&state, &principal, id).await?;
    let name = format!("report-group-{id}");
    let periods = vec![period(asked.start, asked.end)?];
    Writer::new(state, &principal, servers, periods, form.format)
        .answer(&name)
        .await
}

/// Two periods of a server, and by how much the second is more.
#[utoipa::path(get, path = "/monitoring/servers/{id}/comparison", tag = "monitoring",
    params(("id" = Id, Path), AskedTwo, Form),
    responses((status = 200, description = "The comparison",
        content((Comparison = "application/json"), (String = "text/csv")))))]
pub(super) async fn compare_server(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(asked): Query<AskedTwo>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let servers = one(&state, &principal, id).await?;
    let name = format!("comparison-server-{id}");
    Writer::new(state, &principal, servers, asked.periods()?, form.format)
        .answer(&name)
        .await
}

/// The same of all servers that are in a group now.
#[utoipa::path(get, path = "/monitoring/groups/{id}/comparison", tag = "monitoring",
    params(("id" = Id, Path), AskedTwo, Form),
    responses((status = 200, description = "The comparison",
        content((Comparison = "application/json"), (String = "text/csv")))))]
pub(super) async fn compare_group(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Id>,
    Query(asked): Query<AskedTwo>,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    let servers = members(&state, &principal, id).await?;
    let name = format!("comparison-group-{id}");
    Writer::new(state, &principal, servers, asked.periods()?, form.format)
        .answer(&name)
        .await
}

impl AskedTwo {
    fn periods(&self) -> Result<Vec<Period>, Problem> {
        Ok(vec![
            period(self.first_start, self.first_end)?,
            period(self.second_start, self.second_end)?,
        ])
    }
}

fn period(start: Moment, end: Moment) -> Result<Period, Problem> {
    Period::new(start.0, end.0).map_err(Problem::bad_request)
}

/// How far a report is: one period, or two that are compared.
struct Writer {
    state: AppState,
    scope: Scope,
    servers: std::vec::IntoIter<(Id, String)>,
    periods: Vec<Period>,
    totals: Vec<Totals>,
    format: Format,
    /// Servers that are written.
    count: usize,
    has_ended: bool,
}

impl Writer {
    fn new(
        state: AppState,
        principal: &Principal,
        servers: Vec<(Id, String)>,
        periods: Vec<Period>,
        format: Format,
    ) -> Self {
        Self {
            scope: principal.scope(),
            servers: servers.into_iter(),
            totals: vec![Totals::default(); periods.len()],
            state,
            periods,
            format,
            count: 0,
            has_ended: false,
        }
    }

    async fn answer(self, name: &str) -> Result<Response, Problem> {
        let format = self.format;
        let pieces = stream::try_unfold(self, |mut writer| async {
            let piece = writer.piece().await?;
            Ok(piece.map(|piece| (piece, writer)))
        });
        file(pieces, format, name).await
    }

    async fn piece(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        if self.has_ended {
            return Ok(None);
        }
        let mut text = String::new();
        if self.count == 0 {
            self.begin(&mut text)?;
        }
        let Some((id, name)) = self.servers.next() else {
            self.has_ended = true;
            self.end(&mut text)?;
            return Ok(Some(text.into_bytes()));
        };
        let mut reports = Vec::with_capacity(self.periods.len());
        for (period, totals) in self.periods.iter().zip(&mut self.totals) {
            let report = server_report(&self.state, &self.scope, (id, &name), *period).await?;
            totals.add(&report);
            reports.push(report);
        }
        if self.format == Format::Json {
            text.push_str(if self.count == 0 { "\n" } else { ",\n" });
        }
        self.count += 1;
        let second = reports.pop();
        match (reports.pop(), second) {
            (Some(first), Some(second)) => match self.format {
                Format::Json => push_json(&mut text, &ServerComparison::of(first, second))?,
                Format::Csv => comparison_lines(&mut text, &first, &second),
            },
            (_, Some(report)) => match self.format {
                Format::Json => push_json(&mut text, &report)?,
                Format::Csv => report_lines(&mut text, &report),
            },
            (_, None) => {}
        }
        Ok(Some(text.into_bytes()))
    }

    fn begin(&self, text: &mut String) -> Result<(), Problem> {
        match (self.format, &self.periods[..]) {
            (Format::Csv, [_]) => text.push_str(REPORT_HEADER),
            (Format::Csv, _) => text.push_str(COMPARISON_HEADER),
            (Format::Json, [first, second]) => {
                text.push_str("{\"first\":");
                push_json(text, first)?;
                text.push_str(",\"second\":");
                push_json(text, second)?;
                text.push_str(",\"servers\":[");
            }
            (Format::Json, periods) => {
                for period in periods {
                    push_json(text, period)?;
                }
                // The object goes on.
                text.pop();
                text.push_str(",\"servers\":[");
            }
        }
        Ok(())
    }

    fn end(&self, text: &mut String) -> Result<(), Problem> {
        if self.format == Format::Csv {
            return Ok(());
        }
        text.push_str("\n],\"totals\":");
        match &self.totals[..] {
            [only] => push_json(text, only)?,
            both => push_json(text, &both)?,
        }
        text.push_str("}\n");
        Ok(())
    }
}

/// A server over a period, with the alerts of the journal.
async fn server_report(
    state: &AppState,
    scope: &Scope,
    server: (Id, &str),
    period: Period,
) -> Result<ServerReport, Problem> {
    let filter = AlertFilter {
        server_id: Some(server.0),
        since: Some(period.start),
        until: Some(period.end),
        ..AlertFilter::default()
    };
    let alerts = {
        let mut tx = state.store.read().await?;
        tx.alert_statistics(&filter, scope).await?
    };
    let source = &state.monitoring.source;
    Ok(report::server(source, server, period, alerts.into()).await?)
}

fn push_json(text: &mut String, value: &impl Serialize) -> Result<(), Problem> {
    let json = serde_json::to_string(value).map_err(|error| Problem::internal(&error))?;
    text.push_str(&json);
    Ok(())
}

const REPORT_HEADER: &str = "server_id,server_name,metric_type,metric,sensor_id,metric_name,unit,\
    minimum,average,maximum,total\r\n";
const COMPARISON_HEADER: &str = "server_id,server_name,metric_type,metric,sensor_id,metric_name,\
    unit,first_minimum,first_average,first_maximum,first_total,second_minimum,second_average,\
    second_maximum,second_total,difference_minimum,difference_average,difference_maximum,\
    difference_total\r\n";

fn report_lines(text: &mut String, report: &ServerReport) {
    let id = report.server_id.to_string();
    for line in report.lines() {
        let names = names(&id, &report.server_name, &line);
        push_fields(
            text,
            names.into_iter().chain(line.numbers().map(Field::Number)),
        );
    }
}

fn comparison_lines(text: &mut String, first: &ServerReport, second: &ServerReport) {
    let id = first.server_id.to_string();
    for pair in pairs(first, second) {
        let names = names(&id, &first.server_name, &pair.difference);
        let difference = pair.difference.numbers();
        let numbers = [pair.first, pair.second, difference];
        let numbers = numbers.into_iter().flatten().map(Field::Number);
        push_fields(text, names.into_iter().chain(numbers));
    }
}

fn names<'a>(id: &'a str, name: &'a str, line: &'a report::Line) -> [Field<'a>; 7] {
    [
        Field::Text(id),
        Field::Text(name),
        Field::Text(line.metric_type),
        Field::Text(line.metric),
        Field::Text(&line.sensor_id),
        Field::Text(&line.metric_name),
        Field::Text(line.unit.unwrap_or_default()),
    ]
}
