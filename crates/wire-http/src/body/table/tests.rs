use crate::body::testing::{self, care, check, same, strict};
use crate::body::{Withheld, kind::Said};

const CSV: &str = "text/csv; charset=utf-8; header=present";

#[test]
fn values_are_masked_as_text_and_by_the_names_of_their_columns() {
    check(&care(), CSV, "id,pan\r\n1,4111111111111111\r\n2,x\r\n", "id,pan\r\n1,************1111\r\n2,x\r\n");
    check(
        &care(),
        CSV,
        "id,card_number\n1,\"4111111111111112\"\n2,4111-1111-1111-1112",
        "id,card_number\n1,\"************1112\"\n2,****-****-****-1112",
    );
    check(
        &care(),
        "text/tab-separated-values",
        "card_number\ta\n4111111111111112\tb\n",
        "card_number\ta\n************1112\tb\n",
    );
    // Without a header, the first row is one of values.
    check(
        &care(),
        CSV,
        "4111111111111111,a\n4111111111111112,b\n",
        "************1111,a\n4111111111111112,b\n",
    );
}

#[test]
fn quotes_hold_line_ends_partings_and_quotes() {
    check(
        &care(),
        CSV,
        "note,card_number\n\"a \"\"b\"\", c\nd\",\"4111111111111112\"\n5\" pipe,4111111111111112\n",
        "note,card_number\n\"a \"\"b\"\", c\nd\",\"************1112\"\n5\" pipe,************1112\n",
    );
    check(&care(), CSV, "a\n\"x\"\"4111 1111 1111 1111\"\"y\"\n", "a\n\"x\"\"**** **** **** 1111\"\"y\"\n");
}

#[test]
fn a_card_code_in_its_column_is_withheld() {
    for table in [
        "pan,cvv\n4111111111111111,123\n",
        "a,cid,card_number,exp\n1,123,4111111111111111,12/29\n",
        "\u{feff}cvv,a\n123,b",
    ] {
        assert_eq!(testing::told(&care(), CSV, table.as_bytes()), Err(Withheld::Sad), "{table}");
    }
    same(&care(), CSV, b"cid,course\n123,algebra\n");
}

#[test]
fn strict_mode_puts_columns_together() {
    let table = "id,a,b\n1,40000566,55665556\n2,\"4111\",x\n";
    same(&care(), CSV, table.as_bytes());
    check(&strict(), CSV, table, "id,a,b\n1,********,********\n2,\"4111\",x\n");
    check(&strict(), "text/plain", table, "id,a,b\n1,********,********\n2,\"4111\",x\n");
    check(&strict(), "", "41111111;11111111\n", "********;********\n");
}

#[test]
fn a_row_that_never_ends_is_a_text() {
    let table = format!("a,b\n\"{}4111111111111111,\n\n4111111111111111", "x".repeat(300_000));
    let gone = format!("a,b\n\"{}************1111,\n\n************1111", "x".repeat(300_000));
    for width in [1000, table.len()] {
        assert!(testing::run(&care(), CSV, table.as_bytes(), width).unwrap() == gone.as_bytes());
    }
    assert!(!Said::read(CSV).is_multipart());
}
