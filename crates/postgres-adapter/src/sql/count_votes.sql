UPDATE posts p
SET vote_count = p.vote_count + r.votes
FROM unnest(:owners, :posts, :counts) AS r (user_id, id, votes)
WHERE p.user_id = r.user_id AND p.id = r.id
