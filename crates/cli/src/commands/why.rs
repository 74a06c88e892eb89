//! `hythe why`.

use hythe_control::{Reply, Request};

use crate::args::OnePath;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output;
use crate::resolve;

pub async fn run(args: OnePath) -> Result<Exit, Trouble> {
    let place = resolve::anywhere(&args.path)?;
    let why = match door::ask(Work::Answer, Request::Why { place }).await? {
        Reply::Why(why) => why,
        other => return Err(door::unexpected(&other)),
    };
    if args.output.json {
        output::json(&why)?;
        return Ok(Exit::Done);
    }
    output::line(format!("{}: {}", why.path, why.answer))?;
    let details = [
        ("here", &why.local),
        ("on the server", &why.remote),
        ("agreed", &why.synced),
    ];
    for (place, text) in details {
        if let Some(text) = text {
            output::line(format!("  {place}: {text}"))?;
        }
    }
    if let Some(action) = &why.action {
        output::line(format!("  next: {action}"))?;
    }
    Ok(Exit::Done)
}
