//! App passwords: made and ended by a device of the account, shown by programs that know nothing of
//! Hythe.
//!
//! One never reaches more than its account does, and less than a device: open spaces only, for what
//! a sealed one holds the server could not show anyway; only the spaces it was made for; and only
//! reading, where it was made so. It ends when it is removed, with its account, and with the device
//! that made it: else a device that somebody got hold of would live on in it.

use hythe_model::SpaceId;
use hythe_wire::app_password::{
    AppPassword, AppPasswordView, CreateAppPassword, RemoveAppPassword,
};
use hythe_wire::limits::MAX_TEXT_BYTES;

use super::access::{self, Want};
use super::session::{AppScope, Principal, check_active};
use super::{Denied, Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::app_passwords::{self, AppPasswordRow};
use crate::metadata::{DbError, Tx, accounts};
use crate::notify::Notice;

/// Most app passwords of an account.
const MAX_APP_PASSWORDS: usize = 64;

/// Most spaces that one names.
const MAX_NAMED_SPACES: usize = 64;

impl Files {
    /// The app passwords of the caller's account, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn app_passwords(
        &self,
        principal: &Principal,
    ) -> Result<Vec<AppPasswordView>, FilesError> {
        self.still_valid(principal).await?;
        self.flush_visits().await?;
        let account = principal.account();
        let read = move |tx: &mut dyn Tx| {
            let rows = app_passwords::of_account(tx, account)?;
            rows.into_iter().map(view).collect()
        };
        let views: Result<_, DbError> = self.inner.database.read(read).await;
        Ok(views?)
    }

    /// Makes an app password. A repetition with the same content changes nothing.
    ///
    /// # Errors
    /// [`FilesError::Invalid`] for a name that is taken or none, a space that the account does not
    /// take part in or that is sealed, or too many.
    pub async fn create_app_password(
        &self,
        principal: &Principal,
        new: CreateAppPassword,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        check(&new)?;
        let spaces =
            (!new.spaces.is_empty()).then(|| new.spaces.iter().flat_map(|space| space.0).collect());
        let row = AppPasswordRow {
            hash: new.hash,
            account: principal.account(),
            device: principal.device(),
            name: new.name,
            read_only: new.read_only,
            spaces,
            created_ms: now_ms(),
            used_ms: None,
        };
        let (principal, spaces) = (principal.clone(), new.spaces);
        let write = move |tx: &mut dyn Tx| {
            for space in &spaces {
                if !access::space(tx, &principal, *space, Want::Read)?.open {
                    return Err(FilesError::invalid(
                        "an app password reaches no sealed space: the server cannot read it",
                    ));
                }
            }
            // One at a time, so that they are counted right.
            accounts::lock(tx, row.account)?;
            let there = app_passwords::of_account(tx, row.account)?;
            if there
                .iter()
                .any(|one| one.hash == row.hash && one.name == row.name)
            {
                return Ok(());
            }
            if there.len() >= MAX_APP_PASSWORDS {
                return Err(FilesError::invalid(
                    "the account has too many app passwords",
                ));
            }
            match app_passwords::insert(tx, &row)? {
                true => Ok(()),
                false => Err(FilesError::invalid("there is an app password of that name")),
            }
        };
        self.inner.database.write(write).await
    }

    /// Ends an app password, at once.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn remove_app_password(
        &self,
        principal: &Principal,
        remove: RemoveAppPassword,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let account = principal.account();
        let write = move |tx: &mut dyn Tx| {
            if !app_passwords::remove(tx, account, &remove.name)? {
                return Err(FilesError::NotFound("app password"));
            }
            // Other replicas forget whom they found valid.
            tx.notify(Notice::Standing { account });
            Ok(())
        };
        self.inner.database.write(write).await?;
        self.inner.sessions.revoke_all();
        Ok(())
    }

    /// Whoever shows an app password with the account's login name: the one way in with HTTP Basic,
    /// for every door. What the principal may do is decided where it is decided for all (R3).
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`] for a wrong name as for a wrong password, [`Denied::Suspended`], or
    /// the database's.
    pub async fn authenticate_app(
        &self,
        login: &str,
        password: &AppPassword,
    ) -> Result<Principal, FilesError> {
        let hash = password.hash();
        // A decision is remembered for exactly what was shown (R5).
        let shown = blake3::keyed_hash(&hash, login.as_bytes());
        let sessions = &self.inner.sessions;
        let principal = match sessions.recall(shown.as_bytes()) {
            Some(principal) => principal,
            None => {
                // Read first: a removal in between leaves the result outdated, never too new.
                let checked = sessions.generation();
                let login = login.to_owned();
                let find = move |tx: &mut dyn Tx| find(tx, &hash, &login);
                let row = self.inner.database.read(find).await?;
                let principal = Principal::of_app(row.account, scope(&row)?, checked);
                sessions.remember(*shown.as_bytes(), &principal);
                principal
            }
        };
        sessions.see_app(hash);
        Ok(principal)
    }
}

fn check(new: &CreateAppPassword) -> Result<(), FilesError> {
    let fits = !new.name.trim().is_empty()
        && new.name.len() <= MAX_TEXT_BYTES
        && !new.name.chars().any(char::is_control)
        && new.spaces.len() <= MAX_NAMED_SPACES;
    match fits {
        true => Ok(()),
        false => Err(FilesError::invalid(
            "an app password has a name, not too long, and 64 spaces at most",
        )),
    }
}

fn find(tx: &mut dyn Tx, hash: &[u8; 32], login: &str) -> Result<AppPasswordRow, FilesError> {
    let row = app_passwords::get(tx, hash)?.ok_or(Denied::TokenUnknown)?;
    if accounts::login_of(tx, row.account)?.as_deref() != Some(login) {
        return Err(Denied::TokenUnknown.into());
    }
    check_active(tx, row.account)?;
    Ok(row)
}

/// Whether an app password still holds.
///
/// # Errors
/// [`Denied::TokenUnknown`], [`Denied::Suspended`]; the database's.
pub(super) fn still_there(tx: &mut dyn Tx, hash: &[u8; 32]) -> Result<(), FilesError> {
    let row = app_passwords::get(tx, hash)?.ok_or(Denied::TokenUnknown)?;
    check_active(tx, row.account)
}

fn scope(row: &AppPasswordRow) -> Result<AppScope, DbError> {
    Ok(AppScope {
        hash: row.hash,
        read_only: row.read_only,
        spaces: spaces(row)?,
    })
}

fn spaces(row: &AppPasswordRow) -> Result<Option<Vec<SpaceId>>, DbError> {
    let Some(bytes) = &row.spaces else {
        return Ok(None);
    };
    let (ids, rest) = bytes.as_chunks::<32>();
    match rest.is_empty() {
        true => Ok(Some(ids.iter().map(|id| SpaceId(*id)).collect())),
        false => Err(DbError::Shape("the spaces of an app password")),
    }
}

fn view(row: AppPasswordRow) -> Result<AppPasswordView, DbError> {
    Ok(AppPasswordView {
        spaces: spaces(&row)?.unwrap_or_default(),
        name: row.name,
        read_only: row.read_only,
        created_ms: row.created_ms,
        used_ms: row.used_ms,
    })
}
