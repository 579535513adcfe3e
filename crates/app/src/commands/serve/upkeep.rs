//! What a running service does by itself: it erases, purges, tells, learns of dead tokens, forgets, and measures what is left to do.
//!
//! Each duty is a loop of its own that ends between two pieces of work. A store that is away keeps none of them from going on later.

use super::migration::StoreState;
use crate::node;
use crate::wiring::{Inbound, Sender, tokens};
use lethe_domain::webhook::EndpointId;
use lethe_domain::{NodeId, Timestamp, UserId};
use lethe_ports::inbound::{Health, Upkeep as Port, Work};
use lethe_ports::outbound::StoreError;
use metrics::gauge;
use std::iter::repeat_n;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// When a duty comes round.
#[derive(Debug, Clone, Copy)]
struct Rhythm {
    /// After there was nothing to do.
    idle: Duration,
    /// After there was something to do: so many times as long as that took.
    rest: u32,
    /// After there was nothing to do, at least so many times as long as the look took: one that takes long is worth less often.
    thrift: u32,
}

impl Rhythm {
    const fn of(idle: Duration) -> Self {
        Self { idle, rest: 0, thrift: 10 }
    }

    fn pause(self, done: &Result<Work, StoreError>, took: Duration) -> Duration {
        match done {
            Ok(Work::Done) => took * self.rest,
            Ok(Work::Nothing) => self.idle.max(took * self.thrift),
            Err(_) => FAILURE_PAUSE,
        }
    }
}

/// An erasure has time: half of it is for those who wait for the store.
const ERASURE: Rhythm = Rhythm { idle: Duration::from_millis(250), rest: 1, thrift: 10 };
/// Soon after an account's moment.
const PURGE: Rhythm = Rhythm::of(Duration::from_millis(500));
/// Soon after an event.
const DELIVERY: Rhythm = Rhythm::of(Duration::from_millis(250));
/// How many tell one endpoint at once.
const TELLERS: usize = 2;
/// A token that was revoked is dead within a second.
const REVOCATION: Rhythm = Rhythm { idle: Duration::from_millis(400), rest: 0, thrift: 0 };
/// What is committed late carries an earlier time: so much of what was seen before is looked at again.
const REVOCATION_OVERLAP: Duration = Duration::from_mins(1);
/// Changes that nobody has told of are seen after this.
const FEED: Rhythm = Rhythm::of(Duration::from_secs(1));
const PRUNE: Rhythm = Rhythm::of(Duration::from_mins(5));
const MEASURE: Rhythm = Rhythm::of(Duration::from_secs(5));
/// How long a store that failed is left alone.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// How long a start waits for the first word of dead tokens. It is a short one, unless the store has just gone away.
const LESSON_PATIENCE: Duration = Duration::from_secs(3);
/// How long a stop waits for what is being done. What is cut off is rolled back, and goes on elsewhere.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// The duties, at work.
pub(super) struct Upkeep {
    stop: watch::Sender<bool>,
    store: watch::Receiver<StoreState>,
    lessons: Arc<Lessons>,
    duties: JoinSet<()>,
}

impl Upkeep {
    /// Begins all duties as soon as the store can be used. If it can be already, what was revoked before is known when this returns.
    pub(super) async fn begin(
        inbound: &Inbound,
        sender: Option<Sender>,
        revoked: tokens::RevocationList,
        store: watch::Receiver<StoreState>,
        look_at_logs_every: Duration,
    ) -> Self {
        let lessons = Arc::new(Lessons { revoked, since: watch::channel(None).0 });
        if *store.borrow() == StoreState::Ready {
            // One that fails comes round again.
            drop(learn(inbound.upkeep.clone(), lessons.clone()).await);
        }
        let mut upkeep = Self { stop: watch::channel(false).0, store, lessons: lessons.clone(), duties: JoinSet::new() };
        let (node, port) = (node::draw(), &inbound.upkeep);
        upkeep.repeat("erase", ERASURE, port, move |port| async move { port.erase(node).await });
        upkeep.repeat("purge", PURGE, port, move |port| async move { port.purge(node).await });
        upkeep.repeat("prune", PRUNE, port, move |port| async move { port.prune(node).await });
        let reached = Arc::new(Mutex::new(None));
        upkeep.repeat("shorten logs", Rhythm::of(look_at_logs_every), port, move |port| shorten_logs(port, node, reached.clone()));
        upkeep.repeat("look for changes", FEED, port, |port| async move { port.look_for_changes().await });
        upkeep.go_on(port, |port| async move { port.follow_changes().await });
        upkeep.go_on(port, |port| async move { port.tell_of_changes().await });
        upkeep.repeat("measure", MEASURE, &inbound.services.health, |health| async move { measure(&*health).await });
        upkeep.repeat("learn of revoked tokens", REVOCATION, port, move |port| learn(port, lessons.clone()));
        if let Some(sender) = sender {
            // Each endpoint has tellers of its own, so that one that takes long keeps nobody else waiting.
            for endpoint in sender.endpoints().iter().flat_map(|endpoint| repeat_n(endpoint, TELLERS)) {
                let (sender, endpoint) = (sender.clone(), endpoint.clone());
                upkeep.repeat("deliver events", DELIVERY, port, move |port| tell(port, sender.clone(), endpoint.clone()));
            }
        }
        upkeep
    }

    /// Does a duty in its rhythm until it is told to stop.
    fn repeat<P, F>(&mut self, name: &'static str, rhythm: Rhythm, port: &Arc<P>, mut duty: impl FnMut(Arc<P>) -> F + Send + 'static)
    where
        P: ?Sized + Send + Sync + 'static,
        F: Future<Output = Result<Work, StoreError>> + Send,
    {
        let (port, mut stopped, mut store) = (port.clone(), self.stop.subscribe(), self.store.clone());
        self.duties.spawn(async move {
            tokio::select! {
                // Nobody says more of it once it is ready, or the service ends.
                _ = store.wait_for(|state| *state == StoreState::Ready) => {}
                _ = stopped.changed() => {}
            }
            let mut complaints = Complaints { duty: name, last: None };
            while !*stopped.borrow() {
                let began = Instant::now();
                let done = duty(port.clone()).await;
                let pause = rhythm.pause(&done, began.elapsed());
                // While the service stops, connections go with whoever made them.
                if !*stopped.borrow() {
                    complaints.note(done.err());
                }
                tokio::select! {
                    () = sleep(pause) => {}
                    _ = stopped.changed() => {}
                }
            }
        });
    }

    /// Lets something go on until it is told to stop.
    fn go_on<F>(&mut self, port: &Arc<dyn Port>, work: impl FnOnce(Arc<dyn Port>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let (port, mut stopped) = (port.clone(), self.stop.subscribe());
        self.duties.spawn(async move {
            tokio::select! {
                () = work(port) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        });
    }

    /// Waits until it is known which tokens are dead, so that the others are honoured; though not for long.
    pub(super) async fn first_lesson(&self) {
        let mut since = self.lessons.since.subscribe();
        // Whoever comes too early is told to try again.
        drop(timeout(LESSON_PATIENCE, since.wait_for(Option::is_some)).await);
    }

    /// Lets no duty begin anything new.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Lets each duty finish what it is at.
    pub(super) async fn end(mut self) {
        self.stop();
        let ended = timeout(STOP_PATIENCE, async { while self.duties.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::warn!("upkeep was cut off; what it was at is rolled back and goes on elsewhere");
        }
    }
}

/// What is told of failures: once for each kind of error, not once a second.
struct Complaints {
    duty: &'static str,
    last: Option<Discriminant<StoreError>>,
}

impl Complaints {
    fn note(&mut self, error: Option<StoreError>) {
        let kind = error.as_ref().map(discriminant);
        if let Some(error) = error.filter(|_| kind != self.last) {
            tracing::warn!(duty = self.duty, %error, "upkeep failed; trying again every second");
        }
        self.last = kind;
    }
}

async fn tell(port: Arc<dyn Port>, sender: Sender, endpoint: EndpointId) -> Result<Work, StoreError> {
    port.deliver(&*sender, &endpoint).await
}

/// What is known of dead tokens, and up to when.
struct Lessons {
    revoked: tokens::RevocationList,
    since: watch::Sender<Option<Timestamp>>,
}

async fn learn(port: Arc<dyn Port>, lessons: Arc<Lessons>) -> Result<Work, StoreError> {
    let since = *lessons.since.borrow();
    let seen = port.revocations(since).await?;
    lessons.revoked.learn(seen.ids);
    lessons.since.send_replace(Some(seen.as_of.before(REVOCATION_OVERLAP)));
    Ok(Work::Nothing)
}

/// Shortens the logs of the next users. After the last one, it is the first one's turn when it comes round again.
async fn shorten_logs(port: Arc<dyn Port>, node: NodeId, reached: Arc<Mutex<Option<UserId>>>) -> Result<Work, StoreError> {
    let mut reached = reached.lock().await;
    *reached = port.shorten_logs(node, *reached).await?;
    Ok(if reached.is_some() { Work::Done } else { Work::Nothing })
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a floating number, and nobody counts to 2^53 here")]
async fn measure(health: &dyn Health) -> Result<Work, StoreError> {
    let backlog = health.ready().await?;
    gauge!("lethe_erasures_open").set(backlog.open_erasures as f64);
    gauge!("lethe_erasures_blocked").set(backlog.blocked_erasures as f64);
    gauge!("lethe_erasures_failed").set(backlog.failed_erasures as f64);
    gauge!("lethe_purges_overdue").set(backlog.overdue_purges as f64);
    gauge!("lethe_webhook_deliveries_pending").set(backlog.pending_deliveries as f64);
    gauge!("lethe_webhook_deliveries_failed").set(backlog.failed_deliveries as f64);
    Ok(Work::Nothing)
}

/// Says what the gauges mean.
pub(super) fn describe_metrics() {
    metrics::describe_gauge!("lethe_erasures_open", "Erasures that have not come to their end");
    metrics::describe_gauge!("lethe_erasures_blocked", "Erasures that a hold keeps from going on");
    metrics::describe_gauge!("lethe_erasures_failed", "Erasures whose sweep found something left, again and again");
    metrics::describe_gauge!("lethe_purges_overdue", "Soft deleted accounts that should have been hard deleted a minute ago, and are not on hold");
    metrics::describe_gauge!("lethe_webhook_deliveries_pending", "Events that an endpoint is still to be told of");
    metrics::describe_gauge!("lethe_webhook_deliveries_failed", "Events that an endpoint could not be told of");
}
