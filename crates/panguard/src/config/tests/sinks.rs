use audit::{Field, Search};
use ship::{Begins, Form, To};

use super::{GOOD, parse};

const SINKS: &str = "
audit:
  sinks:
    siem: { type: syslog, address: 'siem.internal:6514', where: event = command_refused, from: now }
    otel:
      type: otlp
      url: https://otel.internal/v1/logs
      headers: { Authorization: { secret: otel } }
    hook: { type: webhook, url: 'https://ci.example.com/entries', key: { secret: hook-key }, format: ocsf }
    copy: { type: file, path: ./copy.jsonl, format: json }
";

/// What is wrong with GOOD and SINKS with `from` replaced by `to`: one thing.
fn wrong(from: &str, to: &str) -> String {
    let text = format!("{GOOD}{SINKS}");
    assert!(text.contains(from), "it has {from}");
    let Err(found) = parse(&text.replacen(from, to, 1)) else { panic!("{to} was accepted") };
    assert_eq!(found.0.len(), 1, "{found}");
    found.0[0].message.clone()
}

#[test]
fn sinks_are_read_as_they_are_meant() {
    let config = parse(&format!("{GOOD}{SINKS}")).unwrap_or_else(|problems| panic!("{problems}"));
    let of = |name: &str| config.sinks.iter().map(|it| &it.sink).find(|it| *it.name == *name).unwrap();
    let siem = of("siem");
    assert_eq!(siem.only, Search::Is(Field::Event, "command_refused".into()));
    assert_eq!((siem.begins, of("copy").begins), (Begins::Now, Begins::Start));
    let host = "siem.internal".into();
    assert_eq!(siem.to, To::Syslog { host, port: 6514, tls: true, form: Form::Syslog });
    let To::Otlp { headers, .. } = &of("otel").to else { panic!("no otlp") };
    assert_eq!((headers[0].0.as_str(), headers[0].1.as_str()), ("authorization", "otel"));
    let To::Webhook { form, .. } = &of("hook").to else { panic!("no webhook") };
    assert_eq!(*form, Form::Ocsf);
    let To::File { path, .. } = &of("copy").to else { panic!("no file") };
    assert!(path.ends_with("copy.jsonl") && of("otel").only.is_everything());
    assert!(parse(GOOD).unwrap_or_else(|problems| panic!("{problems}")).sinks.is_empty());
}

#[test]
fn what_is_wrong_with_a_sink_is_said_with_what_to_write() {
    for (from, to, said) in [
        (
            "type: otlp",
            "type: kafka",
            "`kafka` is no type of sink; write `syslog`, `otlp`, `webhook` or `file`",
        ),
        ("    copy:", "    Copy.1:", "`Copy.1` cannot name a sink"),
        (", from: now", ", from: 12", "`panguard audit sinks siem --from INDEX`"),
        ("event = command_refused", "'event = '", "`where` is not understood at its character"),
        ("path: ./copy.jsonl, ", "", "`copy` has no `path`"),
        (", format: json", "", "`copy` has no `format`"),
        (", format: json", ", format: xml", "`xml` is no form of entries"),
        (", format: json", ", format: json, url: 'https://x/'", "`url` is not for `file`"),
        ("./copy.jsonl", "./data/audit/checkpoint", "this is in `data_dir`"),
        ("key: { secret: hook-key }, ", "", "`hook` has no `key` to sign by"),
        ("Authorization:", "Content-Length:", "`Content-Length` is a header that panguard writes itself"),
        ("Authorization:", "'a b':", "`a b` is no name of a header"),
        ("'siem.internal:6514'", "siem.internal", "`siem.internal` is not an address"),
    ] {
        let found = wrong(from, to);
        assert!(found.contains(said), "{to}: {found}");
    }
    let two = "copy: { type: file, path: ./copy.jsonl, format: json }";
    let found = wrong(two, &format!("{two}\n    other: {{ type: file, path: copy.jsonl, format: cef }}"));
    assert!(found.starts_with("another sink writes this file"), "{found}");
}

#[test]
fn the_log_goes_in_plain_text_to_loopback_alone() {
    let said = wrong("'siem.internal:6514'", "'siem.internal:6514', tls: disable");
    assert!(said.starts_with("plain text is refused off loopback"), "{said}");
    let said = wrong("https://otel.internal", "http://otel.internal");
    assert!(said.starts_with("plain text is refused off loopback"), "{said}");
    let text = format!("{GOOD}{SINKS}").replace("'siem.internal:6514'", "'127.0.0.1:6514', tls: disable");
    assert!(parse(&text).is_ok());
}
