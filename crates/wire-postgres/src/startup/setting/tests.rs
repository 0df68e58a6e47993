use super::*;

fn read(parameters: &[(&str, &str)]) -> Result<Settings, Unfit> {
    Settings::read(parameters.iter().copied())
}

fn forwarded(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    read(parameters).unwrap().forwarded
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn settings_that_change_only_how_answers_look_are_let_through_by_postgresqls_name() {
    assert_eq!(
        forwarded(&[("application_name", "psql"), ("datestyle", "ISO, MDY"), ("TIMEZONE", "UTC")]),
        pairs(&[("application_name", "psql"), ("DateStyle", "ISO, MDY"), ("TimeZone", "UTC")])
    );
}

#[test]
fn every_spelling_of_utf8_is_taken_and_not_forwarded() {
    for spelling in ["UTF8", "utf-8", "'utf-8'", "Unicode", "auto", "SQL_ASCII"] {
        assert_eq!(forwarded(&[("client_encoding", spelling)]), [], "{spelling}");
    }
    assert_eq!(read(&[("client_encoding", "LATIN1")]), Err(Unfit::Encoding));
}

#[test]
fn what_changes_the_meaning_of_a_statement_is_refused() {
    assert_eq!(read(&[("search_path", "evil")]), Err(Unfit::SearchPath));
    assert_eq!(forwarded(&[("search_path", "\"$user\", public")]), []);
    assert_eq!(read(&[("standard_conforming_strings", "off")]), Err(Unfit::Strings));
    for name in
        ["role", "session_authorization", "session_replication_role", "row_security", "default_tablespace"]
    {
        assert_eq!(read(&[(name, "x")]), Err(Unfit::Unknown(name.into())));
    }
}

#[test]
fn an_unknown_name_is_shown_only_if_it_is_a_plain_identifier() {
    assert_eq!(read(&[("4111111111111111", "x")]), Err(Unfit::Unknown("".into())));
    assert_eq!(read(&[("ro le", "x")]), Err(Unfit::Unknown("".into())));
    assert_eq!(read(&[(&"a".repeat(64), "x")]), Err(Unfit::Unknown("".into())));
}

#[test]
fn options_are_read_as_postgresql_reads_them() {
    let options = r"-c  statement_timeout=5s -cgeqo=off --lock-timeout=1s	-c application_name=a\ b\\c";
    assert_eq!(
        forwarded(&[("options", options)]),
        pairs(&[
            ("statement_timeout", "5s"),
            ("geqo", "off"),
            ("lock_timeout", "1s"),
            ("application_name", r"a b\c")
        ])
    );
}

#[test]
fn options_hold_to_the_same_list() {
    assert_eq!(read(&[("options", "-c role=postgres")]), Err(Unfit::Unknown("role".into())));
    assert_eq!(read(&[("options", "--search-path=evil")]), Err(Unfit::SearchPath));
    for options in ["-c", "-c x", "--x", "-d 5", "x=y", "-", "--", "\\"] {
        assert!(matches!(read(&[("options", options)]), Err(Unfit::Options)), "{options}");
    }
}

#[test]
fn a_setting_given_by_itself_wins_over_options() {
    let settings = [("geqo", "on"), ("options", "-c geqo=off"), ("GEQO", "yes")];
    assert_eq!(forwarded(&settings), pairs(&[("geqo", "yes")]));
}

#[test]
fn the_way_of_signing_in_is_panguards_own_setting() {
    let settings = read(&[("options", "-c panguard.auth=oauthbearer")]).unwrap();
    assert_eq!(settings, Settings { forwarded: Vec::new(), method: Some(Method::OAuthBearer) });
    assert_eq!(read(&[("panguard.auth", "none")]), Err(Unfit::Method));
}
