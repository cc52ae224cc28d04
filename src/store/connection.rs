//! Connections: opened, checked, and handed out for a read or for a transaction.

use std::ops::{Deref, DerefMut};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Postgres, SqlSafeStr as _};
use tokio::sync::OwnedSemaphorePermit;

use super::instances::Together;
use super::request_log::LogConnection;
use super::retry::has_code;
use super::shelf::{Away, Shelf};
use super::turns::Turns;
use super::{OrgStore, Store};
use crate::error::Result;
use crate::ids::Secret;

pub type Transaction = sqlx::Transaction<'static, Postgres>;

const OLDEST_POSTGRES: i32 = 15;
/// How long a caller waits for a free connection before it is told to come back.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(10);
/// A connection idle for longer is asked whether it still lives before it is used again;
/// asking each time would double the round trips.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// A server that is stopped in the middle of a transaction, a frozen machine say, does not hold for
/// long what it has locked: nothing of ours pauses there.
const BEGIN: &str = "begin; set local idle_in_transaction_session_timeout = '30s'";

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
    /// Opens at most `connections`, and one for what must not wait behind calls. `statement_cache`
    /// is per connection; 0 for a pooler that cannot follow prepared statements.
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
        let pool_of = |connections: u32| {
            PgPoolOptions::new()
                .max_connections(connections)
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
        };
        let store = Self {
            heart: pool_of(1).connect_lazy_with(options.clone()),
            log: LogConnection::default(),
            turns: Turns::new(connections),
            // Without named statements a read is a transaction, which the pool takes back.
            shelf: (statement_cache > 0).then(|| Shelf::new(connections)),
            pool: pool_of(connections.max(1)).connect_with(options).await?,
            together: Together::default(),
            statement_cache,
            waiting: Arc::default(),
        };
        let version = store.postgres_version().await?;
        if version < OLDEST_POSTGRES {
            return Err(ConnectError::TooOld(version));
        }
        Ok(store)
    }

    /// A store over an open pool; `statement_cache` as the pool's connections were opened with.
    pub fn with_pool(pool: PgPool, statement_cache: usize) -> Self {
        Self {
            heart: pool.clone(),
            log: LogConnection::default(),
            turns: Turns::new(pool.options().get_max_connections()),
            shelf: None,
            pool,
            together: Together::default(),
            statement_cache,
            waiting: Arc::default(),
        }
    }

    pub fn pool_state(&self) -> PoolState {
        let open = self.pool.size();
        // The driver counts a connection that comes back after it may be taken again: for a moment
        // its number can be one below zero, which reads as the largest there is.
        let in_pool = self.pool.num_idle();
        let counted = u32::try_from(in_pool).is_ok_and(|in_pool| in_pool <= open);
        PoolState {
            open,
            idle: if counted { in_pool } else { 0 } + self.shelf.as_ref().map_or(0, Shelf::len),
            allowed: self.pool.options().get_max_connections(),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    /// Ends all connections; who still waits for one gets an error.
    pub async fn close(&self) {
        let closing = self.pool.close();
        // It waits for all of its connections.
        if let Some(shelf) = &self.shelf {
            shelf.clear();
        }
        closing.await;
        self.heart.close().await;
        self.log.close().await;
    }

    pub async fn begin(&self) -> Result<Transaction> {
        let _waiting = self.wait();
        let Some(shelf) = &self.shelf else {
            return Ok(self.pool.begin_with(BEGIN).await?);
        };
        let away = shelf.connection(&self.pool).await?;
        let begin = BEGIN.into_sql_str();
        Ok(Transaction::begin(away.connection, Some(begin)).await?)
    }

    /// A transaction that sees the database as it is when it first looks, and changes nothing.
    pub async fn begin_reading(&self) -> Result<Transaction> {
        let mut transaction = self.begin().await?;
        let reading = "set transaction isolation level repeatable read, read only";
        self.query(reading).execute(&mut *transaction).await?;
        Ok(transaction)
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
        let Some(shelf) = &self.shelf else {
            return self.reader_of(&self.pool).await;
        };
        let _waiting = self.wait();
        let permit = shelf.permit(WAIT_FOR_CONNECTION).await?;
        let away = shelf.connection(&self.pool).await?;
        Ok(Reader {
            held: Held::Away(away, self.clone()),
            _permit: Some(permit),
            turn: None,
        })
    }

    /// The same over the connection that calls do not use.
    pub(super) async fn heart(&self) -> Result<Reader, sqlx::Error> {
        self.reader_of(&self.heart).await
    }

    pub(super) async fn begin_heart(&self) -> Result<Transaction, sqlx::Error> {
        self.heart.begin().await
    }

    async fn reader_of(&self, pool: &PgPool) -> Result<Reader, sqlx::Error> {
        let _waiting = self.wait();
        if self.keeps_statements() {
            return Ok(Reader::of(Held::Connection(pool.acquire().await?)));
        }
        // The driver prepares and executes in two round trips. Without named statements a
        // transaction pooler may send them to two servers unless a transaction holds them
        // together.
        Ok(Reader::of(Held::Transaction(pool.begin().await?)))
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

impl OrgStore<'_> {
    /// A connection for reading, in the organization's turn.
    pub(super) async fn reader(&self) -> Result<Reader> {
        let turn = self.turn().await?;
        let mut reader = self.store.reader().await?;
        reader.turn = Some(turn);
        Ok(reader)
    }

    /// [`Store::transaction`] in the organization's turn. Whoever holds one must not begin another:
    /// turns are as few as connections.
    pub async fn transaction<T, Work, Done>(&self, work: Work) -> Result<T>
    where
        Work: FnMut(Transaction) -> Done,
        Done: Future<Output = Result<(Transaction, T)>>,
    {
        let _turn = self.turn().await?;
        self.store.transaction(work).await
    }

    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turns = &self.store.turns;
        turns.of(self.organization, WAIT_FOR_CONNECTION).await
    }
}

/// A connection, the right to one, and the turn to use it if it is an organization's. Dropped in
/// this order.
pub(super) struct Reader {
    held: Held,
    _permit: Option<OwnedSemaphorePermit>,
    turn: Option<OwnedSemaphorePermit>,
}

enum Held {
    /// Of this store's shelf.
    Away(Away, Store),
    Connection(PoolConnection<Postgres>),
    Transaction(Transaction),
}

impl Reader {
    fn of(held: Held) -> Self {
        Self {
            held,
            _permit: None,
            turn: None,
        }
    }

    /// To be called when all that was asked has been answered: the next read has the connection
    /// without a round trip. Without it the pool takes the connection back and asks.
    pub fn finish(self) {
        if let Held::Away(away, store) = self.held
            && let Some(shelf) = &store.shelf
        {
            shelf.put(away, &store.pool);
        }
    }
}

/// The pool as it is now.
#[derive(Debug, Clone, Copy)]
pub struct PoolState {
    pub open: u32,
    /// Of those, the ones that nobody uses.
    pub idle: usize,
    pub allowed: u32,
    /// Who asks for a connection and has none yet.
    pub waiting: usize,
}

/// Counts a caller also when it gives up.
struct Waiting<'s>(&'s AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Deref for Reader {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.held {
            Held::Away(away, _) => &away.connection,
            Held::Connection(connection) => connection,
            Held::Transaction(transaction) => transaction,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.held {
            Held::Away(away, _) => &mut away.connection,
            Held::Connection(connection) => connection,
            Held::Transaction(transaction) => transaction,
        }
    }
}
