//! Connections: opened, checked, and handed out for a read or for a transaction.

use std::ops::{Deref, DerefMut};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Postgres};

use super::Store;
use super::retry::has_code;
use crate::error::Result;
use crate::ids::Secret;

pub type Transaction = sqlx::Transaction<'static, Postgres>;

const OLDEST_POSTGRES: i32 = 15;
/// How long a caller waits for a free connection before it is told to come back.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(10);
/// A connection idle for longer is asked whether it still lives before it is used again;
/// asking each time would double the round trips.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Why there is no database to work with. Never holds the URL.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("BUNSEN_DATABASE_URL is not a URL of the form postgres://user:password@host/database")]
    Url,
    #[error("the database cannot be used: {0}")]
    Database(#[source] sqlx::Error),
    #[error(
        "a pooler before the database mixes up prepared statements: start with --statement-cache 0 \
         (BUNSEN_STATEMENT_CACHE=0), or use PgBouncer 1.21 or later"
    )]
    Pooler,
    #[error("the database is Postgres {0}; version {OLDEST_POSTGRES} or later is needed")]
    TooOld(i32),
}

impl From<sqlx::Error> for ConnectError {
    fn from(error: sqlx::Error) -> Self {
        // A statement of that name exists already, or does not exist.
        if has_code(&error, &["42P05", "26000"]) {
            Self::Pooler
        } else {
            Self::Database(error)
        }
    }
}

impl Store {
    /// Opens at most `connections`. `statement_cache` is per connection; 0 for a pooler that
    /// cannot follow prepared statements.
    pub async fn connect(
        url: &Secret,
        statement_cache: usize,
        connections: u32,
    ) -> Result<Self, ConnectError> {
        // The scheme is asked for here because the driver takes any.
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.reveal().starts_with(scheme))
        {
            return Err(ConnectError::Url);
        }
        let options = PgConnectOptions::from_str(url.reveal())
            .map_err(|_| ConnectError::Url)?
            .application_name("bunsen")
            // A start-up parameter that older poolers refuse, and that decides nothing here.
            .extra_float_digits(None)
            .statement_cache_capacity(statement_cache);
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(WAIT_FOR_CONNECTION)
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > TRUSTED_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await?;
        let store = Self::with_pool(pool, statement_cache);
        let version = store.postgres_version().await?;
        if version < OLDEST_POSTGRES {
            return Err(ConnectError::TooOld(version));
        }
        Ok(store)
    }

    /// A store over an open pool; `statement_cache` as the pool's connections were opened with.
    pub fn with_pool(pool: PgPool, statement_cache: usize) -> Self {
        Self {
            pool,
            statement_cache,
        }
    }

    /// Ends all connections; who still waits for one gets an error.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub async fn begin(&self) -> Result<Transaction> {
        Ok(self.pool.begin().await?)
    }

    /// One statement answered by the database: for readiness.
    pub async fn ping(&self) -> Result<()> {
        let mut reader = self.reader().await?;
        self.query("select 1").execute(&mut *reader).await?;
        Ok(())
    }

    pub(super) async fn postgres_version(&self) -> Result<i32, sqlx::Error> {
        let mut reader = self.reader().await?;
        let (number,): (String,) = self
            .query_as("select current_setting('server_version_num')")
            .fetch_one(&mut *reader)
            .await?;
        // 150004 is 15.4.
        number
            .parse::<i32>()
            .map(|number| number / 10_000)
            .map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// A connection for reading.
    pub(super) async fn reader(&self) -> Result<Reader, sqlx::Error> {
        if self.keeps_statements() {
            return self.pool.acquire().await.map(Reader::Plain);
        }
        // The driver prepares and executes in two round trips. Without named statements a
        // transaction pooler may send them to two servers unless a transaction holds them
        // together.
        self.pool.begin().await.map(Reader::Held)
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

pub(super) enum Reader {
    Plain(PoolConnection<Postgres>),
    Held(Transaction),
}

impl Deref for Reader {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Plain(connection) => connection,
            Self::Held(transaction) => transaction,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Plain(connection) => connection,
            Self::Held(transaction) => transaction,
        }
    }
}
