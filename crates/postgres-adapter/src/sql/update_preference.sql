-- No row: the fence refuses. Why the verdict can be trusted is said in preferences.rs.
WITH old AS MATERIALIZED (
    SELECT u.revision AS owner_revision, u.preference_bytes, p.id, p.key, p.value, p.revision, p.created_at, p.last_updated_at,
        COALESCE(:key, p.key) AS new_key, COALESCE(:value, p.value) AS new_value
    FROM users u
    LEFT JOIN preferences p ON p.user_id = u.id AND p.id = :id
    WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
), step AS MATERIALIZED (
    SELECT *, new_key <> key AS renames,
        octet_length(new_key) + octet_length(new_value) - octet_length(key) - octet_length(value) AS growth,
        -- A rename removes the old key first, and that takes a revision too.
        owner_revision + CASE WHEN new_key <> key THEN 2 ELSE 1 END AS new_revision
    FROM old
), verdict AS MATERIALIZED (
    SELECT *, CASE
        WHEN id IS NULL THEN 'not found'
        WHEN revision <> :expected THEN 'changed'
        WHEN NOT renames AND new_value = value THEN 'same'
        WHEN renames AND EXISTS (SELECT FROM preferences p WHERE p.user_id = :owner AND p.key = new_key) THEN 'key taken'
        WHEN growth > 0 AND preference_bytes + growth > :max_bytes THEN 'too many bytes'
        ELSE 'done'
    END AS outcome
    FROM step
), owner AS (
    UPDATE users u
    SET revision = verdict.new_revision, preference_bytes = u.preference_bytes + verdict.growth
    FROM verdict
    WHERE verdict.outcome = 'done' AND u.revision = verdict.owner_revision
      AND u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
    RETURNING u.revision
), updated AS (
    UPDATE preferences p
    SET key = verdict.new_key, value = verdict.new_value, revision = owner.revision, last_updated_at = :now
    FROM verdict, owner
    WHERE p.user_id = :owner AND p.id = :id
), logged AS (
    INSERT INTO changes (user_id, revision, key, kind, value, at, actor)
    SELECT :owner, owner.revision - 1, verdict.key, 'delete', NULL, :now, :actor FROM verdict, owner WHERE verdict.renames
    UNION ALL
    SELECT :owner, owner.revision, verdict.new_key, 'put', verdict.new_value, :now, :actor FROM verdict, owner
)
SELECT CASE WHEN verdict.outcome = 'done' AND owner.revision IS NULL THEN 'raced' ELSE verdict.outcome END,
    verdict.new_key, verdict.new_value, COALESCE(owner.revision, verdict.revision), verdict.created_at,
    CASE WHEN owner.revision IS NULL THEN verdict.last_updated_at ELSE :now END
FROM verdict LEFT JOIN owner ON true
