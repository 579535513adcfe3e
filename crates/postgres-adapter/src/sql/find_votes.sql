SELECT v.user_id, v.post_id
FROM unnest(:voters, :owners, :posts) AS r (user_id, post_owner_id, post_id)
JOIN votes v ON v.user_id = r.user_id AND v.post_owner_id = r.post_owner_id AND v.post_id = r.post_id
