//! What the outbound client trusts: the platform's certificate authorities, or the built-in
//! ones where the platform has none (a container without `ca-certificates`), and for a granted
//! host the operator's own besides.

use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::grant::Grant;

/// Makes ring the process's TLS provider. Every main and test calls it first; calling it again
/// changes nothing.
pub fn install_crypto_provider() {
    // An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Tickets of one host that rustls keeps, and counts its sessions by.
const TICKETS_OF_HOST: usize = 8;

/// Which protocols are offered is added by whoever connects. Sessions of so many hosts are kept, so
/// that another connection to one of them needs no whole handshake.
pub(super) fn config(roots: RootCertStore, hosts: usize) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(hosts.saturating_mul(TICKETS_OF_HOST));
    Ok(config)
}

/// Read once per process: reading some hundred files and parsing them takes milliseconds.
pub(super) fn public_roots() -> RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS
        .get_or_init(|| usable_roots(rustls_native_certs::load_native_certs().certs))
        .clone()
}

fn usable_roots(platform: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (_, ignored) = roots.add_parsable_certificates(platform);
    if ignored > 0 {
        tracing::warn!(
            ignored,
            "the platform has certificate authorities that cannot be read"
        );
    }
    if roots.is_empty() {
        tracing::info!("the platform has no certificate authorities; the built-in ones are used");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// The grant's own certificate authorities.
pub(super) fn authorities(grant: &Grant) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(pem) = &grant.ca_pem else {
        return Ok(Vec::new());
    };
    let unreadable = || {
        format!(
            "the certificate authority granted for {}:{} is not a PEM certificate",
            grant.host, grant.port
        )
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| unreadable())?;
    let mut probe = RootCertStore::empty();
    let (added, ignored) = probe.add_parsable_certificates(certificates.iter().cloned());
    if added == 0 || ignored > 0 {
        return Err(unreadable());
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_without_authorities_gets_the_built_in_ones() {
        assert!(usable_roots(Vec::new()).len() > 50);
        let unreadable = vec![CertificateDer::from(vec![1, 2, 3])];
        assert!(usable_roots(unreadable).len() > 50);
    }

    #[test]
    fn installing_the_provider_twice_is_fine() {
        install_crypto_provider();
        install_crypto_provider();
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }
}
