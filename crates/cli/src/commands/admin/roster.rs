//! `hythe admin users import` and `export`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hythe_client::enrol::{self, PasswordForOther};
use hythe_server::admin::{AdminReply, AdminRequest, Ground, Hex, Import, Session};
use hythe_server::roster::{self, Entry, ListedClient, ListedUser};
use hythe_wire::IdentityKey;
use hythe_wire::opaque::Password;
use hythe_wire::recovery::RecoveryCode;
use serde::Serialize;

use super::{ask, ask_trouble, config_of, unexpected};
use crate::args::{ExportUsers, ImportUsers, RosterFormat};
use crate::commands::connect::now_ms;
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

/// Shorter passwords are taken, and warned about: what NIST SP 800-63B asks for at least.
const FEWEST: usize = 8;

#[derive(Serialize)]
struct Printed {
    dry_run: bool,
    users: Vec<PrintedUser>,
}

#[derive(Serialize)]
struct PrintedUser {
    user_name: String,
    outcome: Outcome,
    to_enrol: usize,
    /// The way in of an account without a password; with `--recovery-file` it is in that file instead.
    recovery_code: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// There is such an account: it was left alone.
    There,
    /// Made (or, in a dry run, to be made) with a password.
    WithPassword,
    /// Made (or to be made) with a recovery code.
    WithCode,
}

pub async fn export(args: ExportUsers) -> Result<Exit, Trouble> {
    let AdminReply::Roster { users } = ask(&args.admin, AdminRequest::Roster).await? else {
        return Err(unexpected());
    };
    #[derive(Serialize)]
    struct Users {
        users: Vec<ListedUser>,
    }
    if args.admin.output.json || args.format == RosterFormat::Json {
        output::json(&Users { users })?;
    } else {
        output::text(&roster::to_xml(&users))?;
    }
    Ok(Exit::Done)
}

pub async fn import(args: ImportUsers) -> Result<Exit, Trouble> {
    let entries = read(&args.file)?;
    let config = config_of(&args.admin)?;
    let (session, reply) = Session::open(&config, AdminRequest::Roster).await;
    let done = match reply {
        Ok(AdminReply::Roster { users }) => {
            let there = users.into_iter().map(|user| user.user_name).collect();
            take(&args, &session, entries, &there).await
        }
        Ok(_) => Err(unexpected()),
        Err(error) => Err(ask_trouble(error)),
    };
    session.close().await;
    done
}

/// Reads a file whole, and no more than a list of users may have.
fn read(path: &Path) -> Result<Vec<Entry>, Trouble> {
    let trouble = || Trouble::failed(format!("{} is no list of users.", path.display()));
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    let limit = roster::MAX_BYTES as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| {
            Trouble::failed(format!("{} cannot be read.", path.display())).because(error)
        })?;
    roster::parse(&bytes).map_err(|error| {
        trouble()
            .cause(error.to_string())
            .next("Mend that line and import again; nothing was imported.")
    })
}

async fn take(
    args: &ImportUsers,
    session: &Session,
    entries: Vec<Entry>,
    there: &HashSet<String>,
) -> Result<Exit, Trouble> {
    warn(&entries, there, &args.file);
    let mut codes = match (&args.codes, args.dry_run) {
        (Some(file), false) => Some(Codes::create(file)?),
        _ => None,
    };
    let mut users = Vec::new();
    for entry in entries {
        let outcome = match (&entry.password, there.contains(&entry.user.user_name)) {
            (_, true) => Outcome::There,
            (Some(_), false) => Outcome::WithPassword,
            (None, false) => Outcome::WithCode,
        };
        let mut printed = PrintedUser {
            user_name: entry.user.user_name.clone(),
            outcome,
            to_enrol: entry.user.clients.len(),
            recovery_code: None,
        };
        if outcome != Outcome::There && !args.dry_run {
            let code = make(session, entry).await?;
            match (&mut codes, code) {
                (Some(file), Some(code)) => file.add(&printed.user_name, &code)?,
                (None, Some(code)) => printed.recovery_code = Some(code.to_string()),
                (_, None) => {}
            }
        }
        // At once: a code that is not shown because a later user fails would be lost.
        if !args.admin.output.json {
            output::lines(lines(&printed, args))?;
        }
        users.push(printed);
    }
    let dry_run = args.dry_run;
    match args.admin.output.json {
        true => output::json(&Printed { dry_run, users })?,
        false => output::line(summary(&users, dry_run))?,
    }
    Ok(Exit::Done)
}

/// Passwords in a file are known to whoever reads it.
fn warn(entries: &[Entry], there: &HashSet<String>, file: &Path) {
    let new = entries
        .iter()
        .filter(|e| !there.contains(&e.user.user_name));
    let passwords: Vec<&Password> = new.filter_map(|entry| entry.password.as_ref()).collect();
    if passwords.is_empty() {
        return;
    }
    let file = file.display();
    eprintln!(
        "Warning: {file} holds {} in plain text. Remove it once it is imported, and have their \
         owners set new ones with `hythe account password`.",
        words::count(passwords.len() as u64, "password", "passwords"),
    );
    let short = passwords.iter().filter(|p| p.chars() < FEWEST).count();
    if short > 0 {
        eprintln!("Warning: {short} of them have fewer than {FEWEST} characters.");
    }
}

/// Makes an account, as a client that registers does; its way in, where it has no password.
async fn make(session: &Session, entry: Entry) -> Result<Option<RecoveryCode>, Trouble> {
    let user = entry.user;
    let name = user.user_name.clone();
    let begun = entry.password.map(PasswordForOther::start).transpose();
    let (client, request) = begun.map_err(|error| not_made(&name, error))?.unzip();
    let ground = ground(session, request).await?;
    let (record, secret) = match (client, ground.password) {
        (Some(client), Some(begun)) => {
            let identity = <[u8; 32]>::try_from(ground.identity.0).map_err(|_| unexpected())?;
            let finished = client.finish(begun.response.0, IdentityKey(identity)).await;
            let (upload, secret) = finished.map_err(|error| not_made(&name, error))?;
            (Some((begun.credential, Hex(upload))), Some(secret))
        }
        (None, _) => (None, None),
        (Some(_), None) => return Err(unexpected()),
    };
    let server: Vec<Vec<u8>> = ground.server.into_iter().map(|Hex(one)| one).collect();
    let made = enrol::make_for_other(&server, secret.as_ref(), now_ms());
    let made = made.map_err(|error| not_made(&name, error))?;
    let (code, token) = made.recovery.unzip();
    let hex = |log: Vec<Vec<u8>>| log.into_iter().map(Hex).collect();
    let import = Import {
        user,
        account: hex(made.account),
        space: hex(made.space),
        removal: Hex(made.removal),
        password: record,
        recovery: token.map(|token| Hex(token.0.expose().to_vec())),
    };
    let import = Box::new(import);
    match session.ask(AdminRequest::Import { import }).await {
        Ok(AdminReply::Done) => Ok(code),
        Ok(_) => Err(unexpected()),
        Err(error) => Err(not_made(&name, error)),
    }
}

async fn ground(session: &Session, password: Option<Vec<u8>>) -> Result<Ground, Trouble> {
    let password = password.map(Hex);
    let reply = session.ask(AdminRequest::Ground { password }).await;
    match reply.map_err(ask_trouble)? {
        AdminReply::Ground { ground } => Ok(ground),
        _ => Err(unexpected()),
    }
}

fn not_made(name: &str, error: impl std::error::Error) -> Trouble {
    Trouble::failed(format!("The account {} was not made.", name.escape_debug()))
        .because(error)
        .next("Users above it in the file were imported; import again to go on from there.")
}

fn lines(user: &PrintedUser, args: &ImportUsers) -> Vec<String> {
    let name = user.user_name.escape_debug();
    let will = if args.dry_run { "will be " } else { "" };
    let devices = match user.to_enrol {
        0 => String::new(),
        count => {
            let devices = words::count(count as u64, "device", "devices");
            format!(", {devices} to be enrolled")
        }
    };
    let mut lines = vec![match user.outcome {
        Outcome::There => format!("{name}: is there already, left alone"),
        Outcome::WithPassword => format!("{name}: {will}made with its password{devices}"),
        Outcome::WithCode => format!("{name}: {will}made without a password{devices}"),
    }];
    if let Some(code) = &user.recovery_code {
        lines.push(format!("    the way in, shown only now: {code}"));
    }
    lines
}

fn summary(users: &[PrintedUser], dry_run: bool) -> String {
    let count = |outcome| users.iter().filter(|user| user.outcome == outcome).count();
    let (there, codes) = (count(Outcome::There), count(Outcome::WithCode));
    let made = words::count((users.len() - there) as u64, "account", "accounts");
    let done = if dry_run { "would be made" } else { "made" };
    let mut text = format!("{made} {done}, {there} left alone.");
    if codes > 0 && !dry_run {
        text.push_str(
            " Who has no password gets in with its code, `hythe account recover URL`, and draws \
             another with `hythe account recovery --renew --forgotten`.",
        );
    }
    text
}

/// A new file that only its owner reads, with the codes that let people in.
struct Codes(File);

impl Codes {
    fn create(path: &Path) -> Result<Self, Trouble> {
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        file.map(Self).map_err(|error| {
            Trouble::failed(format!("{} cannot be made.", path.display()))
                .because(error)
                .next("Name a file that is not there.")
        })
    }

    fn add(&mut self, name: &str, code: &RecoveryCode) -> Result<(), Trouble> {
        let text = zeroize::Zeroizing::new(format!("{}\t{code}\n", name.escape_debug()));
        let written = self.0.write_all(text.as_bytes());
        written.and_then(|()| self.0.sync_all()).map_err(|error| {
            Trouble::failed(format!("The code of {name} could not be written down."))
                .because(error)
                .next(format!("Remove the account (`hythe admin users remove {name} --after 0`) and import again."))
        })
    }
}

/// A device that an account is said to have, on one line.
pub fn to_enrol(client: &ListedClient) -> String {
    let ip = client.ip.as_deref().unwrap_or("an unknown address");
    let port = client.port.map(|port| format!(" port {port}"));
    let files = match client.files.len() {
        0 => String::new(),
        count => {
            let names: Vec<String> = client
                .files
                .iter()
                .take(5)
                .map(|f| f.escape_debug().to_string())
                .collect();
            let more = if count > names.len() { ", …" } else { "" };
            format!(" with {}{more}", names.join(", "))
        }
    };
    format!(
        "    to be enrolled: {ip}{}, {}{files}",
        port.unwrap_or_default(),
        client.path.escape_debug(),
    )
}
