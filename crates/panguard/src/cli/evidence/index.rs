use audit::evidence::Report;
use audit::evidence::map::Map;

use super::csv;
use super::pack::REPORTS;
use super::page::{Cell, Page};
use super::paper::Paper;

/// What a pack is about.
pub struct About {
    pub from: String,
    pub to: String,
    pub made_at: String,
    pub log: String,
    pub key: String,
    pub size: u64,
    pub root: String,
    pub heads: usize,
    pub entries: (u64, u64),
    pub seed: String,
    pub population: u64,
}

/// The index of a pack by requirement.
pub struct Index<'a> {
    map: Map,
    about: &'a About,
    lines: &'a [(Report, u64)],
    samples: usize,
}

impl<'a> Index<'a> {
    pub fn new(about: &'a About, lines: &'a [(Report, u64)], samples: usize) -> anyhow::Result<Self> {
        Ok(Self { map: Map::pci_dss()?, about, lines, samples })
    }

    /// The standard's name and version.
    pub fn standard(&self) -> &str {
        &self.map.standard
    }

    /// As a page.
    pub fn page(&self) -> String {
        let about = self.about;
        let mut page = Page::new(&format!("Evidence for {}", self.map.standard), "");
        page.facts(self.facts());
        page.text(CAVEAT);
        page.heading("Checking it");
        page.text(
            "With the log's public key, which should come to you by another way than this folder. With the log itself or a \
             copy of it, `--dir` shows also that the log holds and that the draw is the same.",
        );
        page.code(&format!("panguard evidence verify DIR --key '{}'", about.key));
        page.heading("By requirement");
        page.text(WORDS);
        let rows = self.map.requirements.iter().map(|it| {
            let links = it.reports.iter().map(|report| (page_of(*report), report.name()));
            vec![
                Cell::text(it.number),
                Cell::ours(it.asks),
                Cell::links(links),
                Cell::ours(if it.shows.is_empty() { "nothing" } else { it.shows }),
                Cell::ours(it.beyond),
            ]
        });
        page.table(["number", "what it asks", "reports", "shown here", "not in panguard's power"], rows);
        page.heading("Reports");
        let rows = self.lines.iter().map(|(report, lines)| {
            vec![
                Cell::links([(page_of(*report), report.title())]),
                Cell::text(&lines.to_string()),
                Cell::ours(report.about()),
                Cell::links([(format!("{REPORTS}/{}.csv", report.name()), "table")]),
            ]
        });
        page.table(["report", "lines", "what is in it", ""], rows);
        page.heading("Samples");
        let samples =
            vec![Cell::links([("samples.html".to_owned(), "page"), ("samples.csv".to_owned(), "table")])];
        page.table([""], [samples]);
        page.end()
    }

    /// As a PDF, to be printed or sent.
    pub fn paper(&self) -> Vec<u8> {
        let mut paper = Paper::new(&format!("Evidence for {}", self.map.standard));
        paper.facts(self.facts());
        paper.text(CAVEAT);
        paper.text(&format!(
            "The log's public key, which should come to you by another way: {}",
            self.about.key
        ));
        paper.heading("By requirement");
        paper.text(WORDS);
        let rows = self.map.requirements.iter().map(|it| {
            let names: Vec<&str> = it.reports.iter().map(|report| report.name()).collect();
            let shows = if it.shows.is_empty() { "nothing" } else { it.shows };
            [it.number.to_owned(), it.asks.into(), names.join(", "), shows.into(), it.beyond.into()]
        });
        let head = ["number", "what it asks", "reports", "shown here", "not in panguard's power"];
        paper.table(head, [50.0, 180.0, 110.0, 210.0, 210.0], rows);
        paper.heading("Reports");
        let rows = self.lines.iter().map(|(report, lines)| {
            [report.name().to_owned(), report.title().into(), lines.to_string(), report.about().into()]
        });
        paper.table(["file", "report", "lines", "what is in it"], [90.0, 200.0, 60.0, 410.0], rows);
        paper.end(&format!("panguard evidence, {}, {} to {}", self.about.log, self.about.from, self.about.to))
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let about = self.about;
        vec![
            ("Period", format!("{} to {} (not included)", about.from, about.to)),
            ("Log", about.log.clone()),
            ("Entries of the period", format!("{} to {} (not included)", about.entries.0, about.entries.1)),
            ("Signed head", format!("{} entries, root {}", about.size, about.root)),
            (
                "Verified when drawn",
                format!("every entry under it, against {} signed heads: nothing was changed", about.heads),
            ),
            (
                "Samples",
                format!("{} of {} commands, by the seed {}", self.samples, about.population, about.seed),
            ),
            ("Drawn", format!("{} by panguard {}", about.made_at, env!("CARGO_PKG_VERSION"))),
        ]
    }

    /// As a table.
    pub fn table(&self) -> String {
        let mut table =
            csv::line(["standard", "requirement", "asks", "reports", "lines", "shows", "beyond_panguard"]);
        for it in &self.map.requirements {
            let names: Vec<&str> = it.reports.iter().map(|report| report.name()).collect();
            let lines = it.reports.iter().map(|report| self.lines_of(*report).to_string());
            let (names, lines) = (names.join("; "), lines.collect::<Vec<_>>().join("; "));
            table +=
                &csv::line([&*self.map.standard, it.number, it.asks, &names, &lines, it.shows, it.beyond]);
        }
        table
    }

    fn lines_of(&self, report: Report) -> u64 {
        self.lines.iter().find(|(of, _)| *of == report).map(|(_, lines)| *lines).unwrap_or_default()
    }
}

const CAVEAT: &str = "This is what one gateway recorded. It shows nothing of what went around it, and it assesses nothing: \
                      whether a requirement is met is for the assessor to say.";

const WORDS: &str = "Numbers are the standard's; the words are panguard's and no part of it.";

/// The numbers of the requirements that a report is for.
pub fn numbers_of(report: Report) -> anyhow::Result<String> {
    Ok(Map::pci_dss()?.of(report).join(", "))
}

fn page_of(report: Report) -> String {
    format!("{REPORTS}/{}.html", report.name())
}
