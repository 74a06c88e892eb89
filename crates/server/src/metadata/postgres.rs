//! PostgreSQL under the same transactions: for many replicas of the server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::Arc;

use bytes::BytesMut;
use deadpool_postgres::{
    ClientWrapper, Hook, Manager, ManagerConfig, Object, Pool, RecyclingMethod,
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};
use tokio_postgres::{NoTls, Statement};
use tokio_util::sync::CancellationToken;

use super::cluster::Inspection;
use super::error::DbError;
use super::tx::{Dialect, Tx};
use super::value::{Row, V};
use crate::notify::{Notice, PG_CHANNEL};

/// Connections at a time, and so transactions at a time, of one replica.
const CONNECTIONS: usize = 8;

/// Statements sent ahead of their answers.
const AHEAD: usize = 128;

/// How often a transaction that met another one is run again.
const ATTEMPTS: usize = 5;

/// A PostgreSQL database.
pub struct Postgres {
    pool: Pool,
    inspection: Arc<Inspection>,
}

impl Postgres {
    /// Prepares a pool of connections; the first one is made on first use.
    ///
    /// # Errors
    /// When `url` is no URL of a database, or asks for TLS, which is not built in: the way to a
    /// database on another machine is a tunnel or its own network.
    pub fn open(url: &str) -> Result<Self, DbError> {
        let manager = Manager::from_config(
            configuration(url)?,
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let inspection = Arc::new(Inspection::default());
        let inspector = Arc::clone(&inspection);
        let look = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let inspector = Arc::clone(&inspector);
            Box::pin(async move { inspector.look(client).await })
        });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .post_create(look)
            .build()
            .map_err(|error| DbError::Engine(Box::new(error)))?;
        Ok(Self { pool, inspection })
    }

    /// Runs a transaction; again when it met another one at the same rows.
    ///
    /// # Errors
    /// The function's own or the engine's.
    pub async fn write<T, E, F>(self: &Arc<Self>, mut function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.run(move |client, handle| {
            let mut attempt = 1;
            loop {
                let mut tx = PgTx::begin(client, handle, "BEGIN")?;
                let result = catch_unwind(AssertUnwindSafe(|| function(&mut tx)))
                    .unwrap_or_else(|_| Err(DbError::Closed.into()));
                let again = tx.contention && attempt < ATTEMPTS;
                match result {
                    Ok(value) => return tx.commit().map(|()| value).map_err(E::from),
                    Err(error) => {
                        tx.rollback()?;
                        if !again {
                            return Err(error);
                        }
                    }
                }
                attempt += 1;
            }
        })
        .await
    }

    /// Runs a function that only reads, on one snapshot of the database.
    ///
    /// # Errors
    /// The function's own or the engine's.
    pub async fn read<T, E, F>(self: &Arc<Self>, function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.run(move |client, handle| {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            let mut tx = PgTx::begin(client, handle, begin)?;
            let result = catch_unwind(AssertUnwindSafe(|| function(&mut tx)))
                .unwrap_or_else(|_| Err(DbError::Closed.into()));
            tx.rollback()?;
            result
        })
        .await
    }

    /// Gives a connection to a function on a thread that may block.
    async fn run<T, E>(
        self: &Arc<Self>,
        function: impl FnOnce(&Object, &Handle) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let client = self.pool.get().await.map_err(DbError::from)?;
        let handle = Handle::current();
        tokio::task::spawn_blocking(move || function(&client, &handle))
            .await
            .unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Ends when another cluster took the place of the first one.
    pub fn failed_over(&self) -> CancellationToken {
        self.inspection.failed_over()
    }

    /// Gives up all connections once they are idle.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// The settings of every connection to `url`.
///
/// # Errors
/// When `url` is no URL of a database.
pub fn configuration(url: &str) -> Result<tokio_postgres::Config, DbError> {
    let mut config = tokio_postgres::Config::from_str(url)?;
    if config.get_application_name().is_none() {
        config.application_name("hythe");
    }
    // No transaction waits for ever for another, nor stays open when its replica hangs.
    let own = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s";
    let options = format!("{} {own}", config.get_options().unwrap_or_default());
    config.options(options.trim());
    Ok(config)
}

struct PgTx<'c> {
    client: &'c Object,
    handle: &'c Handle,
    notices: Vec<Notice>,
    /// Whether a statement failed because of another transaction.
    contention: bool,
}

impl<'c> PgTx<'c> {
    fn begin(client: &'c Object, handle: &'c Handle, sql: &str) -> Result<Self, DbError> {
        handle.block_on(client.batch_execute(sql))?;
        Ok(Self {
            client,
            handle,
            notices: Vec::new(),
            contention: false,
        })
    }

    fn commit(mut self) -> Result<(), DbError> {
        for notice in std::mem::take(&mut self.notices) {
            let text = notice.to_payload();
            let params = [V::from(PG_CHANNEL), V::from(text.as_str())];
            self.query("SELECT pg_notify($1, $2)", &params)?;
        }
        let result = self.handle.block_on(self.client.batch_execute("COMMIT"));
        result.map_err(|error| match error.as_db_error() {
            Some(_) => error.into(),
            None => DbError::Lost,
        })
    }

    fn rollback(self) -> Result<(), DbError> {
        Ok(self
            .handle
            .block_on(self.client.batch_execute("ROLLBACK"))?)
    }

    fn prepare(&self, sql: &'static str) -> Result<Statement, DbError> {
        Ok(self.handle.block_on(self.client.prepare_cached(sql))?)
    }

    /// Remembers whether an error is worth another attempt.
    fn note<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        self.contention |= matches!(result, Err(DbError::Contention));
        result
    }
}

impl Tx for PgTx<'_> {
    fn exec(&mut self, sql: &'static str, params: &[V<'_>]) -> Result<u64, DbError> {
        let statement = self.prepare(sql)?;
        let call = self.client.execute_raw(&statement, references(params));
        let result = self.handle.block_on(call).map_err(DbError::from);
        self.note(result)
    }

    fn many(&mut self, sql: &'static str, rows: &[Vec<V<'_>>]) -> Result<u64, DbError> {
        let statement = self.prepare(sql)?;
        let calls = rows
            .iter()
            .map(|row| self.client.execute_raw(&statement, references(row)));
        let sum = stream::iter(calls)
            .buffered(AHEAD)
            .try_fold(0, |sum, changed| std::future::ready(Ok(sum + changed)));
        let result = self.handle.block_on(sum).map_err(DbError::from);
        self.note(result)
    }

    fn query(&mut self, sql: &'static str, params: &[V<'_>]) -> Result<Vec<Row>, DbError> {
        let statement = self.prepare(sql)?;
        let result = self
            .handle
            .block_on(rows_of(self.client, &statement, params));
        self.note(result)
    }

    fn lookup(&mut self, sql: &'static str, keys: &[Vec<V<'_>>]) -> Result<Vec<Vec<Row>>, DbError> {
        let statement = self.prepare(sql)?;
        let calls = keys.iter().map(|key| rows_of(self.client, &statement, key));
        let all = stream::iter(calls).buffered(AHEAD).try_collect();
        let result = self.handle.block_on(all);
        self.note(result)
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        Ok(self.handle.block_on(self.client.batch_execute(sql))?)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn notify(&mut self, notice: Notice) {
        self.notices.push(notice);
    }
}

async fn rows_of(
    client: &Object,
    statement: &Statement,
    params: &[V<'_>],
) -> Result<Vec<Row>, DbError> {
    let rows: Vec<_> = client
        .query_raw(statement, references(params))
        .await?
        .try_collect()
        .await?;
    rows.iter().map(read_row).collect()
}

fn references<'v>(params: &'v [V<'_>]) -> impl ExactSizeIterator<Item = &'v (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync))
}

fn read_row(row: &tokio_postgres::Row) -> Result<Row, DbError> {
    let columns = row.columns().iter().enumerate();
    let values = columns.map(|(at, column)| read_column(row, at, column.type_()));
    Ok(Row(values.collect::<Result<_, _>>()?))
}

fn read_column(row: &tokio_postgres::Row, at: usize, kind: &Type) -> Result<V<'static>, DbError> {
    Ok(match *kind {
        Type::INT8 => row.try_get::<_, Option<i64>>(at)?.into(),
        Type::INT4 => row.try_get::<_, Option<i32>>(at)?.map(i64::from).into(),
        Type::BOOL => row.try_get::<_, Option<bool>>(at)?.into(),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at)?.into(),
        Type::TEXT => row
            .try_get::<_, Option<String>>(at)?
            .map_or(V::Null, |t| V::Text(t.into())),
        Type::VOID => V::Null,
        _ => return Err(DbError::Shape("a column type that is used here")),
    })
}

impl ToSql for V<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Bytes(value) => value.as_ref().to_sql(kind, out),
            Self::Text(value) => value.as_ref().to_sql(kind, out),
        }
    }

    accepts!(INT8, INT4, BYTEA, TEXT);
    to_sql_checked!();
}
