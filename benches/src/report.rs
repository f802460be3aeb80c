//! The table.

/// What was measured with both exporters, and what is wanted of ours.
pub(crate) struct Row {
    /// What it is, with its unit.
    pub(crate) what: &'static str,
    /// The stock exporter's figure, where it was measured.
    pub(crate) stock: Option<f64>,
    /// Ours.
    pub(crate) ours: f64,
    /// The goal.
    pub(crate) goal: Goal,
}

/// A goal for our figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// This many times less than stock at least.
    TimesLess(f64),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Shown for information.
    Shown,
}

impl Row {
    /// A figure of ours alone.
    pub(crate) fn ours(what: &'static str, ours: f64, goal: Goal) -> Self {
        Self {
            what,
            stock: None,
            ours,
            goal,
        }
    }

    /// Whether the goal is reached; `None` if there is none.
    pub(crate) fn reached(&self) -> Option<bool> {
        match (self.goal, self.stock) {
            (Goal::TimesLess(times), Some(stock)) => Some(self.ours * times <= stock),
            (Goal::AtMost(most), _) => Some(self.ours <= most),
            (Goal::AtLeast(least), _) => Some(self.ours >= least),
            (Goal::TimesLess(_), None) | (Goal::Shown, _) => None,
        }
    }

    fn cells(&self) -> [String; 6] {
        let ratio = match self.stock {
            Some(stock) if self.ours > 0.0 => format!("{:.1}", stock / self.ours),
            _ => String::new(),
        };
        let goal = match self.goal {
            Goal::TimesLess(times) => format!("{times} times less"),
            Goal::AtMost(most) => format!("at most {}", figure(most)),
            Goal::AtLeast(least) => format!("at least {}", figure(least)),
            Goal::Shown => String::new(),
        };
        let verdict = match self.reached() {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "",
        };
        [
            self.what.to_owned(),
            self.stock.map_or_else(String::new, figure),
            figure(self.ours),
            ratio,
            goal,
            verdict.to_owned(),
        ]
    }
}

/// Three significant digits or so.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// The rows as a table with aligned columns.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = ["", "stock", "ours", "ratio", "goal", ""].map(str::to_owned);
    let cells: Vec<[String; 6]> = std::iter::once(head)
        .chain(rows.iter().map(Row::cells))
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &cells {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Figures to the right, words to the left.
            let cell = match column {
                1..=3 => format!("{cell:>width$}   "),
                _ => format!("{cell:<width$}   "),
            };
            text.push_str(&cell);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_judged() {
        let row = |goal| Row {
            what: "x",
            stock: Some(90.0),
            ours: 3.0,
            goal,
        };
        assert_eq!(row(Goal::TimesLess(30.0)).reached(), Some(true));
        assert_eq!(row(Goal::TimesLess(31.0)).reached(), Some(false));
        assert_eq!(row(Goal::AtMost(2.9)).reached(), Some(false));
        assert_eq!(row(Goal::Shown).reached(), None);
        let text = table(&[row(Goal::TimesLess(30.0))]);
        assert_eq!(
            text.lines().nth(1),
            Some("x    90.0   3.00    30.0   30 times less   reached"),
            "{text}"
        );
    }
}
