use super::*;

#[test]
fn what_depends_on_values_is_in_no_list() {
    for sqlstate in
        ["22P02", "22012", "23505", "23503", "23514", "21000", "44000", "P0001", "P0002", "20000", "38000"]
    {
        assert!(of_the_server(sqlstate).is_none() && !is_of_names(sqlstate), "{sqlstate}");
    }
}

#[test]
fn a_code_that_postgresql_does_not_know_is_not_the_servers() {
    for sqlstate in ["", "41111", "4000A", "ZZZZZ", "40", "57014 ", "42501", "42P01", "0A000"] {
        assert!(of_the_server(sqlstate).is_none(), "{sqlstate}");
    }
}

#[test]
fn what_a_client_must_know_to_try_again_is_the_servers() {
    for sqlstate in ["40001", "40P01", "55P03", "57014", "57P01", "53300", "25P02"] {
        assert!(of_the_server(sqlstate).is_some(), "{sqlstate}");
    }
}

#[test]
fn codes_are_five_letters_and_listed_once_in_order() {
    assert!(SERVER.iter().all(|(code, words)| code.len() == 5 && !words.is_empty()));
    assert!(SERVER.windows(2).all(|pair| pair[0].0 < pair[1].0));
}
