//! The tables, as the migrations leave them.

diesel::table! {
    ids (kind) {
        kind -> Text,
        last -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        status -> Text,
        deleted_from -> Nullable<Text>,
        deleted_at -> Nullable<BigInt>,
        purge_at -> Nullable<BigInt>,
        erased_at -> Nullable<BigInt>,
        deletion_epoch -> BigInt,
        tokens_valid_from -> BigInt,
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
        date_joined -> Nullable<BigInt>,
        log_begins_after -> BigInt,
    }
}

diesel::table! {
    preferences (user_id, id) {
        user_id -> BigInt,
        id -> BigInt,
        key -> Text,
        value -> Text,
        revision -> BigInt,
        created_at -> BigInt,
        last_updated_at -> BigInt,
    }
}

diesel::table! {
    changes (user_id, revision) {
        user_id -> BigInt,
        revision -> BigInt,
        key -> Text,
        kind -> Text,
        value -> Nullable<Text>,
        at -> BigInt,
        actor -> BigInt,
        created_at -> Nullable<BigInt>,
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
        added_at -> BigInt,
        last_activity_at -> BigInt,
    }
}

diesel::table! {
    votes (user_id, post_owner_id, post_id) {
        user_id -> BigInt,
        post_owner_id -> BigInt,
        post_id -> BigInt,
        reaction -> Text,
        voted_at -> BigInt,
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
    holds (user_id, id) {
        user_id -> BigInt,
        id -> BigInt,
        reason -> Text,
        expires_at -> Nullable<BigInt>,
        placed_at -> BigInt,
        placed_by -> BigInt,
    }
}

diesel::table! {
    erasures (user_id) {
        user_id -> BigInt,
        epoch -> BigInt,
        ext_id -> Nullable<Text>,
        state -> Text,
        requested_at -> BigInt,
        progressed_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        steps -> Text,
        attempts -> BigInt,
        failed_sweeps -> BigInt,
        last_error -> Nullable<Text>,
        lease_holder -> Nullable<BigInt>,
        lease_until -> BigInt,
    }
}

diesel::table! {
    deliveries (user_id, epoch, turn, endpoint) {
        user_id -> BigInt,
        epoch -> BigInt,
        turn -> BigInt,
        endpoint -> Text,
        seq -> BigInt,
        kind -> Text,
        at -> BigInt,
        ext_id -> Nullable<Text>,
        state -> Text,
        attempts -> BigInt,
        due_at -> BigInt,
        attempted_at -> Nullable<BigInt>,
        last_answer -> Nullable<Text>,
    }
}

diesel::table! {
    endpoints (endpoint) {
        endpoint -> Text,
        gone_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit (seq) {
        seq -> BigInt,
        at -> BigInt,
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
        until -> BigInt,
    }
}

diesel::table! {
    revoked_tokens (id) {
        id -> Text,
        revoked_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        noted_at -> BigInt,
    }
}

diesel::table! {
    attempts (user_id, actor, scope) {
        user_id -> BigInt,
        actor -> BigInt,
        scope -> Text,
        fingerprint -> Text,
        outcome -> Text,
        at -> BigInt,
    }
}

diesel::joinable!(preferences -> users (user_id));
diesel::joinable!(posts -> users (user_id));
diesel::joinable!(votes -> users (user_id));
diesel::joinable!(reservations -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(users, preferences, posts, votes, reservations, holds);
