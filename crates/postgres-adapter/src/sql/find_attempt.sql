-- Of who is erased nothing is told, though it may take a while until all of it is gone.
SELECT fingerprint, outcome FROM attempts
WHERE user_id = :about AND actor = :actor AND scope = :scope AND at >= :since
  AND NOT EXISTS (SELECT FROM users WHERE id = :about AND status = :erased)
