//! What happens in a run, step by step: made from a seed, printed when it failed.

use std::fmt;

use hythe_wire::Code;

use super::random::Random;

/// Places in a sync folder that users use: few, so that they get into each other's way. Whether one
/// is a file or a directory depends on what was done last.
const PLACES: &[&[u8]] = &[
    b"a",
    b"b",
    b"c",
    b"d",
    b"d/a",
    b"d/b",
    b"d/e",
    b"d/e/a",
    b"d/e/b",
    b"e",
    b"e/a",
    b"e/d/a",
    b"\xff \n\xfe",
    b"A.txt",
    b"A (conflict x 2020-01-01 abcdef).txt",
];

/// A place, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At(usize);

impl At {
    /// The place of this name.
    pub fn named(name: &str) -> Self {
        let is_it = |place: &&[u8]| *place == name.as_bytes();
        Self(PLACES.iter().position(is_it).expect("one of the places"))
    }

    /// The places whose last name is this, as traces show it.
    pub fn with_last_name(name: &str) -> impl Iterator<Item = Self> {
        let last = |place: &[u8]| {
            let last = place.rsplit(|byte| *byte == b'/').next();
            last.map(|name| name.escape_ascii().to_string())
        };
        let places = PLACES.iter().enumerate();
        places
            .filter(move |(_, place)| last(place).as_deref() == Some(name))
            .map(|(at, _)| Self(at))
    }

    pub fn bytes(self) -> &'static [u8] {
        PLACES[self.0 % PLACES.len()]
    }
}

/// A content, by its number: see [`super::grounds::content`].
pub type Value = u32;

/// What a user does in one call or a few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Writes in place, or creates. With `same_time` the file keeps its time, as tools can make it
    /// (SC-070).
    Write {
        at: At,
        value: Value,
        same_time: bool,
    },
    /// Saves as editors do: a new file renamed over the old one.
    Save { at: At, value: Value },
    /// Appends.
    Append { at: At, value: Value },
    /// Removes, with all inside.
    Remove { at: At },
    /// Renames or moves; what is at the new place is replaced where the system allows it.
    Move { from: At, to: At },
    /// Exchanges two entries.
    Swap { one: At, other: At },
    /// Makes a directory and those above it.
    MakeDirectory { at: At },
    /// Makes a symlink in place of what is there.
    Link { at: At, value: Value },
    /// Turns the executable bit over.
    Chmod { at: At },
    /// Sets the time only.
    Touch { at: At, seconds: u32 },
    /// Removes what is there and makes the other of file and directory.
    Retype { at: At, value: Value },
}

/// What happens between two steps of a plan that is being run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The user of the device does something.
    User(Deed),
    /// The user does something to the very place where the program is about to change a name.
    Chase(Deed),
    /// The program ends at once.
    Crash,
}

/// What may happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is lost on its way.
    Lost,
    /// It is done, and the answer is lost.
    Unanswered,
    /// It is done, and the answer breaks off in the middle.
    Cut,
    /// The server does not do it, and says so.
    Refused(Code),
}

/// How requests fare: of a hundred so many are hindered, which ones and how follows from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    pub percent: u8,
    pub seed: u64,
    /// All that are hindered, in the same way.
    pub fate: Option<Fate>,
}

impl Weather {
    /// All requests fare alike.
    pub fn all(fate: Fate) -> Self {
        Self {
            percent: 100,
            seed: 0,
            fate: Some(fate),
        }
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The user of a device does something.
    User(usize, Deed),
    /// A device reads the logs on.
    Hear(usize, Weather),
    /// A device is told of what its user did, but for the deeds that the mask leaves out.
    Told(usize, u64),
    /// A device looks at its whole folder in its next pass.
    Look(usize),
    /// A device does a pass if one is due. So many trace points of the plan's run later, events
    /// happen.
    Pass(usize, Weather, Vec<(usize, Event)>),
    /// A device's program ends at once; it begins anew with the device's next step.
    Crash(usize),
    /// A device's program is stopped in order.
    Stop(usize),
    /// A device's folder is taken away, or brought back.
    Unplug(usize),
    /// A device's folder is replaced by a copy of itself.
    Recopy(usize),
    /// A device's state database is copied, or the copy that was made before is put back.
    Rewind(usize),
    /// What is held on a device is taken back.
    Undo(usize),
    /// Time goes by on a device: what failed may be tried again.
    Wait(usize),
    /// The server is stopped and started again.
    Restart,
    /// The server's data is copied, or the copy that was made before is put back.
    Restore,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub devices: usize,
    pub steps: Vec<Step>,
}

impl Script {
    /// The run that belongs to a seed.
    pub fn new(seed: u64) -> Self {
        let mut maker = Maker {
            random: Random::new(seed),
            values: super::grounds::SHARED_VALUES,
            same_times: false,
        };
        maker.same_times = maker.random.percent(15);
        let devices = maker.random.weighted(&[(5, 2), (3, 3), (1, 4)]);
        let foul = maker.random.percent(60);
        let calamities = maker.random.percent(25);
        let lossy = if maker.random.percent(40) {
            u64::MAX
        } else {
            0
        };
        let length = 10 + maker.random.below(110);
        let mut steps = Vec::with_capacity(length);
        // Most runs begin with something that all have agreed on.
        if maker.random.percent(70) {
            for _ in 0..maker.random.below(8) {
                steps.push(Step::User(0, maker.deed()));
            }
            for device in 0..devices {
                steps.push(Step::Hear(device, Weather::default()));
                steps.push(Step::Pass(device, Weather::default(), Vec::new()));
            }
        }
        while steps.len() < length {
            if calamities && maker.random.percent(12) {
                steps.push(maker.calamity(devices));
            } else {
                maker.step(devices, foul, lossy, &mut steps);
            }
        }
        Self { devices, steps }
    }
}

impl Script {
    /// Whether nodes may lose what makes them known: where only parts of a folder are looked at, what
    /// was moved to another part is deleted and made again; where what was agreed on is lost, all
    /// that is there is merged.
    pub fn may_forget(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Told(..) | Step::Recopy(_) | Step::Rewind(_) | Step::Restore | Step::Undo(_) => {
                true
            }
            Step::Pass(_, _, events) => !events.is_empty(),
            _ => false,
        })
    }
}

struct Maker {
    random: Random,
    values: Value,
    /// Whether contents may change under their old time. A rename leaves the same trace, so nobody
    /// renames anything then, and nobody writes while a pass runs: what of two such changes at once
    /// cannot be seen in the state of a file is not promised (docs/semantics.md).
    same_times: bool,
}

impl Maker {
    fn step(&mut self, devices: usize, foul: bool, lossy: u64, steps: &mut Vec<Step>) {
        let device = self.random.below(devices);
        match self.random.below(100) {
            0..42 => steps.push(Step::User(device, self.deed())),
            42..47 => steps.push(Step::Hear(device, self.weather(foul))),
            47..86 => self.cycle(device, foul, lossy, steps),
            86..90 => steps.push(Step::Crash(device)),
            90..94 => steps.push(Step::Stop(device)),
            94..98 => steps.push(Step::Wait(device)),
            _ => steps.push(Step::Restart),
        }
    }

    /// A device does what it does all day: it hears, looks and acts, or some of it.
    fn cycle(&mut self, device: usize, foul: bool, lossy: u64, steps: &mut Vec<Step>) {
        if self.random.percent(75) {
            steps.push(Step::Hear(device, self.weather(foul)));
        }
        match self.random.below(10) {
            0..5 => steps.push(Step::Look(device)),
            5..8 => {
                let lost = self.random.next() & self.random.next() & self.random.next();
                steps.push(Step::Told(device, !(lost & lossy)));
            }
            _ => {}
        }
        let (weather, events) = (self.weather(foul), self.events());
        steps.push(Step::Pass(device, weather, events));
    }

    fn calamity(&mut self, devices: usize) -> Step {
        let device = self.random.below(devices);
        match self.random.below(6) {
            0 => Step::Unplug(device),
            1 => Step::Recopy(device),
            2 | 3 => Step::Rewind(device),
            4 => Step::Undo(device),
            _ => Step::Restore,
        }
    }

    fn weather(&mut self, foul: bool) -> Weather {
        if !foul || self.random.percent(40) {
            return Weather::default();
        }
        Weather {
            percent: self.random.weighted(&[(3, 10), (2, 30), (1, 70), (1, 100)]),
            seed: self.random.next(),
            fate: None,
        }
    }

    fn events(&mut self) -> Vec<(usize, Event)> {
        let mut events = Vec::new();
        if self.same_times {
            return events;
        }
        while self.random.percent(50) && events.len() < 3 {
            let deed = self.deed();
            events.push(match self.random.percent(50) {
                true => (self.moment(), Event::User(deed)),
                false => (self.moment(), Event::Chase(deed)),
            });
        }
        if self.random.percent(8) {
            events.push((self.moment(), Event::Crash));
        }
        events.sort_by_key(|(at, _)| *at);
        events
    }

    /// The first moments are a look at the disk, the next ones the steps of a plan.
    fn moment(&mut self) -> usize {
        let longest = self.random.weighted(&[(3, 5), (3, 12), (1, 40)]);
        self.random.below(longest)
    }

    fn at(&mut self) -> At {
        // Some places are where everybody works.
        match self.random.percent(60) {
            true => At::named(
                self.random
                    .weighted(&[(4, "a"), (3, "d/a"), (2, "d/b"), (1, "d")]),
            ),
            false => At(self.random.below(PLACES.len())),
        }
    }

    fn value(&mut self) -> Value {
        if self.random.percent(10) {
            return self.random.below(super::grounds::SHARED_VALUES as usize) as Value;
        }
        self.values += 1;
        self.values
    }

    fn deed(&mut self) -> Deed {
        let (at, other, value) = (self.at(), self.at(), self.value());
        match self.random.below(100) {
            0..32 => Deed::Write {
                at,
                value,
                same_time: self.same_times && self.random.percent(50),
            },
            32..44 => Deed::Save { at, value },
            44..52 => Deed::Append { at, value },
            52..63 => Deed::Remove { at },
            63..82 if self.same_times => Deed::Append { at, value },
            63..78 => Deed::Move {
                from: at,
                to: other,
            },
            78..82 => Deed::Swap { one: at, other },
            82..87 => Deed::MakeDirectory { at },
            87..90 => Deed::Link { at, value },
            90..93 => Deed::Chmod { at },
            93..96 => Deed::Touch {
                at,
                seconds: 1_600_000_000 + value,
            },
            _ => Deed::Retype { at, value },
        }
    }
}

impl Deed {
    /// The same deed at another place.
    pub fn aimed(mut self, place: At) -> Self {
        match &mut self {
            Self::Move { to: at, .. }
            | Self::Swap { other: at, .. }
            | Self::Write { at, .. }
            | Self::Save { at, .. }
            | Self::Append { at, .. }
            | Self::Remove { at }
            | Self::MakeDirectory { at }
            | Self::Link { at, .. }
            | Self::Chmod { at }
            | Self::Touch { at, .. }
            | Self::Retype { at, .. } => *at = place,
        }
        self
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes().escape_ascii())
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write {
                at,
                value,
                same_time,
            } => {
                let kept = if *same_time { ", its time kept" } else { "" };
                write!(f, "write {value} to '{at}'{kept}")
            }
            Self::Save { at, value } => write!(f, "save {value} over '{at}'"),
            Self::Append { at, value } => write!(f, "append {value} to '{at}'"),
            Self::Remove { at } => write!(f, "remove '{at}'"),
            Self::Move { from, to } => write!(f, "move '{from}' to '{to}'"),
            Self::Swap { one, other } => write!(f, "swap '{one}' and '{other}'"),
            Self::MakeDirectory { at } => write!(f, "make directory '{at}'"),
            Self::Link { at, value } => write!(f, "link '{at}' to {value}"),
            Self::Chmod { at } => write!(f, "chmod '{at}'"),
            Self::Touch { at, seconds } => write!(f, "touch '{at}' {seconds}"),
            Self::Retype { at, value } => write!(f, "retype '{at}' ({value})"),
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.percent {
            0 => Ok(()),
            percent => match self.fate {
                Some(fate) => write!(f, " ({percent} % {fate:?})"),
                None => write!(f, " ({percent} % hindered, {:x})", self.seed),
            },
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(device, deed) => write!(f, "{device}: {deed}"),
            Self::Hear(device, weather) => write!(f, "{device}: HEAR{weather}"),
            Self::Told(device, mask) => write!(f, "{device}: TOLD {mask:x}"),
            Self::Look(device) => write!(f, "{device}: LOOK"),
            Self::Pass(device, weather, events) => {
                write!(f, "{device}: PASS{weather}")?;
                for (at, event) in events {
                    match event {
                        Event::User(deed) => write!(f, "; at {at} {deed}")?,
                        Event::Chase(deed) => write!(f, "; from {at} in a chase {deed}")?,
                        Event::Crash => write!(f, "; at {at} CRASH")?,
                    }
                }
                Ok(())
            }
            Self::Crash(device) => write!(f, "{device}: CRASH"),
            Self::Stop(device) => write!(f, "{device}: STOP"),
            Self::Unplug(device) => write!(f, "{device}: folder AWAY or back"),
            Self::Recopy(device) => write!(f, "{device}: folder COPIED"),
            Self::Rewind(device) => write!(f, "{device}: database KEPT or put back"),
            Self::Undo(device) => write!(f, "{device}: UNDO"),
            Self::Wait(device) => write!(f, "{device}: WAIT"),
            Self::Restart => write!(f, "RESTART of the server"),
            Self::Restore => write!(f, "server KEPT or put back"),
        }
    }
}
