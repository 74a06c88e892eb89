//! Second factors together: which an account has, and what counts as proof of one.
//!
//! Whoever changes what an account asks for has to show one of the factors that it asks for already,
//! or the recovery code: adding one as much as removing one, or a device that was left open would be
//! enough to put another's passkey in place of the owner's.

use hythe_model::{AccountId, DeviceId};
use hythe_wire::Token;
use hythe_wire::factor::{FactorProof, PasskeyAssertion};

use super::relying_party::{AnswerFault, RelyingParty};
use super::session::token_hash;
use super::{Denied, Files, FilesError, LoginDenied, Principal};
use crate::clock::now_ms;
use crate::metadata::profiles::{self, FactorRow};
use crate::metadata::tokens::{self, TokenKind};
use crate::metadata::{DbError, Tx, passkeys};

/// What an account takes besides the password.
pub(super) struct Factors {
    /// An authenticator whose first code was shown.
    pub(super) authenticator: Option<FactorRow>,
    /// How many passkeys there are.
    pub(super) passkeys: u64,
}

/// What was shown as a factor, as far as it was looked at yet.
pub(super) enum Shown {
    /// Nothing.
    Nothing,
    /// A code, not looked at.
    Code(String),
    /// The hash of a recovery code's token, not looked at.
    Recovery([u8; 32]),
    /// A passkey's answer, which stands.
    Passkey,
}

/// Who may answer a challenge.
pub(super) enum BoundTo<'a> {
    /// A device, with a new passkey.
    NewOf(DeviceId),
    /// A device, as proof.
    ProofOf(DeviceId),
    /// Whoever shows this session of a login.
    Login(&'a [u8]),
}

impl BoundTo<'_> {
    /// The name of the challenge: one at a time of each.
    pub(super) fn name(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("hythe 1 passkey challenge");
        match self {
            Self::NewOf(device) => hasher.update(&[0]).update(device.as_bytes()),
            Self::ProofOf(device) => hasher.update(&[1]).update(device.as_bytes()),
            Self::Login(session) => hasher.update(&[2]).update(session),
        };
        *hasher.finalize().as_bytes()
    }
}

impl Factors {
    /// Those of an account.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn of(tx: &mut dyn Tx, account: AccountId) -> Result<Self, DbError> {
        Ok(Self {
            authenticator: profiles::factor(tx, account)?.filter(|row| row.confirmed),
            passkeys: passkeys::count(tx, account)?,
        })
    }

    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        self.authenticator.is_some() || self.passkeys > 0
    }
}

/// Forgets what was begun and does not count yet, when a factor begins to count: it was begun
/// without proof of that one.
///
/// # Errors
/// The database's.
pub(super) fn forget_begun(tx: &mut dyn Tx, account: AccountId) -> Result<(), DbError> {
    passkeys::forget_begun(tx, account)?;
    match profiles::factor(tx, account)? {
        Some(row) if !row.confirmed => profiles::remove_factor(tx, account),
        _ => Ok(()),
    }
}

impl Files {
    /// Looks at what a device shows as proof. What a passkey answered is taken, whatever follows.
    ///
    /// # Errors
    /// [`LoginDenied`], [`FilesError::Invalid`], or the database's.
    pub(super) async fn look_at(
        &self,
        principal: &Principal,
        proof: FactorProof,
        party: Option<&RelyingParty>,
    ) -> Result<Shown, FilesError> {
        if let Some(answer) = proof.passkey {
            let bound_to = BoundTo::ProofOf(principal.device()).name();
            self.take_answer(party, principal.account(), bound_to, answer)
                .await?;
            return Ok(Shown::Passkey);
        }
        if let Some(code) = proof.code {
            return Ok(Shown::Code(code));
        }
        let Some(text) = proof.recovery else {
            return Ok(Shown::Nothing);
        };
        let token: Token = text
            .parse()
            .map_err(|_| FilesError::invalid("the recovery code's token is malformed"))?;
        Ok(Shown::Recovery(token_hash(&token)))
    }

    /// Takes what a passkey answered. The challenge is spent and the use counted, whatever comes of
    /// it.
    ///
    /// # Errors
    /// [`LoginDenied`], or the database's.
    pub(super) async fn take_answer(
        &self,
        party: Option<&RelyingParty>,
        account: AccountId,
        bound_to: [u8; 32],
        answer: PasskeyAssertion,
    ) -> Result<(), FilesError> {
        let party = party.ok_or(Denied::Login(LoginDenied::NoPasskeys))?.clone();
        let now_ms = now_ms();
        let write = move |tx: &mut dyn Tx| {
            let asked = passkeys::take(tx, &bound_to)?.filter(|asked| {
                !asked.creates && asked.account == account && asked.expires_ms > now_ms
            });
            let row = passkeys::lock(tx, account, &answer.id)?;
            let (Some(asked), Some(row)) = (asked, row) else {
                return Ok(Err(AnswerFault::Wrong));
            };
            let checked = party.check(&asked.state, &row, &answer)?;
            match &checked {
                Ok(answered) => {
                    let (state, count) = (&answered.state, answered.sign_count);
                    passkeys::used(tx, &row.credential, state, count, now_ms)?;
                }
                Err(AnswerFault::Copied) => passkeys::copied(tx, &row.credential, now_ms)?,
                Err(AnswerFault::Wrong) => {}
            }
            Ok::<_, FilesError>(checked.map(drop))
        };
        let taken = self.inner.database.write(write).await?;
        taken.map_err(|fault| match fault {
            AnswerFault::Wrong => Denied::Login(LoginDenied::Wrong).into(),
            AnswerFault::Copied => {
                tracing::warn!(%account, "a passkey had counted less than before");
                Denied::Login(LoginDenied::PasskeyCopied).into()
            }
        })
    }

    /// Whether what was shown proves one of the factors that there are.
    ///
    /// # Errors
    /// [`LoginDenied::ProofNeeded`] when nothing was shown, [`LoginDenied::Wrong`] when it does
    /// not; the database's.
    pub(super) fn check_shown(
        &self,
        tx: &mut dyn Tx,
        account: AccountId,
        shown: &Shown,
    ) -> Result<(), FilesError> {
        let factors = Factors::of(tx, account)?;
        if !factors.any() {
            return Ok(());
        }
        let wrong = || FilesError::from(Denied::Login(LoginDenied::Wrong));
        match shown {
            Shown::Nothing => Err(Denied::Login(LoginDenied::ProofNeeded).into()),
            Shown::Code(code) => {
                let row = factors.authenticator.ok_or_else(wrong)?;
                self.take_code(tx, account, &row, code)
            }
            Shown::Recovery(hash) => {
                let row = tokens::get(tx, hash)?
                    .filter(|row| row.kind == TokenKind::Recovery && row.account == Some(account));
                row.map(drop).ok_or_else(wrong)
            }
            Shown::Passkey => Ok(()),
        }
    }
}
