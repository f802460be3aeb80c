-- Several servers: what was published so far was for the one that is called
-- prometheus unless the configuration says otherwise.

ALTER TABLE sync_versions ADD COLUMN server TEXT NOT NULL DEFAULT 'prometheus';
DROP INDEX sync_versions_by_artefact;
CREATE INDEX sync_versions_by_artefact ON sync_versions (artefact, server, id);

-- SQLite cannot change a primary key.
CREATE TABLE sync_states (
    artefact           TEXT NOT NULL,
    published_id       INTEGER REFERENCES sync_versions (id),
    -- The last version that was seen live.
    good_id            INTEGER REFERENCES sync_versions (id),
    is_held            INTEGER NOT NULL,
    confirmed_revision INTEGER,
    confirmed_by       TEXT,
    server             TEXT NOT NULL DEFAULT 'prometheus',
    PRIMARY KEY (artefact, server)
) STRICT;
INSERT INTO sync_states (artefact, published_id, good_id, is_held, confirmed_revision, confirmed_by)
    SELECT artefact, published_id, good_id, is_held, confirmed_revision, confirmed_by
    FROM sync_artefacts;
DROP TABLE sync_artefacts;
ALTER TABLE sync_states RENAME TO sync_artefacts;
