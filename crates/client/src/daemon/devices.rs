//! The account's devices, as the control door shows and changes them.

use hythe_control::{DeviceInfo, Failure, FailureKind, Invite, Octets, Removed, Reply};
use hythe_model::DeviceId;
use hythe_wire::device::{DeviceFolder, DevicePatch, DeviceView};

use super::door::Door;
use super::newcomers;
use super::renewal;
use super::shared::{Shared, now_ms};
use super::sightings;
use crate::direct;
use crate::enrol::{self, EnrolError};
use crate::net::ApiError;

/// Fewer digits of an id name no device.
const FEWEST_DIGITS: usize = 8;

/// The devices.
pub async fn list(shared: &Shared) -> Result<Reply, Failure> {
    let views = shared
        .api
        .devices()
        .await
        .map_err(|error| unreachable(&error))?;
    if let Err(error) = newcomers::acknowledge(shared).await {
        tracing::warn!(%error, "that the devices were looked at was not kept");
    }
    Ok(Reply::Devices(views.into_iter().map(shown).collect()))
}

/// Lets one more device in.
pub async fn offer(door: &Door) -> Result<Reply, Failure> {
    let shared = &door.shared;
    // A sealed space begins at the word of a device of this very account, for the new one.
    for space in shared.living_spaces() {
        match direct::catch_up(door, &space).await {
            Ok(()) => space.replica.vouch().await,
            Err(error) => tracing::debug!(?error, "the new device reads the whole log"),
        }
    }
    let advertised = shared.advertised_url.as_deref();
    let (api, own) = (&shared.api, &shared.device);
    let told = sightings::told(shared);
    let offered = enrol::offer_device_telling(api, own, advertised, told.as_ref(), now_ms()).await;
    let offer = offered.map_err(|error| failed("No device can be added now", &error))?;
    Ok(Reply::Invite(Invite {
        url: offer.url.to_string(),
        expires_ms: offer.expires_ms,
    }))
}

/// Cuts a device off, and renews the keys that it has. It is cut off whether they can be renewed
/// now or not.
pub async fn remove(door: &Door, named: &str, wipe: bool) -> Result<Reply, Failure> {
    let shared = &door.shared;
    let views = shared
        .api
        .devices()
        .await
        .map_err(|error| unreachable(&error))?;
    let id = find(&views, named)?;
    shared.renewal.expect_removal();
    let (api, own) = (&shared.api, &shared.device);
    let removed = match wipe {
        true => enrol::wipe_device(api, own, id, now_ms()).await,
        false => enrol::remove_device(api, own, id, now_ms()).await,
    };
    removed.map_err(|error| failed("The device was not removed", &error))?;
    Ok(renew_keys(door).await)
}

/// Renews the keys of the spaces where the account's log says that it is due; what cannot be renewed
/// now is tried again.
pub async fn renew_keys(door: &Door) -> Reply {
    let shared = &door.shared;
    shared.renewal.expect_removal();
    let renewed = renewal::renew(shared, &door.events).await;
    if renewed.is_err() {
        shared.renewal.wake();
    }
    Reply::Removed(Removed {
        keys_pending: renewed.err(),
    })
}

/// Tells the server which folders this device has, for `hythe devices`. Of no consequence.
pub async fn tell_folders(shared: &Shared) {
    let Ok(rows) = shared.state.read(|rows| rows.folders()) else {
        return;
    };
    let folder = |row: crate::state::FolderRow| {
        let space = shared.space(row.space)?.id;
        Some(DeviceFolder {
            path: super::status::shown(&row.path),
            space,
        })
    };
    let folders = rows.into_iter().filter_map(folder).collect();
    let patch = DevicePatch {
        name: None,
        folders: Some(folders),
    };
    if let Err(error) = shared.api.describe_device(&patch).await {
        tracing::debug!("the server was not told of the folders: {error}");
    }
}

/// Learns what the account is called: somebody may have renamed it elsewhere. Of no consequence.
pub async fn learn_name(shared: &Shared) {
    match shared.api.account().await {
        Ok(profile) => {
            if let Err(error) = shared.rename_account(profile.login).await {
                tracing::debug!(%error, "the account's name was not kept");
            }
        }
        Err(error) => tracing::debug!(%error, "the account's name was not told"),
    }
    if let Err(error) = newcomers::learn(shared).await {
        tracing::debug!(%error, "the devices of the account were not learnt");
    }
}

fn find(views: &[DeviceView], named: &str) -> Result<DeviceId, Failure> {
    let by_name: Vec<&DeviceView> = views.iter().filter(|view| view.name == named).collect();
    let is_id = |view: &&DeviceView| {
        named.len() >= FEWEST_DIGITS && view.id.to_string().starts_with(&named.to_lowercase())
    };
    let found = if by_name.is_empty() {
        views.iter().filter(is_id).collect()
    } else {
        by_name
    };
    match found.as_slice() {
        [view] => Ok(view.id),
        [] => Err(Failure::new(
            FailureKind::NotFound,
            format!("No device is called {named}"),
        )
        .next("`hythe devices` lists them.")),
        _ => Err(Failure::new(
            FailureKind::Usage,
            format!("Several devices are called {named}"),
        )
        .next("Name it by its id, which `hythe devices --json` shows.")),
    }
}

fn shown(view: DeviceView) -> DeviceInfo {
    let folder = |folder: DeviceFolder| Octets(folder.path.into_bytes());
    DeviceInfo {
        id: view.id,
        name: view.name,
        platform: view.platform,
        address: view.address.map(|address| match view.port {
            Some(port) if address.contains(':') => format!("[{address}]:{port}"),
            Some(port) => format!("{address}:{port}"),
            None => address,
        }),
        seen_ms: view.last_seen_ms,
        folders: view.folders.into_iter().map(folder).collect(),
        this: view.current,
    }
}

/// A request of the server that failed.
pub fn unreachable(error: &ApiError) -> Failure {
    if let Some(over) = error.over_quota() {
        return Failure::new(
            FailureKind::Refused,
            "There is not enough room on the server",
        )
        .because(over.sentence())
        .next("Ask whoever runs the server for more room, and try again.");
    }
    if error.is_suspended() {
        return Failure::new(
            FailureKind::Attention,
            "Your account on this server is suspended",
        )
        .next("Ask whoever runs the server.");
    }
    match error {
        ApiError::Offline(_) => {
            Failure::new(FailureKind::Unreachable, "The server cannot be reached")
                .because(error)
                .next("Look whether it runs and whether this machine has a network.")
        }
        ApiError::Unauthorised(_) => Failure::new(
            FailureKind::Attention,
            "The server does not accept this device",
        )
        .because(error)
        .next("It was removed from the account: enrol it anew with `hythe connect`."),
        ApiError::WrongServer(_) => Failure::new(
            FailureKind::Attention,
            "Another server answers at this address",
        )
        .because(error)
        .next("Do not go on before you know why; ask whoever runs the server."),
        ApiError::Refused(problem) if problem.status == 403 => Failure::new(
            FailureKind::Refused,
            "Your role in the space does not allow it",
        )
        .because(error)
        .next("`hythe members` says who may, and who can change that."),
        _ => Failure::new(FailureKind::Refused, "The server did not do it").because(error),
    }
}

fn failed(message: &'static str, error: &EnrolError) -> Failure {
    match error {
        EnrolError::Api(error) => unreachable(error),
        other => Failure::new(FailureKind::Refused, message).because(other),
    }
}
