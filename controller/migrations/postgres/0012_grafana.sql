-- Objects in each Grafana, as they were when they were written last.

CREATE TABLE grafana_objects (
    -- Its URL.
    grafana    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    uid        TEXT NOT NULL,
    -- Digests of what was wanted, and of what Grafana showed afterwards.
    wanted     TEXT NOT NULL,
    shown      TEXT NOT NULL,
    -- Grafana's version of it.
    version    BIGINT NOT NULL,
    -- Whether it was made by us.
    is_made    BIGINT NOT NULL,
    -- What people made of it (JSON), where that is wanted.
    adopted    TEXT,
    written_ms BIGINT NOT NULL,
    PRIMARY KEY (grafana, kind, uid)
);
