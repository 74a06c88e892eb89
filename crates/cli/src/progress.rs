//! Progress on a terminal; nothing elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use hythe_control::{Event, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::words;

/// A bar on standard error that follows progress events.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar, if a person watches and no program reads along.
    pub fn new(json: bool) -> Self {
        let watched = std::io::stderr().is_terminal() && !json;
        let target = if watched {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// Shows a progress event; says whether it was one.
    pub fn follow(&self, event: &Event) -> bool {
        let Event::Progress(progress) = event else {
            return false;
        };
        self.show(progress);
        true
    }

    /// Shows how far something is.
    pub fn show(&self, progress: &Progress) {
        let (done, total) = match progress.total_bytes {
            Some(total) if total > 0 => (progress.done_bytes, Some(total)),
            _ => (progress.done_items, progress.total_items),
        };
        self.bar.set_style(style(total.is_some()));
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
        self.bar.set_message(words_of(progress));
    }

    /// Takes the bar away.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn style(bounded: bool) -> ProgressStyle {
    let template = if bounded {
        "{bar:30} {percent:>3} %  {msg}"
    } else {
        "{spinner} {msg}"
    };
    // A template that cannot be read would be a mistake in the line above; plain is good enough.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn words_of(progress: &Progress) -> String {
    let items = match (progress.done_items, progress.total_items) {
        (0, None) => None,
        (done, None) => Some(words::count(done, "item", "items")),
        (done, Some(total)) => Some(format!(
            "{done} of {}",
            words::count(total, "item", "items")
        )),
    };
    let bytes = (progress.done_bytes > 0).then(|| words::size(progress.done_bytes));
    let known: Vec<String> = items.into_iter().chain(bytes).collect();
    match known.is_empty() {
        true => progress.doing.clone(),
        false => format!("{}: {}", progress.doing, known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_said() {
        let progress = |done_items, total_items, done_bytes| Progress {
            doing: "sending f".into(),
            done_items,
            total_items,
            done_bytes,
            total_bytes: None,
        };
        assert_eq!(words_of(&progress(0, None, 0)), "sending f");
        assert_eq!(words_of(&progress(0, None, 2048)), "sending f: 2.0 KiB");
        assert_eq!(
            words_of(&progress(1, Some(3), 0)),
            "sending f: 1 of 3 items"
        );
        assert_eq!(words_of(&progress(1, None, 1)), "sending f: 1 item, 1 B");
    }
}
