//! Long lists as files: as long as they are, in little memory.

use std::future::Future;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::io::DuplexStream;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::Problem;

/// Bytes that wait for the reader.
const BUFFER_BYTES: usize = 64 * 1024;

/// In which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// One JSON array.
    #[default]
    Json,
    /// Comma-separated values with a line of names (RFC 4180).
    Csv,
}

/// In which form the file is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Form {
    /// `json` or `csv`.
    #[serde(default)]
    #[param(inline)]
    pub(super) format: Format,
}

/// A file that is written while it is sent. When writing fails, the answer breaks
/// off, and the reader sees that.
pub(super) fn file<F>(
    name: &'static str,
    format: Format,
    write: impl FnOnce(DuplexStream) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let (writer, reader) = tokio::io::duplex(BUFFER_BYTES);
    let writing = write(writer);
    tokio::spawn(async move {
        if let Err(error) = writing.await {
            tracing::warn!(error = %error, file = name, "An export broke off");
        }
    });
    let (media_type, ending) = match format {
        Format::Json => ("application/json", "json"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    let disposition =
        HeaderValue::from_str(&disposition).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(reader))).into_response())
}
