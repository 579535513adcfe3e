//! `https`, with an authority and a certificate for 127.0.0.1 that are good for nothing but this.

use super::*;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use std::sync::Arc;
use ureq::tls::Certificate;

const AUTHORITY: &[u8] = include_bytes!("authority.der");
const CERTIFICATE: &[u8] = include_bytes!("server.der");
const KEY: &[u8] = include_bytes!("server-key.der");

fn authority() -> Vec<Certificate<'static>> {
    vec![Certificate::from_der(AUTHORITY)]
}

/// Somebody else's.
fn stranger() -> Vec<Certificate<'static>> {
    vec![Certificate::from_der(CERTIFICATE)]
}

fn trusting(url: &str, roots: fn() -> Vec<Certificate<'static>>) -> Webhooks {
    let allowed_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    Webhooks::with_roots(WebhookConfig { allowed_networks, ..config(url, PATIENCE) }, roots).unwrap()
}

/// Somebody who answers one request behind a handshake, if it comes to that.
fn secure_receiver(host: &str) -> (String, JoinHandle<Option<Heard>>) {
    let (listener, _) = listen();
    let url = format!("https://{host}:{}/", listener.local_addr().unwrap().port());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key).unwrap());
    let hearing = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(config).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).ok()?;
        }
        let mut stream = Stream::new(&mut connection, &mut socket);
        let heard = Heard::read(&mut stream);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        Some(heard)
    });
    (url, hearing)
}

#[tokio::test]
async fn a_verified_endpoint_is_told() {
    let (url, hearing) = secure_receiver("127.0.0.1");
    assert_eq!(tell(&trusting(&url, authority), &url).await, Answer::Accepted(204));
    assert_eq!(hearing.join().unwrap().unwrap().body, message().body.as_bytes());
}

#[tokio::test]
async fn an_endpoint_that_nobody_vouches_for_is_not_told() {
    let (url, hearing) = secure_receiver("127.0.0.1");
    let answer = tell(&trusting(&url, stranger), &url).await;
    assert_eq!(answer, Answer::Unreachable("tls: invalid peer certificate: UnknownIssuer".into()));
    assert!(hearing.join().unwrap().is_none());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_none() {
    // The same machine under a name that the certificate does not have.
    let (url, hearing) = secure_receiver("localhost");
    let answer = tell(&trusting(&url, authority), &url).await;
    assert!(matches!(&answer, Answer::Unreachable(reason) if reason.starts_with("tls: invalid peer certificate: ")), "{answer:?}");
    assert!(hearing.join().unwrap().is_none());
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_not_told() {
    let (listener, _) = listen();
    let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let hearing = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 This is no place for secrets\r\n\r\n").unwrap();
        // Until the other side hangs up.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let answer = tell(&trusting(&url, authority), &url).await;
    assert!(matches!(&answer, Answer::Unreachable(reason) if reason.starts_with("tls: ")), "{answer:?}");
    hearing.join().unwrap();
}

#[tokio::test]
async fn a_handshake_that_never_comes_has_an_end() {
    let (listener, _) = listen();
    let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    let webhooks = Webhooks::with_roots(WebhookConfig { allowed_networks, ..config(&url, IMPATIENCE) }, authority).unwrap();
    assert_eq!(tell(&webhooks, &url).await, Answer::Unreachable("timed out".into()));
}

#[tokio::test]
async fn a_forbidden_address_is_not_even_asked_for_its_certificate() {
    let (listener, _) = listen();
    let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let webhooks = Webhooks::with_roots(config(&url, PATIENCE), authority).unwrap();
    assert_eq!(tell(&webhooks, &url).await, Answer::Unreachable("the address 127.0.0.1 is not allowed".into()));
    assert!(is_unvisited(&listener));
}
