//! Going through the states a power cut may leave.

use std::collections::{BTreeMap, HashSet};

use hythe_testkit::power_cut::{Chance, Change, Choice, Cut, FileSystem, Held, Log, Names, State};

use super::phases::{Phase, named};
use super::stage::{FOLDER_VOLUME, Stage};

/// So many states are looked at for each that is started from.
const LOOKED_AT: usize = 40;

/// A state to start from.
pub struct Chosen {
    /// Where it comes from, in words.
    pub origin: String,
    /// What the device was doing.
    pub phase: String,
    /// The server at that moment.
    pub snapshot: usize,
    pub state: State,
}

/// What a search came to.
#[derive(Default)]
pub struct Found {
    /// Files that were neither old nor new.
    pub torn: Vec<String>,
    /// So many states were looked at, all different.
    pub seen: usize,
    /// So many moments are there.
    pub moments: usize,
    /// Some of them.
    pub chosen: Vec<Chosen>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (moments, seen, chosen) = (self.moments, self.seen, self.chosen.len());
        write!(
            f,
            "{moments} moments, {seen} states looked at, {chosen} to start from; torn: "
        )?;
        f.debug_list().entries(self.torn.iter().take(5)).finish()
    }
}

/// A search of a log.
pub struct Search<'s> {
    stage: &'s Stage,
    log: &'s Log,
    seed: u64,
    names: &'static [Names],
}

/// A moment and one of its states.
struct Candidate {
    at: usize,
    snapshot: usize,
    phase: usize,
    choice: Choice,
}

impl<'s> Search<'s> {
    pub fn new(stage: &'s Stage, log: &'s Log, seed: u64) -> Self {
        Self {
            stage,
            log,
            seed,
            names: &Names::ALL,
        }
    }

    /// Looks only for what is there at least.
    pub fn least(self) -> Self {
        Self {
            names: &[Names::Least],
            ..self
        }
    }

    /// Looks at states of every phase, and chooses so many to start from.
    pub fn run(&self, states: usize) -> Found {
        let (phases, candidates) = self.candidates();
        let moments: HashSet<usize> = candidates.iter().map(|candidate| candidate.at).collect();
        let share = states.div_ceil(phases.len().max(1));
        let mut found = Found {
            moments: moments.len(),
            ..Found::default()
        };
        let different = self.look(&phases, self.pick(candidates, share), &mut found);
        let mut cut = Cut::new(self.log);
        for candidate in self.choose(different, share) {
            cut.go_to(candidate.at);
            found.chosen.push(Chosen {
                origin: self.origin(&phases, &candidate),
                phase: phases[candidate.phase].clone(),
                snapshot: candidate.snapshot,
                state: cut.state(candidate.choice),
            });
        }
        found
    }

    /// Looks at states for torn files. Returns those that differ from all before.
    fn look(&self, phases: &[String], picked: Vec<Candidate>, found: &mut Found) -> Vec<Candidate> {
        let (mut cut, mut seen) = (Cut::new(self.log), HashSet::new());
        let mut different = Vec::new();
        for candidate in picked {
            cut.go_to(candidate.at);
            let state = cut.state(candidate.choice);
            if seen.insert((candidate.snapshot, state.fingerprint())) {
                let origin = self.origin(phases, &candidate);
                let phase = named(&phases[candidate.phase]);
                let torn = self.torn(&state, &phase);
                found
                    .torn
                    .extend(torn.map(|torn| format!("{torn}: {origin}")));
                different.push(candidate);
            }
        }
        found.seen = different.len();
        different
    }

    fn origin(&self, phases: &[String], candidate: &Candidate) -> String {
        let Choice {
            system,
            names,
            bytes,
            ..
        } = candidate.choice;
        let (phase, at) = (&phases[candidate.phase], candidate.at);
        let change = match &self.log.changes[at - 1] {
            Change::Write {
                inode,
                offset,
                bytes,
            } => format!("Write {inode:?} {offset}+{}", bytes.len()),
            change => format!("{change:?}"),
        };
        format!("{phase}, change {at} ({change}), {system:?}, names {names:?}, bytes {bytes:?}")
    }

    /// Every state of every moment at which a device was at work.
    fn candidates(&self) -> (Vec<String>, Vec<Candidate>) {
        let (mut phases, mut candidates) = (Vec::new(), Vec::new());
        let (mut at_work, mut snapshot, mut asked) = (false, 0, false);
        for (at, change) in self.log.changes.iter().enumerate() {
            match change {
                Change::Mark(mark) => {
                    let said = mark.split_once(':').map_or("", |(_, said)| said);
                    if let Some(phase) = said.strip_prefix("begin ") {
                        phases.push(phase.to_owned());
                        at_work = true;
                    } else if said.starts_with("end ") {
                        at_work = false;
                    } else if let Some(number) = said.strip_prefix("server ") {
                        (snapshot, asked) = (number.parse().unwrap(), false);
                    } else if said == "asked" {
                        asked = true;
                    }
                    continue;
                }
                _ if !at_work => continue,
                _ => {}
            }
            // While a request is under way the server may have done it or not.
            for snapshot in snapshot..=snapshot + usize::from(asked) {
                let all = FileSystem::ALL.iter().flat_map(|system| {
                    let bytes = system.bytes().iter();
                    bytes.flat_map(|bytes| self.names.iter().map(|names| (*system, *bytes, *names)))
                });
                candidates.extend(all.map(|(system, bytes, names)| Candidate {
                    at: at + 1,
                    snapshot,
                    phase: phases.len() - 1,
                    choice: Choice {
                        system,
                        names,
                        bytes,
                        seed: self.seed,
                    },
                }));
            }
        }
        (phases, candidates)
    }

    /// Some of each phase to look at, in order.
    fn pick(&self, candidates: Vec<Candidate>, share: usize) -> Vec<Candidate> {
        self.some_of_each(candidates, share.saturating_mul(LOOKED_AT))
    }

    /// Some of each phase to start from, in order.
    fn choose(&self, different: Vec<Candidate>, share: usize) -> Vec<Candidate> {
        self.some_of_each(different, share)
    }

    fn some_of_each(&self, candidates: Vec<Candidate>, share: usize) -> Vec<Candidate> {
        let mut by_phase: BTreeMap<usize, Vec<Candidate>> = BTreeMap::new();
        for candidate in candidates {
            by_phase.entry(candidate.phase).or_default().push(candidate);
        }
        let mut some = Vec::new();
        for (phase, mut all) in by_phase {
            let mut chance = Chance::new(self.seed, phase as u64);
            for at in (1..all.len()).rev() {
                all.swap(at, chance.within(0..=at));
            }
            all.truncate(share);
            some.extend(all);
        }
        some.sort_by_key(|candidate| candidate.at);
        some
    }

    /// Files of the user that are no user's value.
    fn torn<'f>(&'f self, state: &'f State, phase: &'f Phase) -> impl Iterator<Item = String> + 'f {
        let of_users = state.items.iter().filter(|item| {
            let own = item.path.first().is_some_and(|name| name == b".hythe");
            item.volume == FOLDER_VOLUME && !own
        });
        of_users.filter_map(|item| match &item.held {
            Held::File(bytes) => {
                let path = item.path.join(&b'/').escape_ascii().to_string();
                let hash = blake3::hash(bytes).to_string();
                let fine = self.stage.values.contains(&hash) || phase.uncertain.contains(&&*path);
                (!fine).then(|| format!("{path} of {} bytes", bytes.len()))
            }
            _ => None,
        })
    }
}
