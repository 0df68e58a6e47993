//! The audit log in the forms that others' collectors read: an entry a line, whatever is in it.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use access::Timestamp;
use anyhow::{Context, bail};
use audit::{Order, Search};
use clap::ValueEnum;
use ship::{Form, Leaf};

use super::find::{Wanted, find};
use crate::cli::output::Exit;
use crate::reads::How;

/// In which form entries are exported. Each is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Written {
    /// OCSF 1.7, a JSON object a line.
    Ocsf,
    /// Elastic Common Schema 9, a JSON object a line.
    Ecs,
    /// Common Event Format 0.
    Cef,
    /// Syslog messages (RFC 5424), without framing.
    Syslog,
    /// Entries as they are in the log, as `audit list --format json` prints them.
    Json,
}

impl Written {
    fn form(self) -> Form {
        match self {
            Self::Ocsf => Form::Ocsf,
            Self::Ecs => Form::Ecs,
            Self::Cef => Form::Cef,
            Self::Syslog => Form::Syslog,
            Self::Json => Form::Json,
        }
    }
}

/// Which entries are exported, and where to.
pub struct Export<'a> {
    pub search: Search,
    pub until: Option<Timestamp>,
    pub scan: bool,
    pub out: Option<&'a Path>,
}

/// Writes the entries, oldest first.
pub fn export(dir: &Path, form: Written, export: &Export<'_>) -> anyhow::Result<Exit> {
    let until = export.until.map(|until| Search::Not(Box::new(Search::Since(until))));
    let search = Search::All([export.search.clone()].into_iter().chain(until).collect());
    let wanted = Wanted { limit: usize::MAX, before: u64::MAX, order: Order::Oldest, scan: export.scan };
    let form = form.form();
    let Some(path) = export.out else {
        let mut out = BufWriter::new(io::stdout().lock());
        return match write(dir, form, &search, &wanted, &mut out) {
            // A reader that has gone away (`| head`) has what it wants.
            Err(error) if is_broken_pipe(&error) => std::process::exit(0),
            done => done.map(|_| Exit::Fine),
        };
    };
    if path.exists() {
        bail!("there is `{}` already; name another file, or take it away", path.display());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let named = || format!("cannot write `{}`", path.display());
    // For whoever exports alone; it has its name once it is whole.
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(named)?;
    let mut out = BufWriter::new(&mut file);
    let count = write(dir, form, &search, &wanted, &mut out).with_context(named)?;
    drop(out);
    file.as_file().sync_all().with_context(named)?;
    file.persist_noclobber(path).with_context(named)?;
    eprintln!("exported {count} entries to `{}`", path.display());
    Ok(Exit::Fine)
}

fn write(
    dir: &Path,
    form: Form,
    search: &Search,
    wanted: &Wanted,
    out: &mut impl Write,
) -> anyhow::Result<u64> {
    super::recorded(dir, How::Export, 0..u64::MAX)?;
    let mut count = 0;
    find(dir, search, wanted, |index, entry| {
        count += 1;
        let leaf = Leaf::of(index, entry).context("an entry is longer than the log allows")?;
        out.write_all(form.line(&leaf).as_bytes())?;
        Ok(out.write_all(b"\n")?)
    })?;
    out.flush()?;
    Ok(count)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
