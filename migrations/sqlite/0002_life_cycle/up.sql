-- How users leave: what keeps them, how far an erasure is, who is told, and the account of all that.

INSERT INTO ids (kind, last) VALUES ('hold', 0), ('delivery', 0);

-- Found without a look at anybody else: the soft deleted, in the order in which they fall due.
CREATE INDEX users_purge ON users (purge_at) WHERE status = 'd' AND purge_at IS NOT NULL;

CREATE TABLE holds (
    user_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    expires_at INTEGER,
    placed_at INTEGER NOT NULL,
    placed_by INTEGER NOT NULL,
    PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

-- One erasure a user at the most: who is erased stays erased. The row outlives everything else of the user. A lease holder is no user
-- but a running service.
CREATE TABLE erasures (
    user_id INTEGER NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    ext_id TEXT,
    state TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    progressed_at INTEGER NOT NULL,
    finished_at INTEGER,
    steps TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    failed_sweeps INTEGER NOT NULL,
    last_error TEXT,
    lease_holder INTEGER,
    lease_until INTEGER NOT NULL
) STRICT;

CREATE INDEX erasures_open ON erasures (lease_until) WHERE state <> 'done';

-- The outbox. `turn` is the place of the kind among those of one epoch: with the epoch it puts a user's events in their order.
CREATE TABLE deliveries (
    user_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    ext_id TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempted_at INTEGER,
    last_answer TEXT,
    PRIMARY KEY (user_id, epoch, turn, endpoint)
) STRICT, WITHOUT ROWID;

-- By endpoint, so that what waits for one is no work for the others.
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE state = 'pending';
-- So that what could not be told is counted without a look at what could.
CREATE INDEX deliveries_failed ON deliveries (seq) WHERE state = 'failed';
CREATE INDEX deliveries_seq ON deliveries (seq);

CREATE TABLE endpoints (
    endpoint TEXT NOT NULL PRIMARY KEY,
    gone_since INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    subject INTEGER,
    actor INTEGER,
    reference TEXT,
    hash TEXT NOT NULL
) STRICT;

CREATE INDEX audit_subject ON audit (subject, seq);
CREATE INDEX audit_action ON audit (action, seq);

-- The end of the log, in one row: whoever cuts entries off must change it as well.
CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- Work that one node does for all. A holder is no user but a running service.
CREATE TABLE duties (
    name TEXT NOT NULL PRIMARY KEY,
    holder INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a token was revoked an import may say; when this store noted it is by its own clock, and what running services ask for.
CREATE TABLE revoked_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    revoked_at INTEGER NOT NULL,
    expires_at INTEGER,
    noted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX revoked_tokens_noted_at ON revoked_tokens (noted_at);
