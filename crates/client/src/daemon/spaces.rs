//! Spaces and their members, as the control door shows and changes them.

use std::sync::Arc;

use hythe_control::{
    ConfirmedInfo, Failure, FailureKind, InvitationInfo, MemberInfo, MemberKind, Place, Reply,
    ShareOutcome, SharedInfo, SpaceInfo, SpacesRequest,
};
use hythe_model::{AccountId, Role, SpaceId, SpaceName};
use hythe_space::safety::safety_number;
use hythe_wire::member::{InvitationView, MemberAnswer, MemberView};
use hythe_wire::space::SpaceView;

use super::devices::unreachable;
use super::door::Door;
use super::event::Event;
use super::joining;
use super::shared::{PERSONAL, Shared, Space, now_ms};
use super::sightings;
use crate::commit;
use crate::direct;
use crate::inbox::dropping::{Introduction, Target};
use crate::inbox::leaving;
use crate::net::ApiError;
use crate::pins::{Pinned, Pins};
use crate::replica::{self, ReplicaError};

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Does one request.
pub async fn call(door: &Door, request: SpacesRequest) -> Result<Reply, Failure> {
    match request {
        SpacesRequest::List => list(door).await,
        SpacesRequest::Create { name, sealed } => create(door, &name, sealed).await,
        SpacesRequest::Rename { space, name } => rename(door, &space, &name).await,
        SpacesRequest::Accept { space } => accept(door, &space).await,
        SpacesRequest::Decline { space } => decline(door, &space).await,
        SpacesRequest::Leave { space } => leave(door, &space).await,
        SpacesRequest::Share {
            space,
            account,
            role,
            number,
        } => share(door, &space, &account, role.into(), number.as_deref()).await,
        SpacesRequest::ShareLink { space, role } => joining::offer(door, &space, role.into()).await,
        SpacesRequest::Join { url } => joining::join(door, &url).await,
        SpacesRequest::Offers { space } => joining::list(door, &space).await,
        SpacesRequest::Withdraw { space, offer } => joining::withdraw(door, &space, &offer).await,
        SpacesRequest::Delete { space, days } => end(door, &space, Some(days)).await,
        SpacesRequest::Confirm { space } => confirm(door, &space).await,
        SpacesRequest::Restore { space } => end(door, &space, None).await,
        SpacesRequest::ShareFolder { place, name } => share_folder(door, &place, name).await,
        SpacesRequest::Attach { space, place } => direct::attach(door, &space, &place).await,
        SpacesRequest::Detach { place } => direct::detach(door, &place).await,
        SpacesRequest::Members { space } => members(door, &space).await,
        SpacesRequest::RemoveMember { space, account } => remove(door, &space, &account).await,
    }
}

async fn list(door: &Door) -> Result<Reply, Failure> {
    let shared = &door.shared;
    shared.learn_spaces().await?;
    let mut infos = Vec::new();
    for space in shared.living_spaces() {
        // Shown as it is known here while a person has to say yes to the server's claim.
        if !space.replica.waits_for_person().await? {
            look(door, &space).await?;
        }
        infos.extend(info(shared, &space));
    }
    infos.sort_by(|a, b| (!a.personal, &a.name).cmp(&(!b.personal, &b.name)));
    infos.extend(shared.dropping().into_iter().map(dropping_info));
    for view in shared.offered() {
        infos.push(offered_info(shared, &view).await?);
    }
    Ok(Reply::Spaces(infos))
}

/// Reads a space on, and hears what other devices were shown. What contradicts the server is shown,
/// and keeps nobody from the other spaces.
async fn look(door: &Door, space: &Space) -> Result<(), Failure> {
    match direct::catch_up(door, space).await {
        Err(_) if space.contradicted().is_some() => return Ok(()),
        read => read?,
    }
    match sightings::meet(&door.shared, &door.events, space).await {
        // It is a courtesy of the server's; the log is what counts.
        Err(ReplicaError::Api(error)) => tracing::debug!(%error, "nothing heard of other devices"),
        met => met?,
    }
    Ok(())
}

/// A space as its log has it; none once the account is no member.
pub(super) fn info(shared: &Shared, space: &Space) -> Option<SpaceInfo> {
    let standing = space.replica.standing()?;
    let head = space.replica.shown_head();
    Some(SpaceInfo {
        id: space.id,
        name: space.name(),
        role: standing.role?.into(),
        personal: space.personal,
        sealed: !standing.open,
        invitation: None,
        ends_ms: standing.ends_ms,
        position: Some(head.cursor.0),
        chain: Some(head.chain.to_string()),
        confirmed: confirmed(shared, space),
        contradicted: space.contradicted(),
    })
}

/// The last word of another device that agrees with this one.
fn confirmed(shared: &Shared, space: &Space) -> Option<ConfirmedInfo> {
    let last = space.replica.confirmed().ok().flatten()?;
    Some(ConfirmedInfo {
        device: last.device,
        account: last.account,
        owner: sightings::owner(shared, last.account),
        position: last.at.0,
        at_ms: last.time_ms,
    })
}

/// A space that the account may only put files into.
pub(super) fn dropping_info(target: Target) -> SpaceInfo {
    SpaceInfo {
        id: target.id,
        name: target.name,
        role: Role::Drop.into(),
        personal: false,
        sealed: target.sealed,
        invitation: None,
        ends_ms: None,
        position: None,
        chain: None,
        confirmed: None,
        contradicted: None,
    }
}

async fn offered_info(shared: &Shared, view: &SpaceView) -> Result<SpaceInfo, Failure> {
    let name = match &view.invitation {
        Some(invitation) => replica::offered_name(&shared.common, view.id, invitation).await?,
        None => None,
    };
    let name = name.filter(|name| name.as_str() != PERSONAL);
    Ok(SpaceInfo {
        id: view.id,
        name: name.map_or_else(|| view.id.to_string(), |name| name.as_str().to_owned()),
        role: Role::from(view.role).into(),
        personal: false,
        sealed: !view.open,
        invitation: view
            .invitation
            .as_ref()
            .map(|asked| asked_by(shared, asked)),
        ends_ms: None,
        position: None,
        chain: None,
        confirmed: None,
        contradicted: None,
    })
}

fn asked_by(shared: &Shared, asked: &InvitationView) -> InvitationInfo {
    let known = Pins::new(&shared.state).login(asked.by).ok().flatten();
    let by = known.or_else(|| asked.by_login.clone());
    InvitationInfo {
        by: by.unwrap_or_else(|| asked.by.to_string()),
        safety_number: safety_number(shared.device.account, asked.by),
        since_ms: asked.since_ms,
    }
}

async fn create(door: &Door, name: &str, sealed: bool) -> Result<Reply, Failure> {
    let name = checked(name)?;
    let shared = &door.shared;
    shared.learn_spaces().await?;
    refuse_double(door, &name).await?;
    let made = commit::found_space(&shared.common, &name, sealed, None).await?;
    shared.learn_spaces().await?;
    let space = followed(door, made).await?;
    info(&door.shared, &space)
        .map(Reply::Space)
        .ok_or_else(gone)
}

async fn rename(door: &Door, space: &str, name: &str) -> Result<Reply, Failure> {
    let name = checked(name)?;
    let space = shared_space(door, space, "renamed").await?;
    owned(&space)?;
    refuse_double(door, &name).await?;
    let applied = space.replica.rename(&name).await?;
    direct::tell(door, &space, applied);
    info(&door.shared, &space)
        .map(Reply::Space)
        .ok_or_else(gone)
}

fn checked(name: &str) -> Result<SpaceName, Failure> {
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Usage, "A space cannot be called so").because(error)
    };
    let name = SpaceName::new(name).map_err(|error| unusable(&error))?;
    if name.as_str() == PERSONAL {
        return Err(unusable(&"\"home\" is your personal space"));
    }
    Ok(name)
}

/// Two spaces of one name could only be told apart by their ids.
async fn refuse_double(door: &Door, name: &SpaceName) -> Result<(), Failure> {
    let mut spaces = door.shared.living_spaces().into_iter();
    if spaces.any(|space| space.name() == name.as_str()) {
        return Err(
            refused(format!("You have a space that is called {name}")).next("Choose another name.")
        );
    }
    Ok(())
}

/// The space with this id, followed and read.
pub(super) async fn followed(door: &Door, id: SpaceId) -> Result<Arc<Space>, Failure> {
    let mut spaces = door.shared.spaces().into_iter();
    let space = spaces.find(|space| space.id == id).ok_or_else(gone)?;
    direct::catch_up(door, &space).await?;
    // A folder that waited for this goes on.
    let _ = door.events.send(Event::Rebased(space.number));
    Ok(space)
}

async fn accept(door: &Door, named: &str) -> Result<Reply, Failure> {
    let (id, info) = offered(door, named).await?;
    if info.role == Role::Drop.into() {
        introduce(door, id, &info).await?;
    }
    let answered = door.shared.api.answer_invitation(id, true).await;
    answered.map_err(|error| unreachable(&error))?;
    door.shared.learn_spaces().await?;
    let mut dropping = door.shared.dropping().into_iter();
    if let Some(target) = dropping.find(|target| target.id == id) {
        return Ok(Reply::Space(dropping_info(target)));
    }
    let space = followed(door, id).await?;
    self::info(&door.shared, &space)
        .map(Reply::Space)
        .ok_or_else(gone)
}

/// Keeps who invited, and how the space is called: nothing more will be known of it.
async fn introduce(door: &Door, id: SpaceId, info: &SpaceInfo) -> Result<(), Failure> {
    let mut views = door.shared.offered().into_iter();
    let view = views
        .find(|view| view.id == id)
        .and_then(|view| view.invitation);
    let Some(asked) = view else { return Ok(()) };
    let named = Some(info.name.clone()).filter(|name| *name != id.to_string());
    let known = Introduction {
        by: asked.by,
        name: named,
    };
    Ok(known.keep(&door.shared.state, id).await?)
}

async fn decline(door: &Door, named: &str) -> Result<Reply, Failure> {
    let (id, _) = offered(door, named).await?;
    let answered = door.shared.api.answer_invitation(id, false).await;
    answered.map_err(|error| unreachable(&error))?;
    door.shared.learn_spaces().await?;
    Ok(Reply::Done)
}

/// The space of an invitation, by the name it shows or by its id.
async fn offered(door: &Door, named: &str) -> Result<(SpaceId, SpaceInfo), Failure> {
    door.shared.learn_spaces().await?;
    let mut found = Vec::new();
    for view in door.shared.offered() {
        let info = offered_info(&door.shared, &view).await?;
        if info.name == named || view.id.to_string() == named {
            found.push((view.id, info));
        }
    }
    match found.pop() {
        Some(one) if found.is_empty() => Ok(one),
        Some(_) => {
            let message = format!("You are invited to several spaces that are called {named}");
            Err(Failure::new(FailureKind::Usage, message)
                .next("Name it by its id, which `hythe spaces --json` shows."))
        }
        None => {
            let message = format!("You are not invited to a space that is called {named}");
            Err(Failure::new(FailureKind::NotFound, message).next("`hythe spaces` lists them."))
        }
    }
}

async fn leave(door: &Door, named: &str) -> Result<Reply, Failure> {
    // A command that just started has not heard of any space yet.
    door.shared.learn_spaces().await?;
    if let Some(target) = direct::dropping(&door.shared, named) {
        leaving::leave(&door.shared.common, target.id).await?;
        door.shared.learn_spaces().await?;
        return Ok(Reply::Done);
    }
    let space = shared_space(door, named, "left").await?;
    let members = space.replica.members()?;
    let own = door.shared.device.account;
    let owner = |account: AccountId| {
        let is = |one: &hythe_space::MemberRecord| {
            one.account == account && one.role == Some(Role::Owner)
        };
        members.iter().any(is)
    };
    let others = members
        .iter()
        .any(|one| one.account != own && owner(one.account));
    if owner(own) && !others {
        return Err(refused(format!("You are the only owner of {}", space.name())).next(
            "Make somebody else an owner with `hythe share`, or delete it with `hythe spaces delete`.",
        ));
    }
    let applied = space.replica.leave().await?;
    direct::tell(door, &space, applied);
    let _ = door.events.send(Event::Rebased(space.number));
    Ok(Reply::Done)
}

/// Says that a space ends after so many days, or that it does not.
async fn end(door: &Door, named: &str, days: Option<u16>) -> Result<Reply, Failure> {
    let space = shared_space(door, named, "deleted").await?;
    owned(&space)?;
    // Counted from when it is signed; a minute more, for clocks that differ by less.
    let after = |days: u16| now_ms() + i64::from(days) * DAY_MS + 60_000;
    let applied = space.replica.end(days.map(after)).await?;
    direct::tell(door, &space, applied);
    info(&door.shared, &space)
        .map(Reply::Space)
        .ok_or_else(gone)
}

/// Believes that the server was restored from a copy, and goes on with what it has.
async fn confirm(door: &Door, named: &str) -> Result<Reply, Failure> {
    let shared = &door.shared;
    let space = direct::space_named(door, named).await?;
    if !space.replica.waits_for_person().await? {
        return go_on(door, &space).await;
    }
    let asked = shared.api.server().await;
    let epoch = asked.map_err(|error| unreachable(&error))?.epoch;
    space.replica.say_yes(epoch).await?;
    let applied = space.replica.start_over(epoch).await?;
    space.claim(None);
    direct::tell(door, &space, applied);
    shared.anew.notify_one();
    let _ = door.events.send(Event::Rebased(space.number));
    info(&door.shared, &space)
        .map(Reply::Space)
        .ok_or_else(gone)
}

/// Goes on with what the server shows, though other devices were shown something else.
async fn go_on(door: &Door, space: &Space) -> Result<Reply, Failure> {
    if !space.replica.disbelieve().await? {
        let name = space.name();
        return Err(refused(format!("Nothing of {name} waits for a yes")));
    }
    sightings::trust(space, &door.events);
    direct::catch_up(door, space).await?;
    door.shared.anew.notify_one();
    info(&door.shared, space).map(Reply::Space).ok_or_else(gone)
}

async fn share(
    door: &Door,
    space: &str,
    named: &str,
    role: Role,
    number: Option<&str>,
) -> Result<Reply, Failure> {
    let space = shared_space(door, space, "shared").await?;
    owned(&space)?;
    let (account, first_met) = meet(door, named, number).await?;
    if account == door.shared.device.account && role != Role::Owner {
        return Err(refused(
            "Your own role is changed by another owner, or by leaving",
        ));
    }
    let (applied, outcome) = space.replica.share(account, role).await?;
    direct::tell(door, &space, applied);
    if role == Role::Drop {
        // It reads no log: this is all it will know of the space.
        space.replica.tell_card().await?;
    }
    Ok(Reply::Shared(SharedInfo {
        outcome: match outcome {
            commit::Shared::Invited => ShareOutcome::Invited,
            commit::Shared::Changed => ShareOutcome::Changed,
            commit::Shared::Already => ShareOutcome::Already,
        },
        account,
        safety_number: safety_number(door.shared.device.account, account),
        first_met,
    }))
}

async fn share_folder(door: &Door, place: &Place, name: Option<String>) -> Result<Reply, Failure> {
    let name = name.as_deref().map(checked).transpose()?;
    let space = direct::share_folder(door, place, name).await?;
    info(&door.shared, &space)
        .map(Reply::Space)
        .ok_or_else(gone)
}

async fn remove(door: &Door, space: &str, named: &str) -> Result<Reply, Failure> {
    let space = shared_space(door, space, "changed").await?;
    owned(&space)?;
    let account = member_named(door, &space, named).await?;
    if account == door.shared.device.account {
        return Err(
            refused("You cannot send yourself away").next("`hythe spaces leave` leaves a space.")
        );
    }
    let (applied, was_member) = space.replica.remove_member(account).await?;
    direct::tell(door, &space, applied);
    if was_member {
        Ok(Reply::Done)
    } else {
        Err(not_in(&space, named))
    }
}

fn not_in(space: &Space, named: &str) -> Failure {
    let message = format!("{named} is no member of {}", space.name());
    Failure::new(FailureKind::NotFound, message).next("`hythe members` lists who is.")
}

/// A member by the name it is listed under, or by its id. Nobody else is asked: whom this device
/// calls so counts, not whom the server does.
async fn member_named(door: &Door, space: &Space, named: &str) -> Result<AccountId, Failure> {
    let is =
        |one: &&MemberInfo| one.login.as_deref() == Some(named) || one.account.to_string() == named;
    let infos = member_infos(door, space).await?;
    let mut found = infos.iter().filter(is);
    match (found.next(), found.next()) {
        (Some(one), None) if one.kind == MemberKind::Server => Err(refused(
            "The server of an open space is always a member of it",
        )),
        (Some(one), None) => Ok(one.account),
        (Some(_), Some(_)) => {
            let message = format!("Several members are called {named}");
            Err(Failure::new(FailureKind::Usage, message)
                .next("Name the account by its id, which `hythe members --json` shows."))
        }
        (None, _) => Err(not_in(space, named)),
    }
}

async fn members(door: &Door, space: &str) -> Result<Reply, Failure> {
    let space = direct::space_named(door, space).await?;
    direct::catch_up(door, &space).await?;
    Ok(Reply::Members(member_infos(door, &space).await?))
}

/// Members as the log has them, with what the server tells besides.
async fn member_infos(door: &Door, space: &Space) -> Result<Vec<MemberInfo>, Failure> {
    let shared = &door.shared;
    let told = shared.api.members(space.id).await;
    let told = told.map_err(|error| unreachable(&error))?;
    let server = space.replica.server()?;
    let mut infos = Vec::new();
    for record in space.replica.members()? {
        let Some(role) = record.role else { continue };
        let view = told.iter().find(|view| view.account == record.account);
        let own = record.account == shared.device.account;
        let kind = match view.map(|view| view.answer) {
            _ if own => MemberKind::This,
            _ if server == Some(record.account) => MemberKind::Server,
            Some(MemberAnswer::Pending) => MemberKind::Invited,
            Some(MemberAnswer::Declined) => MemberKind::Declined,
            _ => MemberKind::Member,
        };
        let person = !matches!(kind, MemberKind::This | MemberKind::Server);
        let (login, renamed) = login_of(shared, record.account, view, kind).await?;
        infos.push(MemberInfo {
            account: record.account,
            login,
            role: role.into(),
            since_ms: view.and_then(|view| view.since_ms),
            kind,
            safety_number: person.then(|| safety_number(shared.device.account, record.account)),
            renamed,
        });
    }
    Ok(infos)
}

/// The name of a member as this device knows it, else as the server says, if that name is nobody
/// else's; and whether the server says another.
async fn login_of(
    shared: &Shared,
    account: AccountId,
    view: Option<&MemberView>,
    kind: MemberKind,
) -> Result<(Option<String>, bool), Failure> {
    match kind {
        MemberKind::This => return Ok((Some(shared.account_name()), false)),
        MemberKind::Server => return Ok((None, false)),
        _ => {}
    }
    let pins = Pins::new(&shared.state);
    let said = view.and_then(|view| view.login.as_deref());
    if let Some(known) = pins.login(account)? {
        let renamed = said.is_some_and(|said| said != known);
        return Ok((Some(known), renamed));
    }
    let Some(said) = said else {
        return Ok((None, false));
    };
    match pins.meet(said, account).await? {
        Pinned::Other(_) => Ok((None, true)),
        Pinned::New | Pinned::Same => Ok((Some(said.to_owned()), false)),
    }
}

/// The account that a name stands for, as far as it can be believed, and whether it was met now.
async fn meet(
    door: &Door,
    named: &str,
    number: Option<&str>,
) -> Result<(AccountId, bool), Failure> {
    let shared = &door.shared;
    let compared = |account| number.map(|number| is_number(shared, account, number));
    if let Ok(account) = named.parse::<AccountId>() {
        return match compared(account) {
            Some(false) => Err(another_number(named)),
            _ => Ok((account, false)),
        };
    }
    if named == shared.account_name() {
        return Ok((shared.device.account, false));
    }
    let account = match shared.api.account_of(named).await {
        Ok(account) => account,
        Err(ApiError::Refused(problem)) if problem.status == 404 => {
            let message = format!("Nobody is called {named} on this server");
            return Err(Failure::new(FailureKind::NotFound, message)
                .next("Ask for their login name; `hythe status` shows it there."));
        }
        Err(error) => return Err(unreachable(&error)),
    };
    let pins = Pins::new(&shared.state);
    match compared(account) {
        Some(false) => return Err(another_number(named)),
        Some(true) => pins.pin(named, account).await?,
        None => {}
    }
    match pins.meet(named, account).await? {
        Pinned::New => Ok((account, true)),
        Pinned::Same => Ok((account, false)),
        Pinned::Other(_) => Err(another_account(shared, named, account)),
    }
}

fn is_number(shared: &Shared, account: AccountId, number: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    digits(number) == digits(&safety_number(shared.device.account, account))
}

fn another_number(named: &str) -> Failure {
    Failure::new(
        FailureKind::Attention,
        format!("The safety number is not the one with {named}"),
    )
    .because("either it was mistyped, or the server shows you somebody else")
    .next("Nothing was shared. Compare it with them once more, not by way of this server.")
}

fn another_account(shared: &Shared, named: &str, account: AccountId) -> Failure {
    let number = safety_number(shared.device.account, account);
    Failure::new(
        FailureKind::Attention,
        format!("{named} is another account than before"),
    )
    .because("either they made a new account, or the server shows you somebody else")
    .next(format!(
        "Nothing was shared. Ask them for the safety number that they see with you. If it is \
         {number}, give it with --number."
    ))
}

/// A space of the account that is not its personal one.
pub(super) async fn shared_space(
    door: &Door,
    named: &str,
    done: &str,
) -> Result<Arc<Space>, Failure> {
    let space = direct::space_named(door, named).await?;
    if space.personal {
        let message = format!("Your personal space cannot be {done}");
        return Err(refused(message).next("Make a space with `hythe spaces create NAME`."));
    }
    direct::catch_up(door, &space).await?;
    Ok(space)
}

/// Refuses who is no owner of a space.
pub(crate) fn owned(space: &Space) -> Result<(), Failure> {
    let standing = space.replica.standing();
    if standing.and_then(|standing| standing.role) == Some(Role::Owner) {
        return Ok(());
    }
    Err(
        refused(format!("Only owners of {} may do that", space.name()))
            .next("`hythe members` says who they are."),
    )
}

pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Refused, message)
}

pub(super) fn gone() -> Failure {
    Failure::new(FailureKind::NotFound, "The space is not there any more")
}
