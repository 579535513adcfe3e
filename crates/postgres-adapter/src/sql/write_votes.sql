INSERT INTO votes (user_id, post_owner_id, post_id, reaction, voted_at)
SELECT r.voter, r.owner, r.post, :reaction, r.voted_at
FROM unnest(:voters, :owners, :posts, :moments) AS r (voter, owner, post, voted_at)
ON CONFLICT (user_id, post_owner_id, post_id) DO UPDATE
SET voted_at = excluded.voted_at
