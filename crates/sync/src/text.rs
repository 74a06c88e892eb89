//! A plan in words, one line per step: what `hythe plan` prints and the tests compare.

use hythe_model::NodeId;

use crate::plan::{MoveReason, Plan, Problem, Replaces, Step};
use crate::tree::Place;

/// The lines of a plan. `name` says how a node is called: a path for people, a token for tests.
pub fn lines(plan: &Plan, name: &dyn Fn(NodeId) -> String) -> Vec<String> {
    let steps = plan.steps.iter().map(|step| line(step, name));
    steps
        .chain(
            plan.problems
                .iter()
                .map(|problem| problem_line(problem, name)),
        )
        .collect()
}

/// One step in words.
pub fn line(step: &Step, name: &dyn Fn(NodeId) -> String) -> String {
    let at = |place: &Place| format!("{}/{}", name(place.parent), place.name);
    let node = name(step.node());
    match step {
        Step::Adopt { local, .. } => format!("adopt {} as {node}", name(*local)),
        Step::Record(_) => format!("record {node}"),
        Step::Forget { .. } => format!("forget {node}"),
        Step::NeedHash { .. } => format!("read {node}"),
        Step::RemoteCreate { to, .. } => format!("remote create {node} at {}", at(to)),
        Step::RemoteRestore { to, .. } => format!("remote restore {node} at {}", at(to)),
        Step::RemoteMove { to, .. } => format!("remote move {node} to {}", at(to)),
        Step::RemoteUpdate {
            attributes, body, ..
        } => {
            let what = match (attributes, body) {
                (Some(_), Some(_)) => "content, attributes",
                (None, Some(_)) => "content",
                _ => "attributes",
            };
            format!("remote update {node} ({what})")
        }
        Step::RemoteDelete { .. } => format!("remote delete {node}"),
        Step::LocalCreateDirectory { to, .. } => format!("local directory {node} at {}", at(to)),
        Step::Download { to, replaces, .. } => match replaces {
            Replaces::Nothing => format!("download {node} to {}", at(to)),
            Replaces::Same(_) => format!("download {node} over {}", at(to)),
            Replaces::Copy {
                becomes,
                name: copy,
                ..
            } => {
                format!(
                    "download {node} over {}, keep {} as {copy}",
                    at(to),
                    name(*becomes)
                )
            }
        },
        Step::LocalAttributes { .. } => format!("local attributes {node}"),
        Step::LocalMove { to, reason, .. } => {
            format!("local move {node} to {} ({})", at(to), reason_word(*reason))
        }
        Step::LocalDelete { .. } => format!("local delete {node}"),
    }
}

fn reason_word(reason: MoveReason) -> &'static str {
    match reason {
        MoveReason::Follow => "follow",
        MoveReason::Overruled => "overruled",
        MoveReason::Undone => "undone",
        MoveReason::Conflict => "conflict",
        MoveReason::Aside => "aside",
    }
}

fn problem_line(problem: &Problem, name: &dyn Fn(NodeId) -> String) -> String {
    match problem {
        Problem::Quarantined { node, why } => format!("problem {}: {why}", name(*node)),
        Problem::NotPlaced { node, .. } => {
            format!("problem {}: other spaces are not shown here", name(*node))
        }
        Problem::NotSent { node } => format!("problem {}: may not be sent", name(*node)),
        Problem::RootGone => "problem: the folder's directory is gone".to_owned(),
    }
}
