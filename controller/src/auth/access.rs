//! The one place that decides what a role may do: a table of all routes.
//!
//! A route without a row is closed to everybody, and a test fails when the table
//! and the routes differ.

use axum::http::Method;

use crate::model::{Role, TokenKind};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Public,
    /// Every user.
    SignedIn,
    /// Users with at least this role.
    Role(Role),
    /// Programs with this kind of token.
    Service(TokenKind),
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Method of the request.
    pub method: &'static Method,
    /// Path with its parameters' names in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What a token with scopes must name.
    pub scope: &'static str,
}

const fn rule(
    method: &'static Method,
    path: &'static str,
    access: Access,
    scope: &'static str,
) -> Rule {
    Rule {
        method,
        path,
        access,
        scope,
    }
}

const GET: &Method = &Method::GET;
const POST: &Method = &Method::POST;
const PUT: &Method = &Method::PUT;
const DELETE: &Method = &Method::DELETE;

const VIEWER: Access = Access::Role(Role::Viewer);
const OPERATOR: Access = Access::Role(Role::Operator);
const ADMIN: Access = Access::Role(Role::Admin);
const INLET: Access = Access::Service(TokenKind::Inlet);

/// All routes.
pub const RULES: &[Rule] = &[
    rule(GET, "/-/healthy", Access::Public, ""),
    rule(GET, "/-/ready", Access::Public, ""),
    rule(GET, "/api/v1/openapi.json", Access::Public, ""),
    rule(POST, "/api/v1/auth/login", Access::Public, ""),
    rule(POST, "/api/v1/auth/refresh", Access::Public, ""),
    rule(POST, "/api/v1/auth/logout", Access::SignedIn, "auth:write"),
    rule(GET, "/api/v1/auth/me", Access::SignedIn, "auth:read"),
    rule(
        POST,
        "/api/v1/auth/password",
        Access::SignedIn,
        "auth:write",
    ),
    rule(GET, "/api/v1/tokens", Access::SignedIn, "tokens:read"),
    rule(POST, "/api/v1/tokens", Access::SignedIn, "tokens:write"),
    rule(
        DELETE,
        "/api/v1/tokens/{id}",
        Access::SignedIn,
        "tokens:write",
    ),
    rule(GET, "/api/v1/users", ADMIN, "users:read"),
    rule(POST, "/api/v1/users", ADMIN, "users:write"),
    rule(GET, "/api/v1/users/{id}", ADMIN, "users:read"),
    rule(PUT, "/api/v1/users/{id}", ADMIN, "users:write"),
    rule(DELETE, "/api/v1/users/{id}", ADMIN, "users:write"),
    rule(GET, "/api/v1/servers", VIEWER, "servers:read"),
    rule(POST, "/api/v1/servers", OPERATOR, "servers:write"),
    rule(GET, "/api/v1/servers/{id}", VIEWER, "servers:read"),
    rule(PUT, "/api/v1/servers/{id}", OPERATOR, "servers:write"),
    rule(DELETE, "/api/v1/servers/{id}", OPERATOR, "servers:write"),
    rule(GET, "/api/v1/groups", VIEWER, "servers:read"),
    rule(POST, "/api/v1/groups", ADMIN, "servers:write"),
    rule(GET, "/api/v1/groups/{id}", VIEWER, "servers:read"),
    rule(PUT, "/api/v1/groups/{id}", ADMIN, "servers:write"),
    rule(DELETE, "/api/v1/groups/{id}", ADMIN, "servers:write"),
    rule(GET, "/api/v1/credentials", OPERATOR, "credentials:read"),
    rule(POST, "/api/v1/credentials", ADMIN, "credentials:write"),
    rule(
        GET,
        "/api/v1/credentials/{id}",
        OPERATOR,
        "credentials:read",
    ),
    rule(PUT, "/api/v1/credentials/{id}", ADMIN, "credentials:write"),
    rule(
        DELETE,
        "/api/v1/credentials/{id}",
        ADMIN,
        "credentials:write",
    ),
    rule(GET, "/api/v1/exporters", VIEWER, "exporters:read"),
    rule(POST, "/api/v1/exporters", ADMIN, "exporters:write"),
    rule(GET, "/api/v1/exporters/{id}", VIEWER, "exporters:read"),
    rule(PUT, "/api/v1/exporters/{id}", ADMIN, "exporters:write"),
    rule(DELETE, "/api/v1/exporters/{id}", ADMIN, "exporters:write"),
    rule(GET, "/api/v1/sync", VIEWER, "sync:read"),
    rule(GET, "/api/v1/sync/versions", VIEWER, "sync:read"),
    rule(GET, "/api/v1/sync/versions/{id}", VIEWER, "sync:read"),
    rule(
        POST,
        "/api/v1/sync/versions/{id}/restore",
        ADMIN,
        "sync:write",
    ),
    rule(POST, "/api/v1/sync/plan", VIEWER, "sync:read"),
    rule(POST, "/api/v1/sync/confirm", OPERATOR, "sync:write"),
    rule(POST, "/api/v1/sync/resume", ADMIN, "sync:write"),
    rule(
        GET,
        "/api/v1/sd/prometheus/{exporter}",
        Access::Service(TokenKind::Discovery),
        "",
    ),
    rule(GET, "/api/v1/alerts", VIEWER, "alerts:read"),
    rule(GET, "/api/v1/alerts/statistics", VIEWER, "alerts:read"),
    rule(GET, "/api/v1/alerts/export", VIEWER, "alerts:read"),
    rule(GET, "/api/v1/alerts/gaps", VIEWER, "alerts:read"),
    rule(GET, "/api/v1/alerts/{id}", VIEWER, "alerts:read"),
    rule(
        POST,
        "/api/v1/alerts/{id}/acknowledge",
        OPERATOR,
        "alerts:write",
    ),
    rule(
        DELETE,
        "/api/v1/alerts/{id}/acknowledge",
        OPERATOR,
        "alerts:write",
    ),
    rule(
        POST,
        "/api/v1/alerts/{id}/comments",
        OPERATOR,
        "alerts:write",
    ),
    rule(
        PUT,
        "/api/v1/alerts/{id}/assignee",
        OPERATOR,
        "alerts:write",
    ),
    rule(POST, "/api/v1/monitoring/alerts/webhook", INLET, ""),
    rule(POST, "/api/v2/alerts", INLET, ""),
    rule(GET, "/api/v1/audit", ADMIN, "audit:read"),
    rule(POST, "/api/v1/audit/verify", ADMIN, "audit:read"),
];

/// The row of a route. HEAD is GET without a body.
#[must_use]
pub fn find(method: &Method, path: &str) -> Option<&'static Rule> {
    let method = if method == Method::HEAD { GET } else { method };
    RULES
        .iter()
        .find(|rule| rule.method == method && rule.path == path)
}

/// Everything that a token's scopes may name, sorted.
#[must_use]
pub fn scopes() -> Vec<&'static str> {
    let mut scopes: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.scope)
        .filter(|scope| !scope.is_empty())
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}
