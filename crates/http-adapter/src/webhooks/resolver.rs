//! From a URL to addresses, every one of them checked. They are the very ones that are connected to: nobody resolves the name again.

use super::networks::Networks;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Resolves names by the system's means, and refuses those that lead where nobody may go.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    networks: Networks,
}

impl CheckedResolver {
    pub(super) const fn new(networks: Networks) -> Self {
        Self { networks }
    }

    /// A name with one address that is forbidden is refused as a whole: it was made to deceive, and which address is tried is a matter of luck.
    fn admit(&self, found: &[SocketAddr]) -> Result<ResolvedSocketAddrs, Error> {
        found.iter().try_for_each(|found| self.networks.check(found.ip())).map_err(|forbidden| Error::Other(Box::new(forbidden)))?;
        let mut addresses = self.empty();
        for address in found {
            // There is room for more than are ever tried.
            if addresses.try_push(*address).is_err() {
                break;
            }
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

impl Resolver for CheckedResolver {
    fn resolve(&self, uri: &Uri, _config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let (host, port) = host_and_port(uri).ok_or(Error::HostNotFound)?;
        let found = within(timeout, move || (host, port).to_socket_addrs().map(Iterator::collect::<Vec<_>>))?;
        self.admit(&found.map_err(|_| Error::HostNotFound)?)
    }
}

/// The host as the system's resolver takes it. Numbers in any spelling are left to that: what counts is what it makes of them.
fn host_and_port(uri: &Uri) -> Option<(String, u16)> {
    let host = uri.host()?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some((host.to_owned(), uri.port_u16().unwrap_or(default_port)))
}

/// Waits no longer than that for work which cannot be interrupted, such as the system's resolver. It gives up by itself in the end, and when
/// that is too late, nobody listens any more.
fn within<T: Send + 'static>(timeout: NextTimeout, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let (tell, told) = mpsc::sync_channel(1);
    thread::Builder::new().name("webhook-names".to_owned()).spawn(move || tell.send(work()))?;
    told.recv_timeout(*timeout.after).map_err(|error| match error {
        RecvTimeoutError::Timeout => Error::Timeout(timeout.reason),
        RecvTimeoutError::Disconnected => Error::HostNotFound,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::networks::ForbiddenAddress;
    use super::*;
    use std::time::Duration;

    fn admit(addresses: &[&str]) -> Result<Vec<String>, Error> {
        let found: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let resolver = CheckedResolver::new(Networks::new(vec!["10.0.0.0/8".parse().unwrap()]));
        resolver.admit(&found).map(|admitted| admitted.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn one_bad_address_spoils_a_name() {
        let many: Vec<_> = (1..=30).map(|last| format!("1.1.1.{last}:80")).collect();
        let mut many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(admit(&many).unwrap(), many[..16]);
        assert_eq!(admit(&["1.1.1.1:80", "10.0.0.1:80", "[2606:4700::1111]:80"]).unwrap(), ["1.1.1.1:80", "10.0.0.1:80", "[2606:4700::1111]:80"]);
        for bad in ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            many.push(bad);
            for names in [&["1.1.1.1:80", bad], &[bad, "1.1.1.1:80"], many.as_slice()] {
                let Err(Error::Other(error)) = admit(names) else { panic!("{names:?}") };
                assert!(error.is::<ForbiddenAddress>(), "{names:?}");
            }
            many.pop();
        }
        assert!(matches!(admit(&[]), Err(Error::HostNotFound)));
    }

    #[test]
    fn a_url_has_a_host_and_a_port() {
        for (url, host, port) in [
            ("http://example.org/", "example.org", 80),
            ("https://example.org/", "example.org", 443),
            ("https://example.org:80/", "example.org", 80),
            ("http://[2001:db8::1]:8080/", "2001:db8::1", 8080),
            ("http://0x7f.1", "0x7f.1", 80),
        ] {
            assert_eq!(host_and_port(&url.parse().unwrap()), Some((host.to_owned(), port)));
        }
    }

    #[test]
    fn nobody_waits_for_a_resolver_that_hangs() {
        let timeout = |span: Duration| NextTimeout { after: span.into(), ..NextTimeout::default() };
        let (end, ended) = mpsc::channel::<()>();
        let hanging = move || ended.recv().is_err();
        assert!(matches!(within(timeout(Duration::from_millis(1)), hanging), Err(Error::Timeout(_))));
        drop(end);
        assert!(matches!(within(timeout(Duration::from_mins(1)), || 7), Ok(7)));
    }
}
