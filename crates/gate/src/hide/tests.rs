use access::{ColumnUse, DataClass, Facts, Position};

use super::{Hide, is_bare};

fn facts(columns: &[(DataClass, Position)]) -> Facts {
    let used = |(class, position): &(DataClass, Position)| ColumnUse {
        column: "public.t.c".into(),
        class: class.clone(),
        position: *position,
    };
    Facts { columns: columns.iter().map(used).collect(), ..Facts::default() }
}

#[test]
fn the_strictest_column_decides() {
    assert_eq!(Hide::of(&facts(&[])), Hide::Nothing);
    assert_eq!(Hide::of(&facts(&[(DataClass::Sad, Position::Output)])), Hide::Nothing);
    assert_eq!(Hide::of(&facts(&[(DataClass::Pan, Position::Assigned)])), Hide::Nothing);
    assert_eq!(Hide::of(&facts(&[(DataClass::Pan, Position::Computed)])), Hide::Digits);
    let both = [(DataClass::Sad, Position::Assigned), (DataClass::Pan, Position::Computed)];
    assert_eq!(Hide::of(&facts(&both)), Hide::Sad);
    assert_eq!(Hide::of(&facts(&[(DataClass::Own("iban".into()), Position::Computed)])), Hide::Values);
    assert_eq!(Hide::of(&Facts { not_understood: vec!["x".into()], ..Facts::default() }), Hide::Digits);
}

#[test]
fn a_text_without_values_is_told_from_one_that_may_hold_some() {
    for bare in [
        "select name from customers order by name",
        "update t2 set cvv = $1, pin_block3 = $12 where id = $3",
        "select a - b, a / b from t",
        "",
    ] {
        assert!(is_bare(bare), "{bare}");
    }
    for holding in [
        "update t set cvv = 123",
        "update t set cvv = '123'",
        "update t set cvv = $$123$$",
        "update t set cvv = $a$123$a$",
        "select e'\\x31'",
        "select \"cvv is 123\"",
        "select 1 -- a",
        "select a /* cvv abc */ from t",
        "select a from t where cvv=.5",
        "select ١٢٣",
        "select a from t -- cvv abc",
    ] {
        assert!(!is_bare(holding), "{holding}");
    }
}

#[test]
fn digits_are_hidden_in_every_script() {
    let hidden = Hide::Digits.apply("pan like '4111 11%' and x = ٣".into());
    assert_eq!(hidden.as_deref(), Some("pan like '#### ##%' and x = #"));
}

#[test]
fn a_text_that_speaks_of_a_password_keeps_no_value() {
    assert_eq!(Hide::Nothing.apply("create role x PassWord 'hunter'".into()), None);
    assert!(Hide::Nothing.apply("select password from users".into()).is_some());
}

#[test]
fn values_of_other_classes_are_withheld_whole() {
    assert_eq!(Hide::Values.apply("update customers set name = 'Ann'".into()), None);
    assert!(Hide::Sad.apply("update cards set cvv = $1".into()).is_some());
}
