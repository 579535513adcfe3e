INSERT INTO posts (user_id, id, kind, title, text, added_at, last_activity_at)
SELECT * FROM unnest(:authors, :ids, :kinds, :titles, :texts, :added, :active)
ON CONFLICT (user_id, id) DO UPDATE
SET title = excluded.title, text = excluded.text, added_at = excluded.added_at, last_activity_at = excluded.last_activity_at
