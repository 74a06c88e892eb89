//! Several requests in a row: through the running server, or, when none runs, with the data folder
//! locked from the first to the last.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::{AdminError, AdminReply, AdminRequest, Office, door};
use crate::config::ServerConfig;
use crate::files::{Files, OpenError};
use crate::serve::store_options;
use crate::state::LockError;

/// Whom an administrator's requests go to.
pub struct Session {
    data: PathBuf,
    here: Option<(Office, Files)>,
}

impl Session {
    /// Begins with the first request, which shows whether a server runs on `config.data`.
    pub async fn open(
        config: &ServerConfig,
        first: AdminRequest,
    ) -> (Self, Result<AdminReply, AdminError>) {
        let data = config.data.clone();
        let mut session = Self { data, here: None };
        match door::ask(&session.data, &first).await {
            Ok(reply) => (session, said(reply)),
            Err(source) if is_absent(&source) => match alone(config, source).await {
                Ok(here) => {
                    session.here = Some(here);
                    let reply = session.ask(first).await;
                    (session, reply)
                }
                Err(error) => (session, Err(error)),
            },
            Err(source) => {
                let error = session.no_answer(source);
                (session, Err(error))
            }
        }
    }

    /// One more request.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn ask(&self, request: AdminRequest) -> Result<AdminReply, AdminError> {
        let reply = match &self.here {
            Some((office, _)) => office.perform(request).await,
            None => {
                let reply = door::ask(&self.data, &request).await;
                reply.map_err(|source| self.no_answer(source))?
            }
        };
        said(reply)
    }

    /// Ends it, and lets others at the data.
    pub async fn close(self) {
        if let Some((_, files)) = self.here {
            files.close().await;
        }
    }

    fn no_answer(&self, source: io::Error) -> AdminError {
        AdminError::NoAnswer {
            data: self.data.clone(),
            source,
        }
    }
}

fn said(reply: AdminReply) -> Result<AdminReply, AdminError> {
    match reply {
        AdminReply::Failed { message } => Err(AdminError::Failed(message)),
        done => Ok(done),
    }
}

/// Opens the data without a server. The lock of the folder tells whether there really is none.
async fn alone(config: &ServerConfig, absent: io::Error) -> Result<(Office, Files), AdminError> {
    let files = match Files::open(store_options(config)).await {
        Ok(files) => files,
        Err(OpenError::Lock(LockError::Held { .. })) => {
            return Err(AdminError::NoAnswer {
                data: config.data.clone(),
                source: absent,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let public = config
        .public_url
        .clone()
        .or_else(|| crate::address::recall(&config.data));
    Ok((Office::new(files.clone(), public), files))
}

/// Whether nobody listens at a socket.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}
