-- Whatever belongs to a user lies under the user's id: it comes first in every primary key and unique index.
-- Times are microseconds since 1970. Values are JSON text, to the letter. There are no foreign keys: a user's row is never removed,
-- and what hangs on it is removed kind by kind, in the order of the erasure manifest.

-- The last id that was handed out of each kind. It never goes back, so an id is never used again.
CREATE TABLE ids (
    kind TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO ids (kind, last) VALUES ('user', 0), ('preference', 0), ('post', 0);

-- An erased user keeps the row: id, status, erased_at, deletion_epoch and tokens_valid_from, so that a late write finds a wall.
CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    deleted_from TEXT,
    deleted_at INTEGER,
    purge_at INTEGER,
    erased_at INTEGER,
    deletion_epoch INTEGER NOT NULL,
    tokens_valid_from INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    preference_keys INTEGER NOT NULL DEFAULT 0,
    preference_bytes INTEGER NOT NULL DEFAULT 0,
    username TEXT,
    ext_id TEXT,
    real_name TEXT,
    email TEXT,
    role TEXT,
    bio TEXT,
    location TEXT,
    description TEXT,
    gender TEXT,
    website TEXT,
    date_joined INTEGER
) STRICT;

CREATE INDEX users_email ON users (email) WHERE email IS NOT NULL;

CREATE TABLE preferences (
    user_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_updated_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX preferences_key ON preferences (user_id, key);

CREATE TABLE changes (
    user_id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT,
    at INTEGER NOT NULL,
    actor INTEGER NOT NULL,
    PRIMARY KEY (user_id, revision)
) STRICT, WITHOUT ROWID;

-- With a rowid, unlike its neighbours: texts are long, and an index-organised table of long rows is slow.
CREATE TABLE posts (
    user_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    vote_count INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    last_activity_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, id)
) STRICT;

CREATE INDEX posts_id ON posts (id);
CREATE INDEX posts_kind ON posts (kind, id);
CREATE INDEX posts_author ON posts (user_id, kind, id);

CREATE TABLE votes (
    user_id INTEGER NOT NULL,
    post_owner_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    reaction TEXT NOT NULL,
    voted_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, post_owner_id, post_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX votes_post ON votes (post_owner_id, post_id);

-- Names that only one user can have, in the form in which they are unique.
CREATE TABLE reservations (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX reservations_user ON reservations (user_id);
