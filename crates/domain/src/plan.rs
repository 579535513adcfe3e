//! What a deletion would do, before it is done.

use crate::account::{Account, DeletionMode};
use crate::hold::Hold;
use crate::id::HoldId;
use crate::manifest::{ContentKind, Fate, Tally};
use crate::profile::UniqueName;
use crate::time::Timestamp;

/// What becomes of one kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Which kind.
    pub kind: ContentKind,
    /// How much there is of it.
    pub count: u64,
    /// What becomes of it.
    pub fate: Fate,
}

/// What a deletion would do, in real counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionPlan {
    /// Which deletion.
    pub mode: DeletionMode,
    /// Every kind of content, in the order in which it would go.
    pub kinds: Vec<Planned>,
    /// The names that would become free.
    pub frees: Vec<UniqueName>,
    /// The holds that stand in the way.
    pub blockers: Vec<HoldId>,
    /// What the plan was made for: one that is made now and has the same says the same.
    pub version: PlanVersion,
}

/// Tells two plans apart that do not say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion(String);

impl PlanVersion {
    /// A version that a client gives back, which need not be one.
    #[must_use]
    pub const fn from_client(text: String) -> Self {
        Self(text)
    }

    /// The text of an entity tag, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeletionPlan {
    /// The plan of a deletion of `account` at `now`, which has that much content, these names and these holds.
    #[must_use]
    pub fn of(account: &Account, mode: DeletionMode, tally: &Tally, names: &[UniqueName], holds: &[Hold], now: Timestamp) -> Self {
        let kinds: Vec<_> = ContentKind::ALL.map(|kind| Planned { kind, count: tally.get(kind), fate: kind.fate(mode) }).to_vec();
        let (frees, blockers) = match mode {
            DeletionMode::Soft => (Vec::new(), Vec::new()),
            DeletionMode::Hard => (names.to_vec(), holds.iter().filter(|hold| hold.is_in_force(now)).map(|hold| hold.id).collect::<Vec<_>>()),
        };
        let version = PlanVersion(format!(
            "{}-{}-{}-{}-{}",
            mode.name(),
            account.status().letter(),
            account.deletion_epoch,
            join(kinds.iter().map(|planned| planned.count)),
            join(blockers.iter().map(|hold| hold.get())),
        ));
        Self { mode, kinds, frees, blockers, version }
    }
}

fn join<T: ToString>(numbers: impl Iterator<Item = T>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hold::{HoldReason, NewHold};
    use crate::id::UserId;

    fn plan(mode: DeletionMode, posts: u64, holds: &[Hold]) -> DeletionPlan {
        let tally = Tally::of(|kind| if kind == ContentKind::Posts { posts } else { 1 });
        DeletionPlan::of(&Account::new(UserId::new(1)), mode, &tally, &[UniqueName::Username], holds, Timestamp::EPOCH)
    }

    #[test]
    fn a_soft_delete_keeps_and_a_hard_one_removes() {
        let soft = plan(DeletionMode::Soft, 3, &[]);
        assert!(soft.kinds.iter().all(|planned| planned.fate == Fate::Kept) && soft.frees.is_empty());
        let hard = plan(DeletionMode::Hard, 3, &[]);
        assert!(hard.kinds.iter().all(|planned| planned.fate == Fate::Removed));
        assert_eq!(hard.frees, [UniqueName::Username]);
        assert_eq!(hard.kinds.iter().find(|planned| planned.kind == ContentKind::Posts).map(|planned| planned.count), Some(3));
    }

    #[test]
    fn what_is_counted_makes_the_version() {
        let terms = NewHold { reason: HoldReason::from_store("why".into()), expires_at: None };
        let hold = Hold { id: HoldId::new(9), user: UserId::new(1), terms, placed_at: Timestamp::EPOCH, placed_by: UserId::new(2) };
        let first = plan(DeletionMode::Hard, 3, &[]).version;
        assert_eq!(plan(DeletionMode::Hard, 3, &[]).version, first);
        let blocked = plan(DeletionMode::Hard, 3, std::slice::from_ref(&hold));
        assert_eq!(blocked.blockers, [hold.id]);
        for other in [plan(DeletionMode::Hard, 4, &[]).version, plan(DeletionMode::Soft, 3, &[]).version, blocked.version] {
            assert_ne!(other, first);
        }
    }
}
