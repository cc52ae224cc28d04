//! Certificates for servers under test.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;

use crate::process::Server;

/// The name on the certificates.
pub const HOST: &str = "bunsen.example";

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.der().clone(),
            issuer: Issuer::new(parameters, key),
        }
    }

    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// Certificate and key for a host, both PEM.
    pub fn issue(
        &self,
        host: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        change(&mut parameters);
        let certificate = parameters.signed_by(&key, &self.issuer).expect("signed");
        let key = pem("PRIVATE KEY", &key.serialize_der());
        (pem("CERTIFICATE", certificate.der()), key)
    }

    /// A client that trusts this authority alone and finds the server under [`HOST`].
    pub fn client(&self, server: &Server) -> reqwest::ClientBuilder {
        trusting(&self.pem(), server)
    }
}

pub fn trusting(pem: &str, server: &Server) -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("PEM");
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .resolve(HOST, address(server))
        .timeout(Duration::from_secs(30))
}

pub fn address(server: &Server) -> SocketAddr {
    let (_, address) = server.url.split_once("://").expect("a URL");
    address.parse().expect("an address")
}

/// The server's URL by the name on its certificate.
pub fn named_url(server: &Server) -> String {
    format!("https://{HOST}:{}", address(server).port())
}

fn pem(kind: &str, der: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {kind}-----\n{encoded}\n-----END {kind}-----\n")
}

/// Writes both, the key for its owner alone.
pub fn write(certificate: &Path, key: &Path, (chain, private): &(String, String)) {
    fs::write(certificate, chain).expect("written");
    fs::write(key, private).expect("written");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("a mode");
}
