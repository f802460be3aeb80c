-- One row for each time that an alert fired.
CREATE TABLE alerts (
    id               INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    fingerprint      TEXT NOT NULL,
    starts_ms        INTEGER NOT NULL,
    alertname        TEXT NOT NULL,
    severity         TEXT NOT NULL,
    -- From the label; the server may be gone, or never have been ours.
    server_id        INTEGER,
    -- Whether it was ours when the alert began.
    had_server       INTEGER NOT NULL,
    labels           TEXT NOT NULL,
    annotations      TEXT NOT NULL,
    generator_url    TEXT NOT NULL,
    -- Which Prometheus; empty when only Alertmanager told.
    origin           TEXT NOT NULL,
    -- How new the annotations are: see Description in alert/sighting.rs.
    by_prometheus    INTEGER NOT NULL,
    described_ms     INTEGER NOT NULL,
    -- How many wordings it had.
    wordings         INTEGER NOT NULL,
    evidence         TEXT NOT NULL,
    state            TEXT NOT NULL,
    -- When it is overdue for the watchdog; null when it has ended.
    due_ms           INTEGER,
    -- When a delivery last said something new of it.
    heard_ms         INTEGER NOT NULL,
    ended_ms         INTEGER,
    end_reason       TEXT,
    is_notified      INTEGER NOT NULL,
    acknowledged_ms  INTEGER,
    acknowledged_by  TEXT,
    assignee         TEXT,
    -- All that a search looks at, in lower case.
    search           TEXT NOT NULL,
    UNIQUE (fingerprint, starts_ms)
) STRICT;
CREATE INDEX alerts_by_start ON alerts (starts_ms);
CREATE INDEX alerts_by_state ON alerts (state, starts_ms);
CREATE INDEX alerts_by_server ON alerts (server_id, starts_ms);
CREATE INDEX alerts_by_due ON alerts (due_ms);
CREATE INDEX alerts_by_end ON alerts (ended_ms);

-- What happened in an alert's life besides its begin and its end.
CREATE TABLE alert_events (
    id        INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    alert_id  INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    kind      TEXT NOT NULL,
    -- What tells two events of a kind apart, so that one that is told twice is one.
    detail_key TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    actor     TEXT,
    detail    TEXT NOT NULL,
    UNIQUE (alert_id, kind, detail_key)
) STRICT;

-- When each Prometheus was heard last.
CREATE TABLE alert_origins (
    origin   TEXT PRIMARY KEY NOT NULL,
    heard_ms INTEGER NOT NULL
) STRICT;

-- Who changes alerts takes this row first: one delivery after the other.
CREATE TABLE alert_turn (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    value    INTEGER NOT NULL
) STRICT;
INSERT INTO alert_turn VALUES (1, 0);
