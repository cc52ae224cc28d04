//! Our own end of TLS: certificate and key from files, checked when they are read, read again
//! when the operator asks, and the handshakes that are going on.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::meters;

/// Whoever has not finished the handshake by then is not waited for.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Handshakes at once. Silent clients cannot hold the places: the oldest makes way for a new one.
const HANDSHAKES: usize = 1024;
/// A certificate that ends sooner is warned about.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// Cheap to clone; all clones change together.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
    handshakes: Mutex<Handshakes>,
}

impl Tls {
    /// The error names the flag and the file.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        Ok(Self(Arc::new(Inner {
            current: RwLock::new(Arc::new(configuration(certificate, key)?)),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            handshakes: Mutex::default(),
        })))
    }

    /// For connections from now on; when the files are not right, what was there stays.
    pub fn reload(&self) -> Result<(), String> {
        let new = Arc::new(configuration(&self.0.certificate, &self.0.key)?);
        *self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// `None`: no TLS came about, which is the client's affair and not worth a line in the log.
    pub async fn accept<IO>(&self, stream: IO) -> Option<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.accept_within(HANDSHAKE_TIMEOUT, stream).await
    }

    async fn accept_within<IO>(&self, patience: Duration, stream: IO) -> Option<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.current());
        let (number, displaced) = self.begin();
        let outcome = tokio::select! {
            outcome = acceptor.accept(stream) => outcome.map_err(|_| "failed"),
            _ = displaced => Err("displaced"),
            () = tokio::time::sleep(patience) => Err("timed-out"),
        };
        self.handshakes().waiting.remove(&number);
        outcome
            .inspect_err(|why| meters::handshake_failed(why))
            .ok()
    }

    fn current(&self) -> Arc<ServerConfig> {
        let current = self.0.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&self) -> (u64, oneshot::Receiver<()>) {
        let (displace, displaced) = oneshot::channel();
        let mut handshakes = self.handshakes();
        let number = handshakes.next;
        handshakes.next += 1;
        handshakes.waiting.insert(number, displace);
        if handshakes.waiting.len() > HANDSHAKES {
            // Dropping the sender is the signal.
            handshakes.waiting.pop_first();
        }
        (number, displaced)
    }

    fn handshakes(&self) -> std::sync::MutexGuard<'_, Handshakes> {
        let handshakes = self.0.handshakes.lock();
        handshakes.unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the order in which they began.
#[derive(Debug, Default)]
struct Handshakes {
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

fn configuration(certificate: &Path, key: &Path) -> Result<ServerConfig, String> {
    let of_certificate = |wrong: String| {
        let file = certificate.display();
        format!("--tls-cert (BUNSEN_TLS_CERT): {file}: {wrong}")
    };
    let of_key = |wrong: &str| format!("--tls-key (BUNSEN_TLS_KEY): {}: {wrong}", key.display());
    let pem = std::fs::read(certificate).map_err(|error| of_certificate(error.to_string()))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| of_certificate("is not PEM".into()))?;
    let first = chain.first().ok_or_else(|| {
        of_certificate("holds no certificate; give the chain as PEM, our own first".into())
    })?;
    let ends = check_validity(first, certificate).map_err(of_certificate)?;

    let pem =
        zeroize::Zeroizing::new(std::fs::read(key).map_err(|error| of_key(&error.to_string()))?);
    warn_about_readers(key);
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        of_key("holds no private key that is not encrypted; give PKCS#8, SEC1 or RSA as PEM")
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                of_key("does not belong to the first certificate of --tls-cert")
            }
            rustls::Error::InvalidCertificate(_) => {
                of_certificate("the first certificate cannot be used by a server".into())
            }
            other => of_key(&other.to_string()),
        })?;
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    meters::certificate_ends(ends);
    Ok(configuration)
}

/// Warns of a certificate that clients will refuse; says when it ends.
fn check_validity(certificate: &CertificateDer<'_>, file: &Path) -> Result<i64, String> {
    let parsed = Certificate::from_der(certificate)
        .map_err(|_| "the first certificate cannot be read".to_owned())?;
    let validity = parsed.tbs_certificate().validity();
    let (begins, ends) = (
        validity.not_before.to_unix_duration(),
        validity.not_after.to_unix_duration(),
    );
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let file = file.display();
    if ends < now {
        tracing::warn!(%file, "the certificate has expired: clients will refuse it");
    } else if begins > now {
        tracing::warn!(%file, "the certificate is not valid yet: clients will refuse it");
    } else if ends < now + SOON {
        let days = (ends - now).as_secs() / (24 * 3600);
        tracing::warn!(%file, days, "the certificate expires soon");
    }
    i64::try_from(ends.as_secs()).map_err(|error| error.to_string())
}

fn warn_about_readers(key: &Path) {
    if std::fs::metadata(key).is_ok_and(|file| file.mode() & 0o007 != 0) {
        let file = key.display();
        tracing::warn!(%file, "everybody on this machine can read the TLS key: chmod o= it");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio_rustls::TlsConnector;

    use super::*;

    fn tls() -> (Tls, TlsConnector) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/tls");
        let certificate = folder.join("ec.crt");
        let tls = Tls::read(&certificate, &folder.join("ec.key")).expect("a certificate");
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_file(certificate).expect("PEM");
        roots.add(root).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        (tls, TlsConnector::from(Arc::new(client)))
    }

    async fn greeted(tls: &Tls, connector: &TlsConnector) {
        let (client, server) = duplex(64 * 1024);
        let name = "bunsen.example".try_into().expect("a name");
        let (client, server) = tokio::join!(connector.connect(name, client), tls.accept(server));
        let mut server = server.expect("TLS");
        server.write_all(b"hello").await.expect("written");
        server.flush().await.expect("sent");
        let mut word = [0; 5];
        let mut client = client.expect("TLS");
        client.read_exact(&mut word).await.expect("read");
        assert_eq!(&word, b"hello");
    }

    /// Clients who connect and say nothing, or only begin to.
    fn silent(tls: &Tls) -> (DuplexStream, tokio::task::JoinHandle<bool>) {
        let (client, server) = duplex(1024);
        let tls = tls.clone();
        let accepted = async move { tls.accept(server).await.is_some() };
        (client, tokio::spawn(accepted))
    }

    #[tokio::test]
    async fn silent_clients_make_way() {
        let (tls, connector) = tls();
        let mut waiting = Vec::new();
        for _ in 0..HANDSHAKES + 50 {
            let (mut client, accepted) = silent(&tls);
            client.write_all(&[22, 3, 1]).await.expect("written");
            waiting.push((client, accepted));
            tokio::task::yield_now().await;
        }
        greeted(&tls, &connector).await;
        let later = waiting.split_off(50);
        for (_client, accepted) in waiting {
            assert!(!accepted.await.expect("no panic"));
        }
        // One of those made way for the friendly one.
        let left = later.iter().filter(|(_, accepted)| !accepted.is_finished());
        assert_eq!(left.count(), HANDSHAKES - 1);
        assert_eq!(tls.handshakes().waiting.len(), HANDSHAKES - 1);
    }

    #[tokio::test]
    async fn a_silent_client_is_not_waited_for() {
        let (tls, connector) = tls();
        let (_client, server) = duplex(1024);
        let patience = Duration::from_millis(50);
        assert!(tls.accept_within(patience, server).await.is_none());
        assert!(tls.handshakes().waiting.is_empty());
        greeted(&tls, &connector).await;
    }
}
