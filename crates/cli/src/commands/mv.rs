//! `hythe mv`.

use hythe_control::{Reply, Request};

use crate::args::Mv;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::resolve;

pub async fn run(args: Mv) -> Result<Exit, Trouble> {
    let from = resolve::remote(&args.source)?;
    let to = resolve::remote(&args.target)?;
    match door::ask(Work::Answer, Request::Move { from, to }).await? {
        Reply::Done => Ok(Exit::Done),
        Reply::Count(count) => {
            let items = words::count(count, "item was", "items were");
            output::line(format!(
                "{items} sealed anew: the server had the keys of what it stored, and has none now. What \
                 was stored before is in the trash of the space that it left."
            ))?;
            Ok(Exit::Done)
        }
        other => Err(door::unexpected(&other)),
    }
}
