//! What the native dialect reads from a request: whom and what it is about, and its body.

use super::error::Problem;
use super::fields::{Fields, json};
use crate::body::BodyError;
use crate::request::{Borne, Signed};
use actix_web::HttpMessage;
use lethe_domain::{Act, Operation, UserId};
use lethe_ports::Errand;
use lethe_ports::inbound::{AccessError, Bearer};

/// A request to this dialect whose caller is known.
pub(super) type Asked = Signed<Problem>;

/// A request to this dialect that a caller sends, or somebody with a ticket.
pub(super) type AskedByBearer = Borne<Problem>;

/// The word that stands for the caller's own id.
const MYSELF: &str = "me";

fn user_in(segment: &str, myself: UserId) -> Result<UserId, Problem> {
    if segment == MYSELF { Ok(myself) } else { UserId::parse(segment).ok_or(Problem::UserNotFound) }
}

impl Asked {
    /// The user in the path. A text that can name nobody is not the caller, so only an admin learns that it names nobody.
    pub(super) async fn user(&self, operation: Operation) -> Result<UserId, Problem> {
        let user = user_in(self.context.segment("user"), self.caller.actor.user);
        self.unless_refused(&Act::by_admin(operation), user).await
    }

    /// As [`Self::unless_refused`], for what can be done to a soft deleted user, too.
    pub(super) async fn unless_refused_in_any_state<T>(&self, act: &Act<'_>, read: Result<T, Problem>) -> Result<T, Problem> {
        let problem = match read {
            Ok(value) => return Ok(value),
            Err(problem) => problem,
        };
        match self.services().access.check(&self.caller, act).await {
            Ok(()) | Err(AccessError::UserSoftDeleted) => Err(problem),
            Err(
                error @ (AccessError::CallerGone
                | AccessError::TokenExpired
                | AccessError::Forbidden
                | AccessError::NoSuchUser
                | AccessError::UserErased
                | AccessError::AttemptMalformed
                | AccessError::AttemptRunning
                | AccessError::AttemptReused
                | AccessError::AttemptExpired
                | AccessError::Undecided
                | AccessError::Store(_)),
            ) => Err(error.into()),
        }
    }

    /// What the members of a body say.
    pub(super) fn members<T>(&self, body: Result<String, BodyError>, read: impl FnOnce(&Fields<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let text = json(self.context.http.content_type(), body)?;
        read(&Fields::parse(&text)?)
    }
}

impl AskedByBearer {
    /// The user in the path. With a ticket, `me` is the user that it is about.
    pub(super) async fn user(&self, operation: Operation) -> Result<UserId, Problem> {
        let user = user_in(self.context.segment("user"), self.myself());
        self.unless_refused(&Act::by_admin(operation), user).await
    }

    fn myself(&self) -> UserId {
        match &self.bearer {
            Bearer::Caller(caller) => caller.actor.user,
            Bearer::Ticket(ticket) => match ticket.errand {
                Errand::Restore { user, epoch: _ } | Errand::FollowErasure { user } => user,
            },
        }
    }
}
