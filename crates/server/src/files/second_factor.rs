//! The code of an authenticator besides the password (RFC 6238).

use hythe_model::AccountId;
use hythe_wire::factor::FactorProof;
use hythe_wire::profile::TotpBegun;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use super::relying_party::RelyingParty;
use super::{Denied, Files, FilesError, LoginDenied, Principal, factors};
use crate::clock::now_ms;
use crate::metadata::profiles::{self, FactorRow};
use crate::metadata::{DbError, Tx, accounts};

/// Length of a secret: what RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// Who gives the codes out, as an authenticator shows it.
const ISSUER: &str = "Hythe";

impl Files {
    /// Draws a secret for the caller's authenticator. It counts when a code of it was shown; until
    /// then the one before does. Takes proof of a factor that there is.
    ///
    /// # Errors
    /// [`FilesError::Invalid`] when there is an authenticator already, [`LoginDenied`], or the
    /// database's.
    pub async fn begin_totp(
        &self,
        principal: &Principal,
        proof: FactorProof,
        party: Option<&RelyingParty>,
    ) -> Result<TotpBegun, FilesError> {
        self.still_valid(principal).await?;
        let shown = self.look_at(principal, proof, party).await?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(secret.as_mut())
            .map_err(|error| FilesError::Storage(error.to_string().into()))?;
        let (account, files) = (principal.account(), self.clone());
        let sealed = self.inner.passwords.seal_factor(account, secret.as_ref());
        let write = move |tx: &mut dyn Tx| {
            let owner = accounts::lock(tx, account)?.ok_or(DbError::Shape("an account"))?;
            if profiles::factor(tx, account)?.is_some_and(|factor| factor.confirmed) {
                return Err(FilesError::invalid(
                    "there is an authenticator already: remove it first",
                ));
            }
            files.check_shown(tx, account, &shown)?;
            let row = FactorRow {
                sealed: sealed.clone(),
                confirmed: false,
                last_step: 0,
            };
            profiles::set_factor(tx, account, &row)?;
            Ok(owner.login)
        };
        let login = self.inner.database.write(write).await?;
        let totp = totp(secret.as_ref(), &login)?;
        Ok(TotpBegun {
            secret: totp.secret().to_base32(),
            url: totp.to_url().map_err(|_| wrong_secret())?,
        })
    }

    /// Makes the secret count, with a code of it.
    ///
    /// # Errors
    /// [`LoginDenied::Wrong`], or the database's.
    pub async fn confirm_totp(
        &self,
        principal: &Principal,
        code: String,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let (account, files) = (principal.account(), self.clone());
        let write = move |tx: &mut dyn Tx| {
            accounts::lock(tx, account)?.ok_or(DbError::Shape("an account"))?;
            let row = profiles::factor(tx, account)?.ok_or(FilesError::NotFound("factor"))?;
            files.take_code(tx, account, &row, &code)?;
            let row = profiles::factor(tx, account)?.ok_or(FilesError::NotFound("factor"))?;
            let confirmed = FactorRow {
                confirmed: true,
                ..row
            };
            profiles::set_factor(tx, account, &confirmed)?;
            Ok::<_, FilesError>(factors::forget_begun(tx, account)?)
        };
        self.inner.database.write(write).await
    }

    /// Removes the authenticator, with a code of it or, where it is lost, with another factor or
    /// the recovery code.
    ///
    /// # Errors
    /// [`LoginDenied`], or the database's.
    pub async fn remove_totp(
        &self,
        principal: &Principal,
        proof: FactorProof,
        party: Option<&RelyingParty>,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let shown = self.look_at(principal, proof, party).await?;
        let (account, files) = (principal.account(), self.clone());
        let write = move |tx: &mut dyn Tx| {
            accounts::lock(tx, account)?.ok_or(DbError::Shape("an account"))?;
            if profiles::factor(tx, account)?.is_some_and(|row| row.confirmed) {
                files.check_shown(tx, account, &shown)?;
            }
            Ok::<_, FilesError>(profiles::remove_factor(tx, account)?)
        };
        self.inner.database.write(write).await
    }

    /// Takes a code: each counts once.
    pub(super) fn take_code(
        &self,
        tx: &mut dyn Tx,
        account: AccountId,
        row: &FactorRow,
        code: &str,
    ) -> Result<(), FilesError> {
        let secret = self.inner.passwords.open_factor(account, &row.sealed)?;
        let now = u64::try_from(now_ms() / 1000).unwrap_or_default();
        let step = totp(&secret, "")?.check(code, now);
        match step {
            Some(step) if profiles::use_step(tx, account, step)? => Ok(()),
            _ => Err(Denied::from(LoginDenied::Wrong).into()),
        }
    }
}

/// SHA-1, six digits, thirty seconds, one step either side: what every authenticator can do.
fn totp(secret: &[u8], login: &str) -> Result<Totp, FilesError> {
    // A colon separates issuer and name in the URL.
    let name = login.replace(':', "_");
    Builder::new()
        .with_secret(Secret::from(secret.to_vec()))
        .with_issuer(Some(ISSUER))
        .with_account_name(name)
        .build()
        .map_err(|_| wrong_secret())
}

fn wrong_secret() -> FilesError {
    DbError::Shape("the secret of an authenticator").into()
}
