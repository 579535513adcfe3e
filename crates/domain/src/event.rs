//! Events: what became of a user, told to others.
//!
//! Each transition of an account happens once in one deletion epoch, so a user, an epoch and a kind name an event for good: whatever path
//! caused it, and however often it is told.

use crate::account::{Account, AccountState};
use crate::id::UserId;
use crate::profile::ExtId;
use crate::time::Timestamp;
use serde::Serialize;
use std::fmt;

/// What became of a user. Within one epoch the kinds follow each other in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// It joined.
    Created,
    /// It was soft deleted.
    SoftDeleted,
    /// A soft delete was taken back.
    Restored,
    /// It was hard deleted: nothing of it is shown any more, and its content is being removed.
    ErasureStarted,
    /// Everything of it is gone.
    Erased,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Created, Self::SoftDeleted, Self::Restored, Self::ErasureStarted, Self::Erased];

    /// The kind's name on the wire and in a store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "user.created",
            Self::SoftDeleted => "user.soft_deleted",
            Self::Restored => "user.restored",
            Self::ErasureStarted => "user.erasure_started",
            Self::Erased => "user.erased",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's place among those of one epoch, as stores keep it: these numbers must never change.
    #[must_use]
    pub const fn turn(self) -> i16 {
        match self {
            Self::Created => 0,
            Self::SoftDeleted => 1,
            Self::Restored => 2,
            Self::ErasureStarted => 3,
            Self::Erased => 4,
        }
    }

    /// What happened to a user whose account was `before` and is `after`. That an erasure has ended is not a matter of the account.
    #[must_use]
    pub const fn between(before: Option<&Account>, after: &Account) -> &'static [Self] {
        let Some(before) = before else {
            return match after.state {
                AccountState::Live(_) => &[Self::Created],
                AccountState::SoftDeleted { .. } => &[Self::Created, Self::SoftDeleted],
                // A spent id that somebody brought along: there never was such a user here.
                AccountState::Erased { .. } => &[],
            };
        };
        match (before.state, after.state) {
            (AccountState::Live(_), AccountState::SoftDeleted { .. }) => &[Self::SoftDeleted],
            (AccountState::SoftDeleted { .. }, AccountState::Live(_)) => &[Self::Restored],
            (AccountState::Live(_) | AccountState::SoftDeleted { .. }, AccountState::Erased { .. }) => &[Self::ErasureStarted],
            (AccountState::Live(_), AccountState::Live(_))
            | (AccountState::SoftDeleted { .. }, AccountState::SoftDeleted { .. })
            | (AccountState::Erased { .. }, _) => &[],
        }
    }
}

/// The name of an event: `evt_42_3_user.restored`. Its text sorts nothing; its parts do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Whom it is about.
    pub user: UserId,
    /// How often the user was deleted until then.
    pub epoch: i64,
    /// What happened.
    pub kind: EventKind,
}

impl EventId {
    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("evt_")?.splitn(3, '_');
        let user = UserId::parse(parts.next()?)?;
        let epoch = parts.next()?.parse().ok()?;
        let id = Self { user, epoch, kind: EventKind::from_name(parts.next()?)? };
        // A number has one spelling.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt_{}_{}_{}", self.user, self.epoch, self.kind.name())
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What another system knows the user by, as it was then.
    pub ext_id: Option<ExtId>,
}

impl Event {
    /// What happened at `at` to a user whose account was `before` and is `after`.
    #[must_use]
    pub fn of_change(before: Option<&Account>, after: &Account, ext_id: Option<&ExtId>, at: Timestamp) -> Vec<Self> {
        let event = |kind: &EventKind| Self { id: EventId { user: after.id, epoch: after.deletion_epoch, kind: *kind }, at, ext_id: ext_id.cloned() };
        EventKind::between(before, after).iter().map(event).collect()
    }

    /// What receivers know the event by: its name, and the microsecond in which it happened. A store that was set back to a backup gives out
    /// the same names for other events.
    #[must_use]
    pub fn message_id(&self) -> String {
        format!("{}_{}", self.id, self.at.micros())
    }

    /// The event as it is told: ids, and nothing else of a person.
    #[must_use]
    pub fn payload(&self) -> String {
        #[derive(Serialize)]
        struct Payload<'a> {
            r#type: &'static str,
            timestamp: Timestamp,
            data: Data<'a>,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            user_id: UserId,
            ext_id: Option<&'a str>,
            deletion_epoch: i64,
        }
        let data = Data { user_id: self.id.user, ext_id: self.ext_id.as_ref().map(ExtId::as_str), deletion_epoch: self.id.epoch };
        let payload = Payload { r#type: self.id.kind.name(), timestamp: self.at, data };
        // Numbers and texts can always be written.
        serde_json::to_string(&payload).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::LiveState::{Active, Blocked};
    use EventKind::{Created, ErasureStarted, Restored, SoftDeleted};

    fn account(state: AccountState) -> Account {
        Account { state, ..Account::new(UserId::new(42)) }
    }

    #[test]
    fn every_pair_of_states_tells_its_events() {
        let live = [account(AccountState::Live(Active)), account(AccountState::Live(Blocked))];
        let soft = account(AccountState::SoftDeleted { at: Timestamp::EPOCH, purge_at: None, was: Active });
        let erased = account(AccountState::Erased { at: Timestamp::EPOCH });
        for living in live {
            assert_eq!(EventKind::between(None, &living), [Created]);
            assert_eq!(EventKind::between(Some(&living), &soft), [SoftDeleted]);
            assert_eq!(EventKind::between(Some(&living), &erased), [ErasureStarted]);
            assert_eq!(EventKind::between(Some(&soft), &living), [Restored]);
            assert_eq!(EventKind::between(Some(&erased), &living), []);
            for other in live {
                assert_eq!(EventKind::between(Some(&living), &other), []);
            }
        }
        assert_eq!(EventKind::between(None, &soft), [Created, SoftDeleted]);
        assert_eq!(EventKind::between(None, &erased), []);
        assert_eq!(EventKind::between(Some(&soft), &erased), [ErasureStarted]);
        for same in [&soft, &erased] {
            assert_eq!(EventKind::between(Some(same), same), []);
        }
        assert_eq!(EventKind::between(Some(&erased), &soft), []);
    }

    #[test]
    fn an_event_has_one_name() {
        for kind in EventKind::ALL {
            let id = EventId { user: UserId::new(42), epoch: 3, kind };
            assert_eq!(EventId::parse(&id.to_string()), Some(id));
        }
        for text in ["", "evt_", "evt_42", "evt_42_3", "evt_42_3_x", "evt_042_3_user.erased", "evt_42_+3_user.erased", "42_3_user.erased"] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
        assert_eq!(EventKind::ALL.map(EventKind::turn), [0, 1, 2, 3, 4]);
        assert!(EventKind::ALL.is_sorted());
    }

    #[test]
    fn a_payload_tells_ids_alone() {
        let id = EventId { user: UserId::new(42), epoch: 1, kind: SoftDeleted };
        let event = Event { id, at: Timestamp::EPOCH, ext_id: Some(ExtId::from_store("x-\"1".into())) };
        let expected = r#"{"type":"user.soft_deleted","timestamp":"1970-01-01T00:00:00.000000Z","data":{"user_id":42,"ext_id":"x-\"1","deletion_epoch":1}}"#;
        assert_eq!(event.payload(), expected);
        assert_eq!(event.message_id(), "evt_42_1_user.soft_deleted_0");
        assert!(Event { ext_id: None, ..event }.payload().contains(r#""ext_id":null"#));
    }
}
