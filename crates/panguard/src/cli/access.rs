use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::builder::{NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use gate::{Revocation, What};
use jiff::{SignedDuration, Timestamp};
use mask::{Classes, Masker, Profile};
use serde_json::json;

use super::output::{self, Exit, Format};
use super::plain::plain;
use crate::config::{Config, process_env};
use crate::revocations::Folder;
use crate::serve::entry_masker;

/// Take access away at once, also on live sessions, and give it back. Needs neither the store, nor the issuers, nor the vault's key.
#[derive(Args)]
pub struct Arguments {
    /// The data folder, where the configuration is not at hand, or cannot be read as it is.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Take access away: `panguard access revoke agent ci-bot --reason "its key was in a public repository"`.
    ///
    /// It is in force within a second on the gateway of this data folder, and within seconds on all that share its store.
    Revoke {
        /// Of what.
        #[arg(value_parser = whats())]
        what: What,
        /// Its name; none for `everything`.
        name: Option<String>,
        /// Why, for the audit log.
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        reason: String,
        /// For how long, such as `2h`; else until it is restored.
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<SignedDuration>,
        /// Only as this issuer names it.
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// Only by tokens that were issued until now: whoever signs in anew may come again.
        #[arg(long)]
        until_new_token: bool,
    },
    /// Give back what was revoked, by its id.
    Restore {
        /// As `list` shows it.
        id: String,
    },
    /// List what is revoked.
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// Reads of what access is taken, by the words for it.
fn whats() -> impl TypedValueParser<Value = What> {
    let words = What::ALL.map(|it| PossibleValue::new(it.word()).help(it.about()));
    PossibleValuesParser::new(words).try_map(|word| {
        let named = What::ALL.into_iter().find(|it| it.word() == word);
        named.ok_or("it is none of these words")
    })
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (config, data_dir) = match &arguments.data_dir {
        Some(data_dir) if data_dir.is_dir() => (None, data_dir.clone()),
        Some(data_dir) => bail!("there is no folder `{}`", data_dir.display()),
        None => {
            let config = Config::load(path, &process_env)
                .inspect_err(|_| eprintln!("`--data-dir DIR` does without the configuration"))?;
            let data_dir = config.data_dir.clone();
            (Some(config), data_dir)
        }
    };
    let folder = Folder::of(&data_dir);
    match &arguments.action {
        Action::Revoke { what, name, reason, lasts, issuer, until_new_token } => {
            let what = *what;
            match name.as_deref() {
                Some(_) if what == What::Everything => bail!("`everything` has no name; leave it out"),
                None | Some("") if what != What::Everything => {
                    bail!("whose access? write a name behind `{}`", what.word())
                }
                _ => {}
            }
            if what == What::Connection
                && let (Some(name), Some(config)) = (name, &config)
                && !config.connections.contains_key(name.as_str())
                && !config.https.contains_key(name.as_str())
            {
                eprintln!("there is no connection `{name}` in `{}` now", path.display());
            }
            let now = Timestamp::now();
            let until =
                lasts.map(|lasts| now.checked_add(lasts)).transpose().context("`--for` is too long")?;
            if until.is_some_and(|until| until <= now) {
                bail!("`--for` is a time to come, such as `2h`");
            }
            let it = Revocation {
                issuer: issuer.as_deref().map(Into::into),
                issued_until: until_new_token.then(|| now.as_microsecond() + skew(config.as_ref())),
                until: until.map(Timestamp::as_microsecond),
                reason: Revocation::words(masker(config.as_ref()), reason),
                by: by(),
                since: now.as_microsecond(),
                ..Revocation::new(&Folder::fresh_id()?, what, name.as_deref().unwrap_or_default())
            };
            folder.put(&it).context("it cannot be revoked")?;
            output::line(format!("revoked: {}", said(&it)));
            Ok(wait(&folder, &it.id, true))
        }
        Action::Restore { id } => {
            if !folder.lift(id, &by()).context("it cannot be restored")? {
                eprintln!("nothing is revoked as `{id}`; `panguard access list` shows what is");
                return Ok(Exit::No);
            }
            output::line(format!("restored: {}", plain(id)));
            Ok(wait(&folder, id, false))
        }
        Action::List { format } => list(&folder, *format),
    }
}

/// How far issuers' clocks may be ahead of this one, in microseconds.
fn skew(config: Option<&Config>) -> i64 {
    let most = identity::Issuer::CLOCK_SKEW_SECONDS_MAX;
    let of = |config: &Config| config.issuers.iter().map(|it| it.trust.clock_skew_seconds()).max();
    i64::from(config.map_or(Some(most), of).unwrap_or_default()) * 1_000_000
}

/// What masks the reason: as entries are, where it is known how.
fn masker(config: Option<&Config>) -> Masker {
    let unconfigured = || Masker::new(Profile::Last4).with(Classes { secret: true, ..Classes::default() });
    config.map_or_else(unconfigured, entry_masker)
}

/// Whoever asks.
fn by() -> Box<str> {
    format!("panguard, user {} of the machine", rustix::process::getuid().as_raw()).into()
}

/// Until the gateway has taken it.
fn wait(folder: &Folder, id: &str, is_revoked: bool) -> Exit {
    let end = Instant::now() + TAKEN_TIME_MAX;
    while Instant::now() < end {
        if folder.taken().contains(id) == is_revoked {
            return Exit::Fine;
        }
        sleep(LOOK_EVERY);
    }
    eprintln!(
        "no gateway of this data folder has taken it within {} s; the next that starts does",
        TAKEN_TIME_MAX.as_secs()
    );
    Exit::No
}

fn list(folder: &Folder, format: Format) -> anyhow::Result<Exit> {
    let all = folder.read().context("what is revoked cannot be read")?.all;
    let taken = folder.taken();
    let is_in_force = |it: &Revocation| taken.contains(&it.id);
    for it in &all {
        match format {
            Format::Text => {
                let waits = if is_in_force(it) { "" } else { ", NOT TAKEN BY A GATEWAY YET" };
                output::line(format!("{}{waits}: {}", said(it), plain(&it.reason)));
            }
            Format::Json => {
                let mut shown = serde_json::to_value(it)?;
                if let Some(shown) = shown.as_object_mut() {
                    shown.insert("in_force".into(), json!(is_in_force(it)));
                }
                output::json(&shown)?;
            }
        }
    }
    Ok(Exit::Fine)
}

/// It on one line.
fn said(it: &Revocation) -> String {
    let Revocation { id, what, of, issuer, issued_until, until, since, .. } = it;
    let time = |micros: i64| {
        Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| format!("{at:.0}"))
    };
    let mut said = format!("{id}  {} {}", what.word(), plain(of)).trim_end().to_owned();
    said += &format!(", since {}", time(*since));
    if let Some(issuer) = issuer {
        said += &format!(", as {} names it", plain(issuer));
    }
    if let Some(issued) = issued_until {
        said += &format!(", by tokens issued until {}", time(*issued));
    }
    if let Some(until) = until {
        said += &format!(", until {}", time(*until));
    }
    said
}

/// A gateway looks five times a second.
const TAKEN_TIME_MAX: Duration = Duration::from_secs(5);

const LOOK_EVERY: Duration = Duration::from_millis(50);
