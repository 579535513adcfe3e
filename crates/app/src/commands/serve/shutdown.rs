//! SIGTERM and SIGINT: the first asks the service to finish, the second ends it at once.

use crate::failure::Failure;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// What the process returns when it is not even allowed to finish.
const CUT_SHORT: i32 = 1;

/// A request to finish that may come.
pub(super) struct Shutdown(oneshot::Receiver<()>);

impl Shutdown {
    /// Listens for signals from here on.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let mut signals = Signals::new().map_err(|error| Failure::of("cannot listen for signals", error))?;
        let (request, requested) = oneshot::channel();
        tokio::spawn(async move {
            signals.next().await;
            tracing::info!("finishing what is in flight; a second signal ends at once");
            // Fails when the service has ended already.
            let _ = request.send(());
            signals.next().await;
            std::process::exit(CUT_SHORT);
        });
        Ok(Self(requested))
    }

    /// Ends when the service shall finish.
    pub(super) async fn requested(self) {
        // The sender is only dropped after it has sent.
        let _ = self.0.await;
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
