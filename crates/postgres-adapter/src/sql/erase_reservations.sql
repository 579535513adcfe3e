DELETE FROM reservations
WHERE (kind, value) IN (SELECT kind, value FROM reservations WHERE user_id = :user ORDER BY kind, value LIMIT :limit)
