//! The description of the interface, made from the code.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::extract::Json;

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
    description
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(super) async fn get_openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(description())
}
