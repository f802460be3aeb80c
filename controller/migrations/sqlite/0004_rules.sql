-- Groups of alerting and recording rules.
CREATE TABLE rule_groups (
    id             INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name           TEXT NOT NULL UNIQUE,
    description    TEXT NOT NULL,
    -- In Prometheus' words; null for its own default.
    interval_text  TEXT,
    is_enabled     INTEGER NOT NULL,
    -- The rules in their order, as JSON.
    rules          TEXT NOT NULL,
    -- Of a group that came with the program: its name there, and the digest of
    -- the text that was installed, by which a change is told.
    shipped_name   TEXT UNIQUE,
    shipped_digest TEXT,
    version        INTEGER NOT NULL,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL
) STRICT;

-- Thresholds that hold instead of the hardware's own.
CREATE TABLE threshold_overrides (
    id               INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind             TEXT NOT NULL,
    bound            TEXT NOT NULL,
    level            TEXT NOT NULL,
    -- Null: there is no such threshold.
    value            REAL,
    -- Which sensors; null or empty does not limit.
    server_id        INTEGER REFERENCES servers (id) ON DELETE CASCADE,
    group_id         INTEGER REFERENCES groups (id) ON DELETE CASCADE,
    model            TEXT NOT NULL,
    site             TEXT NOT NULL,
    sensor           TEXT NOT NULL,
    sensor_is_regex  INTEGER NOT NULL,
    description      TEXT NOT NULL,
    version          INTEGER NOT NULL,
    created_ms       INTEGER NOT NULL,
    updated_ms       INTEGER NOT NULL
) STRICT;
CREATE INDEX threshold_overrides_by_server ON threshold_overrides (server_id);
CREATE INDEX threshold_overrides_by_group ON threshold_overrides (group_id);
