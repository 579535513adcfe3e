//! Users and the life of their accounts.

mod create_user;
mod delete_user;
mod find_users;
mod get_user;
mod plan_deletion;
mod purge_due;
mod restore_user;
mod update_profile;
