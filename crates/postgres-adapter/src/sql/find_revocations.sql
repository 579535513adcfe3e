SELECT now(), ARRAY(SELECT id FROM revoked_tokens WHERE noted_at >= COALESCE(:since, '-infinity'::timestamptz))
