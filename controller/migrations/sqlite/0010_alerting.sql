-- What Alertmanager's configuration is made of: receivers, inhibitions, time
-- intervals and templates. Secrets are in the table of secrets.
CREATE TABLE alerting_parts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    -- receiver, inhibition, time_interval or template.
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    -- The rest, as JSON.
    body        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    UNIQUE (kind, name)
) STRICT;

-- What there is one of: the tree of routes, and the settings.
CREATE TABLE alerting_documents (
    name       TEXT PRIMARY KEY NOT NULL,
    document   TEXT NOT NULL,
    version    INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

-- Of a version that has secrets in it: its sealed content, instead of the column
-- content.
ALTER TABLE sync_versions ADD COLUMN content_secret_id TEXT REFERENCES secrets (id);
