//! Reading a value, changing it and writing it back, when others do the same.

use crate::chance::{self, IdempotencyKey};
use crate::client::{Client, unexpected};
use crate::error::Error;
use crate::model::{Item, Revision};
use crate::operation::{Condition, Operation, Outcome};
use crate::retry::RetryPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How often a change is tried while others are faster.
const ATTEMPTS: u32 = 50;
/// How many of these attempts follow one another at once, each from what the one before it found.
const EAGER: u32 = 3;
/// The pauses between the later attempts, so that those who write the same key come one after the other.
const PAUSES: RetryPolicy =
    RetryPolicy { attempts: ATTEMPTS, first_pause: Duration::from_millis(5), longest_pause: Duration::from_millis(250), longest_wait: Duration::ZERO };

/// What to do with a value that has been looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// Write this.
    Put(T),
    /// Remove the preference.
    Delete,
    /// Leave it as it is.
    Keep,
}

/// What an update did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// The preference has the new value, and this revision.
    Written(Revision),
    /// The preference is gone.
    Deleted,
    /// There was nothing to do.
    Kept,
}

impl Client {
    /// Changes a value depending on what it is, without losing what others do at the same time.
    ///
    /// It reads the preference, calls `change` with its value (`None` when there is none) and writes what that returns on condition
    /// that the preference is still the one that was read. If it is not, `change` is called again with what is there now. So `change` may
    /// be called several times, and the call that counts saw exactly the value that it replaced.
    ///
    /// Each of these conditional writes is a batch of one operation with an `Idempotency-Key`, sent again under that key when its
    /// answer is lost. An update is made once or, when it fails, not at all, but for [`Error::OutcomeUnknown`], where it is either.
    ///
    /// # Errors
    /// [`Error::Contended`] when somebody else was faster each of 50 times, [`Error::Decode`] when the value is no `T`, and those of
    /// [`put`](Self::put).
    pub async fn update<T, F>(&self, key: &str, mut change: F) -> Result<Update, Error>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> Change<T>,
    {
        let mut current = self.get_raw(key).await?;
        for attempt in 1..=ATTEMPTS {
            let revision = current.as_ref().map(|item| item.revision);
            let value = current.map(Item::decode).transpose()?.map(|item| item.value);
            let operation = match (change(value), revision) {
                (Change::Put(new), _) => Operation::put(key, &new)?.when(revision.map_or(Condition::Absent, Condition::Revision)),
                (Change::Delete, Some(revision)) => Operation::delete(key).when(Condition::Revision(revision)),
                (Change::Delete, None) | (Change::Keep, _) => return Ok(Update::Kept),
            };
            match self.apply(operation, &IdempotencyKey::random()).await {
                Ok(Outcome::Created(revision) | Outcome::Written(revision)) => return Ok(Update::Written(revision)),
                Ok(Outcome::Deleted) => return Ok(Update::Deleted),
                Ok(outcome) => return Err(unexpected(&outcome)),
                Err(Error::PreconditionFailed { current: there, .. }) => current = there.map(|item| *item),
                // What is not there cannot be removed, whatever its revision should have been.
                Err(Error::NotFound(_)) => current = None,
                Err(error) => return Err(error),
            }
            if attempt >= EAGER {
                tokio::time::sleep(PAUSES.backoff(attempt, chance::number())).await;
                // What was there before the pause is hardly there after it.
                current = self.get_raw(key).await?;
            }
        }
        Err(Error::Contended { attempts: ATTEMPTS })
    }
}
