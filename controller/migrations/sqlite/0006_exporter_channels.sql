-- What is known of exporters that ask for their modules.

CREATE TABLE exporter_channels (
    exporter_id      INTEGER PRIMARY KEY NOT NULL REFERENCES exporters (id) ON DELETE CASCADE,
    connected_ms     INTEGER NOT NULL,
    last_seen_ms     INTEGER NOT NULL,
    -- ETags, as the exporter shows them.
    applied          TEXT,
    refused          TEXT,
    error            TEXT NOT NULL,
    exporter_version TEXT NOT NULL,
    started_ms       INTEGER,
    source           TEXT NOT NULL,
    -- The last that was given out, for the audit trail.
    handed_out       TEXT
) STRICT;
CREATE INDEX tokens_by_subject ON tokens (subject_id);
