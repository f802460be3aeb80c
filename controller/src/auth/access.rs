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
    /// Everybody, unless the configuration asks for a token; then every user, and
    /// Prometheus with the token that it has for discovery.
    Scrape,
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
const EXPORTER: Access = Access::Service(TokenKind::Exporter);

/// All routes.
pub const RULES: &[Rule] = &[
    rule(GET, "/-/healthy", Access::Public, ""),
    rule(GET, "/-/ready", Access::Public, ""),
    rule(GET, "/metrics", Access::Scrape, "metrics:read"),
    rule(GET, "/api/v1/openapi.json", Access::Public, ""),
    rule(POST, "/api/v1/auth/login", Access::Public, ""),
    rule(POST, "/api/v1/auth/refresh", Access::Public, ""),
    rule(GET, "/api/v1/auth/methods", Access::Public, ""),
    rule(GET, "/api/v1/auth/session", Access::SignedIn, "auth:read"),
    rule(POST, "/api/v1/auth/session", Access::Public, ""),
    rule(POST, "/api/v1/auth/session/oidc", Access::Public, ""),
    rule(GET, "/api/v1/auth/oidc/login", Access::Public, ""),
    rule(GET, "/api/v1/auth/oidc/callback", Access::Public, ""),
    rule(POST, "/api/v1/auth/oidc/token", Access::Public, ""),
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
    rule(GET, "/api/v1/servers/", VIEWER, "servers:read"),
    rule(POST, "/api/v1/servers/", OPERATOR, "servers:write"),
    rule(GET, "/api/v1/servers/stats", VIEWER, "servers:read"),
    rule(
        POST,
        "/api/v1/servers/batch/monitoring",
        OPERATOR,
        "servers:write",
    ),
    rule(GET, "/api/v1/servers/groups/", VIEWER, "servers:read"),
    rule(POST, "/api/v1/servers/groups/", ADMIN, "servers:write"),
    rule(GET, "/api/v1/servers/groups/{id}", VIEWER, "servers:read"),
    rule(PUT, "/api/v1/servers/groups/{id}", ADMIN, "servers:write"),
    rule(
        DELETE,
        "/api/v1/servers/groups/{id}",
        ADMIN,
        "servers:write",
    ),
    rule(GET, "/api/v1/discovery", OPERATOR, "discovery:read"),
    rule(POST, "/api/v1/discovery", OPERATOR, "discovery:write"),
    rule(GET, "/api/v1/discovery/{id}", OPERATOR, "discovery:read"),
    rule(
        POST,
        "/api/v1/discovery/{id}/cancel",
        OPERATOR,
        "discovery:write",
    ),
    rule(
        POST,
        "/api/v1/discovery/{id}/import",
        OPERATOR,
        "servers:write",
    ),
    rule(
        POST,
        "/api/v1/discovery/network-scan",
        OPERATOR,
        "discovery:write",
    ),
    rule(
        POST,
        "/api/v1/discovery/csv-import",
        OPERATOR,
        "servers:write",
    ),
    rule(
        POST,
        "/api/v1/discovery/csv-import-text",
        OPERATOR,
        "servers:write",
    ),
    rule(
        POST,
        "/api/v1/discovery/batch-import",
        OPERATOR,
        "servers:write",
    ),
    rule(
        GET,
        "/api/v1/discovery/csv-template",
        VIEWER,
        "servers:read",
    ),
    rule(
        GET,
        "/api/v1/discovery/network-examples",
        VIEWER,
        "servers:read",
    ),
    rule(POST, "/api/v1/servers/bulk", OPERATOR, "servers:write"),
    rule(POST, "/api/v1/servers/import", OPERATOR, "servers:write"),
    rule(GET, "/api/v1/servers/export", VIEWER, "servers:read"),
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
    rule(GET, "/api/v1/rules", VIEWER, "rules:read"),
    rule(POST, "/api/v1/rules", OPERATOR, "rules:write"),
    rule(GET, "/api/v1/rules/{id}", VIEWER, "rules:read"),
    rule(PUT, "/api/v1/rules/{id}", OPERATOR, "rules:write"),
    rule(DELETE, "/api/v1/rules/{id}", OPERATOR, "rules:write"),
    rule(POST, "/api/v1/rules/{id}/reset", OPERATOR, "rules:write"),
    rule(POST, "/api/v1/rules/validate", OPERATOR, "rules:read"),
    rule(POST, "/api/v1/rules/backtest", VIEWER, "rules:read"),
    rule(GET, "/api/v1/servers/{id}/thresholds", VIEWER, "rules:read"),
    rule(GET, "/api/v1/thresholds", VIEWER, "rules:read"),
    rule(POST, "/api/v1/thresholds", OPERATOR, "rules:write"),
    rule(GET, "/api/v1/thresholds/{id}", VIEWER, "rules:read"),
    rule(PUT, "/api/v1/thresholds/{id}", OPERATOR, "rules:write"),
    rule(DELETE, "/api/v1/thresholds/{id}", OPERATOR, "rules:write"),
    rule(GET, "/api/v1/exporters/{name}/config", EXPORTER, ""),
    rule(PUT, "/api/v1/exporters/{name}/status", EXPORTER, ""),
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
    rule(
        GET,
        "/api/v1/monitoring/prometheus/query",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        POST,
        "/api/v1/monitoring/prometheus/query",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/prometheus/query_range",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        POST,
        "/api/v1/monitoring/prometheus/query_range",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/prometheus/labels",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/prometheus/label/{name}/values",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/prometheus/series",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/servers/{id}/metrics",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/servers/{id}/sensors",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        POST,
        "/api/v1/monitoring/servers/{id}/collect",
        OPERATOR,
        "monitoring:write",
    ),
    rule(
        GET,
        "/api/v1/monitoring/servers/{id}/dashboard",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/servers/{id}/export",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/groups/{id}/export",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/servers/{id}/report",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/groups/{id}/report",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/servers/{id}/comparison",
        VIEWER,
        "monitoring:read",
    ),
    rule(
        GET,
        "/api/v1/monitoring/groups/{id}/comparison",
        VIEWER,
        "monitoring:read",
    ),
    rule(GET, "/api/v1/monitoring/health", VIEWER, "monitoring:read"),
    rule(POST, "/api/v2/alerts", INLET, ""),
    rule(GET, "/api/v1/fleet", VIEWER, "monitoring:read"),
    rule(GET, "/api/v1/fleet/servers", VIEWER, "monitoring:read"),
    rule(GET, "/api/v1/fleet/map", VIEWER, "monitoring:read"),
    rule(GET, "/api/v1/events", Access::SignedIn, "events:read"),
    rule(GET, "/api/v1/audit", ADMIN, "audit:read"),
    rule(POST, "/api/v1/audit/verify", ADMIN, "audit:read"),
    rule(GET, "/api/v1/audit/export", ADMIN, "audit:read"),
    rule(GET, "/api/v1/audit-logs", ADMIN, "audit:read"),
    rule(GET, "/api/v1/audit-logs/stats/summary", ADMIN, "audit:read"),
    rule(GET, "/api/v1/audit-logs/export/csv", ADMIN, "audit:read"),
    rule(GET, "/api/v1/backups", ADMIN, "backups:read"),
    rule(POST, "/api/v1/backups", ADMIN, "backups:write"),
    rule(GET, "/api/v1/backups/runs", ADMIN, "backups:read"),
    rule(GET, "/api/v1/backups/{name}", ADMIN, "backups:read"),
    rule(DELETE, "/api/v1/backups/{name}", ADMIN, "backups:write"),
    rule(POST, "/api/v1/backups/{name}/verify", ADMIN, "backups:read"),
    rule(
        GET,
        "/api/v1/backups/{name}/download",
        ADMIN,
        "backups:download",
    ),
    rule(POST, "/api/v1/backup/create", ADMIN, "backups:write"),
    rule(GET, "/api/v1/backup/list", ADMIN, "backups:read"),
    rule(POST, "/api/v1/backup/verify", ADMIN, "backups:read"),
    rule(POST, "/api/v1/backup/restore", ADMIN, "backups:write"),
    rule(DELETE, "/api/v1/backup/delete", ADMIN, "backups:write"),
    rule(
        GET,
        "/api/v1/backup/download/{filename}",
        ADMIN,
        "backups:download",
    ),
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
