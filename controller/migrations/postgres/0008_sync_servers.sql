-- Several servers: what was published so far was for the one that is called
-- prometheus unless the configuration says otherwise.

ALTER TABLE sync_versions ADD COLUMN server TEXT NOT NULL DEFAULT 'prometheus';
DROP INDEX sync_versions_by_artefact;
CREATE INDEX sync_versions_by_artefact ON sync_versions (artefact, server, id);

ALTER TABLE sync_artefacts ADD COLUMN server TEXT NOT NULL DEFAULT 'prometheus';
ALTER TABLE sync_artefacts DROP CONSTRAINT sync_artefacts_pkey;
ALTER TABLE sync_artefacts ADD PRIMARY KEY (artefact, server);
