//! Empty PostgreSQL databases for tests, on a private cluster or on the server that `LETHE_TEST_POSTGRES` names.
//!
//! How a cluster is started and stopped is known to the script `tests/postgres` alone.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::{Client, NoTls};

/// The variable that holds the URL of a superuser, for those who want their own server to be used.
const SERVER_VARIABLE: &str = "LETHE_TEST_POSTGRES";

/// An empty database. On somebody's own server it is dropped with this value, if the server lets it; a private cluster goes as a whole.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
}

/// A new empty database.
///
/// # Panics
/// When there is no server, and none can be started. The text says what to install.
pub async fn fresh_database() -> TestDatabase {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let name = format!("lethe_test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let admin = connect(server_url()).await;
    for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name} TEMPLATE template0")] {
        admin.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    TestDatabase { url: with_database(server_url(), &name), name }
}

impl TestDatabase {
    /// Where the database is, as the service is told.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection of the test's own, to look at what the service did.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn connect(&self) -> Client {
        connect(&self.url).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !is_guest() {
            // Each drop makes the server write out everything, while other tests wait.
            return;
        }
        let name = std::mem::take(&mut self.name);
        // A thread of its own, as a test's runtime may be the one that drops this, and it must not block on itself.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let admin = connect(server_url()).await;
                admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.map_err(std::io::Error::other)
            })
        });
        // A database that stays behind harms no test.
        let _ = dropped.join();
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap_or_else(|error| panic!("cannot connect to the test server: {error}"));
    tokio::spawn(connection);
    client
}

/// Whether the server is somebody's own.
fn is_guest() -> bool {
    std::env::var_os(SERVER_VARIABLE).is_some()
}

fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| start_cluster()))
}

/// Starts the cluster of this test run, or finds it running. It stops when the run ends, however it ends.
fn start_cluster() -> String {
    // nextest runs each test in a process of its own; they share what belongs to their parent.
    let (run, owner) = match std::env::var("NEXTEST_RUN_ID") {
        Ok(run) => (run, std::os::unix::process::parent_id()),
        Err(_) => (std::process::id().to_string(), std::process::id()),
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/postgres");
    let folder = std::env::temp_dir().join(format!("lethe-postgres-{run}"));
    let output = Command::new(script).arg("start").arg(folder).arg(owner.to_string()).output().unwrap_or_else(|error| panic!("cannot run {script}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The same URL with another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, String::new()), |(address, parameters)| (address, format!("?{parameters}")));
    let authority = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[authority..].find('/').map_or(address.len(), |slash| authority + slash);
    format!("{}/{name}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_url_gets_another_database() {
        let cases = [
            ("postgres://u:p@h:1/postgres", "postgres://u:p@h:1/x"),
            ("postgres://u:p@h:1", "postgres://u:p@h:1/x"),
            ("postgres://u@h:1,i:2/a?target_session_attrs=read-write", "postgres://u@h:1,i:2/x?target_session_attrs=read-write"),
            ("postgres://u@/a?host=/run/pg", "postgres://u@/x?host=/run/pg"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "x"), expected);
        }
    }

    #[tokio::test]
    async fn databases_are_empty_and_go_with_their_value_on_a_server_of_ones_own() {
        let database = super::fresh_database().await;
        let tables = database.connect().await.query("SELECT FROM pg_tables WHERE schemaname = 'public'", &[]).await.expect("a query");
        assert!(tables.is_empty());
        let (name, admin) = (database.name.clone(), super::connect(super::server_url()).await);
        drop(database);
        assert_eq!(admin.query("SELECT FROM pg_database WHERE datname = $1", &[&name]).await.expect("a query").is_empty(), super::is_guest());
    }
}
