use hyper::StatusCode;
use jiff::Timestamp;
use proptest::prelude::*;

use super::super::console::{Said, base, said};
use super::*;

/// A request of the console, with `change` made to it.
fn request(change: impl Fn(&mut Value)) -> Request {
    let mut value = json!({
        "id": "3f9a61c0d4e8b752-12",
        "state": "waiting",
        "asker": {
            "kind": "agent", "id": "claude", "issuer": "https://idp.example.com",
            "on_behalf_of": "carl", "groups": ["agents", "checkout"],
        },
        "connection": "payments-db",
        "labels": ["cde", "production"],
        "lane": "postgres",
        "waits": true,
        "statement": "update cards set holder = $1\nwhere id = $2",
        "parameters": ["Ada", null],
        "shortened": false,
        "facts": {
            "kinds": ["update"],
            "uses": [{ "action": "write", "resource": "table public.cards" }],
            "columns": [{ "column": "public.cards.holder", "class": "cardholder_name", "position": "assigned" }],
            "effect": "data",
            "functions": [],
            "not_understood": [],
        },
        "effect": {
            "tables": ["public.cards"], "rows": 1, "has_where": true,
            "lock": "ROW EXCLUSIVE",
        },
        "why": "`update` needs `write` on table public.cards",
        "policies": [{ "id": "writes", "reason": "somebody looks at each write", "requirement": "7.2.5" }],
        "needed": 2,
        "approvals": 1,
        "answers": [{
            "by": { "kind": "user", "id": "bea", "issuer": "https://idp.example.com", "on_behalf_of": null, "groups": [] },
            "approves": true, "comment": "OPS-71", "at": "2026-11-22T09:01:00.000Z",
        }],
        "asked": "2026-11-22T09:00:00.000Z",
        "expires": "2026-11-22T09:15:00.000Z",
        "approved_until": null,
        "fingerprint": "0f1e2d",
        "something": "of a newer version",
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T09:02:30Z".parse().unwrap()
}

#[test]
fn a_request_in_a_list_is_who_where_what_and_why() {
    let lines = request(|_| {}).brief(now());
    assert_eq!(
        lines.join("\n"),
        "\
3f9a61c0d4e8b752-12  waiting: 1 of 2 approvals, 12 min 30 s left
  who      agent claude, for user carl
  where    payments-db [cde, production]
  what     update cards set holder = $1 where id = $2
  touches  1 row of public.cards
  why      `update` needs `write` on table public.cards
"
    );
}

#[test]
fn whom_it_was_told_is_shown_with_what_failed() {
    let lines = request(|it| {
        it["deliveries"] = json!([
            { "channel": "ops", "event": "asked", "state": "delivered", "attempts": 2, "error": null, "next": null },
            { "channel": "ci", "event": "asked", "state": "pending", "attempts": 0, "error": null, "next": "2026-11-22T09:00:00Z" },
            { "channel": "mail", "event": "asked", "state": "pending", "attempts": 3, "error": "it answers 503", "next": "2026-11-22T09:03:00Z" },
            { "channel": "old", "event": "asked", "state": "given_up", "attempts": 8, "error": "it cannot be reached", "next": null },
            { "channel": "old", "event": "denied", "state": "dropped", "attempts": 0, "error": null, "next": null },
        ]);
    })
    .whole(now());
    let told: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("told     ")).collect();
    assert_eq!(
        told,
        [
            "ops of `asked`",
            "ci of `asked`: not yet",
            "mail of `asked`: FAILED 3 times (it answers 503), again in 30 s",
            "old of `asked`: GIVEN UP after 8 attempts (it cannot be reached)",
            "old of `denied`: not told in time",
        ]
    );
}

#[test]
fn a_request_is_shown_whole() {
    let lines = request(|_| {}).whole(now());
    assert_eq!(
        lines.join("\n"),
        "\
request  3f9a61c0d4e8b752-12
state    waiting: 1 of 2 approvals, 12 min 30 s left
who      agent claude, for user carl
         known to https://idp.example.com; groups agents, checkout
where    payments-db [cde, production], by postgres; its client waits
what     update cards set holder = $1
         where id = $2
         $1 = Ada
         $2 = NULL
does     write table public.cards
effect   data
touches  1 row of public.cards
locks    ROW EXCLUSIVE
column   public.cards.holder (cardholder_name), assigned
why      `update` needs `write` on table public.cards
policy   writes: somebody looks at each write (PCI DSS 7.2.5)
said     bea approved it at 2026-11-22T09:01:00Z: OPS-71
asked    2026-11-22T09:00:00Z, until 2026-11-22T09:15:00Z
print    0f1e2d
answer   panguard requests approve 3f9a61c0d4e8b752-12 --comment \"…\"
         panguard requests deny 3f9a61c0d4e8b752-12 --comment \"…\""
    );
}

#[test]
fn what_is_not_all_of_it_or_not_understood_is_said_loudly() {
    let lines = request(|it| {
        it["shortened"] = true.into();
        it["facts"]["not_understood"] = json!(["function public.wipe()"]);
    });
    let lines = lines.whole(now());
    assert!(lines.iter().any(|line| line.starts_with("         THIS IS NOT ALL OF IT")), "{lines:#?}");
    assert!(lines.contains(&"UNKNOWN  function public.wipe()".to_owned()), "{lines:#?}");
}

#[test]
fn what_it_would_touch_is_said_with_how_well_that_is_known() {
    let touches = |effect: Value| {
        let lines = request(|it| it["effect"] = effect.clone()).whole(now());
        lines.into_iter().find(|line| line.starts_with("touches")).unwrap_or_default()
    };
    let tables = json!(["public.cards"]);
    assert_eq!(
        touches(json!({ "tables": tables, "rows": 812, "has_where": false })),
        "touches  812 rows of public.cards, WITHOUT A WHERE"
    );
    assert_eq!(
        touches(json!({ "tables": tables, "rows": 812, "is_estimate": true, "has_where": true })),
        "touches  about 812 rows of public.cards, by the planner's estimate"
    );
    assert_eq!(
        touches(json!({ "tables": tables, "uncounted": "it takes too long", "has_where": true })),
        "touches  public.cards; not counted: it takes too long"
    );
    assert_eq!(touches(json!({ "tables": [], "has_where": true })), "");
}

#[test]
fn rows_are_a_table_with_what_is_set_as_it_is_and_as_it_would_be() {
    let rows = |sample: Value| {
        let lines =
            request(|it| it["effect"] = json!({ "tables": ["t"], "sample": sample.clone() })).whole(now());
        let from = lines.iter().position(|line| line.starts_with("rows")).unwrap();
        let until = lines.iter().position(|line| line.starts_with("column")).unwrap();
        lines[from..until].join("\n")
    };
    let changed = json!({
        "columns": ["id", "amount", "memo"], "sets": ["amount"], "sets_more": 2,
        "rows": [
            { "was": ["1", "5.00", null], "becomes": ["1", "6.00", null] },
            { "was": ["22", null, "a → b"], "becomes": ["22", "NULL", "a → b"] },
        ],
    });
    assert_eq!(
        rows(changed),
        "\
rows     some of those that it changes, as they are → as they would be:
           id  amount         memo
           1   5.00 → 6.00    NULL
           22  NULL → \"NULL\"  \"a → b\"
         AND 2 MORE COLUMNS ARE SET"
    );
    let deleted = json!({ "columns": ["id"], "sets": [], "rows": [{ "was": ["1"] }] });
    assert_eq!(rows(deleted), "rows     some of those that it deletes:\n           id\n           1");
    let added =
        json!({ "columns": ["id", "memo"], "sets": [], "rows": [{ "becomes": ["1", "x".repeat(80)] }] });
    assert_eq!(
        rows(added),
        format!(
            "rows     some of those that it adds:\n         row 1\n           id: 1\n           memo:\n         {}\n         {}",
            "x".repeat(69),
            "x".repeat(11)
        )
    );
    assert_eq!(rows(json!({ "columns": ["id"], "sets": [], "rows": [] })), "rows     none now");
}

#[test]
fn a_resource_is_shown_by_what_changes_of_it() {
    let effect = json!({
        "tables": [], "has_where": true,
        "diff": {
            "read": { "path": "/cards/7", "route": "/cards/{id}" },
            "lines": [
                { "at": "/holder", "change": "changed", "was": "\"Ada\"", "becomes": "\"Bea\"" },
                { "at": "/pan", "change": "set", "becomes": "\"************1111\"" },
                { "at": "/tags/0", "change": "added", "becomes": "\"x\"" },
                { "at": "", "change": "removed", "was": "null" },
            ],
            "left_out": 3,
        },
    });
    let lines = request(|it| it["effect"] = effect.clone()).whole(now());
    let from = lines.iter().position(|line| line.starts_with("changes")).unwrap();
    assert_eq!(
        lines[from..from + 6].join("\n"),
        "\
changes  of what GET /cards/7 gives:
           ~ /holder: \"Ada\" → \"Bea\"
           = /pan: set to \"************1111\", changed or not
           + /tags/0: \"x\"
           - all of it: null
         AND 3 MORE PLACES"
    );
    let unread = json!({ "tables": [], "undiffed": "it cannot be read", "unsampled": "it changes a view" });
    let lines = request(|it| it["effect"] = unread.clone()).whole(now());
    assert!(lines.contains(&"changes  not shown: it cannot be read".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"rows     not shown: it changes a view".to_owned()), "{lines:#?}");
}

#[test]
fn where_it_stands_says_how_long_that_holds() {
    let stands = |state: &str, waits: bool, until: Option<&str>| {
        let heading = request(|it| {
            it["state"] = state.into();
            it["waits"] = waits.into();
            it["approved_until"] = until.into();
        });
        heading.heading(now()).split_once("  ").unwrap().1.to_owned()
    };
    assert_eq!(stands("approved", true, Some("2026-11-22T09:12:30Z")), "approved: it runs now, once");
    assert_eq!(
        stands("approved", false, Some("2026-11-23T10:02:30Z")),
        "approved: it may run once within 1 d 1 h, when the agent sends it again"
    );
    assert_eq!(stands("denied", true, None), "denied");
    let late = request(|it| it["expires"] = "2026-11-22T09:02:00Z".into());
    assert!(late.heading(now()).ends_with(", 0 s left"));
}

#[test]
fn a_statement_cannot_draw_on_the_terminal_or_pass_for_another_line() {
    let forged = "select 1\u{1b}[2J\r\nanswer   approved already\nstate    approved";
    let lines = request(|it| it["statement"] = forged.into());
    let lines = lines.whole(now());
    assert!(lines.contains(&"what     select 1\\u{1b}[2J".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"         answer   approved already".to_owned()), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("state ")).count(), 1);
}

#[test]
fn a_token_goes_over_tls_or_stays_on_the_machine() {
    let check = |url: &str, wanted: &str| assert_eq!(base(url).unwrap(), wanted, "{url}");
    check("https://console.example.com/", "https://console.example.com");
    check("https://example.com:444/panguard/", "https://example.com:444/panguard");
    check("http://127.0.0.1:8443", "http://127.0.0.1:8443");
    check("http://[::1]:8443/", "http://[::1]:8443");
    check("http://localhost:1", "http://localhost:1");
    for wrong in [
        "http://console.example.com",
        "http://10.0.0.1:8443",
        "http://localhost.example.com",
        "ftp://127.0.0.1",
        "127.0.0.1:8443",
        "https://me:secret@example.com",
        "https://example.com/?x=1",
        "",
    ] {
        let why = base(wrong).unwrap_err();
        assert!(!format!("{why:#}").contains("secret"), "{why:#}");
    }
}

#[test]
fn no_is_an_answer_and_what_is_no_answer_is_an_error() {
    let problem = |status: u16| {
        let body =
            br#"{"type":"urn:x","title":"only people answer","status":403,"detail":"a person has to"}"#;
        said(StatusCode::from_u16(status).unwrap(), Some("application/problem+json"), body)
    };
    for no in [403, 404, 409] {
        assert!(matches!(problem(no), Ok(Said::No { .. })), "{no}");
    }
    for wrong in [400, 401, 500, 503] {
        let Err(error) = problem(wrong) else { panic!("{wrong}") };
        assert_eq!(error.to_string(), "only people answer: a person has to");
    }
    for (status, kind, body) in [
        (200, Some("text/html"), "<html>"),
        (404, Some("text/html"), "<html>"),
        (302, None, ""),
        (200, Some("application/json"), "{"),
    ] {
        assert!(said(StatusCode::from_u16(status).unwrap(), kind, body.as_bytes()).is_err());
    }
}

proptest! {
    #[test]
    fn any_answer_is_understood_or_refused(body in prop::collection::vec(any::<u8>(), 0..200), status in 200..600u16) {
        for kind in [None, Some("application/json"), Some("application/problem+json")] {
            _ = said(StatusCode::from_u16(status).unwrap(), kind, &body);
        }
    }

    /// Whatever a request holds, each line of it begins with a label or blanks, fits, and holds nothing unseen.
    #[test]
    fn no_text_breaks_out_of_its_place(text in any::<String>()) {
        let lines = request(|it| {
            for member in ["id", "state", "connection", "lane", "statement", "why", "fingerprint"] {
                it[member] = text.clone().into();
            }
            it["asker"]["id"] = text.clone().into();
            it["labels"] = json!([text]);
            it["parameters"] = json!([text]);
            it["answers"][0]["comment"] = text.clone().into();
            it["fields"] = json!([{ "name": text, "value": text }]);
            it["effect"] = json!({
                "tables": [text], "uncounted": text, "lock": text,
                "sample": { "columns": [text, "b"], "sets": [text], "rows": [{ "was": [text, null], "becomes": [text] }] },
                "diff": {
                    "read": { "path": text },
                    "lines": [{ "at": text, "change": text, "was": text }, { "at": text, "change": "set", "becomes": text }],
                },
            });
        });
        let labels = ["request", "state", "who", "where", "what", "with", "does", "effect", "touches", "locks", "column", "why",
            "policy", "said", "asked", "print", "answer", "rows", "changes", ""];
        for line in lines.whole(now()) {
            prop_assert!(!line.chars().any(char::is_control));
            let label: String = line.chars().take(9).collect();
            prop_assert!(labels.contains(&label.trim_end()), "{line:?}");
        }
        prop_assert!(!lines.brief(now()).concat().chars().any(char::is_control));
    }
}
