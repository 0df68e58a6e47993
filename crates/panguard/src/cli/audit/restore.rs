//! `panguard audit restore`: the log out of its archive, verified.

use std::fs;
use std::path::Path;

use access::Timestamp;
use anyhow::{Context, bail};
use audit::Verifier;
use audit::archive::{self, Archive, Directory, Restored};
use clap::Args;
use serde_json::json;

use crate::cli::output::{self, Exit, Format};
use crate::config::{Config, process_env};
use crate::reads::How;
use crate::{archive as place, folder};

#[derive(Args)]
pub struct Restore {
    /// The folder of an archive, instead of the archive in the configuration. With `--key` no configuration is needed.
    #[arg(long, value_name = "DIR")]
    from: Option<std::path::PathBuf>,
    /// Where it goes: a new folder, or an empty one.
    #[arg(long, value_name = "DIR")]
    to: std::path::PathBuf,
    /// The log's verifier key, or a file that holds it. Without it the copy in `data_dir` is used.
    #[arg(long, value_name = "KEY|FILE")]
    key: Option<String>,
    /// A checkpoint of the log that was kept elsewhere: shows, too, that the archive reaches as far.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<std::path::PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Restore {
    pub fn run(&self, path: &Path) -> anyhow::Result<Exit> {
        let config = Config::load(path, &process_env);
        if let Ok(config) = &config {
            let own = folder::audit(&config.data_dir);
            if own.is_dir() {
                super::noted(&own, How::Restore, &(0..audit::size(&own)?));
            }
        }
        let verifier = match (&self.key, &config) {
            (Some(key), _) => super::verifier(&self.to, Some(key))?,
            (None, Ok(config)) => super::verifier(&folder::audit(&config.data_dir), None)?,
            (None, Err(_)) => bail!("without a configuration the log's key is needed; give it with `--key`"),
        };
        let archive: Box<dyn Archive> = match &self.from {
            Some(from) if from.is_dir() => Box::new(Directory::new(from)),
            Some(from) => bail!("there is no folder `{}`", from.display()),
            None => configured(&config?)?,
        };
        let known = self.checkpoint.as_ref().map(|path| {
            fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
        });
        let restored = archive::restore(&*archive, &verifier, &self.to, known.transpose()?.as_deref())?;
        self.tell(&restored, &verifier)?;
        Ok(if restored.report.holds() { Exit::Fine } else { Exit::No })
    }

    fn tell(&self, Restored { report, times }: &Restored, verifier: &Verifier) -> anyhow::Result<()> {
        let times = times.map(|(first, last)| [shown(first), shown(last)]);
        let root: String = report.root.iter().map(|byte| format!("{byte:02x}")).collect();
        let to = self.to.display();
        if self.format == Format::Json {
            let wrong: Vec<_> = report
                .wrong
                .iter()
                .map(|wrong| json!({ "index": wrong.index, "what": wrong.what }))
                .collect();
            return output::json(&json!({
                "ok": report.holds(), "to": self.to, "entries": report.size, "absent": report.absent, "root": root,
                "heads": report.heads, "times": times, "wrong": wrong, "key": verifier.to_string(),
            }));
        }
        if let Some(first) = report.first_wrong() {
            let place =
                first.index.map_or_else(|| "a signed head".to_owned(), |index| format!("entry {index}"));
            eprintln!(
                "NOT VERIFIED: what was fetched is in `{to}`; the first that is wrong is {place}: {}",
                first.what
            );
            return Ok(());
        }
        let when = times.map_or_else(String::new, |[first, last]| format!(" from {first} to {last}"));
        output::line(format!("restored and verified: {} entries{when} are in `{to}`", report.size));
        output::line(format!("under {} signed heads, root {root}", report.heads));
        output::line(format!("read them with `--dir {to}`, as `panguard audit list --dir {to}`"));
        Ok(())
    }
}

fn configured(config: &Config) -> anyhow::Result<Box<dyn Archive>> {
    let Some(archive) = &config.audit.archive else {
        bail!("the configuration names no archive; name its folder with `--from DIR`");
    };
    place::open(&archive.place, &folder::open_vault(config)?, config.audit.retention.all)
}

fn shown(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::MAX).to_string()
}
