//! What users do, and what is known of it after a power cut.

use super::super::simulation::script::{At, Deed, Value};

/// What users do before the device whose power is cut goes to work.
pub struct Phase {
    pub name: &'static str,
    /// On the other device, which tells the server.
    pub elsewhere: Vec<Deed>,
    /// On the device itself.
    pub here: Vec<Deed>,
    /// Whether the program is stopped before and started again.
    pub restarts: bool,
    /// Whether what users do is on the disk before the device goes to work.
    pub synced: bool,
    /// Names that may hold anything after a power cut: users did not sync them, nor did the device
    /// take notice of them by then.
    pub uncertain: &'static [&'static str],
    /// Whether conflict copies are made. Who dies meanwhile may make one more (docs/semantics.md).
    pub copies: bool,
}

/// A phase by its name.
pub fn named(name: &str) -> Phase {
    let mut all = phases().into_iter();
    all.find(|phase| phase.name == name)
        .expect("one of the phases")
}

/// All that happens, in order.
pub fn phases() -> Vec<Phase> {
    let mut phases = downloads();
    phases.extend(changes());
    phases.extend(uploads());
    phases.extend(both());
    phases.extend(unsynced());
    phases
}

fn phase(name: &'static str, elsewhere: &[Deed], here: &[Deed]) -> Phase {
    Phase {
        name,
        elsewhere: elsewhere.to_vec(),
        here: here.to_vec(),
        restarts: false,
        synced: true,
        uncertain: &[],
        copies: false,
    }
}

fn downloads() -> Vec<Phase> {
    let many = [
        write("b", 12),
        write("c", 13),
        write("d/a", 15),
        write("d/b", 16),
        write("d/e/a", 17),
        write("d/e/b", 18),
        write("e/a", long(22)),
    ];
    let newer = [
        write("a", 19),
        write("b", 20),
        write("c", 22),
        write("d/a", 24),
        write("d/e/a", 25),
        write("e/a", long(23)),
    ];
    vec![
        phase(
            "new-files",
            &[write("a", 10), write("A.txt", long(20))],
            &[],
        ),
        phase("replaced", &[save("a", 11), write("A.txt", long(21))], &[]),
        phase("many-files", &many, &[]),
        phase("many-replaced", &newer, &[]),
    ]
}

fn changes() -> Vec<Phase> {
    let moves = [
        rename("d/a", "e/d/a"),
        rename("d/e", "e/d/a"),
        rename("b", "d/a"),
    ];
    let attributes = [
        Deed::Chmod { at: At::named("a") },
        Deed::Touch {
            at: At::named("c"),
            seconds: 1_000_000,
        },
        Deed::Link {
            at: At::named("b"),
            value: 3,
        },
    ];
    vec![
        phase("moved", &moves, &[]),
        phase("attributes", &attributes, &[]),
        phase("removed", &[remove("c"), remove("d/e")], &[]),
        phase("another-type", &[retype("a", 26), retype("d", 27)], &[]),
    ]
}

fn uploads() -> Vec<Phase> {
    let new = [save("A.txt", long(24)), write("c", 29), write("d/a", 30)];
    let moved = [rename("c", "b"), remove("e/a"), write("e/a", 31)];
    vec![phase("sent", &[], &new), phase("moved-here", &[], &moved)]
}

fn both() -> Vec<Phase> {
    let conflict = phase(
        "conflict",
        &[write("A.txt", 32), save("c", 33)],
        &[write("A.txt", 34)],
    );
    let deleted = [remove("b"), write("e/a", 36)];
    vec![
        Phase {
            copies: true,
            ..conflict
        },
        phase("edit-and-delete", &deleted, &[write("b", 37)]),
        Phase {
            restarts: true,
            ..phase(
                "restart",
                &[write("c", 38), remove("d")],
                &[write("e/d/a", 39)],
            )
        },
    ]
}

/// Users do not sync; and what the device took for agreed on must be there all the same.
fn unsynced() -> Vec<Phase> {
    let here = [save("A.txt", long(25)), write("c", 40), write("d/e/a", 41)];
    let unsynced = |phase| Phase {
        synced: false,
        ..phase
    };
    vec![
        Phase {
            uncertain: &[
                "A.txt",
                "A (conflict).txt",
                ".saving",
                "c",
                "d/",
                "d/e/",
                "d/e/a",
            ],
            ..unsynced(phase("not-synced", &[], &here))
        },
        unsynced(phase("agreed-on", &[write("d/b", 43)], &[])),
        Phase {
            uncertain: &["b", "c", "d/a", "d/b", "d/e/b", "e/a", "e/d/a"],
            ..unsynced(phase(
                "many-not-synced",
                &[],
                &[
                    write("b", 44),
                    write("d/b", 45),
                    write("d/a", 46),
                    write("e/d/a", 47),
                    write("e/a", 48),
                    rename("c", "d/e/b"),
                ],
            ))
        },
        unsynced(phase("many-agreed-on", &[write("c", 50)], &[])),
    ]
}

fn write(name: &str, value: Value) -> Deed {
    Deed::Write {
        at: At::named(name),
        value,
        same_time: false,
    }
}

fn save(name: &str, value: Value) -> Deed {
    let at = At::named(name);
    Deed::Save { at, value }
}

fn remove(name: &str) -> Deed {
    let at = At::named(name);
    Deed::Remove { at }
}

fn retype(name: &str, value: Value) -> Deed {
    let at = At::named(name);
    Deed::Retype { at, value }
}

fn rename(from: &str, to: &str) -> Deed {
    let (from, to) = (At::named(from), At::named(to));
    Deed::Move { from, to }
}

/// A content of several hundred kilobytes.
const fn long(number: Value) -> Value {
    23 * number
}
