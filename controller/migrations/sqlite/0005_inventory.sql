-- Answers to requests with an idempotency key, for who asks again.
CREATE TABLE idempotency_keys (
    principal  TEXT NOT NULL,
    key        TEXT NOT NULL,
    -- SHA-256 of what was asked, sealed: a password may be in that, and a bare hash
    -- of it could be guessed.
    key_id     BLOB NOT NULL,
    request    BLOB NOT NULL,
    status     INTEGER NOT NULL,
    etag       TEXT,
    location   TEXT,
    body       TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_ms);

-- Orders in which servers are listed; a page of a long list is read, not sorted.
CREATE INDEX servers_by_manufacturer ON servers (manufacturer, id);
CREATE INDEX servers_by_site ON servers (site, rack, id);
CREATE INDEX servers_by_update ON servers (updated_ms, id);
