//! Encryption of connections, by rustls: `sslmode` and `sslrootcert` as PostgreSQL's own clients understand them.
//!
//! `prefer` and `require` encrypt without asking who the server is; `verify-full` also checks its certificate and its name.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whether and how connections are encrypted.
pub(crate) enum Encryption {
    /// In clear.
    Off,
    /// By TLS, if the server can or must.
    On(MakeRustlsConnect),
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::On(_) => "On",
        })
    }
}

/// Whose certificates are good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Anybody's.
    Nobody,
    /// Those of the authorities that this machine trusts.
    System,
    /// Those of the authorities in this file.
    File(String),
}

/// Takes out of a URL what the driver does not know: `sslmode=verify-full`, and `sslrootcert`, whose value is taken as it stands.
pub(crate) fn read_parameters(url: &str) -> Result<(String, Verification), String> {
    let Some((address, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), Verification::Nobody));
    };
    let mut verification = Verification::Nobody;
    let mut known = Vec::new();
    for parameter in query.split('&') {
        match parameter.split_once('=') {
            Some(("sslrootcert", file)) => verification = Verification::File(file.to_owned()),
            Some(("sslmode", "verify-full")) => {
                known.push("sslmode=require");
                if verification == Verification::Nobody {
                    verification = Verification::System;
                }
            }
            Some(("sslmode", "verify-ca")) => return Err("sslmode=verify-ca is not offered: use verify-full".into()),
            Some(_) | None => known.push(parameter),
        }
    }
    Ok((format!("{address}?{}", known.join("&")), verification))
}

impl Encryption {
    pub(crate) fn new(mode: SslMode, verification: Verification) -> Result<Self, String> {
        if mode == SslMode::Disable {
            return Ok(Self::Off);
        }
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let config = match verification {
            Verification::Nobody => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
            Verification::System => builder.with_root_certificates(system_roots()?),
            Verification::File(path) => builder.with_root_certificates(roots_in(&path)?),
        };
        Ok(Self::On(MakeRustlsConnect::new(config.with_no_client_auth())))
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err("sslmode=verify-full, and this machine trusts no authority: name one by sslrootcert".into());
    }
    Ok(roots)
}

fn roots_in(path: &str) -> Result<RootCertStore, String> {
    let unreadable = |error: &dyn fmt::Display| format!("sslrootcert {path}: {error}");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
        roots.add(certificate.map_err(|error| unreadable(&error))?).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"it has no certificate"));
    }
    Ok(roots)
}

/// Accepts every certificate that its sender has the key to.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Verification, read_parameters};

    #[test]
    fn what_the_driver_does_not_know_is_taken_out() {
        let cases = [
            ("postgres://h/d", "postgres://h/d", Verification::Nobody),
            ("postgres://h/d?sslmode=prefer", "postgres://h/d?sslmode=prefer", Verification::Nobody),
            ("postgres://h/d?sslmode=verify-full&port=1", "postgres://h/d?sslmode=require&port=1", Verification::System),
            ("postgres://h/d?sslrootcert=/a&sslmode=verify-full", "postgres://h/d?sslmode=require", Verification::File("/a".into())),
            ("postgres://h/d?sslmode=verify-full&sslrootcert=/a", "postgres://h/d?sslmode=require", Verification::File("/a".into())),
        ];
        for (url, known, verification) in cases {
            assert_eq!(read_parameters(url), Ok((known.to_owned(), verification)), "{url}");
        }
        assert!(read_parameters("postgres://h/d?sslmode=verify-ca").is_err());
    }
}
