INSERT INTO holds (user_id, id, reason, expires_at, placed_at, placed_by)
SELECT * FROM unnest(:users, :ids, :reasons, :ends, :placed, :placers)
ON CONFLICT (user_id, id) DO UPDATE
SET reason = excluded.reason, expires_at = excluded.expires_at, placed_at = excluded.placed_at, placed_by = excluded.placed_by
