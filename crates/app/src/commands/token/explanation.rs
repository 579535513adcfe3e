//! What a token says and what of it is proved, in words for people.

use crate::wiring::tokens::{Inspection, RootKey, TokenError, Verifier};
use lethe_domain::UserId;
use lethe_domain::time::Timestamp;
use lethe_ports::Errand;
use lethe_ports::inbound::Bearer;
use lethe_ports::outbound::Clock;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A token, explained.
pub(super) struct Explanation {
    pub(super) contents: Inspection,
    /// Who a trusted root key says that the bearer is, or what the bearer may do.
    pub(super) proof: Result<Bearer, TokenError>,
    pub(super) now: Timestamp,
}

/// Who the bearer is, or what it may do, however old the token.
pub(super) fn proof(token: &str, trusted: &[RootKey]) -> Result<Bearer, TokenError> {
    /// Nothing has expired yet: a signature does not depend on the time.
    struct Beginning;

    impl Clock for Beginning {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
    }

    Verifier::new(trusted.to_vec(), Arc::new(Beginning)).verify_bearer(token)
}

/// The user that a token was issued to, or is about.
pub(super) const fn user_of(bearer: &Bearer) -> UserId {
    match bearer {
        Bearer::Caller(caller) => caller.actor.user,
        Bearer::Ticket(ticket) => match ticket.errand {
            Errand::Restore { user, .. } | Errand::FollowErasure { user } => user,
        },
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_proof(f)?;
        self.write_expiry(f)?;
        self.write_blocks(f)
    }
}

fn write_bearer(f: &mut fmt::Formatter<'_>, bearer: &Bearer) -> fmt::Result {
    match bearer {
        Bearer::Caller(caller) => {
            let actor = caller.actor;
            writeln!(f, "user      {}{}", actor.user, if actor.admin { ", admin" } else { "" })?;
            writeln!(f, "issued    {}", actor.issued_at)
        }
        Bearer::Ticket(ticket) => match ticket.errand {
            Errand::Restore { user, epoch } => writeln!(f, "ticket    takes back the soft delete of user {user}, its deletion number {epoch}, once"),
            Errand::FollowErasure { user } => writeln!(f, "ticket    shows how far the erasure of user {user} is"),
        },
    }
}

impl Explanation {
    fn write_proof(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.contents.root_key_id.map_or_else(|| "without id".to_owned(), |id| id.to_string());
        match &self.proof {
            Ok(bearer) => {
                writeln!(f, "root key  {key}, trusted here; it did sign this token")?;
                write_bearer(f, bearer)
            }
            Err(error) => writeln!(f, "root key  {key}; the token proves nothing here: {error}"),
        }
    }

    fn write_expiry(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.contents.expires_at {
            Some(time) if time < self.now => writeln!(f, "expires   {time}, {} ago", span(time, self.now)),
            Some(time) => writeln!(f, "expires   {time}, in {}", span(self.now, time)),
            None => writeln!(f, "expires   as far as its checks can be read, never"),
        }
    }

    fn write_blocks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (block, id)) in self.contents.blocks.iter().zip(&self.contents.revocation_ids).enumerate() {
            let title = if index == 0 { "says who the bearer is" } else { "narrows the token" };
            write!(f, "\nblock {index}, which {title}\n  revocation id {id}")?;
            block.lines().try_for_each(|line| write!(f, "\n  {line}"))?;
        }
        Ok(())
    }
}

fn span(from: Timestamp, to: Timestamp) -> humantime::FormattedDuration {
    let micros = u64::try_from(to.micros() - from.micros()).unwrap_or_default();
    humantime::format_duration(Duration::from_secs(micros / 1_000_000))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::wiring::tokens::{Narrowing, NewToken, SigningKey, attenuate, inspect, issue};
    use lethe_domain::UserId;

    const NOON: Timestamp = Timestamp::EPOCH;

    fn explain(token: &str, trusted: &[RootKey], now: Timestamp) -> String {
        Explanation { contents: inspect(token).unwrap(), proof: proof(token, trusted), now }.to_string()
    }

    #[test]
    fn a_good_token_is_explained_whole() {
        let key = SigningKey::generate(3);
        let new = NewToken { user: UserId::new(42), admin: true, ttl: Duration::from_hours(1) };
        let token = issue(&key, &new, NOON).unwrap();
        let token = attenuate(&token, &Narrowing { read_only: true, ..Narrowing::default() }).unwrap();

        let text = explain(&token, &[key.public()], NOON);

        for part in
            ["root key  3, trusted here", "user      42, admin", "issued    1970-01-01T00:00:00.000000Z", "in 1h", "user(42);", "check if operation(\"read\")"]
        {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
        assert_eq!(text.matches("revocation id ").count(), 2, "{text}");
    }

    #[test]
    fn an_expired_token_still_shows_whose_it_was() {
        let key = SigningKey::generate(1);
        let new = NewToken { user: UserId::new(42), admin: false, ttl: Duration::from_mins(1) };
        let token = issue(&key, &new, NOON).unwrap();
        let text = explain(&token, &[key.public()], NOON.after(Duration::from_mins(2)));
        assert!(text.contains("user      42\n") && text.contains("1m ago"), "{text}");
    }

    #[test]
    fn a_token_of_a_stranger_proves_nothing() {
        let new = NewToken { user: UserId::new(42), admin: true, ttl: Duration::from_mins(1) };
        let token = issue(&SigningKey::generate(1), &new, NOON).unwrap();
        let text = explain(&token, &[SigningKey::generate(1).public()], NOON);
        assert!(text.contains("root key  1; the token proves nothing here: ") && !text.contains("user      42"), "{text}");
    }
}
