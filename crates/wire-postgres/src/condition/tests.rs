use super::*;

#[test]
fn what_depends_on_values_is_in_no_list() {
    for sqlstate in [
        "22P02", "22012", "22003", "23505", "23503", "23514", "23000", "21000", "44000", "P0001", "P0002",
        "20000",
    ] {
        assert!(kept(sqlstate).is_none(), "{sqlstate}");
    }
    let folded =
        |code: &str| ["21", "22", "23", "44", "P0", "38", "39", "2F"].iter().any(|it| code.starts_with(it));
    assert!(KEPT.iter().all(|(code, _)| !folded(code)));
}

#[test]
fn a_code_that_postgresql_does_not_know_is_in_no_list() {
    for sqlstate in ["", "41111", "4000A", "ZZZZZ", "42", "57014 "] {
        assert!(kept(sqlstate).is_none(), "{sqlstate}");
    }
}

#[test]
fn codes_are_five_letters_and_listed_once_in_order() {
    assert!(KEPT.iter().all(|(code, words)| code.len() == 5 && !words.is_empty()));
    assert!(KEPT.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn what_a_client_must_know_to_try_again_is_the_servers() {
    let ours = |code: &str| kept(code).is_some_and(Kept::is_of_the_server);
    assert!(["40001", "40P01", "55P03", "57014", "57P01", "53300", "25P02"].iter().all(|code| ours(code)));
    assert!(["42P01", "42501", "0A000", "55000"].iter().all(|code| !ours(code)));
}
