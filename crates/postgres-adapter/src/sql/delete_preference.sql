-- No row: the fence refuses. Why the verdict can be trusted is said in preferences.rs.
WITH verdict AS MATERIALIZED (
    SELECT u.revision AS owner_revision, p.key, octet_length(p.key) + octet_length(p.value) AS weight, CASE
        WHEN p.id IS NULL THEN 'not found'
        WHEN p.revision <> :expected THEN 'changed'
        ELSE 'done'
    END AS outcome
    FROM users u
    LEFT JOIN preferences p ON p.user_id = u.id AND p.id = :id
    WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
), owner AS (
    UPDATE users u
    SET revision = u.revision + 1, preference_keys = u.preference_keys - 1, preference_bytes = u.preference_bytes - verdict.weight
    FROM verdict
    WHERE verdict.outcome = 'done' AND u.revision = verdict.owner_revision
      AND u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
    RETURNING u.revision
), deleted AS (
    DELETE FROM preferences p USING owner WHERE p.user_id = :owner AND p.id = :id
), logged AS (
    INSERT INTO changes (user_id, revision, key, kind, value, at, actor)
    SELECT :owner, owner.revision, verdict.key, 'delete', NULL, :now, :actor FROM verdict, owner
)
SELECT CASE WHEN verdict.outcome = 'done' AND owner.revision IS NULL THEN 'raced' ELSE verdict.outcome END, owner.revision
FROM verdict LEFT JOIN owner ON true
