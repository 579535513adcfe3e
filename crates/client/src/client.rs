//! The client: one service, one user, one method for each thing that can be asked.

use crate::chance::{self, IdempotencyKey};
use crate::error::Error;
use crate::http::{FixedToken, Request, TokenProvider, Transport};
use crate::json::Json;
use crate::model::{Changes, Item, Limits, LogEntry, Page, Revision, SetChange, SetPage, Snapshot, Usage, UserRef};
use crate::operation::{BatchResult, Condition, Guard, Operation, Outcome, RevertScope, encode};
use crate::retry::RetryPolicy;
use futures_util::Stream;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use reqwest::header::{HeaderValue, IF_MATCH};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Entries of a page: as many as the service gives.
const PAGE: usize = 100;
/// How often the whole set is read anew because it changed meanwhile.
const SNAPSHOT_ATTEMPTS: u32 = 10;
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

/// A client of one user's preferences. Clones are cheap and share their connections.
///
/// # What happens when an answer is lost
///
/// Reads are sent again. Changes are sent again too, under the `Idempotency-Key` of the first attempt: the service does them
/// once and gives the first answer again. The one route that has no such key, `PUT`, is not used: [`put`](Self::put) and
/// [`put_if`](Self::put_if) are batches of one operation. After a lost answer to a conditional `PUT`, a 412 could mean that somebody
/// else was faster or that the first attempt succeeded, and reading the value back does not tell one's own change from the same change
/// by somebody else, or from one's own that was overwritten since. The key tells.
///
/// When the attempts of [`RetryPolicy`] are used up, a change that may have been made is [`Error::OutcomeUnknown`]; the same holds
/// when the caller drops the future of a call.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
    user: String,
}

/// The settings of a client.
pub struct ClientBuilder {
    base_url: String,
    tokens: Option<Box<dyn TokenProvider>>,
    user: UserRef,
    retry: RetryPolicy,
    timeout: Duration,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("base_url", &self.base_url).field("user", &self.user).field("retry", &self.retry).finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Speaks with this token.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        self.token_provider(FixedToken(token.into()))
    }

    /// Asks for a token before each request.
    #[must_use]
    pub fn token_provider(mut self, tokens: impl TokenProvider) -> Self {
        self.tokens = Some(Box::new(tokens));
        self
    }

    /// Speaks of this user's preferences; by default of those of the token's user.
    #[must_use]
    pub fn user(mut self, user: UserRef) -> Self {
        self.user = user;
        self
    }

    /// Sends requests again in this way.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Gives up an attempt after this time; by default after 30 seconds. A watch goes on for as long as it is wanted.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the address is none, or there is no token.
    pub fn build(self) -> Result<Client, Error> {
        let tokens = self.tokens.ok_or_else(|| Error::Configuration("a client needs a token".into()))?;
        let transport = Transport::new(&self.base_url, tokens, self.retry, self.timeout)?;
        Ok(Client { transport: Arc::new(transport), user: self.user.to_string() })
    }
}

/// Every method fails with [`Error::Unauthorized`], [`Error::Forbidden`], [`Error::NoSuchUser`], [`Error::Transport`] or
/// [`Error::UnexpectedAnswer`] where these apply, and every change also with [`Error::OutcomeUnknown`]; the methods name the errors
/// that are their own.
impl Client {
    /// Settings for a client of the service at this address, such as `https://preferences.example.org`.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder { base_url: base_url.into(), tokens: None, user: UserRef::default(), retry: RetryPolicy::default(), timeout: Duration::from_secs(30) }
    }

    /// The preference of that key, its value read as a `T`; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Decode`] when the value is no `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Item<T>>, Error> {
        self.get_raw(key).await?.map(Item::decode).transpose()
    }

    /// The preference of that key, its value to the letter; `None` when there is none.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn get_raw(&self, key: &str) -> Result<Option<Item>, Error> {
        match self.transport.send(&self.reading(&["preferences", key])?).await {
            Ok(answer) => answer.json().map(Some),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The preferences whose keys begin with `prefix`, ordered by key, page after page as they are asked for. Each page is as the set
    /// is when it is read: where that matters, take a [`snapshot`](Self::snapshot).
    pub fn list(&self, prefix: &str) -> impl Stream<Item = Result<Item, Error>> + Send + use<> {
        let request = self.reading(&["preferences"]).map(|request| request.query("limit", PAGE));
        self.pages(request.map(|request| if prefix.is_empty() { request } else { request.query("prefix", prefix) }))
    }

    /// All preferences as they stood at one moment. It reads page after page, and begins again when something changed meanwhile.
    ///
    /// # Errors
    /// [`Error::KeptChanging`] when something changed meanwhile each time.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        for attempt in 1..=SNAPSHOT_ATTEMPTS {
            if let Some(snapshot) = self.undisturbed_snapshot().await? {
                return Ok(snapshot);
            }
            tokio::time::sleep(self.transport.retry.backoff(attempt, chance::number())).await;
        }
        Err(Error::KeptChanging { attempts: SNAPSHOT_ATTEMPTS })
    }

    /// All pages, or `None` when they are not of one revision.
    async fn undisturbed_snapshot(&self) -> Result<Option<Snapshot>, Error> {
        let SetPage { mut items, revision, mut next } = self.set_page(PAGE, None).await?;
        while let Some(cursor) = next {
            let page = self.set_page(PAGE, Some(&cursor)).await?;
            if page.revision != revision {
                return Ok(None);
            }
            items.extend(page.items);
            next = page.next;
        }
        Ok(Some(Snapshot { revision, items }))
    }

    /// The present revision of the whole set.
    pub(crate) async fn revision(&self) -> Result<Revision, Error> {
        Ok(self.set_page(1, None).await?.revision)
    }

    async fn set_page(&self, limit: usize, cursor: Option<&str>) -> Result<SetPage, Error> {
        let request = self.reading(&["preferences"])?.query("limit", limit);
        let request = if let Some(cursor) = cursor { request.query("cursor", cursor) } else { request };
        self.transport.send(&request).await?.json()
    }

    /// Writes a value; the revision of the preference, which is the old one when it had the value already.
    ///
    /// # Errors
    /// [`Error::Encode`], [`Error::QuotaExceeded`]; [`Error::Problem`] for a key or value that is not allowed.
    pub async fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<Revision, Error> {
        self.put_if(key, value, Condition::Unconditional).await
    }

    /// Writes a value if the preference is as the condition wants it.
    ///
    /// # Errors
    /// Those of [`put`](Self::put), and [`Error::PreconditionFailed`] with the preference as it is.
    pub async fn put_if<T: Serialize + ?Sized>(&self, key: &str, value: &T, condition: Condition) -> Result<Revision, Error> {
        match self.apply(Operation::put(key, value)?.when(condition), &IdempotencyKey::random()).await? {
            Outcome::Created(revision) | Outcome::Written(revision) => Ok(revision),
            outcome => Err(unexpected(&outcome)),
        }
    }

    /// Merges a patch (RFC 7396) into the value of a preference; the preference afterwards.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Encode`], [`Error::QuotaExceeded`].
    pub async fn merge_patch<T: Serialize + ?Sized>(&self, key: &str, patch: &T) -> Result<Item, Error> {
        self.patch(key, MERGE_PATCH, encode(patch)?).await
    }

    /// Applies a patch (RFC 6902), an array of operations, to the value of a preference; the preference afterwards.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::Problem`] with the slug `patch-test-failed` when a test in it fails, and
    /// `patch-failed` when it cannot be applied.
    pub async fn json_patch<T: Serialize + ?Sized>(&self, key: &str, patch: &T) -> Result<Item, Error> {
        self.patch(key, JSON_PATCH, encode(patch)?).await
    }

    async fn patch(&self, key: &str, content_type: &'static str, patch: Json) -> Result<Item, Error> {
        let request = self.writing(Method::PATCH, &["preferences", key])?.body(content_type, patch.text().to_owned());
        self.transport.send(&request).await?.json()
    }

    /// Removes a preference.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::PreconditionFailed`] when it has another revision.
    pub async fn delete(&self, key: &str, guard: Guard) -> Result<(), Error> {
        let request = guarded(self.writing(Method::DELETE, &["preferences", key])?, guard)?;
        self.transport.send(&request).await.map(drop)
    }

    /// Merges a patch (RFC 7396) into the whole set: its members are keys, `null` removes one. All of it or nothing.
    ///
    /// # Errors
    /// [`Error::SetMoved`] when the set has another revision, [`Error::Encode`], [`Error::QuotaExceeded`].
    pub async fn patch_all<T: Serialize + ?Sized>(&self, patch: &T, guard: Guard) -> Result<SetChange, Error> {
        let request = self.writing(Method::PATCH, &["preferences"])?.body(MERGE_PATCH, encode(patch)?.text().to_owned());
        self.transport.send(&guarded(request, guard)?).await?.json()
    }

    /// Makes up to 100 changes: all of them or, when one is refused, none.
    ///
    /// # Errors
    /// The error of the first operation that is refused, with its index.
    pub async fn batch(&self, operations: &[Operation]) -> Result<BatchResult, Error> {
        self.send_batch(true, operations, &IdempotencyKey::random()).await
    }

    /// Makes up to 100 changes, each for itself: one that is refused has the result [`Outcome::Refused`].
    ///
    /// # Errors
    /// When the batch as a whole is refused.
    pub async fn batch_each(&self, operations: &[Operation]) -> Result<BatchResult, Error> {
        self.send_batch(false, operations, &IdempotencyKey::random()).await
    }

    async fn send_batch(&self, atomic: bool, operations: &[Operation], name: &IdempotencyKey) -> Result<BatchResult, Error> {
        #[derive(Serialize)]
        struct Batch<'a> {
            atomic: bool,
            operations: &'a [Operation],
        }
        let body = serde_json::to_vec(&Batch { atomic, operations }).map_err(Error::Encode)?;
        let request = self.transport.write(Method::POST, &self.path(&["batch"]), name.clone())?.body(JSON, body);
        self.transport.send(&request).await?.json()
    }

    /// Makes one change under that name, however often it is called.
    pub(crate) async fn apply(&self, operation: Operation, name: &IdempotencyKey) -> Result<Outcome, Error> {
        let mut results = self.send_batch(true, &[operation], name).await?.results;
        match (results.pop(), results.as_slice()) {
            (Some(result), []) => Ok(result.outcome),
            _ => Err(Error::UnexpectedAnswer { status: 200, reason: "one operation without its one result".into() }),
        }
    }

    /// A page of the log, with the changes after that revision.
    ///
    /// # Errors
    /// [`Error::CursorExpired`] when the log no longer reaches back that far.
    pub async fn changes(&self, since: Revision) -> Result<Changes, Error> {
        let request = self.reading(&["changes"])?.query("since", since).query("limit", PAGE);
        self.transport.send(&request).await?.json()
    }

    /// The changes to one key, newest first, page after page as they are asked for.
    pub fn history(&self, key: &str) -> impl Stream<Item = Result<LogEntry, Error>> + Send + use<> {
        self.pages(self.reading(&["history", key]).map(|request| request.query("limit", PAGE)))
    }

    /// Puts back what stood at an earlier revision, by changes of their own. All of it or nothing.
    ///
    /// # Errors
    /// [`Error::RevisionExpired`] when it is too long ago, [`Error::SetMoved`] when the set has another revision than the guard's,
    /// [`Error::Problem`] for a revision that is yet to come.
    pub async fn revert(&self, to: Revision, scope: RevertScope, guard: Guard) -> Result<SetChange, Error> {
        #[derive(Serialize)]
        struct Revert {
            to: Revision,
            #[serde(skip_serializing_if = "Option::is_none")]
            key: Option<String>,
        }
        let key = match scope {
            RevertScope::All => None,
            RevertScope::Key(key) => Some(key),
        };
        let request = self.writing(Method::POST, &["revert"])?.body(JSON, encode(&Revert { to, key })?.text().to_owned());
        self.transport.send(&guarded(request, guard)?).await?.json()
    }

    /// How much the user has kept.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn usage(&self) -> Result<Usage, Error> {
        self.transport.send(&self.reading(&["usage"])?).await?.json()
    }

    /// How much a user may keep.
    ///
    /// # Errors
    /// Those of every method.
    pub async fn limits(&self) -> Result<Limits, Error> {
        self.transport.send(&self.transport.read(&["v1", "limits"])?).await?.json()
    }

    fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        [["v1", "users", &self.user].as_slice(), rest].concat()
    }

    pub(crate) fn reading(&self, rest: &[&str]) -> Result<Request, Error> {
        self.transport.read(&self.path(rest))
    }

    fn writing(&self, method: Method, rest: &[&str]) -> Result<Request, Error> {
        self.transport.write(method, &self.path(rest), IdempotencyKey::random())
    }

    /// The entries of all pages that begin with this request.
    fn pages<T: DeserializeOwned + Send + 'static>(&self, request: Result<Request, Error>) -> impl Stream<Item = Result<T, Error>> + Send + use<T> {
        let client = self.clone();
        let pages = stream::try_unfold(Some((request, None::<String>)), move |state| {
            let client = client.clone();
            async move {
                let Some((request, cursor)) = state else { return Ok::<_, Error>(None) };
                let request = request?;
                let this = if let Some(cursor) = cursor { request.clone().query("cursor", cursor) } else { request.clone() };
                let Page { items, next } = client.transport.send(&this).await?.json::<Page<T>>()?;
                Ok(Some((stream::iter(items).map(Ok), next.map(|cursor| (Ok(request), Some(cursor))))))
            }
        });
        pages.try_flatten()
    }
}

fn guarded(request: Request, guard: Guard) -> Result<Request, Error> {
    let Guard::Revision(revision) = guard else { return Ok(request) };
    let tag = HeaderValue::try_from(revision.entity_tag()).map_err(|error| Error::Configuration(error.into()))?;
    Ok(request.header(IF_MATCH, tag))
}

pub(crate) fn unexpected(outcome: &Outcome) -> Error {
    Error::UnexpectedAnswer { status: 200, reason: format!("the change came to {outcome:?}") }
}
