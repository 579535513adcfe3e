//! The tables, as the migrations leave them.

diesel::table! {
    users (id) {
        id -> BigInt,
        status -> Text,
        deleted_from -> Nullable<Text>,
        deleted_at -> Nullable<Timestamptz>,
        purge_at -> Nullable<Timestamptz>,
        erased_at -> Nullable<Timestamptz>,
        deletion_epoch -> BigInt,
        tokens_valid_from -> Timestamptz,
        revision -> BigInt,
        preference_keys -> BigInt,
        preference_bytes -> BigInt,
        username -> Nullable<Text>,
        ext_id -> Nullable<Text>,
        real_name -> Nullable<Text>,
        email -> Nullable<Text>,
        role -> Nullable<Text>,
        bio -> Nullable<Text>,
        location -> Nullable<Text>,
        description -> Nullable<Text>,
        gender -> Nullable<Text>,
        website -> Nullable<Text>,
        date_joined -> Nullable<Timestamptz>,
        log_begins_after -> BigInt,
    }
}

diesel::table! {
    reservations (kind, value) {
        kind -> Text,
        value -> Text,
        user_id -> BigInt,
    }
}

diesel::table! {
    preferences (user_id, id) {
        user_id -> BigInt,
        id -> BigInt,
        key -> Text,
        value -> Text,
        revision -> BigInt,
        created_at -> Timestamptz,
        last_updated_at -> Timestamptz,
    }
}

diesel::table! {
    changes (user_id, revision) {
        user_id -> BigInt,
        revision -> BigInt,
        key -> Text,
        kind -> Text,
        value -> Nullable<Text>,
        at -> Timestamptz,
        actor -> BigInt,
    }
}

diesel::table! {
    posts (user_id, id) {
        user_id -> BigInt,
        id -> BigInt,
        kind -> Text,
        title -> Text,
        text -> Text,
        vote_count -> BigInt,
        added_at -> Timestamptz,
        last_activity_at -> Timestamptz,
    }
}

diesel::table! {
    votes (user_id, post_owner_id, post_id) {
        user_id -> BigInt,
        post_owner_id -> BigInt,
        post_id -> BigInt,
        reaction -> Text,
        voted_at -> Timestamptz,
    }
}

diesel::table! {
    holds (user_id, id) {
        user_id -> BigInt,
        id -> BigInt,
        reason -> Text,
        expires_at -> Nullable<Timestamptz>,
        placed_at -> Timestamptz,
        placed_by -> BigInt,
    }
}

diesel::table! {
    erasures (user_id) {
        user_id -> BigInt,
        epoch -> BigInt,
        ext_id -> Nullable<Text>,
        state -> Text,
        requested_at -> Timestamptz,
        progressed_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        steps -> Text,
        attempts -> BigInt,
        failed_sweeps -> BigInt,
        last_error -> Nullable<Text>,
        lease_holder -> Nullable<BigInt>,
        lease_until -> Timestamptz,
    }
}

diesel::table! {
    deliveries (user_id, epoch, turn, endpoint) {
        user_id -> BigInt,
        epoch -> BigInt,
        turn -> SmallInt,
        endpoint -> Text,
        seq -> BigInt,
        kind -> Text,
        at -> Timestamptz,
        ext_id -> Nullable<Text>,
        state -> Text,
        attempts -> BigInt,
        due_at -> Timestamptz,
        attempted_at -> Nullable<Timestamptz>,
        last_answer -> Nullable<Text>,
    }
}

diesel::table! {
    endpoints (endpoint) {
        endpoint -> Text,
        gone_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit (seq) {
        seq -> BigInt,
        at -> Timestamptz,
        action -> Text,
        subject -> Nullable<BigInt>,
        actor -> Nullable<BigInt>,
        reference -> Nullable<Text>,
        hash -> Text,
    }
}

diesel::table! {
    audit_head (id) {
        id -> BigInt,
        seq -> BigInt,
        hash -> Text,
    }
}

diesel::table! {
    duties (name) {
        name -> Text,
        holder -> BigInt,
        until -> Timestamptz,
    }
}

diesel::table! {
    revoked_tokens (id) {
        id -> Text,
        revoked_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        noted_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(users, preferences, changes, posts, votes, reservations);
