//! Connections: a pool of them, lent out for one piece of work each. The only place where transactions begin and end.
//!
//! A connection goes back to the pool only when it is known to be good: one with a statement in flight, an open transaction or an
//! unknown failure is closed, and the server rolls back. A statement that takes too long is left behind in this way too. It is never
//! cancelled: a server that waits for a synchronous standby answers a cancelled write as if it were safe.

use crate::error::Failure;
use crate::target::Target;
use diesel::deserialize::FromSqlRow;
use diesel::expression::QueryMetadata;
use diesel::pg::Pg;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::query_dsl::CompatibleType;
use diesel::result::QueryResult;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lethe_ports::outbound::StoreError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long one may wait for a connection.
const CHECKOUT_PATIENCE: Duration = Duration::from_millis(2_500);

/// How long a statement may take, measured here: a server that hangs measures nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// For what somebody waits for. The wait for a connection is taken off.
    Short,
    /// For work in bulk: longer than the server's own limit.
    Long,
}

impl Patience {
    const fn limit(self) -> Duration {
        match self {
            Self::Short => Duration::from_secs(5),
            Self::Long => Duration::from_secs(35),
        }
    }
}

/// The pool.
pub(crate) struct Connections(Pool<AsyncPgConnection>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connections").field(&self.0.status()).finish()
    }
}

impl Connections {
    /// A pool of at most `size` connections, which are made when they are needed.
    pub(crate) fn new(target: Arc<Target>, size: usize) -> Result<Self, StoreError> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |_| {
            let target = target.clone();
            async move { target.connect().await }.boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), config);
        let pool = Pool::builder(manager).max_size(size.max(1)).build().map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self(pool))
    }

    /// A connection for one piece of work.
    pub(crate) async fn lease(&self, patience: Patience) -> Result<Lease, Failure> {
        let asked = Instant::now();
        let object = timeout(CHECKOUT_PATIENCE, self.0.get()).await;
        let object = object.map_err(|_| Failure::Unreachable(format!("no connection within {CHECKOUT_PATIENCE:?}")))?;
        let object = object.map_err(|error| Failure::Unreachable(reason(error)))?;
        Ok(Lease { object: Some(object), course: Course { standing: Standing::Clean, patience: patience.limit().saturating_sub(asked.elapsed()) } })
    }
}

/// Why there is no connection, without the pool's own words.
fn reason(error: PoolError) -> String {
    match error {
        PoolError::Backend(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// A connection on loan.
pub(crate) struct Lease {
    /// There is one until the lease is dropped.
    object: Option<Object<AsyncPgConnection>>,
    course: Course,
}

/// What is known of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing is open on it.
    Clean,
    /// A transaction is open.
    InTransaction,
    /// A statement of the open transaction failed, and with it all of the transaction.
    Doomed,
    /// A statement is in flight, or was when something went wrong.
    Unknown,
}

/// Keeps track of what happens on a connection.
struct Course {
    standing: Standing,
    patience: Duration,
}

impl Course {
    /// Before a statement: until it is settled nothing is known of the connection. Returns what was known.
    fn enter(&mut self) -> Result<Standing, Failure> {
        match self.standing {
            Standing::Clean | Standing::InTransaction => Ok(std::mem::replace(&mut self.standing, Standing::Unknown)),
            Standing::Doomed => Err(Failure::Other("an earlier statement of the transaction failed".into())),
            Standing::Unknown => Err(Failure::Broken("the connection was given up".into())),
        }
    }

    /// Waits for a statement that leads to `after` if it succeeds.
    async fn settle<T>(&mut self, after: Standing, statement: impl Future<Output = QueryResult<T>>) -> Result<T, Failure> {
        let failure = match timeout(self.patience, statement).await {
            Ok(Ok(value)) => {
                self.standing = after;
                return Ok(value);
            }
            Ok(Err(error)) => Failure::from(error),
            Err(_) => Failure::Unreachable(format!("no answer within {:?}", self.patience)),
        };
        self.standing = standing_after(&failure, after);
        Err(failure)
    }
}

/// What is known of a connection after a failure on the way to `aim`.
fn standing_after(failure: &Failure, aim: Standing) -> Standing {
    let in_transaction = aim == Standing::InTransaction;
    match failure {
        // A rollback will tell whether the connection is good.
        Failure::Overtaken(_) | Failure::Busy(_) | Failure::Unmigrated(_) | Failure::Duplicate(_) | Failure::Other(_) if in_transaction => Standing::Doomed,
        Failure::Overtaken(_) | Failure::Busy(_) | Failure::Unmigrated(_) | Failure::Duplicate(_) => Standing::Clean,
        Failure::Unreachable(_) | Failure::Broken(_) | Failure::Other(_) => Standing::Unknown,
    }
}

fn opened(object: &mut Option<Object<AsyncPgConnection>>) -> Result<&mut AsyncPgConnection, Failure> {
    object.as_deref_mut().ok_or_else(|| Failure::Broken("the connection was given up".into()))
}

impl Lease {
    /// Runs a query and gives its rows. The future does not hold on to the query: its values are written down at once.
    pub(crate) fn rows<Q, R, Columns>(&mut self, query: Q) -> BoxFuture<'_, Result<Vec<R>, Failure>>
    where
        Q: AsQuery + Send,
        Q::Query: QueryFragment<Pg> + QueryId + Send,
        Q::SqlType: CompatibleType<R, Pg, SqlType = Columns>,
        R: FromSqlRow<Columns, Pg> + Send + 'static,
        Pg: QueryMetadata<Q::SqlType>,
        Columns: 'static,
    {
        let loading = self.course.enter().and_then(|before| Ok((before, query.load(opened(&mut self.object)?))));
        let course = &mut self.course;
        async move {
            let (before, loading) = loading?;
            course.settle(before, loading).await
        }
        .boxed()
    }

    /// Runs a query and gives its first row.
    pub(crate) async fn first<Q, R, Columns>(&mut self, query: Q) -> Result<Option<R>, Failure>
    where
        Q: AsQuery + Send,
        Q::Query: QueryFragment<Pg> + QueryId + Send,
        Q::SqlType: CompatibleType<R, Pg, SqlType = Columns>,
        R: FromSqlRow<Columns, Pg> + Send + 'static,
        Pg: QueryMetadata<Q::SqlType>,
        Columns: 'static,
    {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Runs a statement and gives the number of rows that it touched.
    pub(crate) fn execute<Q>(&mut self, query: Q) -> BoxFuture<'_, Result<usize, Failure>>
    where
        Q: QueryFragment<Pg> + QueryId + Send,
    {
        let executing = self.course.enter().and_then(|before| Ok((before, query.execute(opened(&mut self.object)?))));
        let course = &mut self.course;
        async move {
            let (before, executing) = executing?;
            course.settle(before, executing).await
        }
        .boxed()
    }

    /// Begins a transaction, which ends with [`Self::commit`] or [`Self::roll_back`], or when the lease is dropped.
    pub(crate) async fn begin(&mut self) -> Result<(), Failure> {
        self.control("BEGIN", Standing::InTransaction).await
    }

    /// Begins a transaction that sees one moment, may take its time and writes nothing.
    pub(crate) async fn begin_snapshot(&mut self) -> Result<(), Failure> {
        self.control("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0", Standing::InTransaction).await
    }

    /// Commits. When this fails because of the connection, the transaction may or may not have happened.
    pub(crate) async fn commit(&mut self) -> Result<(), Failure> {
        // Of a doomed transaction the server would make a rollback, and call that a success: `enter` is in the way.
        self.control("COMMIT", Standing::Clean).await
    }

    /// Rolls back. If that does not work the connection is closed, which does the same.
    pub(crate) async fn roll_back(&mut self) {
        if self.course.standing == Standing::Doomed {
            self.course.standing = Standing::InTransaction;
        }
        if let Err(failure) = self.control("ROLLBACK", Standing::Clean).await {
            tracing::debug!(?failure, "a connection is closed instead of rolled back");
        }
    }

    async fn control(&mut self, sql: &str, after: Standing) -> Result<(), Failure> {
        self.course.enter()?;
        let running = opened(&mut self.object)?.batch_execute(sql);
        self.course.settle(after, running).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match self.course.standing {
            Standing::Clean => {}
            Standing::InTransaction | Standing::Doomed | Standing::Unknown => drop(self.object.take().map(Object::take)),
        }
    }
}
