//! Common Event Format 0 (ArcSight's implementation standard, revision 25): a header of seven fields that `|` ends,
//! and `key=value` pairs. Every character that is not seen stands as an escape.

use super::leaf::{Leaf, Weight};
use notify::plain;

pub fn line(leaf: &Leaf<'_>) -> String {
    let entry = leaf.entry;
    let event = &entry.event;
    let severity = match leaf.weight() {
        Weight::Grave => 9,
        Weight::Notable => 6,
        Weight::Ordinary => 3,
    };
    let name = event.name().replace('_', " ");
    let header = ["panguard", "panguard", env!("CARGO_PKG_VERSION"), event.name(), &name];
    let mut line = String::from("CEF:0|");
    for field in header {
        line.push_str(&escaped(field, '|'));
        line.push('|');
    }
    line.push_str(&format!("{severity}|"));
    let who = entry.principal.as_deref();
    let command = event.command();
    let text = |text: Option<&str>| text.map(str::to_owned);
    let (masked, rows) = leaf.counts().unzip();
    let policies: Vec<&str> = event.policies().iter().map(|note| &*note.id).collect();
    let (objects, classes) = (leaf.objects(), leaf.classes());
    let list = |values: &[&str]| (!values.is_empty()).then(|| values.join(", "));
    let from = leaf.ip();
    let v6 = from.filter(std::net::IpAddr::is_ipv6);
    let fields = [
        ("rt", None, Some((leaf.micros() / 1000).to_string())),
        ("externalId", None, Some(leaf.index.to_string())),
        ("dvchost", None, text(Some(&entry.gateway))),
        ("outcome", None, text(Some(leaf.outcome()))),
        ("act", None, text(event.decision())),
        ("reason", None, leaf.reason()),
        ("suser", None, text(who.map(|who| &*who.id))),
        ("suid", None, text(who.map(|who| &*who.subject))),
        ("spriv", None, text(who.map(|who| &*who.kind))),
        ("src", None, from.filter(std::net::IpAddr::is_ipv4).map(|from| from.to_string())),
        ("c6a2", Some("source IPv6 address"), v6.map(|from| from.to_string())),
        ("requestClientApplication", None, text(entry.client.as_deref())),
        ("destinationServiceName", None, text(entry.connection.as_deref())),
        ("app", None, text(entry.lane.as_deref())),
        ("fname", None, list(&objects)),
        ("cs1", Some("policies"), list(&policies)),
        ("cs2", Some("fingerprint"), text(command.map(|command| &*command.fingerprint))),
        ("cs3", Some("hash"), text(Some(&leaf.hash))),
        ("cs4", Some("on behalf of"), text(who.and_then(|who| who.on_behalf_of.as_deref()))),
        ("cs5", Some("request"), entry.request.map(|request| request.to_string())),
        ("cs6", Some("data classes"), list(&classes)),
        ("cn1", Some("masked"), masked.map(|masked| masked.to_string())),
        ("cn2", Some("rows"), rows.map(|rows| rows.to_string())),
        ("msg", None, Some(command.map_or_else(|| leaf.message(), |command| command.statement.to_string()))),
    ];
    let pairs = fields.into_iter().filter_map(|(key, label, value)| {
        let value = escaped(&value?, '=');
        let label = label.map_or(String::new(), |label| format!("{key}Label={label} "));
        Some(format!("{label}{key}={value}"))
    });
    line + &pairs.collect::<Vec<_>>().join(" ")
}

/// With a backslash before what would end it, and before backslashes. A line end is an escape like others that are not
/// seen, not CEF's `\n`: readers that put it back would have it in their own lines.
fn escaped(text: &str, ends: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in plain(text).chars() {
        if c == ends || c == '\\' {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
