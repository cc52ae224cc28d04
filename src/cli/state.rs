//! The database and the data folder, opened as a command needs them.

use std::path::PathBuf;

use crate::config::{self, State};
use crate::error::{Error, Result};
use crate::private_postgres::data_dir::{self, Lock};
use crate::private_postgres::{Options, PrivatePostgres};
use crate::store::Store;

/// Beside the pool: a few for the operator's own tools.
const SPARE_CONNECTIONS: u32 = 10;

/// An open store, and what has to stay alive for it.
#[derive(Debug)]
pub struct Opened {
    pub store: Store,
    pub data_dir: PathBuf,
    /// `None`: the operator's own database.
    postgres: Option<PrivatePostgres>,
    /// With the private Postgres the lock is its own.
    _lock: Option<Lock>,
}

impl Opened {
    /// For the server: holds the data folder alone.
    pub async fn to_serve(state: &State) -> Result<Self> {
        let data_dir = data_dir::prepare(&state.data_dir().map_err(told)?).map_err(told)?;
        match state.database_url().map_err(told)? {
            Some(url) => {
                let lock = Lock::take(&data_dir).map_err(told)?;
                let store = connect(state, &url).await?;
                Ok(Self {
                    store,
                    data_dir,
                    postgres: None,
                    _lock: Some(lock),
                })
            }
            None => {
                let options = options(state, data_dir.clone())?;
                let postgres = PrivatePostgres::start(options).await.map_err(told)?;
                Self::private(state, data_dir, postgres).await
            }
        }
    }

    /// For a command: beside a running server, or with the private Postgres started for it.
    pub async fn for_command(state: &State) -> Result<Self> {
        let data_dir = state.data_dir().map_err(told)?;
        match state.database_url().map_err(told)? {
            Some(url) => {
                let store = connect(state, &url).await?;
                Ok(Self {
                    store,
                    data_dir,
                    postgres: None,
                    _lock: None,
                })
            }
            None => {
                let data_dir = data_dir::prepare(&data_dir).map_err(told)?;
                let options = options(state, data_dir.clone())?;
                let postgres = PrivatePostgres::start_or_attach(options)
                    .await
                    .map_err(told)?;
                Self::private(state, data_dir, postgres).await
            }
        }
    }

    async fn private(state: &State, data_dir: PathBuf, postgres: PrivatePostgres) -> Result<Self> {
        let store = connect(state, &postgres.url()).await?;
        Ok(Self {
            store,
            data_dir,
            postgres: Some(postgres),
            _lock: None,
        })
    }

    /// Whether the database is ours alone, so that a keyring may be made for it.
    pub fn is_private(&self) -> bool {
        self.postgres.is_some()
    }

    /// Resolves when the private Postgres has ended by itself; never for another database.
    pub async fn postgres_exited(&self) {
        match &self.postgres {
            Some(postgres) => postgres.exited().await,
            None => std::future::pending().await,
        }
    }

    /// Gives the connections back, then ends the Postgres that was started here.
    pub async fn close(self) -> Result<()> {
        self.store.close().await;
        match self.postgres {
            Some(postgres) => postgres.stop().await.map_err(told),
            None => Ok(()),
        }
    }
}

async fn connect(state: &State, url: &crate::ids::Secret) -> Result<Store> {
    Store::connect(url, state.statement_cache, state.database_connections)
        .await
        .map_err(told)
}

fn options(state: &State, data_dir: PathBuf) -> Result<Options> {
    Ok(Options {
        data_dir,
        postgres_bin: state.postgres_bin.clone(),
        guard: config::own_program().map_err(told)?,
        fast_and_unsafe: false,
        max_connections: state.database_connections + SPARE_CONNECTIONS,
    })
}

/// What stops a command is for its operator, so it is told with all its causes.
pub fn told(error: impl std::error::Error) -> Error {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let next = source.to_string();
        // Some errors quote their cause themselves.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = source.source();
    }
    Error::Invalid(text)
}
