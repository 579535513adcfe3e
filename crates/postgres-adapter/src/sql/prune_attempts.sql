DELETE FROM attempts a
USING (SELECT user_id, actor, scope FROM attempts WHERE at < :before ORDER BY at LIMIT 1000) o
WHERE a.user_id = o.user_id AND a.actor = o.actor AND a.scope = o.scope AND a.at < :before
