//! The contract that every store is held to: memory, SQLite and PostgreSQL run the same cases.
//!
//! A store's test file says `lethe_testkit::contract_suite!(fresh);`, where `fresh` is an async function that gives a migrated, empty
//! store as the first member of a pair; the second is kept alive until the case is over.

pub mod accounts;
pub mod archive;
pub mod audit;
pub mod content;
pub mod erasure;
pub mod history;
pub mod holds;
pub mod outbox;
pub mod preferences;
pub mod races;
pub mod transactions;
pub mod upkeep;
pub mod values;

use crate::FixedClock;
use futures_util::future::BoxFuture;
use lethe_domain::account::{Account, AccountState, DeletionMode, StatusSet};
use lethe_domain::erasure::{Chunk, ErasureCursor};
use lethe_domain::limits::Limits;
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::page::PageRequest;
use lethe_domain::profile::NewUser;
use lethe_domain::{NodeId, Timestamp, UserId};
use lethe_ports::outbound::{
    AccountStore, ArchiveStore, AuditStore, ContentStore, ErasureStore, FeedStore, HoldStore, ImportTerms, InsertUserError, OutboxStore, OwnerFence,
    PreferenceStore, RevocationStore, Stamp, Store, StoreError, Tx, UpkeepStore, UserFilter,
};

/// Everything that a store of Lethe can do beside transactions.
pub trait Reads:
    PreferenceStore + AccountStore + ContentStore + ArchiveStore + ErasureStore + HoldStore + AuditStore + OutboxStore + RevocationStore + UpkeepStore + FeedStore
{
}

impl<T> Reads for T where
    T: PreferenceStore
        + AccountStore
        + ContentStore
        + ArchiveStore
        + ErasureStore
        + HoldStore
        + AuditStore
        + OutboxStore
        + RevocationStore
        + UpkeepStore
        + FeedStore
{
}

/// Everything that a store of Lethe can do.
pub trait FullStore: Store + Reads + Clone + 'static {}

impl<T: Store + Reads + Clone + 'static> FullStore for T {}

/// Makes one test of every case of the contract.
#[macro_export]
macro_rules! contract_suite {
    ($fresh:ident) => {
        $crate::contract_cases! { $fresh;
            preferences: [
                creates_and_gives_back, lists_in_pages_by_id, lists_one_key, gives_all_by_key, a_key_is_taken_once_per_user, updates_value_and_name,
                a_rename_onto_a_taken_key_is_refused, what_changes_nothing_leaves_no_trace, an_expected_revision_must_match, deletes_once,
                another_users_preference_is_not_found, a_fence_hides_everything_else, a_fence_keeps_dead_tokens_out, limits_hold, every_change_is_logged, edits_are_logged_in_order,
                edits_hold_the_limits,
            ];
            history: [
                looks_at_one_key, parts_go_by_prefix_and_key, every_past_set_can_be_told, one_keys_history_is_newest_first,
                a_shorter_log_tells_what_it_still_covers, what_is_renumbered_is_the_same_under_other_numbers, logs_that_are_too_long_or_too_old_are_found, a_locked_owner_is_written_to_within_a_transaction,
                an_attempt_is_remembered_for_its_time, an_attempt_that_fails_is_none, ten_attempts_at_once_have_one_effect,
                what_is_remembered_of_a_user_goes_with_it, of_the_erased_no_attempt_is_kept, of_the_erased_no_attempt_is_told, positions_are_told_of_those_who_are_there,
            ];
            values: [every_value_comes_back_as_it_went_in, every_key_comes_back_as_it_went_in];
            transactions: [ok_commits, an_error_leaves_no_trace, a_dropped_future_leaves_no_trace, a_transaction_sees_its_own_writes, is_ready];
            accounts: [
                names_are_reserved, names_stay_reserved_by_a_soft_delete, accounts_keep_every_state, ids_are_never_used_again, profiles_are_kept,
                lists_filter_and_order, finds_by_each_name, filters_take_wildcards_literally, walks_by_id,
            ];
            content: [publishes_and_lists, a_vote_toggles, a_deleted_post_takes_its_votes_along, authors_carry_their_status];
            erasure: [
                a_hard_delete_removes_everything, erasing_goes_on_in_chunks, erasing_corrects_the_counters_of_others, a_tally_is_what_erasing_removes,
                a_vote_with_two_sides_counts_once, an_erasure_is_kept_as_it_is, erasures_are_due_once_their_lease_is_over, erasures_are_listed_by_state,
                what_is_being_erased_is_not_shown_or_exported,
            ];
            holds: [holds_are_kept_and_lifted, a_purge_is_due_when_its_time_has_come_and_nothing_holds_it];
            audit: [the_log_is_a_chain, the_log_is_read_newest_first, eight_writers_make_one_chain, an_append_that_fails_leaves_the_chain_as_it_was];
            outbox: [
                deliveries_are_kept_as_they_are, a_users_events_wait_for_each_other, endpoints_are_told_apart, deliveries_are_listed_newest_first,
                what_is_rolled_back_is_not_told, an_endpoint_that_is_gone_stays_gone,
            ];
            upkeep: [the_clock_goes_forward, a_duty_has_one_holder, revocations_are_seen_since, the_backlog_is_counted, what_is_not_told_any_more_is_pruned];
            races: [
                ten_creates_of_one_key_have_one_winner, eight_deletes_have_one_winner, two_deletions_have_one_winner, revisions_have_no_gap_and_no_repeat, what_is_written_while_numbers_change_is_counted_on,
                a_write_that_races_a_hard_delete_leaves_nothing, a_hundred_writers_never_exceed_the_limits, a_name_has_one_winner, votes_are_counted_exactly,
            ];
            archive: [
                an_export_of_an_import_is_equal, importing_twice_changes_nothing, refused_records_leave_no_trace, an_erased_user_stays_erased,
                new_ids_are_beyond_imported_ones, what_is_there_keeps_its_id_its_epoch_and_its_dead_tokens, an_import_is_logged_and_counted,
                an_import_tells_what_it_does_to_users, an_imported_hold_holds, holds_of_one_id_stand_beside_each_other, holds_of_the_erased_stay_behind,
                an_imported_revocation_is_learnt_of,
            ];
        }
    };
}

/// See [`contract_suite`].
#[macro_export]
#[doc(hidden)]
macro_rules! contract_cases {
    ($fresh:ident; $($area:ident: [$($case:ident),+ $(,)?];)+) => {
        $(mod $area {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (store, _alive) = super::$fresh().await;
                $crate::contract::$area::$case(store).await;
            })+
        })+
    };
}

pub(crate) const ACTOR: UserId = UserId::new(900);

pub(crate) fn now() -> Timestamp {
    FixedClock::start()
}

/// A node, and another one.
pub(crate) const NODE: NodeId = NodeId::new(1);
pub(crate) const OTHER_NODE: NodeId = NodeId::new(2);

/// An import now, that nobody is told of.
pub(crate) fn terms(limits: &Limits) -> ImportTerms<'_> {
    ImportTerms { limits, subscriptions: &[], now: now() }
}

pub(crate) fn stamp() -> Stamp {
    Stamp { actor: ACTOR, now: now() }
}

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn first_page() -> PageRequest {
    PageRequest::from_text(None, None)
}

/// A fence around an owner whom somebody else reads.
pub(crate) fn reading(owner: UserId) -> OwnerFence {
    OwnerFence { owner, states: StatusSet::READABLE, issued_at: None }
}

/// A fence around an owner who writes.
pub(crate) fn writing(owner: UserId) -> OwnerFence {
    OwnerFence { owner, states: StatusSet::WRITABLE, issued_at: Some(now()) }
}

pub(crate) fn listed() -> UserFilter {
    UserFilter { statuses: StatusSet::LISTED.states().to_vec(), ..UserFilter::default() }
}

pub(crate) async fn try_add_user(store: &impl FullStore, user: NewUser) -> Result<UserId, InsertUserError> {
    store.transact(move |tx| Box::pin(async move { tx.insert_user(&user).await })).await
}

pub(crate) async fn add_user(store: &impl FullStore, username: &str) -> UserId {
    try_add_user(store, crate::fixture::user(username)).await.expect("the name is free")
}

/// Runs work that nothing but the store can keep from succeeding.
pub(crate) async fn transact<R: Send + 'static>(
    store: &impl FullStore,
    work: impl for<'t> FnOnce(&'t mut dyn Tx) -> BoxFuture<'t, Result<R, StoreError>> + Send + 'static,
) -> R {
    store.transact(work).await.expect("reachable")
}

/// How much of each kind there is of a user.
pub(crate) async fn tally(store: &impl FullStore, user: UserId) -> Tally {
    transact(store, move |tx| Box::pin(async move { tx.tally(user).await })).await
}

/// Removes everything of a kind.
pub(crate) async fn erase_all(tx: &mut dyn Tx, user: UserId, kind: ContentKind, limit: u32) -> Result<(), StoreError> {
    let mut after = ErasureCursor::START;
    loop {
        let Chunk { rows, cursor } = tx.erase(user, kind, after, limit).await?;
        after = cursor;
        if rows < limit {
            return Ok(());
        }
    }
}

/// Deletes as a use case does: decide in the domain, keep the account, remove the content.
pub(crate) async fn delete_user(store: &impl FullStore, id: UserId, mode: DeletionMode) -> Result<(), StoreError> {
    store
        .transact(move |tx| {
            Box::pin(async move {
                let account = tx.account_for_update(id).await?.unwrap_or(Account::new(id));
                let Ok(deleted) = account.delete(mode, now(), None, &[]) else {
                    return Err(StoreError::Failed("refused".into()));
                };
                tx.save_account(&deleted).await?;
                if let AccountState::Erased { .. } = deleted.state {
                    for kind in ContentKind::ALL {
                        erase_all(tx, id, kind, 1_000).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}
