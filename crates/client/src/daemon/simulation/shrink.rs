//! Makes a failing script short: steps, and what happens within them, are left out as long as it
//! still fails.

use super::script::{Script, Step, Weather};
use super::world::{Host, run};

/// Bounds the search; what is left by then is short enough.
const TRIES: usize = 400;

/// The shortest script found that fails, and how it fails.
pub async fn shrink(host: &mut Host, script: Script, why: String) -> (Script, String) {
    let mut search = Search {
        host,
        best: script,
        why,
        tries: 0,
    };
    let mut part = search.best.steps.len().div_ceil(2);
    while part > 0 && search.tries < TRIES {
        let shorter = search.without(part).await;
        if !shorter {
            part /= 2;
        }
    }
    search.simpler().await;
    (search.best, search.why)
}

struct Search<'h> {
    host: &'h mut Host,
    best: Script,
    why: String,
    tries: usize,
}

impl Search<'_> {
    async fn fails(&mut self, script: Script) -> bool {
        self.tries += 1;
        match run(self.host, &script).await {
            Ok(()) => false,
            Err(why) => {
                (self.best, self.why) = (script, why);
                true
            }
        }
    }

    /// Leaves out parts of this length, wherever the rest still fails.
    async fn without(&mut self, part: usize) -> bool {
        let (mut at, mut any) = (0, false);
        while at < self.best.steps.len() && self.tries < TRIES {
            let mut shorter = self.best.clone();
            let end = (at + part).min(shorter.steps.len());
            shorter.steps.drain(at..end);
            if self.fails(shorter).await {
                any = true;
            } else {
                at += part;
            }
        }
        any
    }

    /// Leaves out weather and events within steps.
    async fn simpler(&mut self) {
        for at in 0..self.best.steps.len() {
            for simple in simpler(&self.best.steps[at]) {
                if self.tries < 2 * TRIES {
                    let mut script = self.best.clone();
                    script.steps[at] = simple;
                    self.fails(script).await;
                }
            }
        }
    }
}

fn simpler(step: &Step) -> Vec<Step> {
    match step {
        Step::Hear(device, weather) if weather.percent > 0 => {
            vec![Step::Hear(*device, Weather::default())]
        }
        Step::Pass(device, weather, events) => {
            let mut simple = Vec::new();
            if weather.percent > 0 {
                simple.push(Step::Pass(*device, Weather::default(), events.clone()));
            }
            if !events.is_empty() {
                simple.push(Step::Pass(*device, *weather, Vec::new()));
            }
            simple
        }
        _ => Vec::new(),
    }
}
