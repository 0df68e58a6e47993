use super::*;

#[test]
fn a_digit_is_read_however_it_is_written() {
    for written in [
        "4",
        "４",
        "٤",
        "४",
        "𝟒",
        "\\u0034",
        "\\uff14",
        "\\ud835\\udfd2",
        "%34",
        "%EF%BC%94",
        "&#52;",
        "&#x34;",
        "&#0052;",
    ] {
        let unit = View::Escaped.unit(&Text::whole(written.as_bytes()), 0).unwrap();
        assert_eq!(unit, Unit { kind: Kind::Digit(4), length: written.len() }, "{written}");
    }
}

#[test]
fn a_star_over_a_digit_keeps_the_escape_valid() {
    check("4", "*");
    check("４", "***");
    check("\\u0034", "\\u002a");
    check("\\uff14", "\\u002a");
    check("%34", "%2A");
    check("%EF%BC%94", "%2A%2A%2A");
    check("%2534", "%252A");
    check("%25252534", "%2525252A");
    check("&#52;", "&#42;");
    check("&#0052;", "&#0042;");
    check("&#x34;", "&#x2a;");
    check("&#65300;", "&#00042;");

    fn check(digit: &str, expected: &str) {
        let mut digit = digit.as_bytes().to_vec();
        star(&mut digit);
        assert_eq!(str::from_utf8(&digit), Ok(expected));
    }
}

#[test]
fn percent_escapes_of_percent_escapes_are_read_a_few_times() {
    for (written, length) in [("%2534", 5), ("%252534", 7), ("%25252534", 9), ("%2525252534", 11), ("%34", 3)]
    {
        let unit = View::Nested.unit(&Text::whole(written.as_bytes()), 0).unwrap();
        assert_eq!(unit, Unit { kind: Kind::Digit(4), length }, "{written}");
    }
    assert_eq!(View::Nested.unit(&Text::whole(b"%2520"), 0).unwrap().kind, Kind::Gap(Gap::Space));
    for percent in ["%25", "%25378282246310005", "%25B4", "%2525252525252534", "%25zz"] {
        let unit = View::Escaped.unit(&Text::whole(percent.as_bytes()), 0).unwrap();
        assert_eq!(unit, Unit { kind: Kind::Mark(b'%'), length: 3 }, "{percent}");
    }
}

#[test]
fn escapes_are_read_only_where_the_view_says_so() {
    assert_eq!(View::Plain.unit(&Text::whole(b"%34"), 0).unwrap().kind, Kind::Mark(b'%'));
    assert_eq!(View::Plain.unit(&Text::whole(b"\\u0034"), 0).unwrap().kind, Kind::Mark(b'\\'));
    assert_eq!(View::Json.unit(&Text::whole(b"&#52;"), 0).unwrap().kind, Kind::Mark(b'&'));
}

#[test]
fn a_broken_escape_is_what_it_looks_like() {
    for broken in ["%3", "%3g", "%B4", "\\u003", "\\x", "&#;", "&#99999999999;", "&what;", "&"] {
        let unit = View::Escaped.unit(&Text::whole(broken.as_bytes()), 0).unwrap();
        assert_eq!(unit, Unit { kind: Kind::Mark(broken.as_bytes()[0]), length: 1 }, "{broken}");
    }
}
