//! `panguard audit restore`: the log out of its archive, verified.

use std::fs;
use std::path::{Path, PathBuf};

use access::{Secret, Timestamp};
use anyhow::{Context, bail};
use audit::Verifier;
use audit::archive::{self, Archive, Directory, Restored};
use clap::Args;
use hyper::Uri;
use serde_json::json;

use crate::archive::{Bucket, Keys};
use crate::cli::output::{self, Exit, Format};
use crate::config::{Config, S3At, is_loopback, process_env};
use crate::reads::How;
use crate::{archive as place, folder};

#[derive(Args)]
pub struct Restore {
    /// The folder of an archive, or `s3://BUCKET/PREFIX`, instead of the archive in the configuration. With `--key` no
    /// configuration is needed.
    #[arg(long, value_name = "DIR|S3")]
    from: Option<String>,
    /// Of `s3://…`: the store's address. The keys are taken from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`.
    #[arg(long, value_name = "URL", requires = "region")]
    endpoint: Option<Uri>,
    /// Of `s3://…`: the region that requests are signed for.
    #[arg(long, requires = "endpoint")]
    region: Option<String>,
    /// Of `s3://…`: a PEM file of the authorities that the store's certificate is checked against.
    #[arg(long, value_name = "FILE", requires = "endpoint")]
    ca: Option<PathBuf>,
    /// Where it goes: a new folder, or an empty one.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The log's verifier key, or a file that holds it. Without it the copy in `data_dir` is used.
    #[arg(long, value_name = "KEY|FILE")]
    key: Option<String>,
    /// A checkpoint of the log that was kept elsewhere: shows, too, that the archive reaches as far.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
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
            Some(from) => match from.strip_prefix("s3://") {
                Some(bucket) => Box::new(self.bucket(bucket)?),
                None if Path::new(from).is_dir() => Box::new(Directory::new(Path::new(from))),
                None => bail!("there is no folder `{from}`"),
            },
            None => configured(&config?)?,
        };
        let known = self.checkpoint.as_ref().map(|path| {
            fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
        });
        let restored = archive::restore(&*archive, &verifier, &self.to, known.transpose()?.as_deref())?;
        self.tell(&restored, &verifier)?;
        Ok(if restored.report.holds() { Exit::Fine } else { Exit::No })
    }

    fn bucket(&self, name: &str) -> anyhow::Result<Bucket> {
        let (Some(endpoint), Some(region)) = (&self.endpoint, &self.region) else {
            bail!("a bucket is in a store and a region; write `--endpoint https://HOST --region REGION`");
        };
        let host = endpoint.host().unwrap_or_default().trim_matches(['[', ']']);
        match endpoint.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(host) => {}
            _ => bail!("plain text is refused off loopback; write `--endpoint https://HOST`"),
        }
        let (bucket, prefix) = name.split_once('/').unwrap_or((name, ""));
        let prefix = prefix.trim_matches('/');
        let at = S3At {
            endpoint: endpoint.clone(),
            bucket: bucket.into(),
            prefix: if prefix.is_empty() { "".into() } else { format!("{prefix}/").into() },
            region: region.as_str().into(),
            ca: self.ca.clone(),
        };
        let variable = |name: &str| process_env(name).filter(|value| !value.is_empty()).map(Secret::from);
        let wanted = |name| variable(name).with_context(|| format!("the variable `{name}` is not set"));
        let keys = Keys {
            id: wanted("AWS_ACCESS_KEY_ID")?,
            secret: wanted("AWS_SECRET_ACCESS_KEY")?,
            token: variable("AWS_SESSION_TOKEN"),
        };
        Bucket::with(&at, keys)
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
