//! The description of the interface, made from the code.

use axum::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, PathItem, Ref, RefOr, Response, Schema};

use super::extract::Json;
use crate::auth::access::{self, Access};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "OpenServerHub Monitor",
        description = "Targets, credentials, rules and alerts of an IPMI monitoring system.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(super::ProblemBody)),
    security(("token" = []))
)]
struct Base;

/// The whole description.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut description = Base::openapi();
    let (_, routes) = super::routes().split_for_parts();
    description.merge(routes);
    let components = description.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let tagged: Vec<String> = components.schemas.values().flat_map(tagged).collect();
    for name in tagged {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) {
            object.additional_properties = None;
        }
    }
    for (path, item) in &mut description.paths.paths {
        for (method, operation) in operations(item) {
            document_errors(path, &method, operation);
        }
    }
    description
}

/// Names of schemas that stand beside a tag in one of several forms. Such a schema
/// must not forbid what it does not know, for that would be the tag.
fn tagged(schema: &RefOr<Schema>) -> Vec<String> {
    let RefOr::T(Schema::OneOf(forms)) = schema else {
        return Vec::new();
    };
    let parts = forms.items.iter().filter_map(|form| match form {
        RefOr::T(Schema::AllOf(parts)) => Some(&parts.items),
        _ => None,
    });
    let names = parts.flatten().filter_map(|part| match part {
        RefOr::Ref(place) => place.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    });
    names.map(str::to_owned).collect()
}

fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
    .collect()
}

/// Errors that an operation may answer with for what it has in common with
/// others; those of its own stay as they are.
fn document_errors(path: &str, method: &Method, operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let changes = *method != Method::GET;
    let access = access::find(method, path).map(|rule| rule.access);
    let is_public = access == Some(Access::Public);
    // Prometheus answers them, or nobody is configured who does.
    let asks_others = path.contains("/monitoring/") || path.contains("/rules/");
    let errors = [
        (true, 400, "Parameters or body cannot be understood"),
        (!is_public, 401, "No token, or one that does not hold"),
        (!is_public, 403, "The role or the token does not allow it"),
        (
            path.contains('{'),
            404,
            "There is no such thing, or not for you",
        ),
        (
            asks_others || (changes && !is_public),
            409,
            "It clashes with what is there, or with the configuration",
        ),
        (changes && !is_public, 412, "It was changed meanwhile"),
        (has_body, 413, "The body is too large"),
        (has_body, 415, "The body is of another media type"),
        (
            has_body || asks_others,
            422,
            "Fields are not legal; `errors` names them",
        ),
        (path.contains("/auth/"), 429, "Too many tries"),
        (asks_others, 502, "Prometheus or the exporter fails"),
        (true, 503, "Busy, or the store fails; try again"),
        (
            asks_others,
            504,
            "Prometheus or the exporter takes too long",
        ),
    ];
    let responses = &mut operation.responses.responses;
    for (can_occur, status, text) in errors {
        if can_occur {
            responses
                .entry(status.to_string())
                .or_insert_with(|| RefOr::T(Response::new(text)));
        }
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.as_str() >= "400"
            && response.content.is_empty()
        {
            let body = Content::new(Some(Ref::from_schema_name("ProblemBody"))).into();
            response
                .content
                .insert("application/problem+json".to_owned(), body);
        }
    }
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(super) async fn get_openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(description())
}
