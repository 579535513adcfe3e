INSERT INTO changes (user_id, revision, key, kind, value, at, actor)
SELECT * FROM unnest(:owners, :revisions, :keys, :kinds, :texts, :moments, :actors)
