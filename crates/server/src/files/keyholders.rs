//! Passwords and recovery codes in an account's log: what the server keeps beside it.

use hythe_model::AccountId;
use hythe_space::account::operation::{SetKeyholder, Slot};
use hythe_space::{AccountState, ChangeSet, Operation};
use hythe_wire::account::PasswordUpload;
use hythe_wire::{Token, opaque};

use super::session::token_hash;
use super::{Denied, FilesError, LoginDenied};
use crate::metadata::credentials::{self, CredentialRow};
use crate::metadata::tokens::{self, TokenKind, TokenRow};
use crate::metadata::{DbError, Tx};

/// Longest name of a password's record; the server draws 32 bytes.
const MAX_CREDENTIAL_BYTES: usize = 64;

/// What comes with change sets that set a password or a recovery code.
#[derive(Default)]
pub(super) struct Keyholders {
    /// Name and record of the password.
    password: Option<(Vec<u8>, Vec<u8>)>,
    /// Hash of the recovery code's token.
    recovery: Option<[u8; 32]>,
    /// Hash of the token of a login with what is replaced.
    proof: Option<[u8; 32]>,
}

impl Keyholders {
    /// Checks what came.
    pub(super) fn new(
        password: Option<PasswordUpload>,
        recovery: Option<&Token>,
        proof: Option<&Token>,
    ) -> Result<Self, FilesError> {
        let password = match password {
            Some(upload) if upload.credential.len() <= MAX_CREDENTIAL_BYTES => {
                let record = opaque::record(&upload.upload)?;
                Some((Vec::from(upload.credential), record))
            }
            Some(_) => return Err(FilesError::invalid("the name of the password is too long")),
            None => None,
        };
        Ok(Self {
            password,
            recovery: recovery.map(token_hash),
            proof: proof.map(token_hash),
        })
    }

    /// Whether change sets may replace what `before` has: only after a login with it.
    ///
    /// # Errors
    /// [`LoginDenied::ProofNeeded`]; the database's.
    pub(super) fn admit(
        &self,
        tx: &mut dyn Tx,
        before: &AccountState,
        change_set: &ChangeSet,
        now_ms: i64,
    ) -> Result<(), FilesError> {
        let replaces = set_in(change_set).any(|set| before.keyholder(set.slot).is_some());
        if !replaces {
            return Ok(());
        }
        let row = match &self.proof {
            Some(hash) => tokens::get(tx, hash)?,
            None => None,
        };
        let proves = |row: &TokenRow| {
            row.account == Some(before.id())
                && match row.kind {
                    TokenKind::Login => row.expires_ms > now_ms,
                    TokenKind::Recovery => true,
                    TokenKind::Invite | TokenKind::Device => false,
                }
        };
        if row.is_some_and(|row| proves(&row)) {
            Ok(())
        } else {
            Err(Denied::Login(LoginDenied::ProofNeeded).into())
        }
    }

    /// Keeps what belongs to a change set of the account's log.
    ///
    /// # Errors
    /// When it sets something and the rest did not come with it; the database's.
    pub(super) fn keep(
        &self,
        tx: &mut dyn Tx,
        account: AccountId,
        change_set: &ChangeSet,
        now_ms: i64,
    ) -> Result<(), FilesError> {
        for set in set_in(change_set) {
            match (set.slot, set.holder.is_some()) {
                (Slot::Password, true) => self.keep_password(tx, account, now_ms)?,
                (Slot::Password, false) => credentials::remove(tx, account)?,
                (Slot::Recovery, is_set) => {
                    tokens::remove(tx, account, TokenKind::Recovery)?;
                    if is_set {
                        self.keep_recovery(tx, account, now_ms)?;
                    }
                }
            }
            // Whoever logged in with what was replaced begins anew.
            tokens::remove(tx, account, TokenKind::Login)?;
        }
        Ok(())
    }

    fn keep_password(
        &self,
        tx: &mut dyn Tx,
        account: AccountId,
        now_ms: i64,
    ) -> Result<(), FilesError> {
        let missing = || FilesError::invalid("the password's record did not come with it");
        let (credential, record) = self.password.clone().ok_or_else(missing)?;
        let row = CredentialRow {
            account,
            credential,
            record,
        };
        Ok(credentials::set(tx, &row, now_ms)?)
    }

    fn keep_recovery(
        &self,
        tx: &mut dyn Tx,
        account: AccountId,
        now_ms: i64,
    ) -> Result<(), FilesError> {
        let missing = || FilesError::invalid("the recovery code's token did not come with it");
        let hash = self.recovery.ok_or_else(missing)?;
        let row = TokenRow {
            kind: TokenKind::Recovery,
            account: Some(account),
            admin: false,
            // A code on paper does not end.
            expires_ms: i64::MAX,
            used_by: None,
        };
        match tokens::insert(tx, &hash, &row, now_ms)? {
            true => Ok(()),
            false => Err(FilesError::invalid("the recovery code's token is in use")),
        }
    }
}

/// What a change set sets.
fn set_in(change_set: &ChangeSet) -> impl Iterator<Item = &SetKeyholder> {
    change_set
        .operations()
        .iter()
        .filter_map(|operation| match operation {
            Operation::SetKeyholder(set) => Some(set),
            _ => None,
        })
}

/// The account of a token that lets a device in.
///
/// # Errors
/// [`DbError::Shape`].
pub(super) fn account_of(token: &TokenRow) -> Result<AccountId, DbError> {
    token.account.ok_or(DbError::Shape("a token of an account"))
}
