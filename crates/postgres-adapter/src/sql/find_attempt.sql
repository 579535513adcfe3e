SELECT fingerprint, outcome FROM attempts WHERE user_id = :about AND actor = :actor AND scope = :scope AND at >= :since
