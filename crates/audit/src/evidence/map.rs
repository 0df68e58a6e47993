//! Which report is for which requirement: data, with the version of the standard that it is about.

use super::report::Report;

/// A standard's requirements as far as panguard has to do with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// The standard's name and version.
    pub standard: String,
    /// In the standard's order.
    pub requirements: Vec<Requirement>,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Its number in the standard.
    pub number: &'static str,
    /// What it asks, in our words.
    pub asks: &'static str,
    /// The reports that show something of it.
    pub reports: Vec<Report>,
    /// What is shown of it here.
    pub shows: &'static str,
    /// What is not, and stands with others.
    pub beyond: &'static str,
}

impl Map {
    /// The map for PCI DSS.
    ///
    /// # Errors
    /// The line that cannot be read.
    pub fn pci_dss() -> Result<Self, BadLine> {
        Self::parse(PCI_DSS)
    }

    fn parse(text: &'static str) -> Result<Self, BadLine> {
        let mut lines = (1..).zip(text.lines());
        let head = lines.next().and_then(|(_, line)| line.strip_prefix("# ")?.split_once('\t'));
        let (name, version) = head.ok_or(BadLine(1))?;
        let of = |(number, line): (usize, &'static str)| Requirement::parse(line).ok_or(BadLine(number));
        let requirements = lines.filter(|(_, line)| !line.starts_with('#')).map(of);
        Ok(Self {
            standard: format!("{name} {version}"),
            requirements: requirements.collect::<Result<_, _>>()?,
        })
    }

    /// The numbers of the requirements that a report is for.
    pub fn of(&self, report: Report) -> Vec<&'static str> {
        let of = self.requirements.iter().filter(|requirement| requirement.reports.contains(&report));
        of.map(|requirement| requirement.number).collect()
    }
}

impl Requirement {
    fn parse(line: &'static str) -> Option<Self> {
        let mut cells = line.split('\t');
        let (number, asks, reports) = (cells.next()?, cells.next()?, cells.next()?);
        let (shows, beyond) = (cells.next()?, cells.next()?);
        let is_number = number.split('.').all(|part| part.parse::<u8>().is_ok());
        let reports = reports.split_whitespace().map(Report::named).collect::<Option<_>>()?;
        (is_number && cells.next().is_none()).then_some(Self { number, asks, reports, shows, beyond })
    }
}

/// A line of a map that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the map of requirements cannot be read")]
pub struct BadLine(pub usize);

const PCI_DSS: &str = include_str!("pci-dss-4.0.1.tsv");

#[cfg(test)]
mod tests;
