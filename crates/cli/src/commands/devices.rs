//! `hythe devices`.

use std::io::{IsTerminal, stdout};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::Serialize;

use hythe_control::{DeviceInfo, Invite, Reply, Request};

use crate::args::{Devices, DevicesCommand};
use crate::commands::account;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

#[derive(Serialize)]
struct Printed {
    devices: Vec<DeviceInfo>,
}

pub async fn run(args: Devices) -> Result<Exit, Trouble> {
    match args.command {
        None => list(args.output.json).await,
        Some(DevicesCommand::Add(output)) => add(output.json).await,
        Some(DevicesCommand::Approve) => account::approve().await,
        Some(DevicesCommand::Remove { device, wipe }) => remove(device, wipe).await,
    }
}

async fn list(json: bool) -> Result<Exit, Trouble> {
    let devices = match door::ask(Work::Answer, Request::Devices).await? {
        Reply::Devices(devices) => devices,
        other => return Err(door::unexpected(&other)),
    };
    if json {
        output::json(&Printed { devices })?;
    } else {
        output::lines(devices.iter().map(device))?;
    }
    Ok(Exit::Done)
}

fn device(device: &DeviceInfo) -> String {
    let this = if device.this { " (this one)" } else { "" };
    let seen = match (device.seen_ms, &device.address) {
        (Some(at), Some(address)) => format!("last seen {} at {address}", words::moment(at)),
        (Some(at), None) => format!("last seen {}", words::moment(at)),
        (None, _) => "never seen".to_owned(),
    };
    let id: String = device.id.to_string().chars().take(16).collect();
    let mut text = format!("{}{this}  {}  {id}  {seen}", device.name, device.platform);
    for folder in &device.folders {
        text.push_str(&format!("\n    {folder}"));
    }
    text
}

async fn add(json: bool) -> Result<Exit, Trouble> {
    let invite = match door::ask(Work::Answer, Request::DevicesAdd).await? {
        Reply::Invite(invite) => invite,
        other => return Err(door::unexpected(&other)),
    };
    if json {
        output::json(&invite)?;
    } else {
        show(&invite)?;
    }
    Ok(Exit::Done)
}

/// Prints a one-time URL, and on a terminal a code to photograph. The URL stands alone on its
/// line, so that it is copied whole.
pub fn show(invite: &Invite) -> Result<(), Trouble> {
    let until = words::moment(invite.expires_ms);
    output::line(format!(
        "Works once, until {until}. On the next device: hythe connect URL"
    ))?;
    output::line(&invite.url)?;
    show_code(&invite.url)
}

/// Shows a URL as a code to photograph, on a terminal.
pub fn show_code(url: &str) -> Result<(), Trouble> {
    if stdout().is_terminal() {
        // A URL too long for a code is still a URL.
        if let Ok(code) = QrCode::new(url) {
            // Black on white whatever the terminal's colours are: not every camera reads others.
            let drawn = code.render::<Dense1x2>().build();
            output::lines(drawn.lines().map(|row| format!("\x1b[30;107m{row}\x1b[0m")))?;
        }
    }
    Ok(())
}

async fn remove(device: String, wipe: bool) -> Result<Exit, Trouble> {
    let request = Request::DevicesRemove {
        device: device.clone(),
        wipe,
    };
    match door::ask(Work::Answer, request).await? {
        Reply::Removed(removed) => {
            output::line(parted(&device, wipe))?;
            if let Some(reason) = removed.keys_pending {
                output::line(format!(
                    "Its keys are not replaced yet: {reason}. A daemon of any of your devices does \
                     it as soon as it can; `hythe status` says when it is still to be done."
                ))?;
            }
            Ok(Exit::Done)
        }
        other => Err(door::unexpected(&other)),
    }
}

fn parted(device: &str, wipe: bool) -> String {
    if !wipe {
        return format!("{device} is cut off; the files on it stay there.");
    }
    format!(
        "{device} is cut off, and asked to delete its copies of your files when it next reaches the \
         server. What it has not sent stays there. Nothing makes sure of it: a device that stays \
         offline, or that somebody changed, keeps them."
    )
}
