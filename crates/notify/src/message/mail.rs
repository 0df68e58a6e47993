//! A message as plain text, for mail (RFC 5322, RFC 2045).
//!
//! Fixed words and names from the configuration make up its header, so nothing that an agent chose can become a field of it.

use access::Timestamp;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::fmt::rfc2822;

use super::Message;
use crate::{Event, Mail};

/// Where a mail stands among those about one thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thread {
    /// What it tells.
    pub word: &'static str,
    /// What the first told, if this is not that.
    pub first: Option<&'static str>,
}

impl From<Event> for Thread {
    fn from(event: Event) -> Self {
        Self { word: event.as_str(), first: (event != Event::Asked).then_some(Event::Asked.as_str()) }
    }
}

/// The mail as it is sent. The first about a request begins a thread, and the others answer that.
pub(crate) fn compose(
    mail: &Mail,
    message: &Message,
    thread: Thread,
    console: Option<&str>,
    now: Timestamp,
) -> Vec<u8> {
    let (subject, body) = render(message, console);
    let domain = mail.from.rsplit_once('@').map_or("panguard.invalid", |(_, domain)| domain);
    let id = |word: &str| format!("<{}.{word}@{domain}>", message.id);
    let mut head =
        format!("From: panguard <{}>\r\nTo: {}\r\nSubject: {subject}\r\n", mail.from, mail.to.join(",\r\n "));
    // A time that no calendar has is left out, and the server's is used.
    let date = jiff::Timestamp::from_microsecond(now.micros()).ok();
    if let Some(date) = date.and_then(|at| rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).ok()) {
        head.push_str(&format!("Date: {date}\r\n"));
    }
    head.push_str(&format!("Message-ID: {}\r\n", id(thread.word)));
    if let Some(first) = thread.first.map(id) {
        head.push_str(&format!("In-Reply-To: {first}\r\nReferences: {first}\r\n"));
    }
    head.push_str(
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    );
    let mut sent = head.into_bytes();
    // In base64 no line of it can end the mail, be too long, or be changed on the way (§6.8).
    for line in BASE64_STANDARD.encode(body.replace('\n', "\r\n")).as_bytes().chunks(76) {
        sent.extend_from_slice(line);
        sent.extend_from_slice(b"\r\n");
    }
    sent
}

/// Subject and body.
fn render(message: &Message, console: Option<&str>) -> (String, String) {
    let subject = format!("[panguard] {} ({})", message.title, message.id);
    let mut body = format!("{}\n\n", message.title);
    for (label, text) in &message.lines {
        body.push_str(&format!("{label:<8} {}\n", no_link(text)));
    }
    if !(message.statement.is_empty() && message.values.is_empty()) {
        body.push_str("\nThe command, as it is recorded:\n\n");
    }
    // Each line begins with a sign, so that none can pass for one of panguard's.
    for line in message.statement.lines().chain(message.values.iter().map(String::as_str)) {
        body.push_str(&format!("    | {}\n", no_link(line)));
    }
    if !message.is_whole {
        body.push_str("\nTHIS IS NOT ALL OF IT: look at it whole before you answer.\n");
    }
    if message.waits {
        body.push_str(&format!("\nTo answer:\n\n    {} --comment \"…\"\n", message.command()));
        body.push_str(&format!("    panguard requests deny {} --comment \"…\"\n", message.id));
        if let Some(console) = console {
            body.push_str(&format!("\nor at {console}\n"));
        }
    }
    (subject, body)
}

/// What a mail program would make a link of, written so that it does not: nobody should be led elsewhere by what an agent
/// wrote into a command.
fn no_link(text: &str) -> String {
    text.replace("://", "[://]").replace("www.", "www[.]")
}
