//! The contract that every store is held to: memory, SQLite and PostgreSQL run the same cases.
//!
//! A store's test file says `lethe_testkit::contract_suite!(fresh);`, where `fresh` is an async function that gives a migrated, empty
//! store as the first member of a pair; the second is kept alive until the case is over.

pub mod accounts;
pub mod archive;
pub mod content;
pub mod erasure;
pub mod preferences;
pub mod races;
pub mod transactions;
pub mod values;

use crate::FixedClock;
use lethe_domain::account::{Account, AccountState, DeletionMode, StatusSet};
use lethe_domain::manifest::ContentKind;
use lethe_domain::limits::Limits;
use lethe_domain::page::PageRequest;
use lethe_domain::profile::NewUser;
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::{AccountStore, ArchiveStore, ContentStore, InsertUserError, OwnerFence, PreferenceStore, Stamp, Store, StoreError, UserFilter};

/// Everything that a store of Lethe can do.
pub trait FullStore: Store + PreferenceStore + AccountStore + ContentStore + ArchiveStore + Clone + 'static {}

impl<T: Store + PreferenceStore + AccountStore + ContentStore + ArchiveStore + Clone + 'static> FullStore for T {}

/// Makes one test of every case of the contract.
#[macro_export]
macro_rules! contract_suite {
    ($fresh:ident) => {
        $crate::contract_cases! { $fresh;
            preferences: [
                creates_and_gives_back, lists_in_pages_by_id, lists_one_key, gives_all_by_key, a_key_is_taken_once_per_user, updates_value_and_name,
                a_rename_onto_a_taken_key_is_refused, what_changes_nothing_leaves_no_trace, an_expected_revision_must_match, deletes_once,
                another_users_preference_is_not_found, a_fence_hides_everything_else, limits_hold, every_change_is_logged, edits_are_logged_in_order,
                edits_hold_the_limits,
            ];
            values: [every_value_comes_back_as_it_went_in, every_key_comes_back_as_it_went_in];
            transactions: [ok_commits, an_error_leaves_no_trace, a_dropped_future_leaves_no_trace, a_transaction_sees_its_own_writes, is_ready];
            accounts: [
                names_are_reserved, names_stay_reserved_by_a_soft_delete, accounts_keep_every_state, ids_are_never_used_again, profiles_are_kept,
                lists_filter_and_order, finds_by_each_name, filters_take_wildcards_literally,
            ];
            content: [publishes_and_lists, a_vote_toggles, a_deleted_post_takes_its_votes_along, authors_carry_their_status];
            erasure: [a_hard_delete_removes_everything, erasing_goes_on_in_chunks, erasing_corrects_the_counters_of_others];
            races: [
                ten_creates_of_one_key_have_one_winner, eight_deletes_have_one_winner, two_deletions_have_one_winner, revisions_have_no_gap_and_no_repeat,
                a_write_that_races_a_hard_delete_leaves_nothing, a_hundred_writers_never_exceed_the_limits, a_name_has_one_winner, votes_are_counted_exactly,
            ];
            archive: [
                an_export_of_an_import_is_equal, importing_twice_changes_nothing, refused_records_leave_no_trace, an_erased_user_stays_erased,
                new_ids_are_beyond_imported_ones, what_is_there_keeps_its_id_its_epoch_and_its_dead_tokens, an_import_is_logged_and_counted,
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

/// Deletes as a use case does: decide in the domain, keep the account, remove the content.
pub(crate) async fn delete_user(store: &impl FullStore, id: UserId, mode: DeletionMode) -> Result<(), StoreError> {
    store
        .transact(move |tx| {
            Box::pin(async move {
                let account = tx.account_for_update(id).await?.unwrap_or(Account::new(id));
                let Ok(deleted) = account.delete(mode, now(), None) else {
                    return Err(StoreError::Failed("refused".into()));
                };
                tx.save_account(&deleted).await?;
                if let AccountState::Erased { .. } = deleted.state {
                    for kind in ContentKind::ALL {
                        while tx.erase(id, kind, 1_000).await? == 1_000 {}
                    }
                }
                Ok(())
            })
        })
        .await
}
