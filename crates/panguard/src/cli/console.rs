//! The console of a gateway that runs, asked from a terminal.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use proxy::Trust;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::login;
use super::plain::plain;
use crate::config::{Config, is_loopback, process_env};

/// Where the console is, and who asks there.
#[derive(Args)]
pub struct Place {
    /// The console: `https://…`, or `http://…` on loopback. Without it, `listen.console` of the configuration.
    #[arg(long, value_name = "URL", env = "PANGUARD_CONSOLE")]
    console: Option<String>,
    /// The file of your access token, in the place of PANGUARD_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The authorities (PEM) that the console's certificate must come from, instead of the machine's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A console, and who asks there.
pub struct Console {
    /// Its URL, without a slash at its end.
    base: String,
    client: proxy::Client<Full<Bytes>>,
    authorization: HeaderValue,
}

/// What it says.
pub enum Said {
    Yes(Value),
    /// What happened, and why or what to do.
    No {
        title: String,
        detail: String,
    },
}

/// `application/problem+json`, as far as it is read.
#[derive(Deserialize)]
struct Problem {
    title: String,
    detail: String,
}

impl Said {
    /// What it says, or `None` when that is no, which is printed.
    pub fn yes(self) -> Option<Value> {
        match self {
            Self::Yes(value) => Some(value),
            Self::No { title, detail } => {
                eprintln!("panguard: {}\n  {}", plain(&title), plain(&detail));
                None
            }
        }
    }
}

impl Console {
    /// The console that `place` names, or else that of the configuration.
    pub fn new(config: &Path, place: &Place) -> anyhow::Result<Self> {
        let url = match &place.console {
            Some(url) => url.clone(),
            None => of_config(config)?,
        };
        let base = base(&url)?;
        let trust = match &place.ca {
            None => Trust::Platform,
            Some(file) => {
                let shown = file.display();
                let pem = std::fs::read(file).with_context(|| format!("cannot read `{shown}`"))?;
                Trust::Only(proxy::certificates(&pem).with_context(|| format!("`{shown}` cannot be used"))?)
            }
        };
        let is_tls = base.starts_with("https://");
        let client = proxy::client(is_tls.then_some(&trust))?;
        let authorization = authorization(config, place.token_file.as_deref())?;
        Ok(Self { base, client, authorization })
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Said> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// Says something to a request.
    pub async fn answer(&self, id: &str, verb: &str, body: &Value) -> anyhow::Result<Said> {
        self.post(&format!("/api/requests/{id}/{verb}"), body).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Said> {
        self.call(Method::POST, path, body.to_string().into()).await
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Said> {
        let base = &self.base;
        let request = Request::builder()
            .method(method)
            .uri(format!("{base}{path}"))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("panguard/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))?;
        let answered = timeout(ANSWER_TIME_MAX, async {
            let response = self.client.request(request).await.with_context(|| {
                format!("the console at `{base}` cannot be reached; is `panguard serve` running there?")
            })?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            match body {
                Ok(body) => Ok((head, body.to_bytes())),
                Err(error) => bail!("the answer of the console at `{base}` broke off: {error}"),
            }
        });
        let Ok(answered) = answered.await else {
            bail!(
                "the console at `{base}` does not answer within {} seconds\n  look at the request before you answer it again",
                ANSWER_TIME_MAX.as_secs()
            );
        };
        let (head, body) = answered?;
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        said(head.status, kind, &body).with_context(|| format!("asking the console at `{base}` failed"))
    }
}

/// What an answer says.
///
/// # Errors
/// It is none of a console's, or one that says that the asking went wrong.
pub(super) fn said(status: StatusCode, kind: Option<&str>, body: &[u8]) -> anyhow::Result<Said> {
    match (status, kind) {
        (StatusCode::OK, Some("application/json")) => {
            serde_json::from_slice(body).map(Said::Yes).context("what it says is no JSON")
        }
        (_, Some("application/problem+json")) => {
            let Problem { title, detail } =
                serde_json::from_slice(body).context("what it says is no problem")?;
            let is_no =
                matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::CONFLICT);
            if !is_no {
                bail!("{}: {}", plain(&title), plain(&detail));
            }
            Ok(Said::No { title, detail })
        }
        _ => bail!("it answers {status}, and is no console of panguard; say which with `--console URL`"),
    }
}

/// The console's URL by the configuration.
fn of_config(path: &Path) -> anyhow::Result<String> {
    if !path.exists() {
        bail!(
            "there is no `{}` that says where the console is; name it with `--console URL` or PANGUARD_CONSOLE",
            path.display()
        );
    }
    let console = Config::load(path, &process_env)?.console.with_context(|| {
        format!(
            "`{}` has no console; write `listen: {{ console: 127.0.0.1:8443 }}`, or name another with `--console URL`",
            path.display()
        )
    })?;
    Ok(format!("http://{console}"))
}

/// A console's URL as others are put behind it. A token goes to no other place than it says.
pub(super) fn base(url: &str) -> anyhow::Result<String> {
    let wrong = "the console's URL cannot be used; write `https://HOST`, or `http://127.0.0.1:8443` on the machine of the gateway";
    let uri: Uri = url.parse().context(wrong)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { bail!(wrong) };
    if authority.as_str().contains('@') || uri.query().is_some() || url.contains('#') {
        bail!("{wrong}, without user name, query or fragment");
    }
    let host = authority.host();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match scheme {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => bail!("a token is not sent in plain text to `{}`; write `https://…`", plain(host)),
        _ => bail!(wrong),
    }
    Ok(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/')))
}

/// The header field that says who asks.
fn authorization(config: &Path, file: Option<&Path>) -> anyhow::Result<HeaderValue> {
    let mut token = Zeroizing::new(String::with_capacity(TOKEN_BYTES_MAX));
    if let Some(file) = file {
        let shown = file.display();
        let read =
            File::open(file).and_then(|file| file.take(TOKEN_BYTES_MAX as u64).read_to_string(&mut token));
        read.with_context(|| format!("cannot read the token in `{shown}`"))?;
    } else if let Some(set) = std::env::var_os("PANGUARD_TOKEN") {
        let set = Zeroizing::new(set.into_string().unwrap_or_default());
        token.push_str(&set);
    } else if let Some(login) = login::signed_in(config)? {
        token.push_str(&Zeroizing::new(login.access_token));
    }
    let token = token.trim();
    if token.is_empty() {
        bail!(
            "who you are is not known\n  run `panguard login`, put your access token into PANGUARD_TOKEN, or name its file with `--token-file FILE`"
        );
    }
    let field = Zeroizing::new(format!("Bearer {token}"));
    let is_token = token.bytes().all(|byte| byte.is_ascii_graphic());
    match HeaderValue::from_str(&field) {
        Ok(mut field) if is_token => {
            field.set_sensitive(true);
            Ok(field)
        }
        _ => bail!("what should be your access token is none; a token has no spaces or line ends in it"),
    }
}

/// Longer than any that the console reads.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// A thousand requests are a few megabytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
