-- The change log gets a beginning, and requests that may be sent again are remembered.

-- Of the changes up to this revision, only the last value of each key is kept: the set as it stood there. Everything after it is there.
ALTER TABLE users ADD COLUMN log_begins_after INTEGER NOT NULL DEFAULT 0;

-- When the preference was created whose value a change gave: past sets show it. Null for a removal.
ALTER TABLE changes ADD COLUMN created_at INTEGER;
UPDATE changes SET created_at = at WHERE kind = 'put';

-- What came of requests that carried an Idempotency-Key, under the user whose data that is. It goes with that user, or after a day.
-- Scope and fingerprint are hashes: of method, path and key, and of the query and the body. The outcome is JSON.
CREATE TABLE attempts (
    user_id INTEGER NOT NULL,
    actor INTEGER NOT NULL,
    scope TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, actor, scope)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_at ON attempts (at);
