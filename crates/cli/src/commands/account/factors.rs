//! Second factors: an authenticator's codes, and what there is to say here about passkeys.

use hythe_client::enrol::{self, SecondFactors};
use hythe_control::Octets;
use hythe_wire::factor::{FactorProof, Passkey, PasskeyRemove};
use hythe_wire::profile::Profile;
use serde::Serialize;

use super::{Own, change_trouble, typed_code};
use crate::args::{Passkeys, Totp};
use crate::commands::devices;
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::prompt;

/// Has logins take a code, or none any more.
pub async fn totp(args: Totp) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let profile = own.profile().await?;
    if args.remove {
        let proof = proof(of(&profile), args.forgotten)?;
        own.api.remove_totp(&proof).await.map_err(failed)?;
        output::line(match profile.passkeys {
            0 => "A login takes no code any more.",
            _ => "A login takes no code any more, but a passkey.",
        })?;
        return Ok(Exit::Done);
    }
    let taken = SecondFactors {
        code: false,
        ..of(&profile)
    };
    let proof = proof(taken, args.forgotten)?;
    let begun = own.api.begin_totp(&proof).await.map_err(failed)?;
    output::line("Give this secret to your authenticator:")?;
    output::line(&begun.secret)?;
    output::line(&begun.url)?;
    devices::show_code(&begun.url)?;
    let code = prompt::ask("Code that it shows now: ")?;
    own.api.confirm_totp(code).await.map_err(failed)?;
    output::line("From now on a login takes a code besides the password.")?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Printed {
    passkeys: Vec<PrintedPasskey>,
}

#[derive(Serialize)]
struct PrintedPasskey {
    name: String,
    created_ms: i64,
    used_ms: Option<i64>,
    copied_ms: Option<i64>,
    usable: bool,
}

/// Lists the passkeys, or removes one.
pub async fn passkeys(args: Passkeys) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let there = own.api.passkeys().await.map_err(failed)?.passkeys;
    let Some(name) = args.remove else {
        return list(there, args.output.json);
    };
    let passkey = there.into_iter().find(|passkey| passkey.name == name);
    let passkey = passkey.ok_or_else(|| {
        Trouble::failed("The account has no passkey of this name.")
            .next("`hythe account passkeys` lists them.")
    })?;
    let proof = proof(of(&own.profile().await?), args.forgotten)?;
    let remove = PasskeyRemove {
        id: passkey.id,
        proof,
    };
    own.api.remove_passkey(&remove).await.map_err(failed)?;
    output::line("A login takes this passkey no more.")?;
    Ok(Exit::Done)
}

fn list(there: Vec<Passkey>, json: bool) -> Result<Exit, Trouble> {
    let printed = |passkey: Passkey| PrintedPasskey {
        name: passkey.name,
        created_ms: passkey.created_ms,
        used_ms: passkey.used_ms,
        copied_ms: passkey.copied_ms,
        usable: passkey.usable,
    };
    let passkeys: Vec<_> = there.into_iter().map(printed).collect();
    if json {
        output::json(&Printed { passkeys })?;
    } else if passkeys.is_empty() {
        output::line("There is no passkey.")?;
    } else {
        output::lines(passkeys.iter().map(line))?;
    }
    Ok(Exit::Done)
}

fn line(passkey: &PrintedPasskey) -> String {
    let name = Octets::from(passkey.name.as_str());
    let used = match passkey.used_ms {
        Some(at) => format!("last used {}", words::moment(at)),
        None => "never used".to_owned(),
    };
    let mut text = format!("{name}  {used}");
    if !passkey.usable {
        text.push_str("  made for another address of this server, where alone it works");
    }
    if passkey.copied_ms.is_some() {
        text.push_str("  may have been copied: remove it");
    }
    text
}

/// What to do at a login where a passkey is asked for.
pub const AT_LOGIN: &str = "`hythe account recover URL` takes the recovery code instead, and \
                            `hythe devices add` on another device needs neither.";

/// What to do on a device of the account.
pub const AT_HOME: &str = "With the recovery code instead: `--forgotten`.";

/// The code of an authenticator, where a second factor is asked for.
pub fn code(taken: SecondFactors, instead: &str) -> Result<Option<String>, Trouble> {
    let question = match taken {
        SecondFactors { code: false, .. } => return askable(taken, instead).map(|()| None),
        SecondFactors { passkey: true, .. } => {
            "Code of your authenticator (a passkey needs a browser): "
        }
        SecondFactors { passkey: false, .. } => "Code of your authenticator: ",
    };
    prompt::ask(question).map(Some)
}

/// Refuses where nothing but a passkey is taken.
pub fn askable(taken: SecondFactors, instead: &str) -> Result<(), Trouble> {
    if taken.passkey && !taken.code {
        let what = "The account asks for a passkey, which only a browser can use.";
        return Err(Trouble::failed(what).next(instead));
    }
    Ok(())
}

/// What an account takes.
pub fn of(profile: &Profile) -> SecondFactors {
    SecondFactors {
        code: profile.second_factor,
        passkey: profile.passkeys > 0,
    }
}

/// Proof of one of the factors, or the recovery code.
fn proof(taken: SecondFactors, forgotten: bool) -> Result<FactorProof, Trouble> {
    let mut proof = FactorProof::default();
    if forgotten {
        let code = typed_code("Recovery code: ")?;
        proof.recovery = Some(enrol::recovery_token(&code).to_hex());
    } else {
        proof.code = code(taken, AT_HOME)?;
    }
    Ok(proof)
}

fn failed(error: hythe_client::net::ApiError) -> Trouble {
    change_trouble(enrol::EnrolError::Api(error))
}
