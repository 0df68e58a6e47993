use std::fs;

use access::Secret;
use audit::{Entry, Event, Log, Options};

use super::*;

#[test]
fn a_period_is_of_days_or_of_moments() {
    assert_eq!(moment("1970-01-02"), Ok(Timestamp::from_seconds(86_400)));
    assert_eq!(moment("1970-01-01T01:00:00+01:00"), Ok(Timestamp(0)));
    for wrong in ["", "yesterday", "1970-13-01", "1970-01-01T00:00:00"] {
        assert!(moment(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_seed_is_no_card_number() {
    assert!(seed("qsa-7").is_ok() && seed("20261122").is_ok());
    for wrong in ["", "a b", "4111111111111111", "qsa/4111-1111-1111-1111"] {
        let told = seed(wrong).unwrap_err();
        assert!(!told.contains("4111"), "{told}");
    }
}

#[test]
fn no_cell_of_a_table_is_a_formula() {
    for (text, cell) in [
        ("=cmd|'/c calc'!a1", "\"'=cmd|'/c calc'!a1\""),
        ("+1", "\"'+1\""),
        ("-1", "\"'-1\""),
        ("@sum(a1)", "\"'@sum(a1)\""),
        (" \t=1", "\"'  =1\""),
        ("\n=1", "\"\n'=1\""),
        ("a;=1", "\"a;'=1\""),
        ("a; -1;b", "\"a;' -1;b\""),
        ("a;\"=1\"", "\"a;'\"\"=1\"\"\""),
        ("select\n@1", "\"select\n'@1\""),
        ("\"=1", "\"'\"\"=1\""),
        ("a;b", "\"a;b\""),
        ("\u{200b}=1", "\"'\\u{200b}=1\""),
        ("\u{ff1d}1", "\"'\u{ff1d}1\""),
        ("1-1", "1-1"),
        ("a,b", "\"a,b\""),
        ("say \"so\"", "\"say \"\"so\"\"\""),
        ("select 1\r\n", "\"select 1\\u{d}\n\""),
        ("\u{1b}[2J\u{202e}", "\\u{1b}[2J\\u{202e}"),
        ("", ""),
    ] {
        assert_eq!(csv::line([text]), format!("{cell}\r\n"), "{text:?}");
    }
    assert_eq!(csv::line(["a", "", "b"]), "a,,b\r\n");
}

#[test]
fn nothing_on_a_page_is_markup_but_our_own() {
    let hostile = "<script>alert(1)</script><img src=x onerror=\"a()\">'&\u{202e}\u{1b}[2J";
    let mut page = page::Page::new(hostile, "../");
    page.text(hostile);
    page.code(hostile);
    page.facts([("a", hostile.to_owned())]);
    page.table(
        [hostile],
        [vec![page::Cell::text(hostile), page::Cell::links([(hostile.to_owned(), hostile)])]],
    );
    let html = page.end();
    for bad in ["<script", "<img", "\u{202e}", "\u{1b}"] {
        assert!(!html.contains(bad), "{bad:?} is in {html}");
    }
    let html = html.replace("<wbr>", "");
    assert!(html.contains("&lt;script&gt;") && html.contains("\\u{202e}"));
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn moments_stay_whole_and_long_words_may_be_broken() {
    let cell = |text: &str| {
        let mut page = page::Page::new("", "");
        page.table([], [vec![page::Cell::text(text)]]);
        page.end().split("<td>").nth(1).unwrap().split("</td>").next().unwrap().to_owned()
    };
    assert_eq!(cell("2026-01-01T00:00:00.000000Z"), "<time>2026-01-01</time> <time>00:00:00.000000Z</time>");
    assert_eq!(cell("<b>6-01-01T00:00:00.000000Z"), "&lt;b&gt;6-01-01T00:00<wbr>:00.000000Z");
    assert_eq!(cell(&"&".repeat(25)), format!("{}<wbr>{}", "&amp;".repeat(16), "&amp;".repeat(9)));
    assert_eq!(cell("a <b> c"), "a &lt;b&gt; c");
    assert!(cell(&"é ".repeat(500)).ends_with('…'));
}

#[test]
fn entries_of_the_period_are_found_wherever_a_clock_that_was_set_has_put_them() {
    let dir = tempfile::tempdir().unwrap();
    let (log, out) = (dir.path().join("audit"), dir.path().join("pack"));
    let signer = || Signer::from_seed(&Secret::from(vec![9; 32]), "gw1").unwrap();
    let open = Log::open(&log, signer(), Options::new("gw1", "0", Timestamp(1))).unwrap();
    for second in [1_000, 9_000, 1_100, 1_900, 10, 1_200, 90_000, 1_300] {
        let event = Event::SessionClosed { reason: "".into(), commands: 0 };
        open.append(&Entry::of_gateway(Timestamp::from_seconds(second), "gw1".into(), event)).wait().unwrap();
    }
    open.close(Timestamp::from_seconds(100_000)).unwrap();
    let head = signer().verifier().open(&audit::checkpoint(&log).unwrap().unwrap()).unwrap();
    let mut drawing = Draw::new(Timestamp::from_seconds(1_000)..Timestamp::from_seconds(2_000));
    let mut pack = Pack::create(&out).unwrap();
    let range =
        read(audit::signed(&log, &head, 0), &mut drawing, &mut Sampler::new("7", 1), &mut pack).unwrap();
    drop(pack);
    // The log's own two come first.
    assert_eq!(range, (2, 10));
    let table = fs::read_to_string(out.join("reports/sessions.csv")).unwrap();
    let indexes = table.lines().skip(1).map(|line| line.split(',').next().unwrap());
    assert_eq!(indexes.collect::<Vec<_>>(), ["2", "4", "5", "7", "9"]);
}
