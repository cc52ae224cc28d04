//! What an operator allows one organization to reach on a private network through one element.

use std::fmt;

use url::Host;

/// Exactly this host and port may resolve to private addresses. Made per organization and
/// element; whoever calls hands in only the grants of the organization it calls for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Host name in lower case.
    pub host: String,
    pub port: u16,
    /// Certificate authority that is trusted for this host besides the public ones, as PEM.
    pub ca_pem: Option<String>,
}

impl Grant {
    /// Reads `HOST:PORT` and checks the certificate authority, so that a mistake shows when the
    /// grant is made and not at the first call.
    pub fn parse(target: &str, ca_pem: Option<String>) -> Result<Self, String> {
        let (host, port) = target
            .rsplit_once(':')
            .ok_or_else(|| format!("'{target}' is not HOST:PORT, as in crm.corp.example:8443"))?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| format!("'{target}': the port must be a number from 1 to 65535"))?;
        let host = match Host::parse(host) {
            Ok(Host::Domain(host)) => host,
            Ok(_) => {
                return Err(format!(
                    "'{target}' is an address; grant the system's host name, \
                     which its certificate must carry too"
                ));
            }
            Err(error) => return Err(format!("'{target}': {error}")),
        };
        super::guard::check_name(&host, true).map_err(|reason| format!("'{target}' {reason}"))?;
        let grant = Self { host, port, ca_pem };
        super::tls::authorities(&grant)?;
        Ok(grant)
    }

    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        self.port == port && self.host.eq_ignore_ascii_case(host)
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("has_ca", &self.ca_pem.is_some())
            .finish()
    }
}
