//! One line on a terminal that says how far something is.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often the line is drawn.
const EVERY: Duration = Duration::from_millis(100);
/// Characters of the bar.
const BAR_WIDTH: usize = 20;

/// Shown only where it can be wiped again.
pub(super) struct ProgressLine {
    is_shown: bool,
    drawn: Option<Instant>,
}

impl ProgressLine {
    pub(super) fn new() -> Self {
        Self {
            is_shown: stderr().is_terminal(),
            drawn: None,
        }
    }

    /// Draws the line, if it is time to.
    pub(super) fn show(&mut self, text: impl FnOnce() -> String) {
        let is_due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY);
        if !self.is_shown || !is_due {
            return;
        }
        self.drawn = Some(Instant::now());
        // Nobody misses a progress line that cannot be written.
        let _ = write!(stderr(), "\r\x1b[K{}", text());
    }

    /// Wipes it.
    pub(super) fn clear(&self) {
        if self.drawn.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// `[#####---------------]`; all of it when there is nothing to do.
pub(super) fn bar(done: usize, of: usize) -> String {
    let full = done.min(of).saturating_mul(BAR_WIDTH);
    let full = full.checked_div(of).unwrap_or(BAR_WIDTH);
    format!("[{}{}]", "#".repeat(full), "-".repeat(BAR_WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_up() {
        for (done, of, expected) in [
            (0, 3, "[--------------------]"),
            (1, 3, "[######--------------]"),
            (3, 3, "[####################]"),
            (4, 3, "[####################]"),
            (0, 0, "[####################]"),
        ] {
            assert_eq!(bar(done, of), expected, "{done} of {of}");
        }
    }
}
