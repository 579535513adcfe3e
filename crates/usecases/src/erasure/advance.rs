//! The next part of an erasure, in a transaction that is open: in the one that deletes the user, or in one of a chunk's own.

use lethe_domain::erasure::{Erasure, ErasureState};
use lethe_domain::event::{Event, EventId, EventKind};
use lethe_domain::manifest::ContentKind;
use lethe_domain::time::Timestamp;
use lethe_ports::outbound::{StoreError, Tx};

/// Removes at most `budget` rows, from where the erasure is; when it comes to the end of the manifest, sweeps it, and ends the erasure if
/// nothing is left. Returns what is to be told of that.
///
/// A transaction touches posts of others, or the user's own, never both: two who voted for each other and leave at the same time would wait
/// for each other.
pub(crate) async fn advance(tx: &mut dyn Tx, mut erasure: Erasure, mut budget: u32, now: Timestamp) -> Result<(Erasure, Option<Event>), StoreError> {
    let mut touched_others = false;
    while let Some(step) = erasure.current().filter(|step| budget > 0 && !(touched_others && step.kind != ContentKind::VotesCast)) {
        let chunk = tx.erase(erasure.user, step.kind, step.cursor, budget).await?;
        erasure.record(chunk, budget, now);
        budget -= chunk.rows.min(budget);
        touched_others |= step.kind == ContentKind::VotesCast && chunk.rows > 0;
    }
    let ext_id = erasure.ext_id.clone();
    if erasure.current().is_none() {
        let left = tx.tally(erasure.user).await?;
        erasure = erasure.conclude(&left, now);
    }
    tx.save_erasure(&erasure).await?;
    let end = EventId { user: erasure.user, epoch: erasure.epoch, kind: EventKind::Erased };
    let event = (erasure.state == ErasureState::Done).then_some(Event { id: end, at: now, ext_id });
    Ok((erasure, event))
}
