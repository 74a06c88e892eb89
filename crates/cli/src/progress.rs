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
    let items = match progress.total_items {
        Some(total) => format!(
            "{} of {}",
            progress.done_items,
            words::count(total, "item", "items")
        ),
        None => words::count(progress.done_items, "item", "items"),
    };
    match progress.done_bytes {
        0 => format!("{}: {items}", progress.doing),
        bytes => format!("{}: {items}, {}", progress.doing, words::size(bytes)),
    }
}
