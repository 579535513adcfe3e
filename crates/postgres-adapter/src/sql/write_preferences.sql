-- A preference without an id is new and gets one. One that is there keeps its place in the index of keys.
INSERT INTO preferences (user_id, id, key, value, revision, created_at, last_updated_at)
SELECT r.user_id, COALESCE(r.id, nextval('preferences_id_seq')), r.key, r.value, r.revision, r.created_at, r.last_updated_at
FROM unnest(:owners, :ids, :keys, :texts, :revisions, :created, :updated)
    AS r (user_id, id, key, value, revision, created_at, last_updated_at)
ON CONFLICT (user_id, key) DO UPDATE
SET id = excluded.id, value = excluded.value, revision = excluded.revision,
    created_at = excluded.created_at, last_updated_at = excluded.last_updated_at
