//! Lets through only what the description of the interface names: a parameter that
//! is misspelt must not be a filter that does nothing, or a dry run that is none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, ParameterStyle};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use super::Problem;
use super::idempotency;

/// What an operation takes.
#[derive(Debug, Default)]
struct Taken {
    /// Names of parameters of the query.
    query: BTreeSet<String>,
    /// Whether the query may have any others.
    is_open: bool,
    /// Names of headers, in lower case.
    headers: BTreeSet<String>,
}

/// What each operation takes, by path and method.
#[derive(Debug)]
pub(super) struct Described(HashMap<String, BTreeMap<&'static str, Taken>>);

impl Described {
    /// Reads a description.
    pub(super) fn new(description: &OpenApi) -> Arc<Self> {
        let paths = description.paths.paths.iter().map(|(path, item)| {
            let operations = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("DELETE", &item.delete),
                ("PATCH", &item.patch),
            ];
            let taken = operations
                .into_iter()
                .filter_map(|(method, operation)| Some((method, taken(operation.as_ref()?))))
                .collect();
            (path.clone(), taken)
        });
        Arc::new(Self(paths.collect()))
    }

    fn of(&self, method: &Method, path: &str) -> Option<&Taken> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.0.get(path)?.get(method.as_str())
    }

    /// What a request says that its operation does not take.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let path = request.extensions().get::<MatchedPath>();
        let taken = path.and_then(|path| self.of(request.method(), path.as_str()));
        let Some(taken) = taken else {
            return Ok(());
        };
        let query = request.uri().query().unwrap_or_default();
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !taken.is_open && !taken.query.contains(name.as_ref()) {
                return Err(Problem::bad_request(unknown(&name, &taken.query)));
            }
        }
        let header = idempotency::HEADER;
        if request.headers().contains_key(&header) && !taken.headers.contains(header.as_str()) {
            return Err(Problem::bad_request(
                "Idempotency-Key: this request does not take one; leave it out",
            ));
        }
        Ok(())
    }
}

fn taken(operation: &Operation) -> Taken {
    let mut taken = Taken::default();
    for parameter in operation.parameters.iter().flatten() {
        let RefOr::T(parameter) = parameter else {
            continue;
        };
        match parameter.parameter_in {
            ParameterIn::Query if is_map(parameter) => taken.is_open = true,
            ParameterIn::Query => drop(taken.query.insert(parameter.name.clone())),
            ParameterIn::Header => drop(taken.headers.insert(parameter.name.to_lowercase())),
            _ => {}
        }
    }
    taken
}

/// Whether a parameter stands for parameters of any name, as OpenAPI has it: an
/// object whose fields come one by one.
fn is_map(parameter: &Parameter) -> bool {
    let is_spread =
        parameter.style == Some(ParameterStyle::Form) && parameter.explode == Some(true);
    let is_object = matches!(&parameter.schema, Some(RefOr::T(Schema::Object(_))));
    is_spread && is_object
}

fn unknown(name: &str, known: &BTreeSet<String>) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if known.is_empty() {
        return format!("{name}: this path takes no parameters");
    }
    format!(
        "{name}: this path has no such parameter; it takes {}",
        known.join(", ")
    )
}

/// Answers 400 to what is not described.
pub(super) async fn guard(
    State(described): State<Arc<Described>>,
    request: Request,
    next: Next,
) -> Response {
    match described.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
