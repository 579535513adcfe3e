-- The last change of one key up to a revision, be it a removal.
SELECT revision, key, kind, value, at, actor, created_at FROM changes WHERE user_id = :owner AND key = :key AND revision <= :at ORDER BY revision DESC LIMIT 1
