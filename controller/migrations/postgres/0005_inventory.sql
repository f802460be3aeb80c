-- Answers to requests with an idempotency key, for who asks again.
CREATE TABLE idempotency_keys (
    principal  TEXT NOT NULL,
    key        TEXT NOT NULL,
    -- SHA-256 of what was asked, sealed: a password may be in that, and a bare hash
    -- of it could be guessed.
    key_id     BYTEA NOT NULL,
    request    BYTEA NOT NULL,
    status     BIGINT NOT NULL,
    etag       TEXT,
    location   TEXT,
    body       TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_ms);

-- Orders in which servers are listed; a page of a long list is read, not sorted.
CREATE INDEX servers_by_manufacturer ON servers (manufacturer, id);
CREATE INDEX servers_by_site ON servers (site, rack, id);
CREATE INDEX servers_by_update ON servers (updated_ms, id);

-- An index of whole texts helps no search for parts of them, and refuses texts of
-- more than 2,704 bytes.
DROP INDEX servers_by_search;
-- One of trigrams helps. Its extension comes with PostgreSQL, but not every user may
-- install it; without it a search reads all servers, which is slower and as right.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX servers_by_search ON servers USING gin (search gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'searches of servers have no index: %', SQLERRM;
END
$$;
