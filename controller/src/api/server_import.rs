//! Servers out of a file, many at once.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Query};
use super::{AppState, Problem};
use crate::auth::Principal;
use crate::transfer::{Form, ImportError, Mode, Report, Settings, import};

/// Largest file.
pub(super) const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// How a file is imported.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct ImportQuery {
    /// `create`, `update` or `upsert`; servers are known by their names.
    #[param(inline)]
    mode: Mode,
    /// Change nothing, and say what would become of each row.
    #[param(default = false)]
    dry_run: bool,
    /// Keep the rows that are right when others are not; otherwise it is all or
    /// nothing.
    #[param(default = false)]
    partial: bool,
    /// Make groups that there are not. For admins.
    #[param(default = false)]
    create_groups: bool,
    /// `all` lines, or only those with `errors`.
    #[param(inline)]
    report: Which,
}

/// Which lines are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// Each.
    #[default]
    All,
    /// Those with which something is wrong.
    Errors,
}

/// A problem with rows: nothing was changed.
#[derive(Serialize)]
pub(super) struct ImportProblem {
    /// What kind of problem it is.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong, for a person.
    detail: String,
    /// What would have become of each row.
    #[serde(flatten)]
    report: Report,
}

/// Makes and changes servers as a file says. Its columns or fields: `name`,
/// `address`, `port`, `credential`, `group`, `exporter` (by name),
/// `monitoring_enabled`, `manufacturer`, `model`, `serial_number`, `site`, `rack`,
/// `description`, `tags` and `label.<name>` (in JSON `labels`); `username` and
/// `password` in place of `credential`. What an existing server's row does not
/// mention stays as it is.
#[utoipa::path(post, path = "/servers/import", tag = "servers", params(ImportQuery),
    request_body(content((String = "text/csv"), (Vec<Object> = "application/json"))),
    responses((status = 200, body = Report),
        (status = 400, body = super::ProblemBody, content_type = "application/problem+json",
            description = "The file cannot be read"),
        (status = 413, body = super::ProblemBody, content_type = "application/problem+json",
            description = "The file has more than 64 MiB"),
        (status = 415, body = super::ProblemBody, content_type = "application/problem+json",
            description = "The file is neither CSV nor JSON"),
        (status = 422, body = super::ProblemBody, content_type = "application/problem+json",
            description = "Something is wrong with rows; nothing was changed. The report is in the same object")))]
pub(super) async fn import_servers(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<Response, Problem> {
    if query.create_groups && !principal.is_admin() {
        return Err(Problem::forbidden(
            "create_groups: making groups needs the role admin",
        ));
    }
    let form = form_of(&request)?;
    let file = to_bytes(request.into_body(), MAX_FILE_BYTES)
        .await
        .map_err(|_| too_large())?;
    let settings = Settings {
        mode: query.mode,
        dry_run: query.dry_run,
        partial: query.partial,
        create_groups: query.create_groups,
        errors_only: query.report == Which::Errors,
        monitoring_by_default: true,
        group_id: None,
    };
    let report = import(&state.store, &principal, settings, file, form).await?;
    Ok(answer(report))
}

/// A report; as a problem when it says that nothing was changed for mistakes.
pub(super) fn answer(report: Report) -> Response {
    if report.applied || report.dry_run {
        return Json(report).into_response();
    }
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let problem = ImportProblem {
        title: "Rows are wrong",
        status: status.as_u16(),
        detail: format!(
            "{} of {} rows are wrong, so nothing was changed; mend them, or ask for a partial import",
            report.failed, report.rows
        ),
        report,
    };
    let mut response = (status, Json(problem)).into_response();
    let media_type = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

fn form_of(request: &Request) -> Result<Form, Problem> {
    let value = request.headers().get(CONTENT_TYPE);
    let media_type = value.and_then(|value| value.to_str().ok());
    let essence = media_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    match essence {
        Some("text/csv") => Ok(Form::Csv),
        Some("application/json") => Ok(Form::Json),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Neither CSV nor JSON",
            "Content-Type: is neither text/csv nor application/json",
        )),
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "Too large",
        format!(
            "the file has more than {} MiB, or did not come whole; import it in parts",
            MAX_FILE_BYTES / (1024 * 1024)
        ),
    )
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::File(error) => Self::bad_request(error.to_string()),
            ImportError::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}
