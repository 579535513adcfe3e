//! Posts and votes.

mod delete_post;
mod publish_post;
mod read_posts;
mod toggle_vote;
