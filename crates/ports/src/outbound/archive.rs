//! Everything in and out, in bulk.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::archive::{CheckedRecord, Record, RecordError};
use lethe_domain::limits::Limits;
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::Subscription;

use super::StoreError;

/// What became of one record of an import.
pub type RecordOutcome = Result<(), RecordError>;

/// What an import goes by.
#[derive(Debug, Clone, Copy)]
pub struct ImportTerms<'a> {
    /// How much a user may keep.
    pub limits: &'a Limits,
    /// Who is told of what becomes of users.
    pub subscriptions: &'a [Subscription],
    /// The time of the import.
    pub now: Timestamp,
}

/// A store whose content can be written out and read back: users, and holds on them, preferences, posts, votes, and the tokens that were
/// revoked. What happened to all that stays behind: the log of changes and its revisions, the audit log, accounts of erasures, the outbox.
#[async_trait]
pub trait ArchiveStore: Send + Sync {
    /// Stores a batch in one transaction, each record by upsert on its id (a preference: on its owner and key), and says in order what
    /// became of each. A refused record leaves no trace and does not stop the others.
    ///
    /// * What becomes of a user who is there already says [`lethe_domain::archive::CheckedUser::over`]. Names are reserved, and must be free
    ///   or the user's own.
    /// * Holds, preferences, posts and votes need owners that exist and are not erased. A preference that changes something takes a revision and a
    ///   change log entry like any other write, by the owner as actor; limits hold. A preference that
    ///   is there keeps its id; a new one gets the line's, if that is free.
    /// * Posts keep their id, author and kind; votes need their post; counters stay right. The next ids that are handed out are beyond all
    ///   imported ones.
    /// * A hold is one by its user and its id, and replaces the one that is there. No hold is refused, or given another id, because of another
    ///   user's: it would be lost, or be there once more after each repetition.
    /// * Of revocations of one token stays what [`lethe_domain::archive::CheckedRevocation::over`] says. Whoever asks for
    ///   [`super::RevocationStore::revocations`] since a moment before the import learns of those that are new to the store, however long ago
    ///   they were.
    /// * What the import does to a user is an event like any other ([`lethe_domain::event::EventKind::between`]): it is put into the outbox and
    ///   the audit log, with nobody as actor, in the same transaction. Holds and revocations have no entry there: nobody placed or revoked
    ///   anything now, a state was copied. Who placed a hold, and when, the hold says itself.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the batch was stored.
    async fn import(&self, batch: Vec<CheckedRecord>, terms: ImportTerms<'_>) -> Result<Vec<RecordOutcome>, StoreError>;

    /// All of it, as of one moment, in batches: users by id, then holds by user and id, preferences by owner and key, posts by id, votes by
    /// voter and post, revocations by id. An erased user is `{"id","status":"u","erased_at"}` and nothing else, and what is still there of
    /// one is left out.
    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>>;
}
