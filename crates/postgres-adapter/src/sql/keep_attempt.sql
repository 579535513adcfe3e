INSERT INTO attempts (user_id, actor, scope, fingerprint, outcome, at)
VALUES (:about, :actor, :scope, :fingerprint, :outcome, :now)
ON CONFLICT (user_id, actor, scope) DO UPDATE SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, at = excluded.at
