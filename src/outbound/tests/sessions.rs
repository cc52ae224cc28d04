//! Connections to many hosts go on with the TLS sessions of those before them.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConnection};

use super::vendor::Authority;
use super::*;
use crate::outbound::{install_crypto_provider, tls};

/// More than what rustls keeps unless it is told otherwise.
const HOSTS: usize = 100;

fn resumes(client: &Arc<ClientConfig>, server: &Arc<rustls::ServerConfig>, host: usize) -> bool {
    let name = ServerName::try_from(format!("s{host}.corp.example")).expect("a name");
    let mut client = ClientConnection::new(client.clone(), name).expect("a client");
    let mut server = ServerConnection::new(server.clone()).expect("a server");
    // The tickets come behind the handshake.
    while client.wants_write() || server.wants_write() {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).expect("written");
        }
        let mut sent = sent.as_slice();
        while !sent.is_empty() {
            server.read_tls(&mut sent).expect("read");
            server.process_new_packets().expect("a handshake");
        }
        let mut answered = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answered).expect("written");
        }
        let mut answered = answered.as_slice();
        while !answered.is_empty() {
            client.read_tls(&mut answered).expect("read");
            client.process_new_packets().expect("a handshake");
        }
    }
    client.handshake_kind() == Some(HandshakeKind::Resumed)
}

#[test]
fn sessions_of_as_many_hosts_as_are_named_are_gone_on_with() {
    install_crypto_provider();
    let authority = Authority::new();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).expect("an authority");
    let server = authority.server_config("*.corp.example", &[]);
    let resumed = |hosts: usize| {
        let config = Arc::new(tls::config(roots.clone(), hosts).expect("a configuration"));
        let again = |host: &usize| resumes(&config, &server, *host);
        let first = (0..HOSTS).filter(again).count();
        assert_eq!(first, 0, "there are no sessions yet");
        (0..HOSTS).filter(again).count()
    };
    assert_eq!(resumed(HOSTS), HOSTS);
    assert_eq!(resumed(HOSTS / 2), 0, "what came first goes first");
}
