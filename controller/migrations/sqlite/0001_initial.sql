-- Moments are milliseconds since 1970. Truth values are 0 and 1.

CREATE TABLE facts (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

-- Rises with every change of the desired state; what is published carries it.
CREATE TABLE revision (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    value    INTEGER NOT NULL
) STRICT;
INSERT INTO revision VALUES (1, 1);

CREATE TABLE secrets (
    id         TEXT PRIMARY KEY NOT NULL,
    purpose    TEXT NOT NULL,
    key_id     BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id               INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    username         TEXT NOT NULL UNIQUE,
    email            TEXT NOT NULL,
    password_hash    TEXT NOT NULL,
    role             TEXT NOT NULL,
    is_active        INTEGER NOT NULL,
    is_group_limited INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    last_login_ms    INTEGER,
    created_ms       INTEGER NOT NULL,
    updated_ms       INTEGER NOT NULL
) STRICT;

CREATE TABLE groups (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE user_groups (
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
) STRICT;

CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    user_id      INTEGER REFERENCES users (id) ON DELETE CASCADE,
    -- All tokens that came out of one log-in share it: a refresh token that is
    -- used twice ends them all.
    family       TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    subject_id   INTEGER,
    expires_ms   INTEGER,
    used_ms      INTEGER,
    revoked_ms   INTEGER,
    created_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user_id);
CREATE INDEX tokens_by_family ON tokens (family);
CREATE INDEX tokens_by_expiry ON tokens (expires_ms);

CREATE TABLE credentials (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name               TEXT NOT NULL UNIQUE,
    description        TEXT NOT NULL,
    username           TEXT NOT NULL,
    password_secret_id TEXT REFERENCES secrets (id),
    k_g_secret_id      TEXT REFERENCES secrets (id),
    driver             TEXT NOT NULL,
    privilege          TEXT,
    settings           TEXT NOT NULL,
    version            INTEGER NOT NULL,
    created_ms         INTEGER NOT NULL,
    updated_ms         INTEGER NOT NULL
) STRICT;

CREATE TABLE exporters (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name        TEXT NOT NULL UNIQUE,
    url         TEXT NOT NULL,
    site        TEXT NOT NULL,
    weight      INTEGER NOT NULL,
    is_enabled  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE servers (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name               TEXT NOT NULL UNIQUE,
    address            TEXT NOT NULL,
    port               INTEGER NOT NULL,
    credential_id      INTEGER REFERENCES credentials (id),
    group_id           INTEGER REFERENCES groups (id),
    exporter_id        INTEGER REFERENCES exporters (id),
    monitoring_enabled INTEGER NOT NULL,
    manufacturer       TEXT NOT NULL,
    model              TEXT NOT NULL,
    serial_number      TEXT NOT NULL,
    site               TEXT NOT NULL,
    rack               TEXT NOT NULL,
    description        TEXT NOT NULL,
    tags               TEXT NOT NULL,
    labels             TEXT NOT NULL,
    -- All that a search looks at, in lower case.
    search             TEXT NOT NULL,
    version            INTEGER NOT NULL,
    created_ms         INTEGER NOT NULL,
    updated_ms         INTEGER NOT NULL,
    UNIQUE (address, port)
) STRICT;
CREATE INDEX servers_by_group ON servers (group_id);
CREATE INDEX servers_by_credential ON servers (credential_id);
CREATE INDEX servers_by_exporter ON servers (exporter_id);
CREATE INDEX servers_by_search ON servers (search);

-- The audit trail: a chain, each link hashed with the one before.
CREATE TABLE audit (
    sequence   INTEGER PRIMARY KEY NOT NULL,
    at_ms      INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    actor_id   INTEGER,
    source     TEXT,
    action     TEXT NOT NULL,
    resource   TEXT NOT NULL,
    old_value  TEXT,
    new_value  TEXT,
    hash       BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at_ms);
CREATE INDEX audit_by_resource ON audit (resource);

CREATE TABLE audit_head (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    sequence INTEGER NOT NULL,
    hash     BLOB NOT NULL
) STRICT;
INSERT INTO audit_head VALUES (1, 0, zeroblob(32));
