-- The last change of one key up to a revision, be it a removal.
SELECT key, value, revision, at FROM changes WHERE user_id = :owner AND key = :key AND revision <= :at ORDER BY revision DESC LIMIT 1
