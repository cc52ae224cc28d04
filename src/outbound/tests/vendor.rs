//! A vendor with TLS, and authorities that vouch for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A certificate authority, made anew for each test.
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
        let encoded = base64::engine::general_purpose::STANDARD.encode(&self.certificate);
        format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n")
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    pub fn server_config(&self, host: &str, protocols: &[&[u8]]) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("a certificate with its key");
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}

/// Answers every request with its own name, and keeps the connection if told so.
pub struct Vendor {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Vendor {
    pub async fn start(address: IpAddr, host: &str, authority: &Authority, keep: bool) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a port");
        Self::on(listener, host, authority, keep)
    }

    pub fn on(listener: TcpListener, host: &str, authority: &Authority, keep: bool) -> Self {
        let port = listener.local_addr().expect("an address").port();
        let acceptor = TlsAcceptor::from(authority.server_config(host, &[b"http/1.1"]));
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(AtomicUsize::new(0));
        let (connected, requested) = (connections.clone(), requests.clone());
        let close = if keep { "" } else { "connection: close\r\n" };
        let reply = format!(
            "HTTP/1.1 200 OK\r\n{close}content-length: {}\r\n\r\n{host}",
            host.len()
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connected.fetch_add(1, Ordering::SeqCst);
                let (acceptor, requested) = (acceptor.clone(), requested.clone());
                let reply = reply.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut read = Vec::new();
                    while stream
                        .read_buf(&mut read)
                        .await
                        .is_ok_and(|length| length > 0)
                    {
                        if read.ends_with(b"\r\n\r\n") {
                            read.clear();
                            requested.fetch_add(1, Ordering::SeqCst);
                            let _ = stream.write_all(reply.as_bytes()).await;
                            if !keep {
                                let _ = stream.shutdown().await;
                                return;
                            }
                        }
                    }
                });
            }
        });
        Self {
            port,
            connections,
            requests,
        }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}
