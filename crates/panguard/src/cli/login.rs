//! `panguard login`, `token` and `logout`: a person signs in from a terminal, and a client gets a token.

mod device;
mod kept;
mod provider;

use std::path::{Path, PathBuf};
use std::time::Duration;

use access::Secret;
use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use proxy::Trust;
use serde_json::json;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::output::{self, Exit, Format};
use super::plain::plain;
use crate::config::{Config, process_env};
use crate::guarded::forbid_core_dumps;
use device::{Polled, Tokens};
pub use kept::Login;
use provider::{Provider, Wanted};

/// Sign in as a person: `panguard requests` and `panguard token` know you then. You answer on any device with a browser.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
}

/// Print an access token: yours if you have signed in, made anew where it has run out; or that of a client.
///
/// `PGPASSWORD="$(panguard token)" psql …`
#[derive(Args)]
pub struct Token {
    #[command(flatten)]
    place: Place,
    /// A file that holds a client's secret; then the token is that client's own (client credentials).
    #[arg(long, value_name = "FILE", requires = "client_id")]
    client_secret_file: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Sign out on this machine, and end what the issuer would give new tokens for.
#[derive(Args)]
pub struct Logout {
    #[command(flatten)]
    place: Place,
}

/// Where, and as which client. What is not said is as the configuration has it, in `identity.issuers` and `login` there.
#[derive(Args, Clone, Default)]
struct Place {
    /// The issuer's URL.
    #[arg(long, value_name = "URL", env = "PANGUARD_ISSUER")]
    issuer: Option<String>,
    /// The client that is registered there for panguard's command line.
    #[arg(long, value_name = "ID", env = "PANGUARD_CLIENT_ID")]
    client_id: Option<String>,
    /// What is asked for.
    #[arg(long)]
    scope: Option<String>,
    /// What the token is for, where the issuer asks for it by `audience`.
    #[arg(long)]
    audience: Option<String>,
    /// The same, by `resource` (RFC 8707).
    #[arg(long, value_name = "URL")]
    resource: Option<String>,
    /// A PEM file of the authorities that the issuer's certificate is verified by, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A place, as far as it is known.
struct Known {
    issuer: String,
    wanted: Wanted,
    trust: Trust,
}

impl Place {
    /// # Errors
    /// The issuer or the client is not known.
    fn known(&self, path: &Path) -> anyhow::Result<Known> {
        let configured = match path.exists() {
            true => Config::load(path, &process_env)?.issuers,
            false => Vec::new(),
        };
        let mut fitting = configured.iter().filter(|it| match &self.issuer {
            Some(issuer) => it.trust.as_str() == issuer,
            None => true,
        });
        let found = match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => {
                bail!("`{}` has several issuers; say which with `--issuer URL`", path.display())
            }
            (found, _) => found,
        };
        let login = found.and_then(|it| it.login.clone()).unwrap_or_default();
        let issuer = self.issuer.clone().or_else(|| found.map(|it| it.trust.as_str().to_owned()));
        let issuer = issuer.with_context(|| {
            format!(
                "there is no `{}` that says who the issuer is; name it with `--issuer URL`",
                path.display()
            )
        })?;
        let client_id = self.client_id.clone().or(login.client_id).context(
            "as which client is not known; write `login: { client_id: … }` at the issuer in the configuration, or `--client-id ID`",
        )?;
        let ca = self.ca.clone().or_else(|| found.and_then(|it| it.ca.clone()));
        let trust = match ca {
            None => Trust::Platform,
            Some(file) => {
                let shown = file.display();
                let pem = std::fs::read(&file).with_context(|| format!("cannot read `{shown}`"))?;
                Trust::Only(proxy::certificates(&pem).with_context(|| format!("`{shown}` cannot be used"))?)
            }
        };
        let wanted = Wanted {
            client_id,
            scope: self.scope.clone().or(login.scope),
            audience: self.audience.clone().or(login.audience),
            resource: self.resource.clone().or(login.resource),
        };
        Ok(Known { issuer, wanted, trust })
    }
}

pub fn login(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    forbid_core_dumps();
    let Known { issuer, mut wanted, trust } = arguments.place.known(path)?;
    // Without `offline_access` most issuers give nothing by which a token is made anew.
    wanted.scope.get_or_insert_with(|| "openid offline_access".into());
    runtime()?.block_on(async {
        let provider = Provider::of(&issuer, &trust).await?;
        let started = provider.start(&wanted).await?;
        let at = started.verification_uri_complete.as_deref().unwrap_or(&started.verification_uri);
        eprintln!("open {} and confirm the code {}", plain(at), plain(&started.user_code));
        let end = Instant::now() + Duration::from_secs(started.expires_in.clamp(1, SECONDS_MAX));
        let mut every = Duration::from_secs(started.interval.clamp(1, 60));
        let tokens = loop {
            sleep(every).await;
            match provider.poll(&wanted, &started, every).await? {
                Polled::Tokens(tokens) => break tokens,
                Polled::Pending(again) if Instant::now() < end => every = again,
                Polled::Pending(_) => {
                    eprintln!("nobody has confirmed it in time; run `panguard login` again");
                    return Ok(Exit::No);
                }
                Polled::No(why) => {
                    eprintln!("not signed in: {}", plain(&why));
                    return Ok(Exit::No);
                }
            }
        };
        let login = kept(issuer, wanted.client_id, tokens, None);
        login.keep()?;
        output::line(format!("signed in at {}, {}", plain(&login.issuer), until(&login)));
        Ok(Exit::Fine)
    })
}

pub fn token(path: &Path, arguments: &Token) -> anyhow::Result<Exit> {
    forbid_core_dumps();
    let Token { place, client_secret_file, format } = arguments;
    let login = match client_secret_file {
        Some(file) => runtime()?.block_on(of_client(path, place, file))?,
        None => match current(path, place)? {
            Some(login) => login,
            None => {
                eprintln!("you have not signed in; run `panguard login`");
                return Ok(Exit::No);
            }
        },
    };
    match format {
        Format::Text => output::line(&login.access_token),
        Format::Json => {
            output::json(&json!({ "access_token": login.access_token, "expires_at": login.until }))?
        }
    }
    Ok(Exit::Fine)
}

pub fn logout(path: &Path, arguments: &Logout) -> anyhow::Result<Exit> {
    let Some(login) = Login::read()? else {
        eprintln!("nobody has signed in");
        return Ok(Exit::No);
    };
    Login::forget()?;
    let ended = runtime()?.block_on(async {
        let refresh_token = login.refresh_token.as_deref()?;
        let trust = Place { issuer: Some(login.issuer.clone()), ..arguments.place.clone() }
            .known(path)
            .map(|it| it.trust);
        let provider = Provider::of(&login.issuer, &trust.unwrap_or(Trust::Platform)).await.ok()?;
        Some(provider.revoke(&login.client_id, refresh_token).await)
    });
    output::line("signed out on this machine");
    if ended == Some(false) {
        eprintln!("the issuer was not told to end your sign-in; the access token holds until it runs out");
    }
    Ok(Exit::Fine)
}

/// Whoever has signed in, with a token that holds.
///
/// # Errors
/// It cannot be made anew.
pub fn signed_in(path: &Path) -> anyhow::Result<Option<Login>> {
    current(path, &Place::default())
}

fn current(path: &Path, place: &Place) -> anyhow::Result<Option<Login>> {
    let holds = |login: &Login| {
        let left = login.until - Timestamp::now().as_second();
        login.until == 0 || left > SECONDS_LEFT_MIN
    };
    match Login::read()? {
        None => return Ok(None),
        Some(login) if holds(&login) => return Ok(Some(login)),
        Some(_) => {}
    }
    // A refresh token counts once at many issuers: of several that ask at the same time one makes the token anew.
    let _alone = Login::lock()?;
    let Some(login) = Login::read()? else { return Ok(None) };
    if holds(&login) {
        return Ok(Some(login));
    }
    let Some(refresh_token) = &login.refresh_token else {
        eprintln!("your sign-in has run out");
        return Ok(None);
    };
    let place = Place {
        issuer: Some(login.issuer.clone()),
        client_id: Some(login.client_id.clone()),
        ..place.clone()
    };
    let trust = place.known(path)?.trust;
    let tokens = runtime()?.block_on(async {
        Provider::of(&login.issuer, &trust).await?.refresh(&login.client_id, refresh_token).await
    });
    let tokens = tokens.context("your sign-in cannot be made to last; run `panguard login`")?;
    let login = kept(login.issuer.clone(), login.client_id.clone(), tokens, login.refresh_token.clone());
    login.keep()?;
    Ok(Some(login))
}

/// A client's own token, which is not kept.
async fn of_client(path: &Path, place: &Place, file: &Path) -> anyhow::Result<Login> {
    let Known { issuer, wanted, trust } = place.known(path)?;
    let read = std::fs::read_to_string(file).map(Zeroizing::new);
    let secret = read.with_context(|| format!("cannot read the client's secret in `{}`", file.display()))?;
    let secret = Secret::from(secret.trim_end_matches(['\n', '\r']).to_owned());
    let tokens = Provider::of(&issuer, &trust).await?.client_credentials(&wanted, &secret).await?;
    Ok(kept(issuer, wanted.client_id, tokens, None))
}

fn kept(issuer: String, client_id: String, tokens: Tokens, refresh_token: Option<String>) -> Login {
    let Tokens { access_token, expires_in, refresh_token: fresh, .. } = tokens;
    let lasts = expires_in.and_then(|seconds| i64::try_from(seconds).ok());
    let until = lasts.map_or(0, |seconds| Timestamp::now().as_second().saturating_add(seconds));
    // An issuer that gives no new one lets the old one be used again (RFC 6749 §6).
    Login { issuer, client_id, access_token, until, refresh_token: fresh.or(refresh_token) }
}

fn until(login: &Login) -> String {
    match (Timestamp::from_second(login.until), &login.refresh_token) {
        (_, Some(_)) => "until you sign out or the issuer ends it".into(),
        (Ok(until), None) if login.until > 0 => format!("until {until:.0}"),
        _ => "for as long as the token holds".into(),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A token that holds no longer is made anew.
const SECONDS_LEFT_MIN: i64 = 30;

/// As long as anybody is waited for.
const SECONDS_MAX: u64 = 1800;
