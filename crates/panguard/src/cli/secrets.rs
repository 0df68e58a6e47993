mod renew;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use access::{Secret, Timestamp};
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use vault::{Name, Vault};
use zeroize::Zeroizing;

use super::output::{self, Exit, Format};
use super::plain::plain;
use super::rights;
use crate::config::{Config, process_env};
use crate::{folder, vault_key};

/// Keep upstream credentials in the vault. Values come from standard input and are never shown.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Put a secret in, or replace it: `panguard secrets set payments-db < password`.
    ///
    /// One line end at the end of the value is not part of it. With `vault.key.stdin`, the key is the
    /// first line and the value is the rest.
    Set { name: Name },
    /// Replace a secret that is there already, and fail if it is not.
    Rotate { name: Name },
    /// Make a new password for the database role that signs in with this secret: it is set there, tried, and put in the vault.
    ///
    /// No session breaks, and who signs in meanwhile tries both. If the new one does not work, the old one is set again; after a crash, run
    /// it again.
    Renew { name: Name },
    /// Take a secret out.
    Remove { name: Name },
    /// Try each credential, and say whose rights are wider than policy could ever need (PCI DSS 7.2.5).
    ///
    /// Of a database it signs in, and looks at the rights of its role, as `panguard check --connection` does, which prints what takes them
    /// away. An HTTP system's is looked for in the vault and not tried: no request does nothing at every system. Exits with 1 if a
    /// credential does not work or has too many rights.
    Check {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Seal every secret anew under a fresh data key; or have the data key sealed by another key of the vault.
    ///
    /// Neither needs a restart. To change the vault's key: write a configuration that names the new one, `panguard secrets rekey --to`
    /// it, put it in the place of the old one and restart each gateway that shares this data folder, and then `panguard secrets rekey`.
    Rekey {
        /// The configuration whose `vault.key` is to seal the data key.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// List the secrets by name, without their values.
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    let vault = folder::open_vault(&config)?;
    match &arguments.action {
        Action::Check { format } => check(&config, &vault, *format),
        Action::Set { name } => set(&vault, name),
        Action::Rotate { name } if !has(&vault, name)? => {
            bail!("there is no secret `{name}` to rotate; use `panguard secrets set {name}` for a new one")
        }
        Action::Rotate { name } => set(&vault, name),
        Action::Renew { name } => {
            renew::renew(&config, vault, name)?;
            output::line(format!("`{name}` has a new password, in the database and in the vault"));
            Ok(Exit::Fine)
        }
        Action::Remove { name } if !vault.remove(name)? => {
            eprintln!("there is no secret `{name}`");
            Ok(Exit::No)
        }
        Action::Remove { name } => {
            output::line(format!("removed `{name}`"));
            Ok(Exit::Fine)
        }
        Action::Rekey { to: None } => {
            vault.renew_data_key(now())?;
            output::line(format!("sealed anew: {}", counted(&vault)?));
            Ok(Exit::Fine)
        }
        Action::Rekey { to: Some(to) } => {
            let config = Config::load(to, &process_env)?;
            vault.seal_by(&*vault_key::open(&config.vault_key)?, now())?;
            output::line(format!("the vault's key is now that of `{}`: {}", to.display(), counted(&vault)?));
            eprintln!(
                "start each gateway of this data folder with it, then run `panguard --config {} secrets rekey`: whoever has the old key could read what was sealed until then",
                to.display()
            );
            Ok(Exit::Fine)
        }
        Action::List { format } => list(&vault, *format),
    }
}

/// What was found of one connection's credential.
struct Found {
    connection: String,
    /// Who signs in, at a database.
    user: Option<String>,
    /// Whether it works, as far as that is known.
    works: Option<bool>,
    /// Statements that would take away what it has too many of.
    too_many: usize,
    why: Option<String>,
}

fn check(config: &Config, vault: &Vault, format: Format) -> anyhow::Result<Exit> {
    let databases = config.connections.iter().map(|(name, connection)| {
        let tried = rights::too_many(config, name);
        Found {
            connection: name.to_string(),
            user: Some(connection.user.to_string()),
            works: Some(tried.is_ok()),
            too_many: *tried.as_ref().unwrap_or(&0),
            why: tried.err().map(|error| format!("{error:#}")),
        }
    });
    let https = config.https.iter().map(|(name, connection)| {
        let missing =
            connection.credential.secrets().into_iter().find_map(|secret| match vault.get(secret) {
                Ok(Some(_)) => None,
                Ok(None) => Some(format!("the vault holds no secret `{secret}`")),
                Err(error) => Some(error.to_string()),
            });
        let works = missing.as_ref().map(|_| false);
        Found { connection: name.to_string(), user: None, works, too_many: 0, why: missing }
    });
    let mut exit = Exit::Fine;
    for found in databases.chain(https) {
        if found.works == Some(false) || found.too_many > 0 {
            exit = Exit::No;
        }
        match format {
            Format::Text => output::line(found.said()),
            Format::Json => output::json(&json!({
                "connection": found.connection,
                "user": found.user,
                "works": found.works,
                "too_many": found.too_many,
                "why": found.why,
            }))?,
        }
    }
    Ok(exit)
}

impl Found {
    fn said(&self) -> String {
        let Self { connection, user, works, too_many, why } = self;
        let as_user = user.as_ref().map_or_else(String::new, |user| format!(" as {user}"));
        let said = match (works, why) {
            (Some(false), Some(why)) => format!("{connection}: does not work{as_user}: {why}"),
            (None, _) => format!("{connection}: is in the vault, and was not tried"),
            _ if *too_many > 0 => format!(
                "{connection}: works{as_user}, and has rights that no policy could use: `panguard check --connection {connection}` prints the {too_many} statements that take them away"
            ),
            _ => format!("{connection}: works{as_user}, and has no right that no policy could use"),
        };
        plain(&said)
    }
}

/// `3 secrets, data key 2, vault key 1`.
fn counted(vault: &Vault) -> anyhow::Result<String> {
    let secrets = vault.list()?.len();
    let keys = vault.keys()?.into_iter().map(|it| {
        let name = it.name.as_str().trim_start_matches("internal/").replace('-', " ");
        format!(", {name} {}", it.version)
    });
    Ok(format!("{secrets} secrets{}", keys.collect::<String>()))
}

fn set(vault: &Vault, name: &Name) -> anyhow::Result<Exit> {
    let version = vault.set(name, &value()?, now())?;
    output::line(format!("stored `{name}`, version {version}"));
    Ok(Exit::Fine)
}

fn has(vault: &Vault, name: &Name) -> anyhow::Result<bool> {
    Ok(vault.list()?.iter().any(|listed| listed.name == *name))
}

fn list(vault: &Vault, format: Format) -> anyhow::Result<Exit> {
    for listed in vault.list()? {
        let changed = jiff::Timestamp::from_microsecond(listed.changed_at.micros())?;
        match format {
            Format::Text => {
                output::line(format!(
                    "{:<32} version {:<4} changed {changed:.0}",
                    listed.name, listed.version
                ));
            }
            Format::Json => output::json(
                &json!({ "name": listed.name, "version": listed.version, "changed_at": changed.to_string() }),
            )?,
        }
    }
    Ok(Exit::Fine)
}

/// The rest of standard input, without one line end at its end.
fn value() -> anyhow::Result<Secret> {
    // Room for all that may come, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(VALUE_BYTES_MAX + 1));
    io::stdin().lock().take(VALUE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > VALUE_BYTES_MAX {
        bail!("the value on standard input is longer than {VALUE_BYTES_MAX} bytes");
    }
    let value = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    if value.is_empty() {
        bail!("there is no value on standard input; pipe it in, such as `panguard secrets set NAME < FILE`");
    }
    Ok(Secret::from(value.to_vec()))
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// The vault's own bound.
const VALUE_BYTES_MAX: usize = 64 << 10;
