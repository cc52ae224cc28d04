//! A server with the bench's own definition, and organizations that each have an instance of it.

use std::path::{Path, PathBuf};

use http::HeaderValue;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::Error;
use crate::server::{Programs, Sandbox, Server, temporary_folder};

const API: &str = "/elements/api-v2";

pub struct Gauge {
    pub server: Server,
    pub organizations: Vec<Organization>,
    pub data_dir: PathBuf,
    _folder: TempDir,
}

/// One of them as its callers know it.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: i64,
    pub user: String,
    pub secret: String,
    /// Of its instance.
    pub token: String,
}

impl Organization {
    fn new(id: i64) -> Self {
        let secret = || Uuid::new_v4().simple().to_string();
        Self {
            id,
            user: secret(),
            secret: secret(),
            token: secret(),
        }
    }

    fn authorization(&self) -> Result<HeaderValue, Error> {
        let Self {
            user,
            secret,
            token,
            ..
        } = self;
        let text = format!("User {user}, Organization {secret}, Element {token}");
        Ok(HeaderValue::try_from(text)?)
    }

    /// A call of its instance, as it goes over the connection.
    pub fn request(&self, method: &str, path: &str, body: &str) -> Result<Vec<u8>, Error> {
        let length = body.len();
        let head = format!(
            "{method} {API}{path} HTTP/1.1\r\nhost: bunsen.example\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nauthorization: "
        );
        let authorization = self.authorization()?;
        let parts = [
            head.as_bytes(),
            authorization.as_bytes(),
            b"\r\n\r\n",
            body.as_bytes(),
        ];
        Ok(parts.concat())
    }

    fn document(&self) -> Value {
        let id = self.id;
        let instance = json!({
            "token": self.token, "element": "gauge", "name": "Gauge",
            "configuration": {"site": format!("s{id}"), "word": "0123456789abcdef"},
        });
        let user = json!({
            "email": format!("user-{id}@corp.example"), "firstName": "Bench", "lastName": "User",
            "secret": self.user, "roles": ["admin"], "instances": [instance],
        });
        let account = json!({"externalId": "bench", "name": "Bench", "users": [user]});
        json!({"id": id, "name": format!("Bench {id}"), "secret": self.secret, "accounts": [account]})
    }
}

impl Gauge {
    /// `routes`: who answers for which host, as the server takes it.
    pub async fn start(
        programs: &Programs,
        sandbox: &Sandbox,
        elements: &Path,
        routes: &str,
        organizations: i64,
    ) -> Result<Self, Error> {
        let organizations: Vec<_> = (1001..=1000 + organizations)
            .map(Organization::new)
            .collect();
        let folder = temporary_folder()?;
        let data_dir = folder.path().join("data");
        let settings = settings(elements, routes);
        let server = Server::start(programs, sandbox, &data_dir, &settings).await?;
        let documents: Vec<_> = organizations.iter().map(Organization::document).collect();
        let document = json!({ "organizations": documents }).to_string();
        programs.import(&data_dir, elements, document).await?;
        Ok(Self {
            server,
            organizations,
            data_dir,
            _folder: folder,
        })
    }

    /// Stops the server and starts another one on the same data, with one more setting.
    pub async fn start_again(
        &mut self,
        programs: &Programs,
        sandbox: &Sandbox,
        elements: &Path,
        routes: &str,
        setting: (&'static str, String),
    ) -> Result<(), Error> {
        self.server.stop().await?;
        let mut settings = settings(elements, routes);
        settings.push(setting);
        self.server = Server::start(programs, sandbox, &self.data_dir, &settings).await?;
        Ok(())
    }
}

fn settings(elements: &Path, routes: &str) -> Vec<(&'static str, String)> {
    vec![
        ("BUNSEN_ELEMENTS", elements.display().to_string()),
        ("BUNSEN_VENDOR_ROUTES", routes.to_owned()),
        ("BUNSEN_LOG", "warn".to_owned()),
    ]
}
