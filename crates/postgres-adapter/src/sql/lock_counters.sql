-- Where the next users stand, and the lowest revision that is kept of each. Nobody writes to them until the end of the transaction.
SELECT u.id, u.status, u.log_begins_after, (SELECT min(c.revision) FROM changes c WHERE c.user_id = u.id), u.revision
FROM users u WHERE u.id > :after ORDER BY u.id LIMIT :limit FOR NO KEY UPDATE
