use notify::{MailTls, Medium};

use super::{GOOD, parse};

const CHANNELS: &str = "
notify:
  url: https://panguard.example.com/
  channels:
    ops-slack:
      type: slack
      token: { secret: slack-bot }
      channel: C0123ABCD
      team: T0123ABCD
      signing_secret: { secret: slack-signing }
      connections: [payments-db]
      people:
        U01BEA: { subject: bea, groups: [owners] }
    ops-teams: { type: teams, url: { secret: teams-url } }
    ci-hook: { type: webhook, url: 'https://ci.example.com/events', key: { secret: hook-key } }
    mail:
      type: mail
      server: smtp.internal:587
      user: panguard
      password: { secret: smtp }
      from: panguard@example.com
      to: [ops@example.com]
";

/// What is wrong with GOOD and CHANNELS with `from` replaced by `to`: one thing.
fn wrong(from: &str, to: &str) -> String {
    let text = format!("{GOOD}{CHANNELS}");
    assert!(text.contains(from), "it has {from}");
    let Err(found) = parse(&text.replacen(from, to, 1)) else { panic!("{to} was accepted") };
    assert_eq!(found.0.len(), 1, "{found}");
    found.0[0].message.clone()
}

#[test]
fn channels_are_read_as_they_are_meant() {
    let config = parse(&format!("{GOOD}{CHANNELS}")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.notify.console.as_deref(), Some("https://panguard.example.com"));
    let of = |name: &str| {
        config.notify.channels.iter().map(|it| &it.channel).find(|it| *it.name == *name).unwrap()
    };
    let Medium::Slack { api, channel, team, signing_secret, .. } = &of("ops-slack").medium else {
        panic!("no slack")
    };
    assert_eq!(
        (&**api, &**channel, team.as_deref()),
        ("https://slack.com/api", "C0123ABCD", Some("T0123ABCD"))
    );
    assert_eq!(signing_secret.as_ref().map(vault::Name::as_str), Some("slack-signing"));
    let bea = &of("ops-slack").people["U01BEA"];
    assert_eq!((&*bea.issuer, &*bea.subject), ("https://idp.example.com", "bea"));
    assert!(of("ops-slack").is_told_of("payments-db") && !of("ops-slack").is_told_of("other"));
    assert!(of("mail").is_told_of("other"));
    let Medium::Mail(mail) = &of("mail").medium else { panic!("no mail") };
    assert_eq!((&*mail.host, mail.port, mail.tls), ("smtp.internal", 587, MailTls::StartTls));
}

#[test]
fn nobody_answers_without_a_signature_or_by_half_an_identity() {
    let said = wrong("      signing_secret: { secret: slack-signing }\n", "");
    assert!(said.starts_with("without a `signing_secret` anybody could answer"), "{said}");
    let said = wrong("      groups_claim: realm_access.roles", "      person_claim: email");
    assert!(said.contains("write what it says of them: `person: …`"), "{said}");
    let said = wrong("{ subject: bea,", "{ subject: bea, person: bea@example.com,");
    assert!(said.contains("the issuer has no `person_claim`"), "{said}");
    let said = wrong("{ subject: bea,", "{ subject: '',");
    assert!(said.contains("there is no `subject`"), "{said}");
    let said = wrong(
        "key: { secret: hook-key } }",
        "key: { secret: slack-signing }, people: { bea: { subject: bea } } }",
    );
    assert!(said.starts_with("another channel answers by the same key"), "{said}");
    let said = wrong("  console: 127.0.0.1:8443\n", "");
    assert!(said.contains("answers come in at the console"), "{said}");
}

#[test]
fn a_channel_is_told_in_plain_text_on_loopback_alone() {
    let said = wrong("'https://ci.example.com/events'", "'http://ci.example.com/events'");
    assert!(said.contains("plain text is refused off loopback"), "{said}");
    let said = wrong("url: https://panguard.example.com/", "url: ftp://panguard.example.com/");
    assert!(said.contains("this is no address"), "{said}");
    let said = wrong("'https://ci.example.com/events'", "'https://user:secret@ci.example.com/'");
    assert!(said.contains("without a user") && !said.contains("secret@"), "{said}");
    let said =
        wrong("      from: panguard@example.com", "      tls: disable\n      from: panguard@example.com");
    assert!(said.contains("plain text is refused off loopback"), "{said}");
}
