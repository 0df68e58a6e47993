//! A request to an HTTP system: the lane's own question about it, put to policy and not to the system.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use access::{DataClass, Facts, Mode, SessionId, Timestamp};
use anyhow::{Context, anyhow, bail};
use gate::{Asking, explain};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use policy::{Policies, Scope};
use wire_http::{Echo, Effect, Exchange, Settings};

use super::{Arguments, principal};
use crate::cli::explained::ExplainedRequest;
use crate::cli::output::{self, Exit, Format};
use crate::config::{Config, HttpConnection};
use crate::serve;

pub fn run(
    config: &Config,
    policies: &Policies,
    connection: &HttpConnection,
    arguments: &Arguments,
) -> anyhow::Result<Exit> {
    let name = &*arguments.connection;
    let (lane, masker) = serve::lane(config, name, connection)?;
    let (method, target) = read(&arguments.command)?;
    let settings = Settings {
        connection: Arc::new(lane),
        prefix: format!("/{name}").into(),
        by_own_name: false,
        masker,
        now: Timestamp(jiff::Timestamp::now().as_microsecond()),
        wanted: policies.wanted(),
        echo: Echo::default(),
        // Nothing is sent with it.
        nonce: Some([0; 16]),
        turned_away: None,
        answer_bytes_max: 0,
    };
    let lane = Arc::clone(&settings.connection);
    let body = arguments.body.as_deref().map(body).transpose()?.unwrap_or_default();
    let facts = facts(settings, method, target, headers(&arguments.headers)?, &body)?;
    let principal = principal(config, arguments);
    let asking = Asking {
        principal: &principal,
        scope: Scope { connection: name, labels: &connection.labels, mode: Mode::Filtered },
        classes: serve::scanned(config),
        approvals: arguments.approvals,
    };
    let ruling = explain(policies, asking, &facts);
    let explained = ExplainedRequest::new(name, &principal, &labelled(&lane, &facts), &facts, &ruling);
    match arguments.format {
        Format::Json => output::json(&explained)?,
        Format::Text => explained.lines().iter().for_each(output::line),
    }
    Ok(if ruling.is_ok() { Exit::Fine } else { Exit::No })
}

/// `GET /v1/charges?limit=3`.
fn read(command: &str) -> anyhow::Result<(Method, &str)> {
    let advice =
        || anyhow!("a request is a method and a target within the connection; write `GET /v1/charges`");
    let (method, target) = command.trim().split_once(' ').ok_or_else(advice)?;
    let method = Method::from_bytes(method.as_bytes()).ok().filter(|it| it.as_str() == method.to_uppercase());
    Ok((method.ok_or_else(advice)?, target.trim()))
}

fn headers(written: &[String]) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for field in written {
        let read = field.split_once(':').and_then(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?))
        });
        let Some((name, value)) = read else {
            bail!(
                "a field of a header is its name, a colon and its value; write `--header 'X-Tenant: acme'`"
            );
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().read_to_end(&mut body),
        _ => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut body)),
    };
    read.with_context(|| format!("cannot read the body `{}`", file.display()))?;
    Ok(body)
}

/// What the lane would ask about.
fn facts(
    settings: Settings,
    method: Method,
    target: &str,
    headers: HeaderMap,
    body: &[u8],
) -> anyhow::Result<Arc<Facts>> {
    let request = SessionId(0).request(1);
    let mut exchange = Exchange::open(settings, request, method, target, headers, !body.is_empty());
    exchange.request_data(body);
    exchange.request_end();
    while let Some(effect) = exchange.poll() {
        if let Effect::Ask(question) = effect {
            return Ok(question.facts);
        }
    }
    Err(anyhow!("nothing would be asked about this request"))
}

/// The places in the answer of which the connection knows something.
fn labelled(lane: &wire_http::Connection, facts: &Facts) -> Vec<(String, DataClass)> {
    let Some(call) = &facts.call else { return Vec::new() };
    let method = Method::from_bytes(call.endpoint.method.as_bytes()).unwrap_or_default();
    let document = lane.document.as_ref().map(|document| document.places(&method, &call.endpoint.path));
    let own = lane.rules.iter().filter_map(|rule| Some((rule.rule.to_string(), rule.class.clone()?)));
    let mut places: Vec<_> = own.chain(document.unwrap_or_default()).collect();
    places.sort();
    places.dedup();
    places
}
