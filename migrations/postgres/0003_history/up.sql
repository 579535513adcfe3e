-- The change log gets a beginning, and requests that may be sent again are remembered.

-- Of the changes up to this revision, only the last value of each key is kept: the set as it stood there. Everything after it is there.
ALTER TABLE users ADD COLUMN log_begins_after bigint NOT NULL DEFAULT 0;

-- When the preference was created whose value a change gave: past sets show it.
ALTER TABLE changes ADD COLUMN created_at timestamptz;
UPDATE changes SET created_at = at WHERE kind = 'put';
ALTER TABLE changes ADD CHECK ((kind = 'put') = (created_at IS NOT NULL));

-- What came of requests that carried an Idempotency-Key, under the user whose data that is. It goes with that user, or after a day.
CREATE TABLE attempts (
    user_id     bigint NOT NULL,
    actor       bigint NOT NULL,
    -- Hashes: of method, path and key, and of the query and the body.
    scope       text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    -- JSON.
    outcome     text COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (user_id, actor, scope)
);

CREATE INDEX attempts_at ON attempts (at);

ALTER TABLE attempts ALTER COLUMN outcome SET STATISTICS 0;
