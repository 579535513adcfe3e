//! A running service.

use super::Client;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A service that listens. It ends with this value.
#[derive(Debug)]
pub(crate) struct Node {
    process: Child,
    address: String,
}

impl Node {
    /// Starts a service, whose log goes to the end of that file, and waits until it listens.
    #[track_caller]
    pub(super) fn start(mut command: Command, log: &Path) -> Self {
        let log_file = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let mut process = command.stdout(Stdio::piped()).stderr(log_file).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (found, address) = mpsc::channel();
        // The output is read to its end, for a service whose output nobody reads would stop at a full pipe.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("lethe listening on http://") {
                    let _ = found.send(address.to_owned());
                }
            }
        });
        let address = address.recv_timeout(Duration::from_mins(1)).unwrap_or_else(|_| {
            let _ = process.kill();
            panic!("the service did not start: {:?}", process.wait());
        });
        Self { process, address }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of this node with this token.
    pub(crate) fn bearing(&self, token: &str) -> Client {
        Client::new(&self.base(), Some(token))
    }

    /// Asks it to end, and does not wait for it.
    pub(super) fn ask_to_stop(&self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(super) fn wait(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // As a power cut would, unless it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
