INSERT INTO deliveries (user_id, epoch, turn, endpoint, kind, at, ext_id, state, attempts, due_at, attempted_at, last_answer)
SELECT * FROM unnest(:users, :epochs, :turns, :endpoints, :kinds, :moments, :ext_ids, :states, :attempts, :due, :attempted, :answers)
