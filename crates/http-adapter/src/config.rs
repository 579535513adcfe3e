//! How the service listens, and how much time and room it grants.

use std::time::Duration;

/// How to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// `host:port`; port 0 takes any that is free.
    pub listen: String,
    /// Base of absolute links, such as `https://api.example.org`; `None`: what each request was sent to.
    pub public_url: Option<String>,
    /// Origins whose scripts may call; `*` is any. Empty: no other origin.
    pub cors_allowed_origins: Vec<String>,
    /// Threads that serve requests, at least 1.
    pub workers: usize,
    /// For the head of a connection's first request to arrive.
    pub head_timeout: Duration,
    /// For a body to arrive.
    pub body_timeout: Duration,
    /// For a request from its head to its answer.
    pub request_timeout: Duration,
    /// For an idle connection to be used again.
    pub keep_alive: Duration,
    /// For requests in flight to finish once the service is to stop; rounded up to seconds.
    pub shutdown_timeout: Duration,
    /// Bytes of a body at the most.
    pub max_body_bytes: usize,
    /// Open connections at the most, over all workers. Further ones wait to be accepted.
    pub max_connections: usize,
    /// `host:port` for `/metrics` alone, which is then not served at `listen`.
    pub metrics_listen: Option<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            public_url: None,
            cors_allowed_origins: Vec::new(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(15),
            keep_alive: Duration::from_secs(15),
            shutdown_timeout: Duration::from_secs(10),
            max_body_bytes: 131_072,
            max_connections: 10_000,
            metrics_listen: None,
        }
    }
}
