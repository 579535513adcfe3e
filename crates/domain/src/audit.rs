//! The audit log: who did what to whom, in ids and nothing else, so that it may outlive everyone it names.
//!
//! Each entry carries a hash over itself and the entry before it. Whoever changes, removes or inserts one breaks every later hash; whoever
//! keeps the last hash somewhere else can tell when the end was cut off.

use crate::event::{Event, EventKind};
use crate::id::UserId;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// A transition of an account.
    Life(EventKind),
    /// A hold was placed.
    HoldPlaced,
    /// A hold was lifted.
    HoldLifted,
    /// One token, and all that were narrowed from it, were revoked.
    TokenRevoked,
    /// All tokens of a user were revoked.
    TokensRevoked,
}

impl AuditAction {
    /// All actions.
    pub const ALL: [Self; 9] = [
        Self::Life(EventKind::Created),
        Self::Life(EventKind::SoftDeleted),
        Self::Life(EventKind::Restored),
        Self::Life(EventKind::ErasureStarted),
        Self::Life(EventKind::Erased),
        Self::HoldPlaced,
        Self::HoldLifted,
        Self::TokenRevoked,
        Self::TokensRevoked,
    ];

    /// The action's name in a store and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Life(kind) => kind.name(),
            Self::HoldPlaced => "hold.placed",
            Self::HoldLifted => "hold.lifted",
            Self::TokenRevoked => "token.revoked",
            Self::TokensRevoked => "tokens.revoked",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAct {
    /// What.
    pub action: AuditAction,
    /// To whom; `None`: to nobody in particular.
    pub subject: Option<UserId>,
    /// By whom; `None`: by the service itself, or by whoever runs it.
    pub actor: Option<UserId>,
    /// What it was done with: the id of a hold or of a token. Never a text of anybody's.
    pub reference: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl AuditAct {
    /// The act that an event is the trace of.
    #[must_use]
    pub const fn of_event(event: &Event, actor: Option<UserId>) -> Self {
        Self { action: AuditAction::Life(event.id.kind), subject: Some(event.id.user), actor, reference: None, at: event.at }
    }
}

/// An act in its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: 1, 2, 3, …
    pub seq: i64,
    /// What was done.
    pub act: AuditAct,
    /// SHA-256 over the entry and the hash before it, in hexadecimal digits.
    pub hash: String,
}

/// The end of the log, as far as it was written or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the last entry; 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

impl Default for AuditHead {
    /// The end of an empty log.
    fn default() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

impl AuditHead {
    /// The entry that an act becomes behind this end.
    #[must_use]
    pub fn seal(&self, act: AuditAct) -> AuditEntry {
        let seq = self.seq + 1;
        let hash = hash(seq, &act, &self.hash);
        AuditEntry { seq, act, hash }
    }

    /// The entries that acts become behind this end, one after the other.
    #[must_use]
    pub fn seal_all(&self, acts: impl IntoIterator<Item = AuditAct>) -> Vec<AuditEntry> {
        let mut head = self.clone();
        acts.into_iter()
            .map(|act| {
                let entry = head.seal(act);
                head = entry.head();
                entry
            })
            .collect()
    }

    /// Whether `entry` is what follows this end, unchanged.
    #[must_use]
    pub fn is_followed_by(&self, entry: &AuditEntry) -> bool {
        self.seal(entry.act.clone()) == *entry
    }
}

impl AuditEntry {
    /// The end of the log behind this entry.
    #[must_use]
    pub fn head(&self) -> AuditHead {
        AuditHead { seq: self.seq, hash: self.hash.clone() }
    }
}

/// The hash of an entry, over a text that can be written in one way only.
fn hash(seq: i64, act: &AuditAct, previous: &str) -> String {
    let id = |id: Option<UserId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let reference = act.reference.as_deref().unwrap_or("-");
    let (micros, subject, actor) = (act.at.micros(), id(act.subject), id(act.actor));
    let text = format!("lethe audit 1\n{seq}\n{micros}\n{}\n{subject}\n{actor}\n{reference}\n{previous}\n", act.action.name());
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(number: i64) -> AuditAct {
        let subject = Some(UserId::new(number));
        AuditAct { action: AuditAction::Life(EventKind::Created), subject, actor: None, reference: None, at: Timestamp::from_micros(number) }
    }

    fn chain() -> Vec<AuditEntry> {
        AuditHead::default().seal_all((1..=5).map(act))
    }

    /// The number of entries that follow each other, up to the first that does not.
    fn verified(entries: &[AuditEntry]) -> usize {
        let mut head = AuditHead::default();
        entries
            .iter()
            .take_while(|entry| {
                let follows = head.is_followed_by(entry);
                head = entry.head();
                follows
            })
            .count()
    }

    #[test]
    fn an_untouched_chain_holds() {
        assert_eq!(verified(&chain()), 5);
        assert_eq!(chain().last().map(|entry| entry.seq), Some(5));
    }

    #[test]
    fn whatever_is_changed_shows() {
        let changes: [fn(&mut AuditEntry); 6] = [
            |entry| entry.act.subject = Some(UserId::new(99)),
            |entry| entry.act.actor = Some(UserId::new(99)),
            |entry| entry.act.at = Timestamp::EPOCH,
            |entry| entry.act.action = AuditAction::Life(EventKind::Erased),
            |entry| entry.act.reference = Some("x".into()),
            |entry| entry.hash = "0".repeat(64),
        ];
        for change in changes {
            let mut entries = chain();
            change(&mut entries[2]);
            assert_eq!(verified(&entries), 2);
        }
        let mut shortened = chain();
        shortened.remove(2);
        assert_eq!(verified(&shortened), 2);
        let mut swapped = chain();
        swapped.swap(2, 3);
        assert_eq!(verified(&swapped), 2);
    }

    #[test]
    fn an_action_has_one_name() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.name()), Some(action));
        }
        assert_eq!(AuditAction::from_name("user.eaten"), None);
    }

    /// The hash of a known entry, worked out with `sha256sum`: entries that were written once must verify for ever.
    #[test]
    fn the_hash_is_the_documented_one() {
        let entry = AuditHead::default().seal(AuditAct { actor: Some(UserId::new(900)), reference: Some("7".into()), ..act(42) });
        assert_eq!(entry.hash, "9f361d42882f9a018efc0d38e854cba539115b090ea6c5276f93d5ddea37bed6");
    }
}
