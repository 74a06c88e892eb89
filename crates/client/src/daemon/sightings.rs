//! Telling other devices how far this one was shown its spaces, and what follows from what they tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_model::{AccountId, Head};
use hythe_space::Told;
use tokio::sync::Notify;

use super::event::Event;
use super::jobs::Teller;
use super::shared::{Shared, Space};
use super::stream;
use crate::pins::Pins;
use crate::replica::{Alarm, Contradiction, ReplicaError};
use crate::state::SpaceNumber;

/// How long after the last time it is told again, where the log went on. A sighting says what many
/// commits did at once, so a device that writes all day sends one a minute, whatever it writes.
const AFTER_CHANGES: Duration = Duration::from_secs(60);

/// How long after the last time it is told again, where nothing changed: that nothing did is what a
/// device has to hear of that is shown nothing, and how old what it shows may be.
const WITHOUT_CHANGES: Duration = Duration::from_secs(15 * 60);

/// Wakes [`keep`] when the server is there.
#[derive(Default)]
pub struct Meeting(Notify);

impl Meeting {
    /// The server is there: every space is spoken of at once.
    pub fn begin(&self) {
        self.0.notify_one();
    }
}

/// What was told of a space last.
type Said = (Head, Instant);

/// Exchanges sightings of every space, until the daemon ends.
pub async fn keep(shared: Arc<Shared>, events: Teller) {
    let mut told: BTreeMap<SpaceNumber, Said> = BTreeMap::new();
    shared.meeting.0.notified().await;
    loop {
        for space in shared.living_spaces() {
            let head = space.replica.shown_head();
            let last = told.get(&space.number);
            let stopped = space.contradicted().is_some();
            if space.is_claimed() || !is_due(last, head, stopped, Instant::now()) {
                continue;
            }
            match meet(&shared, &events, &space).await {
                Ok(()) => {}
                Err(ReplicaError::Api(error)) => {
                    tracing::debug!(%error, space = space.name(), "nothing heard of other devices");
                    // At the next look, not after a quarter of an hour.
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, space = space.name(), "nothing heard of other devices");
                    // Whoever follows the server finds the same, and says so.
                    shared.anew.notify_one();
                }
            }
            told.insert(space.number, (head, Instant::now()));
        }
        let woken = shared.meeting.0.notified();
        if tokio::time::timeout(AFTER_CHANGES, woken).await.is_ok() {
            told.clear();
        }
    }
}

/// A space that was stopped is looked at as often as one that changes: the server may show by now what
/// it held back.
fn is_due(last: Option<&Said>, head: Head, stopped: bool, now: Instant) -> bool {
    let Some((told, at)) = last else {
        return true;
    };
    let after = match *told == head && !stopped {
        true => WITHOUT_CHANGES,
        false => AFTER_CHANGES,
    };
    now.saturating_duration_since(*at) >= after
}

/// Exchanges sightings of a space. What contradicts the server stops the space, and nothing else.
///
/// # Errors
/// Why nothing was exchanged.
pub async fn meet(shared: &Shared, events: &Teller, space: &Space) -> Result<(), ReplicaError> {
    match space.replica.exchange_sightings().await {
        Ok(applied) => {
            if trust(space, events) {
                shared.anew.notify_one();
            }
            stream::tell(events, space, applied);
            Ok(())
        }
        Err(ReplicaError::Alarm(Alarm::Contradicted(what))) => {
            distrust(shared, events, space, &what);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Stops a space, since another device was shown something else. Returns what happened.
pub fn distrust(shared: &Shared, events: &Teller, space: &Space, what: &Contradiction) -> String {
    let witness = match what.device == shared.device.device {
        true => "the device that let this one in".to_owned(),
        false => what.witness(&owner(shared, what.account)),
    };
    let said = what.sentence(&witness);
    if space.contradict(Some(said.clone())) {
        tracing::error!(space = space.name(), "{said}");
        // The loop ends last; when it has, nobody needs to know.
        let _ = events.send(Event::Rebased(space.number));
    }
    said
}

/// Lets a space go on; says whether it was stopped.
pub fn trust(space: &Space, events: &Teller) -> bool {
    let was_stopped = space.contradict(None);
    if was_stopped {
        let _ = events.send(Event::Rebased(space.number));
    }
    was_stopped
}

/// What an account is called in messages.
pub fn owner(shared: &Shared, account: AccountId) -> String {
    if account == shared.device.account {
        return "your own account".to_owned();
    }
    let known = Pins::new(&shared.state).login(account).ok().flatten();
    known.unwrap_or_else(|| {
        let id: String = account.to_string().chars().take(8).collect();
        format!("account {id}")
    })
}

/// What a device that is let in now is told.
pub fn told(shared: &Shared) -> Option<Told> {
    let mut heads = Vec::new();
    let mut life = None;
    let mut spaces = shared.living_spaces();
    // The personal space and the sealed ones first: there are no more than so many told.
    spaces.sort_by_key(|space| {
        let is_open = space
            .replica
            .standing()
            .is_none_or(|standing| standing.open);
        (!space.personal, is_open)
    });
    for space in spaces {
        let is_sound = !space.is_claimed() && space.contradicted().is_none();
        if let (true, Ok(Some((epoch, head)))) = (is_sound, space.replica.seen())
            && *life.get_or_insert(epoch) == epoch
        {
            heads.push((space.id, head));
        }
    }
    Some(Told::new(life?, heads))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hythe_model::{ChainHash, Cursor};

    #[test]
    fn a_device_speaks_once_a_minute_and_is_never_silent_for_long() {
        let head = |cursor| Head {
            cursor: Cursor(cursor),
            chain: ChainHash([1; 32]),
        };
        let start = Instant::now();
        let told = (head(1), start);
        let due = |now, after| is_due(Some(&told), head(now), false, start + after);
        assert!(is_due(None, head(1), false, start), "at the start");
        let stopped = is_due(Some(&told), head(1), true, start + AFTER_CHANGES);
        assert!(stopped, "looked at again");
        for (now, after, expected) in [
            (1000, AFTER_CHANGES / 2, false),
            (1000, AFTER_CHANGES, true),
            (1, AFTER_CHANGES, false),
            (1, WITHOUT_CHANGES, true),
        ] {
            assert_eq!(due(now, after), expected, "{now} {after:?}");
        }
    }
}
