-- The first revocation stays, and is kept for as long as either says. By the clock of now: the transaction may have begun long ago.
INSERT INTO revoked_tokens AS known (id, revoked_at, expires_at, noted_at)
SELECT r.id, r.revoked_at, r.expires_at, clock_timestamp()
FROM unnest(:ids, :revoked, :ends) AS r (id, revoked_at, expires_at)
ON CONFLICT (id) DO UPDATE
SET expires_at = CASE WHEN excluded.expires_at > known.expires_at THEN excluded.expires_at END
WHERE excluded.expires_at > known.expires_at OR (excluded.expires_at IS NULL AND known.expires_at IS NOT NULL)
