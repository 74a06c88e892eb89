//! Passkeys of an account (W3C Web Authentication) besides the password.

use hythe_wire::factor::{FactorProof, Passkey, PasskeyFinish, PasskeyRemove};
use hythe_wire::limits::{MAX_PASSKEYS, MAX_TEXT_BYTES};
use serde_json::Value;

use super::factors::{self, BoundTo};
use super::relying_party::{PATIENCE, RelyingParty};
use super::{Denied, Files, FilesError, LoginDenied, Principal};
use crate::clock::now_ms;
use crate::metadata::passkeys::{self, ChallengeRow, PasskeyRow};
use crate::metadata::{DbError, Tx, accounts};

/// Most ways in which a browser may say that it reaches a passkey: the standard knows six.
const MAX_TRANSPORTS: usize = 8;

impl Files {
    /// The passkeys of the caller's account, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn passkeys(
        &self,
        principal: &Principal,
        party: Option<&RelyingParty>,
    ) -> Result<Vec<Passkey>, FilesError> {
        self.still_valid(principal).await?;
        let account = principal.account();
        let read = move |tx: &mut dyn Tx| passkeys::of(tx, account);
        let rows = self.inner.database.read(read).await?;
        let here = party.map(RelyingParty::name);
        Ok(rows.into_iter().map(|row| view(row, here)).collect())
    }

    /// Begins to register a passkey: what to ask a browser. Takes proof of a factor that there is.
    ///
    /// # Errors
    /// [`LoginDenied`], [`FilesError::Invalid`] when there are too many, or the database's.
    pub async fn begin_passkey(
        &self,
        principal: &Principal,
        proof: FactorProof,
        party: Option<&RelyingParty>,
    ) -> Result<Value, FilesError> {
        self.still_valid(principal).await?;
        let shown = self.look_at(principal, proof, party).await?;
        let party = known(party)?.clone();
        let (account, files) = (principal.account(), self.clone());
        let bound_to = BoundTo::NewOf(principal.device()).name();
        let write = move |tx: &mut dyn Tx| {
            let row = accounts::lock(tx, account)?.ok_or(DbError::Shape("an account"))?;
            files.check_shown(tx, account, &shown)?;
            let there = passkeys::of(tx, account)?;
            if there.len() >= MAX_PASSKEYS {
                return Err(too_many());
            }
            let asked = party.ask_for_new(account, &row.login, &there)?;
            let row = ChallengeRow {
                account,
                creates: true,
                state: asked.state,
                expires_ms: now_ms().saturating_add(patience_ms()),
            };
            passkeys::ask(tx, &bound_to, &row, now_ms())?;
            Ok(asked.options)
        };
        self.inner.database.write(write).await
    }

    /// Registers the passkey that a browser made: from now on a login asks for a second factor.
    ///
    /// # Errors
    /// [`FilesError::Invalid`] when it is not what was asked for, or the database's.
    pub async fn finish_passkey(
        &self,
        principal: &Principal,
        made: PasskeyFinish,
        party: Option<&RelyingParty>,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        check_name(&made.name)?;
        if made.transports.len() > MAX_TRANSPORTS {
            return Err(FilesError::invalid("a passkey with too many transports"));
        }
        let party = known(party)?.clone();
        let (account, now_ms) = (principal.account(), now_ms());
        let bound_to = BoundTo::NewOf(principal.device()).name();
        let take = move |tx: &mut dyn Tx| passkeys::take(tx, &bound_to);
        // Spent by its own transaction: a second try needs a new challenge.
        let asked = self.inner.database.write(take).await?;
        let asked = asked.filter(|asked| asked.account == account && asked.expires_ms > now_ms);
        let asked = asked.ok_or_else(|| FilesError::invalid("no passkey was asked for: begin"))?;
        let passkey = party.make(&asked.state, &made)?;
        let row = PasskeyRow {
            credential: passkey.credential,
            name: made.name,
            party: party.name().to_owned(),
            state: passkey.state,
            sign_count: 0,
            created_ms: now_ms,
            used_ms: None,
            copied_ms: None,
        };
        let write = move |tx: &mut dyn Tx| {
            accounts::lock(tx, account)?.ok_or(DbError::Shape("an account"))?;
            let there = passkeys::of(tx, account)?;
            if there.len() >= MAX_PASSKEYS {
                return Err(too_many());
            }
            if there.iter().any(|one| one.name == row.name) {
                return Err(FilesError::invalid(
                    "there is a passkey of this name already",
                ));
            }
            if !passkeys::insert(tx, account, &row)? {
                return Err(FilesError::invalid("this passkey is registered already"));
            }
            Ok(factors::forget_begun(tx, account)?)
        };
        self.inner.database.write(write).await
    }

    /// A challenge for one of the account's passkeys, as proof for what asks for it.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] when there is none that works here, or the database's.
    pub async fn challenge_passkey(
        &self,
        principal: &Principal,
        party: Option<&RelyingParty>,
    ) -> Result<Value, FilesError> {
        self.still_valid(principal).await?;
        let party = known(party)?.clone();
        let account = principal.account();
        let bound_to = BoundTo::ProofOf(principal.device()).name();
        let write = move |tx: &mut dyn Tx| ask(tx, &party, account, &bound_to);
        let asked = self.inner.database.write(write).await?;
        asked.ok_or(FilesError::NotFound("passkey"))
    }

    /// Removes a passkey of the caller's account.
    ///
    /// # Errors
    /// [`LoginDenied`], or the database's.
    pub async fn remove_passkey(
        &self,
        principal: &Principal,
        remove: PasskeyRemove,
        party: Option<&RelyingParty>,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let shown = self.look_at(principal, remove.proof, party).await?;
        let (account, files, id) = (principal.account(), self.clone(), remove.id);
        let write = move |tx: &mut dyn Tx| {
            accounts::lock(tx, account)?.ok_or(DbError::Shape("an account"))?;
            files.check_shown(tx, account, &shown)?;
            Ok::<_, FilesError>(passkeys::remove(tx, account, &id)?)
        };
        self.inner.database.write(write).await
    }
}

/// Asks for an answer of one of an account's passkeys; none when none of them works here.
pub(super) fn ask(
    tx: &mut dyn Tx,
    party: &RelyingParty,
    account: hythe_model::AccountId,
    bound_to: &[u8; 32],
) -> Result<Option<Value>, FilesError> {
    let there = passkeys::of(tx, account)?;
    let Some(asked) = party.ask(&there)? else {
        return Ok(None);
    };
    let now_ms = now_ms();
    let row = ChallengeRow {
        account,
        creates: false,
        state: asked.state,
        expires_ms: now_ms.saturating_add(patience_ms()),
    };
    passkeys::ask(tx, bound_to, &row, now_ms)?;
    Ok(Some(asked.options))
}

/// How long a challenge holds, in milliseconds.
pub(super) fn patience_ms() -> i64 {
    i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX)
}

fn known(party: Option<&RelyingParty>) -> Result<&RelyingParty, FilesError> {
    Ok(party.ok_or(Denied::Login(LoginDenied::NoPasskeys))?)
}

fn check_name(name: &str) -> Result<(), FilesError> {
    let fits = !name.is_empty() && name.len() <= MAX_TEXT_BYTES;
    if fits && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(FilesError::invalid(
            "the passkey's name is empty, too long, or has signs that cannot be shown",
        ))
    }
}

fn too_many() -> FilesError {
    FilesError::invalid(format!("an account has {MAX_PASSKEYS} passkeys at most"))
}

fn view(row: PasskeyRow, here: Option<&str>) -> Passkey {
    Passkey {
        usable: here == Some(row.party.as_str()),
        id: row.credential,
        name: row.name,
        created_ms: row.created_ms,
        used_ms: row.used_ms,
        copied_ms: row.copied_ms,
    }
}
