-- What was published, and what of it is live.

CREATE TABLE sync_versions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    artefact       TEXT NOT NULL,
    revision       INTEGER NOT NULL,
    -- Last entry of the audit trail that went into it.
    audit_sequence INTEGER NOT NULL,
    author         TEXT NOT NULL,
    reason         TEXT NOT NULL,
    digest         BLOB NOT NULL,
    entries        INTEGER NOT NULL,
    added          INTEGER NOT NULL,
    removed        INTEGER NOT NULL,
    changed        INTEGER NOT NULL,
    diff           TEXT NOT NULL,
    -- Compressed with gzip; absent from versions that are too old to return to.
    content        BLOB,
    outcome        TEXT NOT NULL,
    outcome_detail TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    settled_ms     INTEGER
) STRICT;
CREATE INDEX sync_versions_by_artefact ON sync_versions (artefact, id);

CREATE TABLE sync_artefacts (
    artefact           TEXT PRIMARY KEY NOT NULL,
    published_id       INTEGER REFERENCES sync_versions (id),
    -- The last version that was seen live.
    good_id            INTEGER REFERENCES sync_versions (id),
    is_held            INTEGER NOT NULL,
    confirmed_revision INTEGER,
    confirmed_by       TEXT
) STRICT;
