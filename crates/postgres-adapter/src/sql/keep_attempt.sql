-- Of who is erased nothing is kept. An admin need not be there at all. Whoever deletes the user at this moment is waited for.
WITH about AS MATERIALIZED (
    SELECT status FROM users WHERE id = :about FOR KEY SHARE
)
INSERT INTO attempts (user_id, actor, scope, fingerprint, outcome, at)
SELECT :about, :actor, :scope, :fingerprint, :outcome, :now
WHERE NOT EXISTS (SELECT FROM about WHERE status = :erased)
ON CONFLICT (user_id, actor, scope) DO UPDATE SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, at = excluded.at
