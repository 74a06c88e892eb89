//! What an account says about its owner.

use hythe_wire::limits::MAX_TEXT_BYTES;
use hythe_wire::profile::{Profile, ProfilePatch};

use super::accounts::check_login;
use super::factors::Factors;
use super::{Files, FilesError, Principal, Refused};
use crate::metadata::accounts::{self, AccountRow};
use crate::metadata::profiles::{self, ProfileRow};
use crate::metadata::standing;
use crate::metadata::{DbError, Tx};

impl Files {
    /// The caller's account.
    ///
    /// # Errors
    /// The database's.
    pub async fn profile(&self, principal: &Principal) -> Result<Profile, FilesError> {
        self.still_valid(principal).await?;
        let account = principal.account();
        let read = move |tx: &mut dyn Tx| {
            let row = accounts::get(tx, account)?.ok_or(DbError::Shape("an account"))?;
            let said = profiles::get(tx, account)?;
            let factors = Factors::of(tx, account)?;
            let standing = standing::get(tx, account)?.unwrap_or_default();
            Ok::<_, DbError>(Profile {
                removal_ms: standing.removal_ms,
                ..view(row, said, &factors)
            })
        };
        Ok(self.inner.database.read(read).await?)
    }

    /// Changes what the caller's account says; what is absent stays.
    ///
    /// # Errors
    /// [`Refused::LoginTaken`], [`FilesError::Invalid`], or the database's.
    pub async fn edit_profile(
        &self,
        principal: &Principal,
        patch: ProfilePatch,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        if let Some(login) = &patch.login {
            check_login(login)?;
        }
        for text in [&patch.name, &patch.email].into_iter().flatten() {
            check_text(text)?;
        }
        let account = principal.account();
        let write = move |tx: &mut dyn Tx| {
            if let Some(login) = &patch.login
                && !accounts::rename(tx, account, login)?
            {
                return Err(Refused::LoginTaken.into());
            }
            let before = profiles::get(tx, account)?;
            let after = ProfileRow {
                name: patch.name.clone().unwrap_or(before.name),
                email: patch.email.clone().unwrap_or(before.email),
            };
            Ok::<_, FilesError>(profiles::set(tx, account, &after)?)
        };
        self.inner.database.write(write).await
    }
}

fn check_text(text: &str) -> Result<(), FilesError> {
    if text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(FilesError::invalid(
            "a name or address is too long, or has signs that cannot be shown",
        ))
    }
}

fn view(row: AccountRow, said: ProfileRow, factors: &Factors) -> Profile {
    Profile {
        id: row.account,
        login: row.login,
        name: said.name,
        email: said.email,
        admin: row.admin,
        created_ms: row.created_ms,
        second_factor: factors.authenticator.is_some(),
        passkeys: u32::try_from(factors.passkeys).unwrap_or(u32::MAX),
        removal_ms: None,
    }
}
