-- What keeps notifications back, as Alertmanager last said (JSON); empty when nothing.
ALTER TABLE alerts ADD COLUMN suppression TEXT NOT NULL DEFAULT '';
-- Whether Alertmanager was seen to have it.
ALTER TABLE alerts ADD COLUMN is_held INTEGER NOT NULL DEFAULT 0;
-- When Alertmanager had it for the last time, and when it was first missed there.
ALTER TABLE alerts ADD COLUMN held_ms INTEGER;
ALTER TABLE alerts ADD COLUMN missed_ms INTEGER;

-- How far the records of each Prometheus have been read.
CREATE TABLE alert_recovery (
    prometheus         TEXT PRIMARY KEY NOT NULL,
    recovered_until_ms INTEGER NOT NULL,
    -- When it was last known to run.
    alive_ms           INTEGER NOT NULL,
    problem            TEXT
) STRICT;

-- When each Alertmanager was last looked at.
CREATE TABLE alert_looks (
    alertmanager TEXT PRIMARY KEY NOT NULL,
    looked_ms    INTEGER NOT NULL
) STRICT;

-- Times of which not all is known, or was known late.
CREATE TABLE alert_gaps (
    id         INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    cause      TEXT NOT NULL,
    state      TEXT NOT NULL,
    -- Empty when it is about all.
    prometheus TEXT NOT NULL,
    from_ms    INTEGER NOT NULL,
    until_ms   INTEGER NOT NULL,
    episodes   INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_gaps_by_end ON alert_gaps (until_ms);

-- When a controller was last known to run.
CREATE TABLE alert_heartbeat (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    beat_ms  INTEGER NOT NULL
) STRICT;
