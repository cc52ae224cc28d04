//! `bunsen health`: for container engines and scripts.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use crate::config;
use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: u64 = 64 * 1024;

/// Asks `/health/ready`. One request needs no client library, and the outbound one
/// refuses loopback on purpose.
pub fn run(arguments: &config::Health) -> Result<()> {
    let url = &arguments.url;
    let encrypted = match url.scheme() {
        "http" => false,
        "https" => true,
        _ => {
            return Err(Error::Invalid(
                "--url must begin with http:// or https://".into(),
            ));
        }
    };
    let host = url.host_str().unwrap_or("127.0.0.1");
    let port = url.port_or_known_default().unwrap_or(80);
    let unreachable =
        |error: std::io::Error| Error::Invalid(format!("{host}:{port} does not answer: {error}"));
    let address = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .map_err(unreachable)?
        .next()
        .ok_or(Error::Unavailable("the host has no address"))?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(unreachable)?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(unreachable)?;
    let question =
        format!("GET /health/ready HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    let answer = if encrypted {
        answer(unverified(address.ip(), stream)?, &question)
    } else {
        answer(stream, &question)
    };
    let answer = answer.map_err(unreachable)?;
    let status = answer.get(9..12).unwrap_or_default();
    if answer.starts_with(b"HTTP/1.") && status == b"200" {
        return Ok(());
    }
    Err(Error::Unavailable("The server is not ready."))
}

fn answer(mut stream: impl Read + Write, question: &str) -> std::io::Result<Vec<u8>> {
    stream.write_all(question.as_bytes())?;
    let mut answer = Vec::new();
    match stream.take(LARGEST).read_to_end(&mut answer) {
        // Over TLS some servers just hang up after their last byte.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(answer),
        outcome => outcome.map(|_| answer),
    }
}

/// The certificate carries the public name, and here the server is asked by an address. Nothing
/// secret is sent, and all that comes back is whether it is ready.
fn unverified(
    address: IpAddr,
    stream: TcpStream,
) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let anybody = Arc::new(Anybody(provider.signature_verification_algorithms));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .dangerous()
        .with_custom_certificate_verifier(anybody)
        .with_no_client_auth();
    let connection =
        ClientConnection::new(Arc::new(config), address.into()).map_err(Error::internal)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Takes every certificate; the handshake itself is checked as ever.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

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
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
