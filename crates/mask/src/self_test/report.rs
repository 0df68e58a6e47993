//! What the trial of the detector showed.

use std::fmt;

/// What a self-test found, row by row: evidence that the detector works (PCI DSS 4.0.1, A3.2.5.1). It holds no
/// card number and no part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The version of the crate that was tried.
    pub version: &'static str,
    /// The seed of the corpus: the same seed and size make the same report.
    pub seed: u64,
    /// Every row, in the order of the parts.
    pub rows: Vec<Row>,
}

/// What became of one class of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The part of the report that it stands in.
    pub part: Part,
    /// The class.
    pub name: String,
    /// Texts in which something was found: what was to be found, where something was.
    pub found: u64,
    /// Texts of the class.
    pub of: u64,
    /// How many are to be found.
    pub expected: Expected,
}

/// The parts of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Card numbers by the way in which they are written.
    Spelling,
    /// The same in streams, cut in two at every place, and byte by byte.
    Cut,
    /// The same by brand and length.
    Brand,
    /// Numbers that say too little by themselves, without a word and not grouped as on a card.
    Weak,
    /// What holds no card number.
    Negative,
    /// Secrets, which an operator may turn on.
    Secret,
    /// Personal data, which an operator may turn on.
    Personal,
    /// What holds neither secrets nor personal data.
    Harmless,
}

/// How many texts of a class are to be found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected {
    /// All of them.
    All,
    /// No more than these: what chance lets look like a card, with room for chance itself.
    AtMost(u64),
    /// Neither way: no digit tells.
    Open,
}

impl Row {
    /// Whether the row is as expected.
    pub fn holds(&self) -> bool {
        match self.expected {
            Expected::All => self.found == self.of,
            Expected::AtMost(most) => self.found <= most,
            Expected::Open => true,
        }
    }

    /// The share that was found, 0 to 1; 0 of nothing.
    pub fn share(&self) -> f64 {
        share(self.found, self.of).unwrap_or(0.0)
    }
}

impl Report {
    /// Whether every row is as expected.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(Row::holds)
    }

    /// The share of what was to be found that was found; `None` when there was nothing.
    pub fn recall(&self) -> Option<f64> {
        let (found, of) = self.sum(|row| row.expected == Expected::All && row.part != Part::Brand);
        share(found, of)
    }

    /// The share of what was found that was to be found, over texts that the data tell apart: those kinds are
    /// left out of which chance makes card numbers. `None` when nothing was found.
    pub fn precision(&self) -> Option<f64> {
        self.precise(|row| row.expected == Expected::AtMost(0))
    }

    /// The same over all kinds, as many of each as the report has.
    pub fn precision_by_chance(&self) -> Option<f64> {
        self.precise(|row| matches!(row.expected, Expected::AtMost(_)))
    }

    /// The rows of one part.
    pub fn part(&self, part: Part) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.part == part)
    }

    fn precise(&self, negative: impl Fn(&Row) -> bool) -> Option<f64> {
        let is_positive =
            |row: &Row| row.expected == Expected::All && !matches!(row.part, Part::Brand | Part::Cut);
        let (right, _) = self.sum(is_positive);
        let (wrong, _) = self.sum(negative);
        share(right, right + wrong)
    }

    fn sum(&self, counts: impl Fn(&Row) -> bool) -> (u64, u64) {
        let rows = self.rows.iter().filter(|row| counts(row));
        rows.fold((0, 0), |(found, of), row| (found + row.found, of + row.of))
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2 to the 53rd")]
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Part {
    fn title(self) -> &'static str {
        match self {
            Self::Spelling => "card numbers, by how they are written",
            Self::Cut => "the same in streams, cut anywhere",
            Self::Brand => "card numbers, by brand and length",
            Self::Weak => "weak numbers without a word nearby, not grouped",
            Self::Negative => "what is no card number",
            Self::Secret => "secrets",
            Self::Personal => "personal data",
            Self::Harmless => "what is neither secret nor personal",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "detector self-test, mask {}, seed {}", self.version, self.seed)?;
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let mut part = None;
        for row in &self.rows {
            if part != Some(row.part) {
                writeln!(f, "\n{}", row.part.title())?;
                part = Some(row.part);
            }
            let expected = match row.expected {
                Expected::All => "all".to_owned(),
                Expected::AtMost(0) => "none".to_owned(),
                Expected::AtMost(most) => format!("at most {most}"),
                Expected::Open => "either".to_owned(),
            };
            let verdict = if row.holds() { "ok" } else { "NOT AS EXPECTED" };
            let (name, found, of, share) = (&row.name, row.found, row.of, row.share() * 100.0);
            writeln!(f, "  {name:width$}  {found:>9} of {of:>9}  {share:>7.3} %  {expected:>13}  {verdict}")?;
        }
        let percent = |share: Option<f64>| match share {
            Some(share) => format!("{:.4} %", share * 100.0),
            None => "nothing to tell by".to_owned(),
        };
        let (failed, rows) = (self.rows.iter().filter(|row| !row.holds()).count(), self.rows.len());
        writeln!(f, "\nrecall                                      {}", percent(self.recall()))?;
        writeln!(f, "precision where the data can tell           {}", percent(self.precision()))?;
        writeln!(
            f,
            "precision with numbers that are cards' by chance  {}",
            percent(self.precision_by_chance())
        )?;
        write!(f, "{failed} of {rows} rows are not as expected")
    }
}
