//! What another device saw that the server cannot have shown it, and this one what it did.

use hythe_model::{AccountId, Cursor, DeviceId};
use hythe_space::Sighting;
use time::OffsetDateTime;
use time::macros::format_description;

/// A device of a member was shown something else than this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contradiction {
    /// What follows.
    pub lie: Lie,
    /// Whose device.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// How far it had read.
    pub at: Cursor,
    /// When, by its clock, in milliseconds since 1970; 0 where nobody said.
    pub time_ms: i64,
}

/// What the server did, if all devices told the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// It showed two histories.
    Fork,
    /// It shows no more than this, which is less than the other device saw.
    Withheld {
        /// Where it says that the log ends.
        end: Cursor,
    },
}

impl Contradiction {
    pub(super) fn new(lie: Lie, said: &Sighting) -> Self {
        Self {
            lie,
            account: said.account,
            device: said.device,
            at: said.head.cursor,
            time_ms: said.time_ms,
        }
    }

    /// The device that saw something else, in words; `owner` is what its account is called.
    pub fn witness(&self, owner: &str) -> String {
        let device: String = self.device.to_string().chars().take(8).collect();
        format!("device {device} of {owner}")
    }

    /// One sentence that says what happened; `witness` is who saw something else.
    pub fn sentence(&self, witness: &str) -> String {
        let when = match self.time_ms {
            0 => String::new(),
            at_ms => format!(" on {}", moment(at_ms)),
        };
        match self.lie {
            Lie::Fork => format!(
                "the server shows two histories: what {witness} saw up to change {}{when} is not what \
                 this device was shown",
                self.at
            ),
            Lie::Withheld { end } => format!(
                "the server shows {} fewer than {witness} saw{when}: it ends at change {end}, and they \
                 had read up to {}",
                changes(self.at.0.saturating_sub(end.0)),
                self.at
            ),
        }
    }
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let account: String = self.account.to_string().chars().take(8).collect();
        f.write_str(&self.sentence(&self.witness(&format!("account {account}"))))
    }
}

fn changes(count: u64) -> String {
    match count {
        1 => "1 change".to_owned(),
        more => format!("{more} changes"),
    }
}

/// A moment in UTC. What another device says of its clock may be no time at all.
fn moment(at_ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000);
    let text = time.ok().and_then(|time| time.format(format).ok());
    text.unwrap_or_else(|| "an unknown day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lie: Lie, at: u64) -> String {
        let contradiction = Contradiction {
            lie,
            account: AccountId([1; 32]),
            device: DeviceId([0xab; 32]),
            at: Cursor(at),
            time_ms: 1_000_000_000_999,
        };
        contradiction.sentence(&contradiction.witness("bob"))
    }

    #[test]
    fn a_contradiction_is_one_sentence_that_says_who_saw_what_and_when() {
        assert_eq!(
            seen(Lie::Fork, 7),
            "the server shows two histories: what device abababab of bob saw up to change 7 on \
             2001-09-09 01:46 UTC is not what this device was shown"
        );
        let held_back = |at| seen(Lie::Withheld { end: Cursor(5) }, at);
        assert_eq!(
            held_back(7),
            "the server shows 2 changes fewer than device abababab of bob saw on \
             2001-09-09 01:46 UTC: it ends at change 5, and they had read up to 7"
        );
        assert!(held_back(6).starts_with("the server shows 1 change fewer than"));
        assert_eq!(moment(i64::MAX), "an unknown day");
    }
}
