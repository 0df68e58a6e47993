use std::path::Path;
use std::time::Duration;

use super::{GOOD, parse};
use crate::config::{Audit, Config, Lock, Place};

const S3: &str = "
audit:
  retention: { hot: 100d, all: 500d }
  archive:
    every: 90s
    s3:
      endpoint: https://s3.eu-central-1.amazonaws.com
      bucket: audit-logs
      prefix: /gateways/one/
      region: eu-central-1
      credential: { access_key_id: AKIAIOSFODNN7EXAMPLE, secret_access_key: { secret: archive } }
      object_lock: compliance
";

fn read(text: &str) -> Config {
    parse(&format!("{GOOD}{text}")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is wrong with GOOD and `text`.
fn wrong(text: &str) -> Vec<String> {
    let Err(found) = parse(&format!("{GOOD}{text}")) else { panic!("{text} was accepted") };
    found.0.into_iter().map(|problem| problem.message).collect()
}

/// A made-up witness's key.
const KEY: &str = "witness.example/w1+7e136b5c+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

#[test]
fn a_log_is_kept_for_a_year_and_a_month_and_three_months_at_hand_unless_told_otherwise() {
    let audit = read("").audit;
    assert_eq!((audit.retention.hot, audit.retention.all), (days(95), days(400)));
    assert!(audit.archive.is_none() && read("audit: {}").audit == Audit::DEFAULT);
}

#[test]
fn an_archive_is_read_as_it_is_meant() {
    let audit = read(S3).audit;
    let archive = audit.archive.unwrap();
    assert_eq!((audit.retention.hot, archive.every), (days(100), Duration::from_secs(90)));
    let Place::S3(s3) = archive.place else { panic!("a bucket") };
    assert_eq!(
        (&*s3.at.bucket, &*s3.at.prefix, s3.lock),
        ("audit-logs", "gateways/one/", Some(Lock::Compliance))
    );
    let archive = read("audit: { archive: { directory: ../elsewhere } }").audit.archive.unwrap();
    assert!(archive.place == Place::Directory(Path::new("/etc/panguard/../elsewhere").to_owned()));
}

#[test]
fn logs_of_cardholder_data_are_not_kept_for_less_than_the_standard_asks() {
    let found = wrong("audit: { retention: { hot: 89d, all: 364d } }");
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|message| message.contains("10.5.1") && message.contains("`cde`")), "{found:?}");
    read("audit: { retention: { hot: 90d, all: 365d } }");
    let elsewhere = GOOD.replacen("[cde, production]", "[production]", 1);
    let Ok(config) = parse(&format!("{elsewhere}audit: {{ retention: {{ hot: 1s, all: 2m }} }}")) else {
        panic!("without the label any time will do")
    };
    assert_eq!(config.audit.retention.all, Duration::from_secs(120));
}

#[test]
fn witnesses_are_known_by_their_keys_and_all_of_them_must_sign_unless_told_otherwise() {
    let one = format!("{{ url: 'https://witness.example/submit', key: '{KEY}' }}");
    let audit = read(&format!("audit: {{ witnesses: [{one}] }}")).audit;
    assert_eq!((audit.quorum, audit.witnesses[0].witness.name()), (1, "witness.example/w1"));
    for (text, part) in [
        (format!("audit: {{ witnesses: [{one}, {one}] }}"), "listed twice"),
        (format!("audit: {{ witnesses: [{one}], quorum: 2 }}"), "there are 1 witnesses"),
        (format!("audit: {{ witnesses: [{}] }}", one.replace("w1+", "w2+")), "mistyped"),
        (format!("audit: {{ witnesses: [{}] }}", one.replace("https", "http")), "plain text"),
    ] {
        let found = wrong(&text);
        assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_write() {
    for (text, part) in [
        ("audit: { retention: { hot: 500d } }", "for longer than they are kept"),
        ("audit: { retention: { all: 400 } }", "`400d`"),
        ("audit: { retention: { all: 0d } }", "`400d`"),
        ("audit: { archive: {} }", "an archive is in one place"),
        ("audit: { archive: { directory: ./data/archive } }", "lost with `data_dir`"),
        ("audit: { archive: { directory: /a, every: 2h } }", "once an hour"),
        ("audit: { segment_bytes: 1 }", "a segment has"),
        (&S3.replace("https://s3", "http://s3"), "plain text"),
        (&S3.replace("https://s3", "https://key:word@s3"), "secrets are never"),
        (&S3.replace("amazonaws.com", "amazonaws.com/bucket"), "the store's address"),
        (&S3.replace("audit-logs", "../logs"), "letters, digits"),
        (&S3.replace("compliance", "forever"), "no way of object lock"),
        (&S3.replace("{ secret: archive }", "wJalrXUtnFEMI"), "secrets are never"),
        ("audit: { keep: 400d }", "keep"),
    ] {
        let found = wrong(text);
        assert!(
            found.len() == 1 && found[0].contains(part) && !found[0].contains("wJalr"),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn so_much_of_each_answer_is_kept_and_none_with_surrogates_in_it() {
    assert_eq!(read("").audit.answer_bytes, 0);
    assert_eq!(read("\naudit: { answers: { bytes: 4096 } }\n").audit.answer_bytes, 4096);
    assert_eq!(wrong("\naudit: { answers: { bytes: 40000 } }\n"), ["this limit is from 0 to 32768"]);
    let tokenise = GOOD.replace("pan: last4", "pan: tokenise");
    assert_ne!(tokenise, GOOD);
    let Err(found) = parse(&format!("{tokenise}\naudit: {{ answers: {{ bytes: 1 }} }}\n")) else { panic!() };
    assert!(found.0[0].message.contains("3.5.1"), "{}", found.0[0].message);
}
