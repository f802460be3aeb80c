//! Lists as files: as long as they are, in little memory, as fast as the reader
//! takes them.

use std::borrow::Cow;
use std::future::Future;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::Problem;

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

/// Answers with a file. What fails before the first piece is there is a problem;
/// later the answer breaks off, and the reader sees that.
///
/// # Errors
/// The first piece's.
pub(super) async fn file(
    pieces: impl Stream<Item = Result<Vec<u8>, Problem>> + Send + 'static,
    format: Format,
    name: &str,
) -> Result<Response, Problem> {
    let mut pieces = Box::pin(pieces);
    let first = match pieces.next().await {
        Some(first) => first?,
        None => Vec::new(),
    };
    let rest = pieces.map(|piece| {
        piece.map_err(|problem| {
            tracing::warn!(?problem, "An answer with a file broke off");
            std::io::Error::other("the file could not be finished")
        })
    });
    let body = stream::iter([Ok(first)]).chain(rest);
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
    Ok((headers, Body::from_stream(body)).into_response())
}

/// A list that is read a part at a time. Between two parts no transaction is
/// open: a slow reader must not keep the database from tidying up.
pub(super) trait List: Send + 'static {
    /// Its line of names, for [`Format::Csv`].
    fn header(&self) -> Cow<'static, str>;

    /// Writes the next part. Gives whether there may be more.
    ///
    /// # Errors
    /// What the reader is told when it is the first part.
    fn next(&mut self, rows: &mut Rows) -> impl Future<Output = Result<bool, Problem>> + Send;
}

/// Rows of a list as text.
pub(super) struct Rows {
    format: Format,
    text: String,
    is_first: bool,
}

impl Rows {
    /// Adds a row: the value as JSON, or what `csv` writes as a line.
    ///
    /// # Errors
    /// When the value is no JSON.
    pub(super) fn push(
        &mut self,
        value: &impl Serialize,
        csv: impl FnOnce(&mut String),
    ) -> Result<(), Problem> {
        match self.format {
            Format::Json => {
                let json = serde_json::to_string(value);
                let json = json.map_err(|error| Problem::internal(&error))?;
                self.text.push_str(if self.is_first { "\n" } else { ",\n" });
                self.text.push_str(&json);
            }
            Format::Csv => csv(&mut self.text),
        }
        self.is_first = false;
        Ok(())
    }
}

/// Answers with a list as a file.
///
/// # Errors
/// The first part's.
pub(super) async fn list(list: impl List, format: Format, name: &str) -> Result<Response, Problem> {
    file(pieces(list, format), format, name).await
}

/// The text of a list.
fn pieces(
    list: impl List,
    format: Format,
) -> impl Stream<Item = Result<Vec<u8>, Problem>> + Send + 'static {
    let text = match format {
        Format::Json => "[".to_owned(),
        Format::Csv => list.header().into_owned(),
    };
    let rows = Rows {
        format,
        text,
        is_first: true,
    };
    stream::try_unfold(Some((list, rows)), move |state| async move {
        let Some((mut list, mut rows)) = state else {
            return Ok(None);
        };
        let has_more = list.next(&mut rows).await?;
        let mut text = std::mem::take(&mut rows.text);
        if !has_more && format == Format::Json {
            text.push_str("\n]\n");
        }
        Ok(Some((text.into_bytes(), has_more.then_some((list, rows)))))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use futures_util::TryStreamExt;

    use super::*;

    /// Numbers, two in a part, of which one cannot be had.
    struct Numbers {
        next: u32,
        end: u32,
        missing: Option<u32>,
    }

    impl List for Numbers {
        fn header(&self) -> Cow<'static, str> {
            "number\r\n".into()
        }

        async fn next(&mut self, rows: &mut Rows) -> Result<bool, Problem> {
            for number in self.next..self.end.min(self.next + 2) {
                if Some(number) == self.missing {
                    return Err(Problem::bad_request("it is missing"));
                }
                rows.push(&number, |text| text.push_str(&format!("{number}\r\n")))?;
            }
            self.next += 2;
            Ok(self.next < self.end)
        }
    }

    async fn answer(
        end: u32,
        missing: Option<u32>,
        format: Format,
    ) -> Result<Result<String, axum::Error>, StatusCode> {
        let numbers = Numbers {
            next: 0,
            end,
            missing,
        };
        let response = list(numbers, format, "numbers").await;
        let response = response.map_err(|problem| problem.status())?;
        let body: Result<Vec<_>, _> = response.into_body().into_data_stream().try_collect().await;
        Ok(body.map(|pieces| String::from_utf8(pieces.concat()).unwrap()))
    }

    #[tokio::test]
    async fn a_list_is_whole_in_each_form() {
        for (end, json, csv) in [
            (0, "[\n]\n", "number\r\n"),
            (1, "[\n0\n]\n", "number\r\n0\r\n"),
            (3, "[\n0,\n1,\n2\n]\n", "number\r\n0\r\n1\r\n2\r\n"),
        ] {
            let whole = |text: &str| Ok(Some(text.to_owned()));
            let of = async |format| answer(end, None, format).await.map(Result::ok);
            assert_eq!(of(Format::Json).await, whole(json));
            assert_eq!(of(Format::Csv).await, whole(csv));
        }
    }

    #[tokio::test]
    async fn what_fails_first_is_a_problem_and_what_fails_later_is_no_whole_file() {
        for format in [Format::Json, Format::Csv] {
            let first = answer(5, Some(1), format).await;
            assert_eq!(first.err(), Some(StatusCode::BAD_REQUEST));
            let later = answer(5, Some(3), format).await;
            assert!(
                later.unwrap().is_err(),
                "{format:?} ends as if it were whole"
            );
        }
    }
}
