//! What a PostgreSQL cluster must do for an acknowledgement to mean something (S11, SC-132).

use std::sync::{Mutex, PoisonError};

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::error::DbError;

/// Why a cluster is not worked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It does not sync what it commits.
    #[error("PostgreSQL runs with fsync=off, so a power cut may take what was acknowledged")]
    NoFsync,
    /// A page that a power cut left half written stays so.
    #[error("PostgreSQL runs with full_page_writes=off, so a power cut may damage what is stored")]
    HalfPages,
    /// It follows another one and takes no writes.
    #[error("this PostgreSQL is a standby, which takes no writes")]
    Standby,
    /// It took the place of the one that the server was started on, and may lack its last
    /// transactions. Only a start finds that out (D4).
    #[error("another PostgreSQL took the place of the one that the server was started on")]
    FailedOver,
}

impl Unfit {
    const ALL: [Self; 4] = [
        Self::NoFsync,
        Self::HalfPages,
        Self::Standby,
        Self::FailedOver,
    ];

    /// What whoever runs the server can do about it.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::NoFsync => "Set fsync = on in postgresql.conf, restart PostgreSQL, start again.",
            Self::HalfPages => {
                "Set full_page_writes = on in postgresql.conf, reload PostgreSQL, start again."
            }
            Self::Standby => "Promote it, or name the primary in the database's URL.",
            Self::FailedOver => "Start the server again: it finds out whether anything is missing.",
        }
    }

    /// What stands for it where only text passes: the hooks of a pool of connections.
    fn word(self) -> &'static str {
        match self {
            Self::NoFsync => "fsync",
            Self::HalfPages => "full_page_writes",
            Self::Standby => "standby",
            Self::FailedOver => "failed over",
        }
    }
}

/// Settings of this session and of the cluster, and which history the cluster writes: it changes
/// when a standby is promoted, and when a backup is put back. `remote_apply` is more than `on`;
/// everything else acknowledges what a power cut, or the loss of the primary with a synchronous
/// standby, may take. The URL, the role and the cluster may say otherwise: this comes last.
const LOOK: &str = "SELECT set_config('synchronous_commit', \
     CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' \
     ELSE 'on' END, false), \
     current_setting('fsync'), current_setting('full_page_writes'), \
     CASE WHEN pg_is_in_recovery() THEN '' ELSE \
     (SELECT system_identifier FROM pg_control_system()) || ' ' || \
     left(pg_walfile_name(pg_current_wal_lsn()), 8) END";

/// Looks at each new connection before it is used.
#[derive(Debug, Default)]
pub struct Inspection {
    /// The history that the first connection found.
    history: Mutex<Option<String>>,
    failed_over: CancellationToken,
}

impl Inspection {
    /// Makes a session wait for the disk, and refuses it where that does not help.
    ///
    /// # Errors
    /// The connection's, or an [`Unfit`] as a message.
    pub async fn look(&self, client: &Client) -> Result<(), HookError> {
        let row = client.query_one(LOOK, &[]).await;
        let row = row.map_err(HookError::Backend)?;
        let text = |at| row.try_get::<_, &str>(at).map_err(HookError::Backend);
        let unfit = self.judge(text(1)?, text(2)?, text(3)?);
        unfit.map_or(Ok(()), |unfit| Err(HookError::message(unfit.word())))
    }

    fn judge(&self, fsync: &str, full_pages: &str, history: &str) -> Option<Unfit> {
        if fsync != "on" {
            return Some(Unfit::NoFsync);
        }
        if full_pages != "on" {
            return Some(Unfit::HalfPages);
        }
        if history.is_empty() {
            return Some(Unfit::Standby);
        }
        let mut first = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if first.get_or_insert_with(|| history.to_owned()) == history {
            return None;
        }
        self.failed_over.cancel();
        Some(Unfit::FailedOver)
    }

    /// Ends when the cluster was found to be another than at first.
    pub fn failed_over(&self) -> CancellationToken {
        self.failed_over.clone()
    }
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        if let PoolError::PostCreateHook(HookError::Message(word)) = &error
            && let Some(unfit) = Unfit::ALL.iter().find(|unfit| unfit.word() == word)
        {
            return Self::Unfit(*unfit);
        }
        Self::Engine(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use hythe_testkit::PostgresCluster;

    use crate::metadata::{Database, DbError};

    #[test]
    fn s11_sessions_wait_for_the_disk_whatever_cluster_role_and_url_say() {
        let cluster = PostgresCluster::start_with(&["synchronous_commit=off"]).unwrap();
        let url = cluster.database("lax").unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let used = |options: &str| {
            let url = format!("{url}{options}");
            runtime.block_on(async {
                let database = Database::postgres(&url).await.unwrap();
                let ask = "SELECT current_setting('synchronous_commit')";
                let read = database.read(move |tx| {
                    let row = tx.query_one(ask, &[])?.ok_or(DbError::Shape("a row"))?;
                    Ok::<_, DbError>(row.text(0)?.to_owned())
                });
                let used = read.await.unwrap();
                database.close();
                used
            })
        };
        assert_eq!(used(""), "on");
        assert_eq!(used("?options=-c%20synchronous_commit%3Doff"), "on");
        let stronger = "?options=-c%20synchronous_commit%3Dremote_apply";
        assert_eq!(used(stronger), "remote_apply");
        cluster
            .sql("ALTER ROLE hythe SET synchronous_commit = local")
            .unwrap();
        assert_eq!(used(""), "on");
    }

    #[test]
    fn a_role_without_rights_of_its_own_can_be_used() {
        let cluster = PostgresCluster::start().unwrap();
        let url = cluster.database("plain").unwrap();
        cluster.sql("CREATE ROLE plain LOGIN").unwrap();
        cluster.sql("ALTER DATABASE plain OWNER TO plain").unwrap();
        let url = url.replace("hythe@", "plain@");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { Database::postgres(&url).await.unwrap().close() });
    }
}
