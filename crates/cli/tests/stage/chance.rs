//! Random moments, and the seed that repeats them.

use std::time::{Duration, Instant};

/// A seed for the moments of the kills; printed, and taken from `HYTHE_SEED` to repeat a run.
pub fn seed() -> u64 {
    let given = std::env::var("HYTHE_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("HYTHE_SEED={seed}");
    seed
}

pub fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Lets the daemons work for a random while: the moment of a kill is the thing under test.
pub fn let_run(state: &mut u64, up_to: Duration) {
    let pause = Duration::from_micros(next(state) % u64::try_from(up_to.as_micros()).unwrap());
    let begin = Instant::now();
    while begin.elapsed() < pause {
        std::thread::yield_now();
    }
}
