//! `plan`: what would be done now, shown and not done.

use hythe_control::{Event as Told, Events, Failure, FailureKind, Octets, PlannedStep, Reply};

use super::door::Door;
use super::event::Ask;
use crate::pass;

/// Shows the plan of every folder.
pub async fn show(door: &Door, events: &Events) -> Result<Reply, Failure> {
    let mut count = 0;
    for (dir, pass) in door.ask(Ask::Passes).await? {
        let previewed = tokio::task::spawn_blocking(move || pass::preview(&pass)).await;
        let steps = match previewed {
            Ok(Ok(steps)) => steps,
            Ok(Err(error)) => {
                let message = "The folder cannot be looked through";
                return Err(Failure::new(FailureKind::Refused, message).because(error));
            }
            Err(error) => {
                return Err(
                    Failure::new(FailureKind::Internal, "Planning broke off").because(error)
                );
            }
        };
        for shown in steps {
            count += 1;
            let step = PlannedStep {
                dir: Octets::from(dir.as_path()),
                path: Octets(shown.path.to_bytes()),
                step: shown.step.to_owned(),
                text: shown.text,
            };
            events.send(Told::Step(step)).await;
        }
    }
    Ok(Reply::Count(count))
}
