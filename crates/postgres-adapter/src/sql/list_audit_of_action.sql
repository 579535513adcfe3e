-- No equation, or the server could walk all of the log to find the few entries of a rare action.
SELECT seq, at, action, subject, actor, reference, hash
FROM audit
WHERE (action, seq) < (:action, :before) AND action >= :action
ORDER BY action DESC, seq DESC
LIMIT :limit
