use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit::evidence::{Exhibit, Listed, MANIFEST, Manifest, NOTE, Report, SAMPLES, sign_manifest};
use audit::{Signer, Verifier};
use aws_lc_rs::digest;

use super::csv;
use super::index::{About, numbers_of};
use super::page::{CELL_CHARS_MAX, Cell, Page};
use crate::editions::{Edition, Editions, Kind};

/// A folder of evidence while it is filled. It is whole once its manifest is there, which comes last.
pub struct Pack {
    dir: PathBuf,
    tables: BTreeMap<Report, Table>,
    listed: Vec<Listed>,
}

/// A report's table, and the lines that its page shows.
struct Table {
    file: Hashed,
    lines: u64,
    shown: Vec<Vec<String>>,
}

impl Pack {
    /// Makes the folder, and begins a table for each report in it.
    ///
    /// # Errors
    /// It is there already and not empty; it cannot be made.
    pub fn create(dir: &Path) -> anyhow::Result<Self> {
        let made = DirBuilder::new().mode(0o700).create(dir);
        match made {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let mut inside = fs::read_dir(dir)
                    .with_context(|| format!("cannot read the folder `{}`", dir.display()))?;
                if inside.next().is_some() {
                    bail!("`{}` is not empty; name a new folder with `--out`", dir.display());
                }
            }
            Err(error) => return Err(error).with_context(|| format!("cannot make `{}`", dir.display())),
        }
        let mut pack = Self { dir: dir.to_owned(), tables: BTreeMap::new(), listed: Vec::new() };
        pack.folder(REPORTS)?;
        for report in Report::ALL {
            let mut file = pack.begin(&table_of(report))?;
            file.write_all(csv::line(report.columns().iter().copied()).as_bytes())?;
            pack.tables.insert(report, Table { file, lines: 0, shown: Vec::new() });
        }
        Ok(pack)
    }

    /// Adds a line to a report.
    pub fn line(&mut self, report: Report, cells: &[&str]) -> io::Result<()> {
        let Some(table) = self.tables.get_mut(&report) else { return Ok(()) };
        table.file.write_all(csv::line(cells.iter().copied()).as_bytes())?;
        table.lines = table.lines.saturating_add(1);
        if table.shown.len() < LINES_SHOWN_MAX {
            let named = report.columns().iter().zip(cells);
            let shown = report.shown().iter().map(|column| {
                let cell = named.clone().find(|(name, _)| *name == column);
                // One more than a page shows, by which it says that there is more.
                cell.map(|(_, cell)| cell.chars().take(CELL_CHARS_MAX + 1).collect()).unwrap_or_default()
            });
            table.shown.push(shown.collect());
        }
        Ok(())
    }

    /// Ends the tables and writes the page of each; says how many lines each has.
    pub fn close_reports(&mut self, about: &About) -> anyhow::Result<Vec<(Report, u64)>> {
        let mut lines = Vec::new();
        for (report, table) in std::mem::take(&mut self.tables) {
            self.end(table.file)?;
            let mut page = Page::new(report.title(), "../");
            page.text(report.about());
            let all = match table.shown.len() as u64 == table.lines {
                true => format!("all lines: {}", table.lines),
                false => format!("the first {} of {} lines", table.shown.len(), table.lines),
            };
            page.facts([
                ("Requirements", numbers_of(report)?),
                ("Period", format!("{} to {}", about.from, about.to)),
                (
                    "Shown",
                    format!(
                        "{all}; the table {}.csv beside this has them all, and all columns",
                        report.name()
                    ),
                ),
            ]);
            let rows = table.shown.iter().map(|row| row.iter().map(|cell| Cell::text(cell)).collect());
            page.table(report.shown().iter().copied(), rows);
            self.put(&format!("{REPORTS}/{}.html", report.name()), page.end().as_bytes())?;
            lines.push((report, table.lines));
        }
        Ok(lines)
    }

    /// Writes each sample, and the table and page of all.
    pub fn samples(&mut self, about: &About, samples: &[Exhibit]) -> anyhow::Result<()> {
        if !samples.is_empty() {
            self.folder(SAMPLES)?;
        }
        let mut table = csv::line(SAMPLE_COLUMNS);
        let mut rows = Vec::new();
        for (number, sample) in (1..).zip(samples) {
            let file = format!("{SAMPLES}/{number:03}-{}.json", sample.index);
            let told = &sample.told;
            let cells = [
                &number.to_string(),
                &sample.index.to_string(),
                &told.when,
                &told.who,
                &told.identity,
                &told.whence,
                &told.on,
                &told.what,
                &told.outcome,
                &told.policies,
                &told.approved_by,
                &file,
            ];
            table += &csv::line(cells.map(String::as_str));
            let [number, index, when, who, _, whence, on, what, outcome, policies, approved, _] = cells;
            let mut row: Vec<Cell> = [number, when, who, whence, on, what, outcome, policies, approved]
                .map(|cell| Cell::text(cell))
                .into();
            row.push(Cell::links([(file.clone(), index.as_str())]));
            rows.push(row);
            self.put(&file, &serde_json::to_vec_pretty(sample)?)?;
        }
        self.put("samples.csv", table.as_bytes())?;
        let mut page = Page::new("Samples", "./");
        page.text(
            "Commands drawn by the seed. The file of each holds its entries as they are in the log, with the proof that \
             they are under the signed head, and so what nobody can have changed since.",
        );
        page.facts([
            ("Period", format!("{} to {}", about.from, about.to)),
            ("Drawn", format!("{} of {} commands", samples.len(), about.population)),
            ("Seed", about.seed.clone()),
            (
                "Rank",
                "SHA-256 over the words panguard sample, the seed, and the entry's index, each on a line; the lowest are drawn, \
                 of the entries command_intent and command_refused of the period"
                    .into(),
            ),
        ]);
        page.table(
            ["", "when", "who", "from", "on", "what", "outcome", "policies", "approved by", "entry"],
            rows,
        );
        self.put("samples.html", page.end().as_bytes())
    }

    /// Writes a file.
    pub fn put(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut file = self.begin(path)?;
        file.write_all(bytes).with_context(|| format!("cannot write `{path}`"))?;
        self.end(file)
    }

    /// Names all files in the manifest, and signs it.
    pub fn sign(mut self, mut manifest: Manifest, signer: &Signer) -> anyhow::Result<()> {
        self.listed.sort_by(|one, other| one.path.cmp(&other.path));
        manifest.files = std::mem::take(&mut self.listed);
        let text = serde_json::to_string_pretty(&manifest)? + "\n";
        self.put(MANIFEST, text.as_bytes())?;
        self.put(NOTE, sign_manifest(signer, text.as_bytes()).as_bytes())
    }

    /// What of `kind` each of `versions` was, as it was kept.
    pub fn editions(
        &mut self,
        editions: &Editions,
        kind: Kind,
        versions: &[String],
        verifier: &Verifier,
    ) -> anyhow::Result<()> {
        // What is no digest names no file, whoever wrote it.
        let is_digest = |it: &&String| it.len() == 64 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
        let versions: Vec<_> = versions.iter().filter(is_digest).collect();
        if !versions.is_empty() {
            self.folder(kind.word())?;
        }
        for version in versions {
            let text = match editions.read(kind, version, verifier)? {
                Edition::Kept(text) => text,
                Edition::None => NOT_KEPT.into(),
                Edition::Changed => CHANGED.into(),
            };
            let title = match kind {
                Kind::Policies => "Policies",
                Kind::Configuration => "Configuration",
            };
            let text = format!("{title}, version {version}\n{text}");
            self.put(&format!("{}/{version}.txt", kind.word()), text.as_bytes())?;
        }
        Ok(())
    }

    fn folder(&self, name: &str) -> anyhow::Result<()> {
        let path = self.dir.join(name);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make `{}`", path.display()))
    }

    fn begin(&self, path: &str) -> anyhow::Result<Hashed> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.dir.join(path));
        let file = file.with_context(|| format!("cannot write `{}`", self.dir.join(path).display()))?;
        Ok(Hashed {
            path: path.to_owned(),
            file: BufWriter::new(file),
            context: digest::Context::new(&digest::SHA256),
            bytes: 0,
        })
    }

    fn end(&mut self, file: Hashed) -> anyhow::Result<()> {
        let path = file.path.clone();
        self.listed.push(file.end().with_context(|| format!("cannot write `{path}`"))?);
        Ok(())
    }
}

/// A file that is hashed as it is written.
struct Hashed {
    path: String,
    file: BufWriter<File>,
    context: digest::Context,
    bytes: u64,
}

impl Hashed {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.context.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.file.write_all(bytes)
    }

    fn end(mut self) -> io::Result<Listed> {
        self.file.flush()?;
        let hash = self.context.finish();
        let sha256: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Listed { path: self.path.into(), bytes: self.bytes, sha256: sha256.into() })
    }
}

/// Where a report's table is.
fn table_of(report: Report) -> String {
    format!("{REPORTS}/{}.csv", report.name())
}

const SAMPLE_COLUMNS: [&str; 12] = [
    "number",
    "index",
    "when",
    "who",
    "identity",
    "from",
    "on",
    "what",
    "outcome",
    "policies",
    "approved_by",
    "file",
];

/// The folder of reports.
pub const REPORTS: &str = "reports";

/// Lines of a report that its page shows: some twenty sheets of paper.
const LINES_SHOWN_MAX: usize = 500;

/// Of an older panguard, or in a copy of the log alone.
const NOT_KEPT: &str = "\nIts text is not in `data_dir/editions`.\n";

const CHANGED: &str = "\nITS TEXT WAS CHANGED: the log's key does not vouch for what is in `data_dir/editions`, so it is not shown.\n";
