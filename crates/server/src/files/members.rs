//! Who is in a space: looking accounts up, inviting, and what was said to it.

use hythe_model::{AccountId, Role, SpaceId};
use hythe_space::{Change, ChangeSet, MemberRecord, Operation, Record};
use hythe_wire::limits::MAX_SPACES;
use hythe_wire::member::{InvitationView, MemberAnswer, MemberView};

use super::access::{self, Want};
use super::{Files, FilesError, Principal, joining, view};
use crate::metadata::invitations::{self, Answer, Invitation};
use crate::metadata::logs::Log;
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx, accounts, quotas};
use crate::notify::Notice;

/// Epoch records that an invitation carries: as many keys as lie between a name and now.
const MAX_EPOCHS_SHOWN: usize = 64;

impl Files {
    /// The account of a login name. Whoever does not ask for one that is there learns nothing else.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn account_of(
        &self,
        principal: &Principal,
        login: String,
    ) -> Result<AccountId, FilesError> {
        self.still_valid(principal).await?;
        let find = move |tx: &mut dyn Tx| accounts::by_login(tx, &login);
        let found: Option<AccountId> = self.inner.database.read(find).await?;
        found.ok_or(FilesError::NotFound("account"))
    }

    /// Whether the caller may (still) read of a space.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn may_read(&self, principal: &Principal, space: SpaceId) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read =
            move |tx: &mut dyn Tx| access::space(tx, &principal, space, Want::Read).map(drop);
        self.inner.database.read(read).await
    }

    /// The members of a space, for one of them.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn members(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<Vec<MemberView>, FilesError> {
        self.still_valid(principal).await?;
        let (principal, server) = (principal.clone(), self.account());
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?;
            let invited = invitations::of_space(tx, log.no)?;
            let mut views = Vec::new();
            for bytes in records::all(tx, log.no, RecordKind::Member)? {
                let Record::Member(member) = view::record(&bytes)? else {
                    return Err(DbError::Shape("the record of a member").into());
                };
                if let Some(role) = member.role {
                    let invitation = invited.iter().find(|one| one.account == member.account);
                    let is_server = member.account == server;
                    views.push(member_view(tx, &log, &member, role, invitation, is_server)?);
                }
            }
            Ok::<_, FilesError>(views)
        };
        self.inner.database.read(read).await
    }

    /// Notes what the caller's account says to an invitation. Saying it again changes nothing.
    ///
    /// # Errors
    /// [`super::Denied`], [`FilesError::Invalid`] where the account takes part in too many spaces,
    /// or the database's.
    pub async fn answer_invitation(
        &self,
        principal: &Principal,
        space: SpaceId,
        accept: bool,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let work = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::Govern)?;
            let account = principal.account();
            if accept && records::spaces_of(tx, account)?.len() >= MAX_SPACES {
                return Err(FilesError::invalid("the account is in too many spaces"));
            }
            let changed = match accept {
                true => invitations::forget(tx, log.no, account)?,
                false => invitations::decline(tx, log.no, account)?,
            };
            if changed {
                quotas::settle_payer(tx, log.no)?;
                tx.notify(Notice::Spaces { account });
            }
            Ok::<_, FilesError>(())
        };
        self.inner.database.write(work).await
    }
}

fn member_view(
    tx: &mut dyn Tx,
    log: &Log,
    member: &MemberRecord,
    role: Role,
    invitation: Option<&Invitation>,
    is_server: bool,
) -> Result<MemberView, DbError> {
    Ok(MemberView {
        account: member.account,
        login: accounts::login_of(tx, member.account)?,
        role: role.into(),
        since_ms: records::role_since(tx, log.no, member.account)?,
        answer: match invitation.map(|one| one.answer) {
            None => MemberAnswer::Accepted,
            Some(Answer::Pending) => MemberAnswer::Pending,
            Some(Answer::Declined) => MemberAnswer::Declined,
        },
        server: is_server,
    })
}

/// What an invited account is shown of a space before it says yes: who asks, and what its own keys
/// need to open the name.
///
/// # Errors
/// The database's.
pub(super) fn invitation_view(
    tx: &mut dyn Tx,
    log: &Log,
    invitation: &Invitation,
) -> Result<InvitationView, DbError> {
    let mut shown = Vec::new();
    let own = invitation.account.as_bytes();
    for (kind, key) in [(RecordKind::Space, &[][..]), (RecordKind::Member, own)] {
        shown.extend(records::get(tx, log.no, kind, key)?);
    }
    // The newest last; what is left out only leaves a name unopened.
    let mut epochs = records::all(tx, log.no, RecordKind::Epoch)?;
    let first = epochs.len().saturating_sub(MAX_EPOCHS_SHOWN);
    shown.extend(epochs.drain(first..));
    Ok(InvitationView {
        by: invitation.by,
        by_login: accounts::login_of(tx, invitation.by)?,
        since_ms: invitation.since_ms,
        records: shown
            .iter()
            .map(|record| data_encoding::HEXLOWER.encode(record))
            .collect(),
    })
}

/// Refuses members that this server does not know, and itself in a sealed space, whoever asks for
/// it (A30, E5).
///
/// # Errors
/// [`FilesError::Invalid`], or the database's.
pub(super) fn check_new(
    tx: &mut dyn Tx,
    server: AccountId,
    log: &Log,
    change_set: &ChangeSet,
) -> Result<(), FilesError> {
    for operation in change_set.operations() {
        let account = match operation {
            Operation::Member(member) if member.role.is_some() => member.account,
            Operation::Join(join) => join.account,
            _ => continue,
        };
        if account == server && !log.open {
            return Err(FilesError::invalid(
                "the server becomes no member of a sealed space",
            ));
        }
        if account != server && accounts::login_of(tx, account)?.is_none() {
            return Err(FilesError::invalid("there is no such account here"));
        }
    }
    Ok(())
}

/// Notes who was asked into a space, who is out, and tells those whose role changed.
///
/// # Errors
/// [`super::Refused::TooOften`], or the database's.
pub(super) fn note_changes(
    tx: &mut dyn Tx,
    log: &Log,
    changes: &[Change],
    now_ms: i64,
) -> Result<(), FilesError> {
    let author = changes.iter().find_map(|change| match &change.new {
        Record::Author(author) => Some(author.account),
        _ => None,
    });
    for change in changes {
        if let (Record::JoinOffer(_), None, Some(by)) = (&change.new, &change.old, author) {
            joining::count_invitation(tx, by, now_ms)?;
        }
        let Record::Member(new) = &change.new else {
            continue;
        };
        let old = match &change.old {
            Some(Record::Member(old)) => old.role,
            _ => None,
        };
        if old == new.role {
            continue;
        }
        let account = new.account;
        // Who declined is asked anew by another role.
        let declined = invitations::get(tx, log.no, account)?.is_some();
        match (old.filter(|_| !declined), new.role, author) {
            (_, None, _) => drop(invitations::forget(tx, log.no, account)?),
            // The server's own account is nobody who could answer.
            (None, Some(_), Some(by))
                if by != account && accounts::login_of(tx, account)?.is_some() =>
            {
                joining::count_invitation(tx, by, now_ms)?;
                invitations::ask(tx, log.no, account, by, now_ms)?;
            }
            _ => {}
        }
        tx.notify(Notice::Spaces { account });
        quotas::settle_payer(tx, log.no)?;
    }
    Ok(())
}
