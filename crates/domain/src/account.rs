//! The account's life: which states there are, and which commands lead from one to the next.
//!
//! A transition consumes the account and returns the new one, or says why not. Nothing here reads a clock or a store.

use crate::hold::{Hold, any_in_force};
use crate::id::UserId;
use crate::time::Timestamp;
use std::time::Duration;

/// The state of an account in one letter, as it is stored and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// `a`: may do everything.
    Active,
    /// `b`: blocked by a moderator.
    Blocked,
    /// `d`: soft deleted; hidden, and can be restored.
    SoftDeleted,
    /// `u`: unregistered, that is hard deleted; nothing but the spent id is left.
    Erased,
}

impl UserStatus {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Active, Self::Blocked, Self::SoftDeleted, Self::Erased];

    /// The letter.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Active => "a",
            Self::Blocked => "b",
            Self::SoftDeleted => "d",
            Self::Erased => "u",
        }
    }

    /// Reads the letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.letter() == letter)
    }

    /// The state in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::SoftDeleted => "deleted",
            Self::Erased => "erased",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// A named set of states. Stores receive such a set and never restate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusSet(&'static [UserStatus]);

impl StatusSet {
    /// Owners whose preferences and settings may be read.
    pub const READABLE: Self = Self(&[UserStatus::Active, UserStatus::Blocked, UserStatus::SoftDeleted]);
    /// Owners whose preferences, settings and profile may be changed.
    pub const WRITABLE: Self = Self(&[UserStatus::Active, UserStatus::Blocked]);
    /// Users who may publish posts and votes.
    pub const PUBLISHING: Self = Self(&[UserStatus::Active]);
    /// Users whose tokens are honoured.
    pub const SIGNED_IN: Self = Self(&[UserStatus::Active, UserStatus::Blocked]);
    /// Users who appear in lists.
    pub const LISTED: Self = Self(&[UserStatus::Active, UserStatus::Blocked]);

    /// The states of the set.
    #[must_use]
    pub const fn states(self) -> &'static [UserStatus] {
        self.0
    }

    /// Whether a state belongs to the set.
    #[must_use]
    pub fn contains(self, status: UserStatus) -> bool {
        self.0.contains(&status)
    }

    /// The letters of the set, for a store.
    #[must_use]
    pub fn letters(self) -> Vec<&'static str> {
        self.0.iter().map(|status| status.letter()).collect()
    }
}

/// A state that is not a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiveState {
    /// May do everything.
    Active,
    /// Blocked by a moderator.
    Blocked,
}

impl LiveState {
    /// As one of the four states.
    #[must_use]
    pub const fn status(self) -> UserStatus {
        match self {
            Self::Active => UserStatus::Active,
            Self::Blocked => UserStatus::Blocked,
        }
    }
}

/// The state of an account, with what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// Not deleted.
    Live(LiveState),
    /// Hidden. Its content stays, its names are reserved.
    SoftDeleted {
        /// When it was deleted.
        at: Timestamp,
        /// When it falls due to be hard deleted; `None`: when somebody asks.
        purge_at: Option<Timestamp>,
        /// The state that a restore leads back to.
        was: LiveState,
    },
    /// All content is gone; the id stays spent.
    Erased {
        /// When it was hard deleted.
        at: Timestamp,
    },
}

/// An account, as far as its life is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub id: UserId,
    /// Where it stands.
    pub state: AccountState,
    /// Counts its deletions. A delayed act that was meant for an earlier epoch must do nothing.
    pub deletion_epoch: i64,
    /// Tokens issued before this moment are dead. It never goes back. A deletion does not move it, since no token is honoured while the user
    /// is deleted; a restore does.
    pub tokens_valid_from: Timestamp,
}

/// Why a command on an account is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// A soft delete of what is soft deleted.
    #[error("The user has already been soft deleted")]
    AlreadySoftDeleted,
    /// The account is erased: to every command it is as if it had never been.
    #[error("User not found")]
    Erased,
    /// A hard delete while a hold is in force. It is not remembered: whoever wants it asks again.
    #[error("The user is on hold and cannot be hard deleted")]
    OnHold,
}

/// Why a scheduled purge does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PurgeError {
    /// It was meant for an earlier deletion, or the account is not soft deleted, or its time has not come.
    #[error("the account is not due")]
    NotDue,
    /// A hold is in force. The purge waits for it to be lifted.
    #[error("the account is on hold")]
    OnHold,
}

/// What a restore did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// The account is back.
    Yes(Account),
    /// It was not deleted; nothing changed.
    WasNotDeleted(Account),
}

/// Which deletion is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionMode {
    /// Hide the account; posts and votes stay, names stay reserved.
    Soft,
    /// Remove everything that belongs to the account.
    Hard,
}

impl DeletionMode {
    /// The mode's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Soft, Self::Hard].into_iter().find(|mode| mode.name() == name)
    }

    /// Reads the community dialect's `hard` parameter: the exact text `1` is hard, anything else is the safe one.
    #[must_use]
    pub fn from_hard_parameter(hard: Option<&str>) -> Self {
        if hard == Some("1") { Self::Hard } else { Self::Soft }
    }
}

impl Account {
    /// A new account.
    #[must_use]
    pub const fn new(id: UserId) -> Self {
        Self { id, state: AccountState::Live(LiveState::Active), deletion_epoch: 0, tokens_valid_from: Timestamp::EPOCH }
    }

    /// The state without what belongs to it.
    #[must_use]
    pub const fn status(&self) -> UserStatus {
        match self.state {
            AccountState::Live(live) => live.status(),
            AccountState::SoftDeleted { .. } => UserStatus::SoftDeleted,
            AccountState::Erased { .. } => UserStatus::Erased,
        }
    }

    /// Whether a token of this user, issued at `issued_at`, is still honoured. While the user is deleted none is.
    #[must_use]
    pub fn honours_token_of(&self, issued_at: Timestamp) -> bool {
        StatusSet::SIGNED_IN.contains(self.status()) && self.tokens_valid_from <= issued_at
    }

    /// Whether such a token is good for deleting the user itself: a deleted user may still be told what became of its deletion, or make it a
    /// hard one, but not with a token that was dead before.
    #[must_use]
    pub fn honours_own_deletion_of(&self, issued_at: Timestamp) -> bool {
        self.tokens_valid_from <= issued_at
    }

    /// Deletes in the way that is asked for. Holds stand in the way of a hard delete only.
    ///
    /// # Errors
    /// As [`Self::soft_delete`] and [`Self::hard_delete`].
    pub fn delete(self, mode: DeletionMode, now: Timestamp, grace: Option<Duration>, holds: &[Hold]) -> Result<Self, TransitionError> {
        match mode {
            DeletionMode::Soft => self.soft_delete(now, grace),
            DeletionMode::Hard => self.hard_delete(now, holds),
        }
    }

    /// Hides the account. After `grace` it falls due to be hard deleted; without one it stays until somebody asks.
    ///
    /// # Errors
    /// [`TransitionError`] when it is deleted already, in either way.
    pub fn soft_delete(self, now: Timestamp, grace: Option<Duration>) -> Result<Self, TransitionError> {
        match self.state {
            AccountState::Live(was) => Ok(Self {
                state: AccountState::SoftDeleted { at: now, purge_at: grace.map(|grace| now.after(grace)), was },
                deletion_epoch: self.deletion_epoch + 1,
                ..self
            }),
            AccountState::SoftDeleted { .. } => Err(TransitionError::AlreadySoftDeleted),
            AccountState::Erased { .. } => Err(TransitionError::Erased),
        }
    }

    /// Erases the account: from here on it is only a spent id, and its content must go with it.
    ///
    /// # Errors
    /// [`TransitionError::Erased`] when that happened before, [`TransitionError::OnHold`] when any of the account's `holds` is in force.
    pub fn hard_delete(self, now: Timestamp, holds: &[Hold]) -> Result<Self, TransitionError> {
        match self.state {
            AccountState::Live(_) | AccountState::SoftDeleted { .. } if any_in_force(holds, now) => Err(TransitionError::OnHold),
            AccountState::Live(_) | AccountState::SoftDeleted { .. } => {
                Ok(Self { state: AccountState::Erased { at: now }, deletion_epoch: self.deletion_epoch + 1, ..self })
            }
            AccountState::Erased { .. } => Err(TransitionError::Erased),
        }
    }

    /// Erases an account whose time has come. A purge belongs to one deletion: one that was scheduled for an earlier `epoch` does nothing.
    ///
    /// # Errors
    /// [`PurgeError`].
    pub fn purge(self, epoch: i64, now: Timestamp, holds: &[Hold]) -> Result<Self, PurgeError> {
        match self.state {
            AccountState::SoftDeleted { purge_at: Some(due), .. } if self.deletion_epoch == epoch && due <= now => {
                self.hard_delete(now, holds).map_err(|error| match error {
                    TransitionError::OnHold => PurgeError::OnHold,
                    TransitionError::AlreadySoftDeleted | TransitionError::Erased => PurgeError::NotDue,
                })
            }
            AccountState::SoftDeleted { .. } | AccountState::Live(_) | AccountState::Erased { .. } => Err(PurgeError::NotDue),
        }
    }

    /// Kills every token that was issued to this user before `now`.
    #[must_use]
    pub fn revoke_tokens(self, now: Timestamp) -> Self {
        Self { tokens_valid_from: self.tokens_valid_from.max(now), ..self }
    }

    /// Takes a soft delete back. Tokens from before stay dead.
    ///
    /// # Errors
    /// [`TransitionError::Erased`] when there is nothing left to restore.
    pub fn restore(self, now: Timestamp) -> Result<Restored, TransitionError> {
        match self.state {
            AccountState::Live(_) => Ok(Restored::WasNotDeleted(self)),
            AccountState::SoftDeleted { was, .. } => Ok(Restored::Yes(Self { state: AccountState::Live(was), ..self }.revoke_tokens(now))),
            AccountState::Erased { .. } => Err(TransitionError::Erased),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hold::{HoldReason, NewHold};
    use crate::id::HoldId;
    use AccountState::{Erased, Live, SoftDeleted};
    use LiveState::{Active, Blocked};

    const THEN: Timestamp = Timestamp::EPOCH;
    const GRACE: Duration = Duration::from_secs(30);

    fn now() -> Timestamp {
        Timestamp::from_micros(5_000_000)
    }

    fn account(state: AccountState) -> Account {
        Account { state, ..Account::new(UserId::new(1)) }
    }

    fn deleted(was: LiveState) -> AccountState {
        SoftDeleted { at: THEN, purge_at: None, was }
    }

    #[derive(Debug, Clone, Copy)]
    enum Command {
        SoftDelete,
        HardDelete,
        Restore,
    }

    fn run(command: Command, account: Account) -> Result<AccountState, TransitionError> {
        match command {
            Command::SoftDelete => account.delete(DeletionMode::Soft, now(), Some(GRACE), &[]).map(|account| account.state),
            Command::HardDelete => account.delete(DeletionMode::Hard, now(), None, &[]).map(|account| account.state),
            Command::Restore => account.restore(now()).map(|restored| match restored {
                Restored::Yes(account) | Restored::WasNotDeleted(account) => account.state,
            }),
        }
    }

    /// The table of the state machine, written by hand: every state under every command.
    #[test]
    fn every_state_answers_every_command() {
        use Command::{HardDelete, Restore, SoftDelete};
        use TransitionError::AlreadySoftDeleted;
        let soft = |was| SoftDeleted { at: now(), purge_at: Some(now().after(GRACE)), was };
        let gone = Erased { at: now() };
        let erased = Erased { at: THEN };
        let table = [
            (Live(Active), SoftDelete, Ok(soft(Active))),
            (Live(Active), HardDelete, Ok(gone)),
            (Live(Active), Restore, Ok(Live(Active))),
            (Live(Blocked), SoftDelete, Ok(soft(Blocked))),
            (Live(Blocked), HardDelete, Ok(gone)),
            (Live(Blocked), Restore, Ok(Live(Blocked))),
            (deleted(Active), SoftDelete, Err(AlreadySoftDeleted)),
            (deleted(Active), HardDelete, Ok(gone)),
            (deleted(Active), Restore, Ok(Live(Active))),
            (deleted(Blocked), SoftDelete, Err(AlreadySoftDeleted)),
            (deleted(Blocked), HardDelete, Ok(gone)),
            (deleted(Blocked), Restore, Ok(Live(Blocked))),
            (erased, SoftDelete, Err(TransitionError::Erased)),
            (erased, HardDelete, Err(TransitionError::Erased)),
            (erased, Restore, Err(TransitionError::Erased)),
        ];
        for (state, command, expected) in table {
            assert_eq!(run(command, account(state)), expected, "{command:?} on {state:?}");
        }
    }

    #[test]
    fn each_deletion_is_an_epoch_and_kills_older_tokens() -> Result<(), TransitionError> {
        let first = account(Live(Active)).soft_delete(now(), None)?;
        assert_eq!(first.deletion_epoch, 1);
        assert!(!first.honours_token_of(now().after(GRACE)), "nor those issued afterwards");
        assert_eq!(first.state, SoftDeleted { at: now(), purge_at: None, was: Active }, "no grace, no date");
        let later = now().after(GRACE);
        let Restored::Yes(back) = first.restore(later)? else { return Err(TransitionError::Erased) };
        assert_eq!((back.deletion_epoch, back.tokens_valid_from), (1, later));
        assert!(!back.honours_token_of(now()), "a token from before the deletion stays dead");
        assert!(back.honours_token_of(later));
        assert_eq!(back.soft_delete(later, None)?.deletion_epoch, 2);
        assert_eq!(back.hard_delete(later, &[])?.deletion_epoch, 2);
        Ok(())
    }

    fn hold(expires_at: Option<Timestamp>) -> Hold {
        let terms = NewHold { reason: HoldReason::from_store("court order".into()), expires_at };
        Hold { id: HoldId::new(1), user: UserId::new(1), terms, placed_at: THEN, placed_by: UserId::new(2) }
    }

    #[test]
    fn a_hold_stands_in_the_way_of_a_hard_delete_only() {
        let (held, free) = ([hold(Some(now())), hold(None)], [hold(Some(now()))]);
        for state in [Live(Active), deleted(Blocked)] {
            assert_eq!(account(state).hard_delete(now(), &held), Err(TransitionError::OnHold));
            assert!(account(state).hard_delete(now(), &free).is_ok(), "its time is over");
        }
        assert!(account(Live(Active)).delete(DeletionMode::Soft, now(), None, &held).is_ok());
        assert_eq!(account(Erased { at: THEN }).hard_delete(now(), &held), Err(TransitionError::Erased), "what is gone is not held");
    }

    /// Every state, epoch and date under a purge that was scheduled for epoch 3.
    #[test]
    fn a_purge_is_for_one_deletion_whose_time_has_come() {
        let due = |purge_at| SoftDeleted { at: THEN, purge_at, was: Active };
        let table = [
            (due(Some(now())), 3, Ok(Erased { at: now() })),
            (due(Some(THEN)), 3, Ok(Erased { at: now() })),
            (due(Some(now().after(GRACE))), 3, Err(PurgeError::NotDue)),
            (due(None), 3, Err(PurgeError::NotDue)),
            (due(Some(now())), 4, Err(PurgeError::NotDue)),
            (due(Some(now())), 2, Err(PurgeError::NotDue)),
            (Live(Active), 3, Err(PurgeError::NotDue)),
            (Live(Blocked), 3, Err(PurgeError::NotDue)),
            (Erased { at: THEN }, 3, Err(PurgeError::NotDue)),
        ];
        for (state, deletion_epoch, expected) in table {
            let account = Account { deletion_epoch, ..account(state) };
            assert_eq!(account.purge(3, now(), &[]).map(|account| account.state), expected, "{state:?} in epoch {deletion_epoch}");
        }
        let held = Account { deletion_epoch: 3, ..account(due(Some(now()))) };
        assert_eq!(held.purge(3, now(), &[hold(None)]), Err(PurgeError::OnHold));
    }

    #[test]
    fn what_was_dead_before_a_deletion_is_no_good_for_it_either() -> Result<(), TransitionError> {
        let later = now().after(GRACE);
        let revoked = account(Live(Active)).revoke_tokens(now());
        let restored = match account(deleted(Active)).restore(now())? {
            Restored::Yes(account) | Restored::WasNotDeleted(account) => account,
        };
        for account in [revoked, restored, revoked.soft_delete(later, None)?, restored.soft_delete(later, None)?, revoked.hard_delete(later, &[])?] {
            assert!(!account.honours_own_deletion_of(THEN), "{account:?}");
            assert!(account.honours_own_deletion_of(now()), "{account:?}");
        }
        let ahead = account(Live(Active)).revoke_tokens(later).soft_delete(now(), None)?;
        let Restored::Yes(back) = ahead.restore(now())? else { return Err(TransitionError::Erased) };
        assert_eq!(back.tokens_valid_from, later, "a clock that is behind brings none back");
        Ok(())
    }

    #[test]
    fn revoking_moves_the_moment_forward_only() {
        let revoked = account(Live(Active)).revoke_tokens(now());
        assert!(!revoked.honours_token_of(THEN) && revoked.honours_token_of(now()));
        assert_eq!(revoked.revoke_tokens(THEN), revoked);
    }

    #[test]
    fn letters_are_those_of_the_wire() {
        let letters: Vec<_> = UserStatus::ALL.iter().map(|status| status.letter()).collect();
        assert_eq!(letters, ["a", "b", "d", "u"]);
        for status in UserStatus::ALL {
            assert_eq!(UserStatus::from_letter(status.letter()), Some(status));
            assert_eq!(UserStatus::from_word(status.word()), Some(status));
        }
        assert_eq!(UserStatus::from_letter("x"), None);
    }

    #[test]
    fn each_set_names_its_states() {
        let members = |set: StatusSet| set.letters().concat();
        assert_eq!(members(StatusSet::READABLE), "abd");
        assert_eq!(members(StatusSet::WRITABLE), "ab");
        assert_eq!(members(StatusSet::PUBLISHING), "a");
        assert_eq!(members(StatusSet::SIGNED_IN), "ab");
        assert_eq!(members(StatusSet::LISTED), "ab");
    }

    #[test]
    fn only_the_exact_text_1_is_hard() {
        assert_eq!(DeletionMode::from_hard_parameter(Some("1")), DeletionMode::Hard);
        for text in [None, Some(""), Some("0"), Some("01"), Some("true"), Some("yes"), Some("1 "), Some("2")] {
            assert_eq!(DeletionMode::from_hard_parameter(text), DeletionMode::Soft, "{text:?}");
        }
    }
}
