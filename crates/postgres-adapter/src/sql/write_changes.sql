INSERT INTO changes (user_id, revision, key, kind, value, at, actor, created_at)
SELECT * FROM unnest(:owners, :revisions, :keys, :kinds, :texts, :moments, :actors, :created)
