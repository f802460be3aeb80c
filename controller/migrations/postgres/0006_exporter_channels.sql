-- What is known of exporters that ask for their modules.

CREATE TABLE exporter_channels (
    exporter_id      BIGINT PRIMARY KEY NOT NULL REFERENCES exporters (id) ON DELETE CASCADE,
    connected_ms     BIGINT NOT NULL,
    last_seen_ms     BIGINT NOT NULL,
    -- ETags, as the exporter shows them.
    applied          TEXT,
    refused          TEXT,
    error            TEXT NOT NULL,
    exporter_version TEXT NOT NULL,
    started_ms       BIGINT,
    source           TEXT NOT NULL,
    -- The last that was given out, for the audit trail.
    handed_out       TEXT
);
CREATE INDEX tokens_by_subject ON tokens (subject_id);
