//! RFC 5424. Every character that is not seen stands as an escape, so that no value ends a message, an element or
//! a line, or writes to a terminal.

use super::leaf::{Leaf, Weight};
use notify::plain;

/// A message without framing: RFC 6587 or RFC 5425 put it into a stream.
pub fn message(leaf: &Leaf<'_>) -> String {
    let entry = leaf.entry;
    let event = &entry.event;
    let mut id = Element::new("id@32473");
    id.add("seq", &leaf.index.to_string());
    id.add("hash", &leaf.hash);
    let mut what = Element::new("panguard@32473");
    what.add("outcome", leaf.outcome());
    let command = event.command();
    let who = entry.principal.as_deref();
    let (masked, rows) = leaf.counts().unzip();
    let policies: Vec<&str> = event.policies().iter().map(|note| &*note.id).collect();
    let fields = [
        ("decision", event.decision().map(str::to_owned)),
        ("reason", leaf.reason()),
        ("kind", who.map(|who| who.kind.to_string())),
        ("principal", who.map(|who| who.id.to_string())),
        ("sub", who.map(|who| who.subject.to_string())),
        ("iss", who.map(|who| who.issuer.to_string())),
        ("for", who.and_then(|who| who.on_behalf_of.as_deref()).map(str::to_owned)),
        ("from", entry.from.as_deref().map(str::to_owned)),
        ("client", entry.client.as_deref().map(str::to_owned)),
        ("resource", Some(entry.resource())),
        ("lane", entry.lane.as_deref().map(str::to_owned)),
        ("session", entry.session.map(|session| session.to_string())),
        ("request", entry.request.map(|request| request.to_string())),
        ("objects", joined(&leaf.objects())),
        ("classes", joined(&leaf.classes())),
        ("policies", joined(&policies)),
        ("policyVersion", event.policy_version().map(str::to_owned)),
        ("fingerprint", command.map(|command| command.fingerprint.to_string())),
        ("statement", command.map(|command| shortened(&command.statement))),
        ("masked", masked.map(|masked| masked.to_string())),
        ("rows", rows.map(|rows| rows.to_string())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            what.add(name, &value);
        }
    }
    format!("{} {}{} \u{feff}{}", head(leaf), id.end(), what.end(), leaf.message())
}

/// A message with a text of another form, which readers find by how it begins: without elements, or a mark before it (§6.4).
pub fn around(leaf: &Leaf<'_>, text: &str) -> String {
    format!("{} - {text}", head(leaf))
}

/// A HEADER.
fn head(leaf: &Leaf<'_>) -> String {
    // Facility 13 is log audit (§6.2.1).
    let severity = match leaf.weight() {
        Weight::Grave => 2,
        Weight::Notable => 4,
        Weight::Ordinary => 6,
    };
    let (time, host, name) = (leaf.moment(), printable(&leaf.entry.gateway), leaf.entry.event.name());
    format!("<{}>1 {time} {host} panguard - {name}", 13 * 8 + severity)
}

/// An SD-ELEMENT (§6.3). The number in its name is the one for documentation, RFC 5612.
struct Element(String);

impl Element {
    fn new(name: &str) -> Self {
        Self(format!("[{name}"))
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.push_str(&format!(" {name}=\""));
        for c in plain(value).chars() {
            if matches!(c, '"' | '\\' | ']') {
                self.0.push('\\');
            }
            self.0.push(c);
        }
        self.0.push('"');
    }

    fn end(self) -> String {
        self.0 + "]"
    }
}

fn joined(values: &[&str]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(", "))
}

/// A HOSTNAME (§6.2.4): printable ASCII without spaces.
fn printable(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(HOSTNAME_CHARS_MAX).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

fn shortened(statement: &str) -> String {
    match statement.char_indices().nth(STATEMENT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", statement.get(..end).unwrap_or_default()),
        None => statement.to_owned(),
    }
}

/// §6.
const HOSTNAME_CHARS_MAX: usize = 255;

/// A collector need not take more than 2 KiB (§6.1), and many cut there; the whole is in the log and in the other forms.
const STATEMENT_CHARS_MAX: usize = 1024;
