-- No row: the fence refuses. Why the verdict can be trusted is said in preferences.rs.
WITH old AS MATERIALIZED (
    SELECT u.revision AS owner_revision, p.key, p.revision, p.created_at, p.last_updated_at, new.key AS new_key, new.value AS new_value, new.growth, CASE
        WHEN p.id IS NULL THEN 'not found'
        WHEN p.revision <> :expected THEN 'changed'
        WHEN new.key = p.key AND new.value = p.value THEN 'same'
        WHEN new.key <> p.key AND EXISTS (SELECT FROM preferences WHERE user_id = :owner AND key = :key) THEN 'key taken'
        WHEN new.growth > 0 AND u.preference_bytes + new.growth > :max_bytes THEN 'too many bytes'
        ELSE 'done'
    END AS outcome
    FROM users u
    LEFT JOIN preferences p ON p.user_id = u.id AND p.id = :id
    CROSS JOIN LATERAL (
        SELECT COALESCE(:key, p.key) AS key, COALESCE(:value, p.value) AS value,
            octet_length(COALESCE(:key, p.key)) - octet_length(p.key) + octet_length(COALESCE(:value, p.value)) - octet_length(p.value) AS growth
    ) new
    WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
), owner AS (
    UPDATE users u
    -- A rename removes the old key first, and that takes a revision too.
    SET revision = u.revision + CASE WHEN old.new_key <> old.key THEN 2 ELSE 1 END, preference_bytes = u.preference_bytes + old.growth
    FROM old
    WHERE old.outcome = 'done' AND u.revision = old.owner_revision
      AND u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
    RETURNING u.revision, old.key, old.new_key, old.new_value, old.created_at
), updated AS (
    UPDATE preferences p
    SET key = owner.new_key, value = owner.new_value, revision = owner.revision, last_updated_at = :now
    FROM owner
    WHERE p.user_id = :owner AND p.id = :id
), logged AS (
    INSERT INTO changes (user_id, revision, key, kind, value, at, actor, created_at)
    SELECT :owner, revision - 1, key, 'delete', NULL, :now, :actor, NULL FROM owner WHERE new_key <> key
    UNION ALL
    SELECT :owner, revision, new_key, 'put', new_value, :now, :actor, created_at FROM owner
)
SELECT CASE WHEN old.outcome = 'done' AND owner.revision IS NULL THEN 'raced' ELSE old.outcome END,
    old.new_key, old.new_value, COALESCE(owner.revision, old.revision), old.created_at,
    CASE WHEN owner.revision IS NULL THEN old.last_updated_at ELSE :now END
FROM old LEFT JOIN owner ON true
