//! An erasure: the removal of everything that a hard deleted user left behind, in chunks, from its beginning to the proof of its end.
//!
//! A small account is erased before its deletion is answered. What is left of a big one is removed chunk by chunk, by whichever node holds the
//! lease. Everything here is plain arithmetic on what a store keeps; the chunk, its cursor and its count are one transaction.

use crate::id::{NodeId, UserId};
use crate::manifest::{ContentKind, Tally};
use crate::profile::ExtId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often the manifest is walked anew after a sweep found something left, before the erasure counts as failed.
const MOST_WALKS: u32 = 3;

/// How long a failed erasure rests before it is taken up again.
const REST_AFTER_FAILURE: Duration = Duration::from_hours(1);

/// Where an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErasureState {
    /// It waits to be taken up.
    Queued,
    /// A node works on it, or did and will be followed by another.
    Running,
    /// A hold keeps it from going on. It goes on by itself when the last one is lifted.
    Blocked,
    /// Everything is gone, and a sweep has seen that.
    Done,
    /// A sweep found something left, again and again. It rests, and is tried again later.
    Failed,
}

impl ErasureState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Blocked, Self::Done, Self::Failed];

    /// The states of an erasure that has not come to its end.
    pub const OPEN: [Self; 4] = [Self::Queued, Self::Running, Self::Blocked, Self::Failed];

    /// The state's name in a store and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Blocked => "blocked",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Nothing was removed yet.
    Queued,
    /// Something was, and more is to be.
    Running,
    /// Nothing of the kind is left.
    Done,
}

impl StepState {
    /// The state's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

/// How far one kind of content was walked: the key of the last row that was removed. What the two numbers are is for the store to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ErasureCursor(pub i64, pub i64);

impl ErasureCursor {
    /// Before the first row.
    pub const START: Self = Self(i64::MIN, i64::MIN);
}

/// What one chunk removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Rows that went.
    pub rows: u32,
    /// The last of them; where the chunk began if none went.
    pub cursor: ErasureCursor,
}

/// The removal of one kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which kind.
    pub kind: ContentKind,
    /// How much there was; `None` as long as nobody has counted.
    pub total: Option<u64>,
    /// How much is gone. Never falls.
    pub done: u64,
    /// How far the rows were walked.
    pub cursor: ErasureCursor,
    /// Where it stands.
    pub state: StepState,
}

impl Step {
    const fn new(kind: ContentKind) -> Self {
        Self { kind, total: None, done: 0, cursor: ErasureCursor::START, state: StepState::Queued }
    }

    /// Takes a chunk in. `limit` is what the chunk was allowed: fewer rows say that there are no more.
    fn record(&mut self, chunk: Chunk, limit: u32) {
        self.done += u64::from(chunk.rows);
        self.cursor = chunk.cursor;
        self.state = if chunk.rows < limit { StepState::Done } else { StepState::Running };
        // Another erasure may have taken rows that both could see (a vote has two sides), or brought the count too late.
        self.total = match self.state {
            StepState::Done => Some(self.done),
            StepState::Queued | StepState::Running => self.total.map(|total| total.max(self.done)),
        };
    }
}

/// Who works on something, and until when nobody else may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The node; `None`: nobody.
    pub holder: Option<NodeId>,
    /// By the store's clock.
    pub until: Timestamp,
}

/// The erasure of one user. There is one at the most, since an erased user stays erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Whom it erases.
    pub user: UserId,
    /// The deletion that began it.
    pub epoch: i64,
    /// What others know the user by, until they have been told of the end.
    pub ext_id: Option<ExtId>,
    /// Where it stands.
    pub state: ErasureState,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When a chunk last went.
    pub progressed_at: Timestamp,
    /// When everything was gone.
    pub finished_at: Option<Timestamp>,
    /// What is to be removed, in this order.
    pub steps: Vec<Step>,
    /// How often a node took it up.
    pub attempts: u32,
    /// How often a sweep found something left.
    pub failed_sweeps: u32,
    /// Why it did not go on, the last time that it did not. Names no content.
    pub last_error: Option<String>,
    /// Who works on it.
    pub lease: Lease,
}

impl Erasure {
    /// An erasure that is asked for at `now`.
    #[must_use]
    pub fn begin(user: UserId, epoch: i64, ext_id: Option<ExtId>, now: Timestamp) -> Self {
        Self {
            user,
            epoch,
            ext_id,
            state: ErasureState::Queued,
            requested_at: now,
            progressed_at: now,
            finished_at: None,
            steps: ContentKind::ALL.map(Step::new).to_vec(),
            attempts: 0,
            failed_sweeps: 0,
            last_error: None,
            lease: Lease { holder: None, until: now },
        }
    }

    /// The step that is to be worked on; `None` when all are done.
    #[must_use]
    pub fn current(&self) -> Option<Step> {
        self.steps.iter().find(|step| step.state != StepState::Done).copied()
    }

    /// Takes in what a chunk of the current step removed, of `limit` rows that it was allowed.
    pub fn record(&mut self, chunk: Chunk, limit: u32, now: Timestamp) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.state != StepState::Done) {
            step.record(chunk, limit);
            self.progressed_at = now;
        }
    }

    /// Whether somebody should count what there is.
    #[must_use]
    pub fn is_uncounted(&self) -> bool {
        self.steps.iter().any(|step| step.total.is_none())
    }

    /// Takes in how much is still there.
    pub fn count(&mut self, left: &Tally) {
        for step in self.steps.iter_mut().filter(|step| step.total.is_none()) {
            step.total = Some(step.done + left.get(step.kind));
        }
    }

    /// Gives the work to `node` for `span`, if nobody else has it at `now`.
    #[must_use]
    pub fn claim(self, node: NodeId, now: Timestamp, span: Duration) -> Option<Self> {
        let is_mine = self.lease.holder == Some(node);
        if self.state == ErasureState::Done || !(is_mine || self.lease.until <= now) {
            return None;
        }
        let attempts = self.attempts + u32::from(!is_mine);
        Some(Self { state: ErasureState::Running, attempts, lease: Lease { holder: Some(node), until: now.after(span) }, ..self })
    }

    /// Keeps nodes from it for a while, since whoever asked for it is to have the first go.
    #[must_use]
    pub fn reserve(self, node: NodeId, now: Timestamp, span: Duration) -> Self {
        Self { lease: Lease { holder: Some(node), until: now.after(span) }, ..self }
    }

    /// Leaves the rest to whichever node comes first.
    #[must_use]
    pub fn hand_over(self, now: Timestamp) -> Self {
        Self { state: ErasureState::Queued, lease: Lease { holder: None, until: now }, ..self }
    }

    /// Lays the work down because of a hold. It is looked at again after `pause`.
    #[must_use]
    pub fn block(self, now: Timestamp, pause: Duration) -> Self {
        Self { state: ErasureState::Blocked, lease: Lease { holder: None, until: now.after(pause) }, ..self }
    }

    /// Lays the work down because of a failure, for `pause`.
    #[must_use]
    pub fn interrupt(self, error: &str, now: Timestamp, pause: Duration) -> Self {
        Self { last_error: Some(error.to_owned()), lease: Lease { holder: None, until: now.after(pause) }, ..self }
    }

    /// Ends the walk over the manifest. Only when a sweep has found nothing left is the erasure done; otherwise what is left is walked again,
    /// and after some walks the erasure has failed.
    #[must_use]
    pub fn conclude(mut self, left: &Tally, now: Timestamp) -> Self {
        if left.present().next().is_none() {
            return Self { state: ErasureState::Done, finished_at: Some(now), ext_id: None, lease: Lease { holder: None, until: now }, ..self };
        }
        // A kind that this erasure has no step for: it was begun by a program that did not know of it.
        let unknown: Vec<_> = left.present().filter(|(kind, _)| self.steps.iter().all(|step| step.kind != *kind)).map(|(kind, _)| Step::new(kind)).collect();
        self.steps.extend(unknown);
        let found: Vec<_> = left.present().map(|(kind, count)| format!("{} {}", count, kind.name())).collect();
        for step in self.steps.iter_mut().filter(|step| left.get(step.kind) > 0) {
            *step = Step { total: Some(step.done + left.get(step.kind)), cursor: ErasureCursor::START, state: StepState::Running, ..*step };
        }
        self.failed_sweeps += 1;
        self.last_error = Some(format!("the sweep found something left: {}", found.join(", ")));
        if self.failed_sweeps.is_multiple_of(MOST_WALKS) {
            self.state = ErasureState::Failed;
            self.lease = Lease { holder: None, until: now.after(REST_AFTER_FAILURE) };
        }
        self
    }

    /// Rows that are gone, over all kinds.
    #[must_use]
    pub fn rows_done(&self) -> u64 {
        self.steps.iter().map(|step| step.done).sum()
    }

    /// Rows a second, from the request to the last chunk; `None` for what took no time.
    #[must_use]
    pub fn rows_per_second(&self) -> Option<u64> {
        let micros = u64::try_from(self.progressed_at.micros() - self.requested_at.micros()).ok().filter(|micros| *micros > 0)?;
        u64::try_from(u128::from(self.rows_done()) * 1_000_000 / u128::from(micros)).ok()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEASE: Duration = Duration::from_secs(30);
    const NODE: NodeId = NodeId::new(1);
    const OTHER: NodeId = NodeId::new(2);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn erasure() -> Erasure {
        Erasure::begin(UserId::new(7), 1, None, at(0))
    }

    fn walked() -> Erasure {
        let mut erasure = erasure();
        while erasure.current().is_some() {
            erasure.record(Chunk { rows: 0, cursor: ErasureCursor::START }, 10, at(1));
        }
        erasure
    }

    #[test]
    fn whoever_asked_goes_first_and_then_the_first_who_comes() {
        let reserved = erasure().reserve(NODE, at(0), LEASE);
        assert_eq!((reserved.state, reserved.clone().claim(OTHER, at(29), LEASE)), (ErasureState::Queued, None));
        let left = reserved.claim(NODE, at(1), LEASE).unwrap().hand_over(at(1));
        assert_eq!((left.state, left.attempts), (ErasureState::Queued, 0), "no attempt of a node");
        assert_eq!(left.claim(OTHER, at(1), LEASE).map(|taken| (taken.state, taken.attempts)), Some((ErasureState::Running, 1)));
    }

    #[test]
    fn a_lease_keeps_others_out_until_it_ends() {
        let mine = erasure().claim(NODE, at(0), LEASE).unwrap();
        assert_eq!((mine.state, mine.attempts), (ErasureState::Running, 1));
        assert_eq!(mine.clone().claim(OTHER, at(29), LEASE), None);
        assert_eq!(mine.clone().claim(NODE, at(29), LEASE).map(|again| again.attempts), Some(1), "to go on is no new attempt");
        let theirs = mine.claim(OTHER, at(30), LEASE).unwrap();
        assert_eq!((theirs.attempts, theirs.lease.holder), (2, Some(OTHER)));
    }

    #[test]
    fn a_blocked_one_goes_on_by_itself() {
        let blocked = erasure().claim(NODE, at(0), LEASE).unwrap().block(at(1), Duration::from_secs(1));
        assert_eq!((blocked.state, blocked.clone().claim(OTHER, at(1), LEASE)), (ErasureState::Blocked, None));
        assert_eq!(blocked.claim(OTHER, at(2), LEASE).map(|taken| taken.state), Some(ErasureState::Running));
    }

    #[test]
    fn nothing_left_is_done_and_forgets_whom_others_knew() {
        let known = Erasure { ext_id: Some(ExtId::from_store("x".into())), ..walked() };
        let done = known.conclude(&Tally::default(), at(3));
        assert_eq!((done.state, done.finished_at, done.ext_id.clone()), (ErasureState::Done, Some(at(3)), None));
        assert_eq!(done.claim(NODE, at(99), LEASE), None);
    }

    #[test]
    fn something_left_is_walked_again_and_fails_in_the_end() {
        let left = Tally::of(|kind| u64::from(kind == ContentKind::Posts) * 2);
        let mut erasure = walked();
        for walk in 1..=MOST_WALKS {
            erasure = erasure.conclude(&left, at(3));
            let step = erasure.current().unwrap();
            assert_eq!((step.kind, step.cursor), (ContentKind::Posts, ErasureCursor::START));
            assert_eq!(erasure.state == ErasureState::Failed, walk == MOST_WALKS);
            erasure.record(Chunk { rows: 0, cursor: ErasureCursor::START }, 10, at(3));
        }
        assert_eq!(erasure.last_error.as_deref(), Some("the sweep found something left: 2 posts"));
        assert_eq!(erasure.finished_at, None);
        assert_eq!(erasure.clone().claim(NODE, at(4), LEASE), None, "it rests");
        assert!(erasure.claim(NODE, at(3 + 3600), LEASE).is_some());
    }

    #[test]
    fn what_the_manifest_has_gained_since_is_removed_too() {
        let mut older = walked();
        older.steps.retain(|step| step.kind != ContentKind::Holds);
        let again = older.conclude(&Tally::of(|kind| u64::from(kind == ContentKind::Holds)), at(3));
        assert_eq!(again.current().map(|step| (step.kind, step.total)), Some((ContentKind::Holds, Some(1))));
    }

    #[test]
    fn speed_is_rows_over_time() {
        let mut erasure = erasure();
        assert_eq!(erasure.rows_per_second(), None);
        erasure.record(Chunk { rows: 10, cursor: ErasureCursor(1, 1) }, 10, at(2));
        assert_eq!(erasure.rows_per_second(), Some(5));
    }

    proptest! {
        #[test]
        fn whatever_the_chunks_progress_never_falls_and_no_row_counts_twice(chunks in proptest::collection::vec(0u32..=10, 0..60), counted_at in 0usize..60) {
            let mut erasure = erasure();
            let (mut sum, mut before) = (0u64, 0u64);
            for (index, rows) in chunks.into_iter().enumerate() {
                if erasure.current().is_none() {
                    break;
                }
                if index == counted_at {
                    erasure.count(&Tally::of(|_| 5));
                }
                erasure.record(Chunk { rows, cursor: ErasureCursor(i64::from(rows), 0) }, 10, at(1));
                sum += u64::from(rows);
                prop_assert!(erasure.rows_done() >= before);
                prop_assert!(erasure.steps.iter().all(|step| step.total.is_none_or(|total| total >= step.done)));
                before = erasure.rows_done();
            }
            prop_assert_eq!(erasure.rows_done(), sum);
            prop_assert!(erasure.steps.iter().filter(|step| step.state == StepState::Done).all(|step| step.total == Some(step.done)));
        }
    }
}
