SELECT now(), ARRAY(SELECT id FROM revoked_tokens WHERE revoked_at >= COALESCE(:since, '-infinity'::timestamptz))
