-- When the servers of a group are worked on, again and again.
CREATE TABLE maintenance_windows (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name        TEXT NOT NULL UNIQUE,
    group_id    INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    reason      TEXT NOT NULL,
    -- When, as it was written (JSON).
    recurrence  TEXT NOT NULL,
    is_enabled  INTEGER NOT NULL,
    author      TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX maintenance_windows_by_group ON maintenance_windows (group_id);

-- What is, or is to be, in Alertmanager.
CREATE TABLE silences (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    -- What its comment in Alertmanager ends with.
    reference            TEXT NOT NULL UNIQUE,
    origin               TEXT NOT NULL,
    subject              TEXT NOT NULL,
    -- Of a silence for a group.
    group_id             INTEGER,
    -- All matchers, and those that its subject did not bring.
    matchers             TEXT NOT NULL,
    more_matchers        TEXT NOT NULL,
    -- Whether no matcher limits it to some servers or groups.
    reaches_all          INTEGER NOT NULL,
    author               TEXT NOT NULL,
    reason               TEXT NOT NULL,
    starts_ms            INTEGER NOT NULL,
    ends_ms              INTEGER NOT NULL,
    -- When it was ended before its time, and by whom.
    ended_ms             INTEGER,
    ended_by             TEXT,
    -- Which window made it, in which version, and for which occurrence.
    window_id            INTEGER REFERENCES maintenance_windows (id) ON DELETE SET NULL,
    window_version       INTEGER,
    occurrence_starts_ms INTEGER,
    occurrence_ends_ms   INTEGER,
    alertmanager_id      TEXT,
    -- The version that Alertmanager has.
    placed_version       INTEGER,
    -- When Alertmanager changed it, as it was last seen there.
    seen_ms              INTEGER,
    put_back             INTEGER NOT NULL,
    problem              TEXT,
    -- All that a search looks at, in lower case.
    search               TEXT NOT NULL,
    version              INTEGER NOT NULL,
    created_ms           INTEGER NOT NULL,
    updated_ms           INTEGER NOT NULL,
    UNIQUE (window_id, window_version, occurrence_starts_ms)
) STRICT;
CREATE INDEX silences_by_end ON silences (ends_ms);
CREATE INDEX silences_by_start ON silences (starts_ms);
CREATE INDEX silences_by_alertmanager_id ON silences (alertmanager_id);

-- The servers that a silence is limited to.
CREATE TABLE silence_servers (
    silence_id INTEGER NOT NULL REFERENCES silences (id) ON DELETE CASCADE,
    server_id  INTEGER NOT NULL,
    PRIMARY KEY (silence_id, server_id)
) STRICT;
CREATE INDEX silence_servers_by_server ON silence_servers (server_id);

-- The groups that a silence is limited to, by the value of their label.
CREATE TABLE silence_groups (
    silence_id INTEGER NOT NULL REFERENCES silences (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    PRIMARY KEY (silence_id, group_name)
) STRICT;

-- Every id that a silence of ours had in Alertmanager.
CREATE TABLE silence_ids (
    alertmanager_id TEXT PRIMARY KEY NOT NULL,
    silence_id      INTEGER NOT NULL REFERENCES silences (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX silence_ids_by_silence ON silence_ids (silence_id);

-- Who compares them with Alertmanager: when, and what kept from it.
CREATE TABLE silence_watch (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    -- Rises with each change that is to reach Alertmanager.
    revision INTEGER NOT NULL,
    looked_ms INTEGER,
    problem  TEXT
) STRICT;
INSERT INTO silence_watch VALUES (1, 0, NULL, NULL);
