//! `hythe verify`.

use serde::Serialize;

use hythe_control::{Event, Finding, Reply, Request, Verified};

use crate::args::Output;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::progress::Bar;

#[derive(Serialize)]
struct Printed {
    looked_at: Verified,
    findings: Vec<Finding>,
}

pub async fn run(args: Output) -> Result<Exit, Trouble> {
    let mut findings = Vec::new();
    let bar = Bar::new(args.json);
    let reply = door::follow(Work::Answer, Request::Verify, |event| {
        bar.follow(&event);
        if let Event::Finding(finding) = event {
            findings.push(finding);
        }
    });
    let reply = reply.await;
    bar.end();
    let looked_at = match reply? {
        Reply::Verified(verified) => verified,
        other => return Err(door::unexpected(&other)),
    };
    let sound = findings.is_empty();
    if args.json {
        output::json(&Printed {
            looked_at,
            findings,
        })?;
    } else {
        output::lines(findings.iter().map(|finding| {
            let Finding {
                area,
                item,
                problem,
                action,
            } = finding;
            format!("{area}: {item}: {problem}\n  next: {action}")
        }))?;
        output::line(summary(&looked_at))?;
    }
    if sound {
        return Ok(Exit::Done);
    }
    Err(Trouble::failed(found(looked_at.findings))
        .next("Do what stands under each, then verify again."))
}

fn found(findings: u64) -> String {
    let (one, many) = (
        "thing is not as it should be.",
        "things are not as they should be.",
    );
    words::count(findings, one, many)
}

fn summary(verified: &Verified) -> String {
    format!(
        "Looked at {}, {}, {} and {}: {} read.",
        words::count(verified.change_sets, "change set", "change sets"),
        words::count(verified.nodes, "node", "nodes"),
        words::count(verified.files, "file", "files"),
        words::count(verified.chunks, "stored chunk", "stored chunks"),
        words::size(verified.bytes),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_thing_is_and_two_things_are() {
        assert_eq!(super::found(1), "1 thing is not as it should be.");
        assert_eq!(super::found(2), "2 things are not as they should be.");
    }
}
