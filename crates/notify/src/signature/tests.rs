use proptest::prelude::*;

use super::*;

/// Slack's own example (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const SLACK_TIME: &str = "1531420618";
const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SLACK_SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

/// The example of the Standard Webhooks libraries.
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WEBHOOK_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const WEBHOOK_TIME: &str = "1614265330";
const WEBHOOK_BODY: &str = r#"{"test": 2432232314}"#;
const WEBHOOK_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn at(seconds: &str) -> Timestamp {
    Timestamp::from_seconds(seconds.parse().unwrap())
}

const SLACK: Signed<'_> = Signed { id: None, time: Some(SLACK_TIME), signature: Some(SLACK_SIGNATURE) };
const WEBHOOK: Signed<'_> =
    Signed { id: Some(WEBHOOK_ID), time: Some(WEBHOOK_TIME), signature: Some(WEBHOOK_SIGNATURE) };

fn of_slack(signed: Signed<'_>, body: &str, now: Timestamp) -> Result<Message, Forged> {
    slack(&secret(SLACK_SECRET), signed, body.as_bytes(), now)
}

fn of_webhook(signed: Signed<'_>, body: &str, now: Timestamp) -> Result<Message, Forged> {
    webhook(&secret(WEBHOOK_SECRET), signed, body.as_bytes(), now)
}

#[test]
fn the_published_examples_are_right() {
    of_slack(SLACK, SLACK_BODY, at(SLACK_TIME)).unwrap();
    of_webhook(WEBHOOK, WEBHOOK_BODY, at(WEBHOOK_TIME)).unwrap();
    let seconds = WEBHOOK_TIME.parse().unwrap();
    let signed = sign_webhook(&secret(WEBHOOK_SECRET), WEBHOOK_ID, seconds, WEBHOOK_BODY.as_bytes());
    assert_eq!(signed.as_deref(), Some(WEBHOOK_SIGNATURE));
}

#[test]
fn five_minutes_before_and_after_it_holds_and_no_longer() {
    for (apart, held) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let it = of_slack(SLACK, SLACK_BODY, at(SLACK_TIME).plus_seconds(apart));
        assert_eq!(it.is_ok(), held, "{apart}: {it:?}");
        let it = of_webhook(WEBHOOK, WEBHOOK_BODY, at(WEBHOOK_TIME).plus_seconds(apart));
        assert_eq!(it.is_ok(), held, "{apart}: {it:?}");
        assert!(held || it == Err(Forged::Stale));
    }
}

#[test]
fn another_body_time_id_or_key_is_forged() {
    let now = at(SLACK_TIME);
    assert_eq!(of_slack(SLACK, &SLACK_BODY.replace("foobar", "foobaz"), now), Err(Forged::Signature));
    assert_eq!(
        of_slack(Signed { time: Some("1531420619"), ..SLACK }, SLACK_BODY, now),
        Err(Forged::Signature)
    );
    assert_eq!(
        slack(&secret(&SLACK_SECRET.replace('8', "9")), SLACK, SLACK_BODY.as_bytes(), now),
        Err(Forged::Signature)
    );
    let now = at(WEBHOOK_TIME);
    assert_eq!(of_webhook(WEBHOOK, r#"{"test": 2432232315}"#, now), Err(Forged::Signature));
    assert_eq!(
        of_webhook(Signed { id: Some("msg_x"), ..WEBHOOK }, WEBHOOK_BODY, now),
        Err(Forged::Signature)
    );
    let other = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx");
    assert_eq!(webhook(&other, WEBHOOK, WEBHOOK_BODY.as_bytes(), now), Err(Forged::Signature));
}

#[test]
fn what_is_no_signature_is_forged() {
    let now = at(SLACK_TIME);
    for signature in ["", "v0=", "v0=a2", "a2114d57", "v1=a2114d57b48e", "v0=zz", "v0=é", "v0=a"] {
        let signed = Signed { signature: Some(signature), ..SLACK };
        assert!(of_slack(signed, SLACK_BODY, now).is_err(), "{signature}");
    }
    for time in
        ["", "now", "-1531420618", "1531420618 ", "+1531420618", "99999999999999999999", "1531420618.0"]
    {
        let signed = Signed { time: Some(time), ..SLACK };
        assert_eq!(
            of_slack(signed, SLACK_BODY, now),
            Err(Forged::Field("X-Slack-Request-Timestamp")),
            "{time}"
        );
    }
    let now = at(WEBHOOK_TIME);
    for signature in ["", "v1,", "v1,AAAA", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
        let signed = Signed { signature: Some(signature), ..WEBHOOK };
        assert_eq!(of_webhook(signed, WEBHOOK_BODY, now), Err(Forged::Signature), "{signature}");
    }
    assert!(of_webhook(Signed { id: Some("a.b"), ..WEBHOOK }, WEBHOOK_BODY, now).is_err());
    assert!(of_webhook(Signed { id: None, ..WEBHOOK }, WEBHOOK_BODY, now).is_err());
}

#[test]
fn a_key_that_is_none_lets_nobody_sign() {
    let now = at(SLACK_TIME);
    for short in ["", "short"] {
        let mac = mac(short.as_bytes(), &[b"v0:", SLACK_TIME.as_bytes(), b":", b"x"]);
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = format!("v0={hex}");
        let signed = Signed { signature: Some(&signature), ..SLACK };
        assert_eq!(slack(&secret(short), signed, b"x", now), Err(Forged::Key));
    }
    for short in ["", "whsec_", "whsec_AAAA", "whsec_!"] {
        assert_eq!(webhook(&secret(short), WEBHOOK, b"x", at(WEBHOOK_TIME)), Err(Forged::Key), "{short}");
        assert_eq!(sign_webhook(&secret(short), "a", 1, b""), None);
    }
}

#[test]
fn a_message_is_the_same_however_its_signature_is_written() {
    let now = at(SLACK_TIME);
    let upper = format!("v0={}", SLACK_SIGNATURE.strip_prefix("v0=").unwrap().to_uppercase());
    let again = of_slack(Signed { signature: Some(&upper), ..SLACK }, SLACK_BODY, now);
    assert_eq!(again, of_slack(SLACK, SLACK_BODY, now));
    let now = at(WEBHOOK_TIME);
    let more = format!("v1,AAAA {WEBHOOK_SIGNATURE} v2,x");
    let again = of_webhook(Signed { signature: Some(&more), ..WEBHOOK }, WEBHOOK_BODY, now);
    assert_eq!(again, of_webhook(WEBHOOK, WEBHOOK_BODY, now));
}

proptest! {
    #[test]
    fn what_was_signed_is_right_and_nothing_else_is(
        key in prop::collection::vec(any::<u8>(), 24..=64),
        body in prop::collection::vec(any::<u8>(), 0..64),
        other in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let key = secret(&format!("whsec_{}", BASE64_STANDARD.encode(key)));
        let signature = sign_webhook(&key, "id", 1_700_000_000, &body).unwrap();
        let signed = Signed { id: Some("id"), time: Some("1700000000"), signature: Some(&signature) };
        let now = Timestamp::from_seconds(1_700_000_000);
        prop_assert!(webhook(&key, signed, &body, now).is_ok());
        prop_assert_eq!(webhook(&key, signed, &other, now).is_ok(), body == other);
    }

    #[test]
    fn no_header_breaks_the_check(id in ".*", time in ".*", signature in ".*") {
        let signed = Signed { id: Some(&id), time: Some(&time), signature: Some(&signature) };
        prop_assert!(of_slack(signed, SLACK_BODY, at(SLACK_TIME)).is_err());
        prop_assert!(of_webhook(signed, WEBHOOK_BODY, at(WEBHOOK_TIME)).is_err());
    }
}
