//! What the community dialect reads from a request beyond its body: whom and what it is about.

use super::error::Problem;
use super::form::Fields;
use crate::request::Signed;
use actix_web::{HttpMessage, web};
use lethe_domain::{Act, Operation, PostKind, UserId};

/// A request to this dialect whose caller is known.
pub(super) type Asked = Signed<Problem>;

/// The word that stands for the caller's own id.
const MYSELF: &str = "me";

impl Asked {
    /// The user in the path. A text that can name nobody is the same to everyone, so it needs no leave but that of being a user.
    pub(super) async fn user(&self) -> Result<UserId, Problem> {
        let user = match self.context.segment("user_id") {
            MYSELF => Ok(self.caller.actor.user),
            text => UserId::parse(text).ok_or(Problem::UserNotFound),
        };
        self.unless_refused(&Act::by_member(Operation::Read), user).await
    }

    /// The id in the path, of something that `act` is to be done to.
    pub(super) async fn id<T>(&self, act: &Act<'_>, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Problem> {
        let id = parse(self.context.segment("id")).ok_or(Problem::NotFound);
        self.unless_refused(act, id).await
    }

    /// The kind of post in the path.
    pub(super) fn kind(&self) -> Result<PostKind, Problem> {
        PostKind::from_name(self.context.segment("kind")).ok_or(Problem::NotFound)
    }

    /// Reads the fields of the body for `act`.
    pub(super) async fn fields<T>(&self, body: web::Payload, act: &Act<'_>, read: impl FnOnce(&Fields<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        self.read(body, act, |text| read(&Fields::parse(self.context.http.content_type(), &text?)?)).await
    }
}
