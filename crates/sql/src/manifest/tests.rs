use super::*;

const FILES: [(&str, &LazyLock<Manifest>); 3] =
    [("functions", &FUNCTIONS), ("relations", &RELATIONS), ("settings", &SETTINGS)];

#[test]
fn every_line_can_be_read() {
    for (file, manifest) in FILES {
        for (name, rows) in &manifest.by_name {
            assert!(rows.iter().all(|row| row.class != Class::Unreadable), "{file}: {name}");
            assert!(rows.iter().all(|row| row.versions.0 <= row.versions.1), "{file}: {name}");
            assert!(rows.iter().filter(|row| row.server).count() <= 1, "{file}: {name} is there twice");
        }
        assert!(manifest.by_name.len() > 200, "{file}");
    }
}

#[test]
fn each_file_has_its_own_classes() {
    use Class::*;
    let classes = |manifest: &Manifest| {
        let mut all: Vec<Class> = manifest.by_name.values().flatten().map(|row| row.class).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let functions = [
        Computes,
        Tells,
        Waits,
        Session,
        Locks,
        Leaves,
        Settings,
        Expressions,
        Sessions,
        Files,
        Server,
        Writes,
        Internal,
        Statements,
        Definitions,
        Values,
        Credentials,
        Catalog,
        RunsSql,
    ];
    assert_eq!(classes(&FUNCTIONS), functions);
    let relations = [Tells, Sessions, Files, Server, Statements, Values, Credentials];
    assert_eq!(classes(&RELATIONS), relations);
    let settings = [
        Shows,
        Plans,
        Scans,
        Limits,
        Transaction,
        Valued,
        Files,
        Server,
        Parses,
        Identity,
        Logs,
        Runs,
        Credentials,
    ];
    assert_eq!(classes(&SETTINGS), settings);
}

#[test]
fn a_line_that_cannot_be_read_is_the_worst() {
    for line in ["f", "f\tcomputes", "f\tcomputed\t13-", "f\tcomputes\t13-x", "f\tcomputes\t13-\tmore"] {
        let (name, row) = read_row(line, true);
        assert_eq!((name, row.class, row.is_in(Some(42))), ("f", Class::Unreadable, true), "{line}");
    }
}

#[test]
fn versions_are_ranges() {
    for (text, versions) in [
        ("15", Some((15, 15))),
        ("13-", Some((13, Major::MAX))),
        ("-16", Some((Major::MIN, 16))),
        ("14-16", Some((14, 16))),
        ("-", Some((Major::MIN, Major::MAX))),
        ("", None),
        ("a-", None),
        ("14-15-16", None),
    ] {
        assert_eq!(read_versions(text), versions, "{text}");
    }
}

#[test]
fn a_name_is_what_its_version_says() {
    assert_eq!(FUNCTIONS.of_server("uuidv7", Some(18)), Some(Class::Computes));
    assert_eq!(FUNCTIONS.of_server("uuidv7", Some(17)), None);
    assert_eq!(FUNCTIONS.of_server("uuidv7", None), Some(Class::Computes));
    assert_eq!(FUNCTIONS.of_server("uuidv7", Some(19)), Some(Class::Computes));
    assert_eq!(FUNCTIONS.of_server("pg_start_backup", Some(15)), None);
    // An extension's version is its own affair.
    assert_eq!(FUNCTIONS.of_server("dblink", None), None);
    assert_eq!(FUNCTIONS.worst("dblink", Some(13)), Some(Class::RunsSql));
    assert_eq!(FUNCTIONS.worst("no_such_function", None), None);
}

#[test]
fn of_several_meanings_the_worst_counts() {
    // citext brings one too.
    assert_eq!(FUNCTIONS.worst("replace", None), Some(Class::Computes));
    let manifest = Manifest::read("[postgresql]\nf\tcomputes\t13-\n[x]\nf\truns-sql\t13-\n");
    assert_eq!(manifest.of_server("f", None), Some(Class::Computes));
    assert_eq!(manifest.worst("f", None), Some(Class::RunsSql));
}

#[test]
fn every_function_that_shows_an_expression_is_among_those_that_tell_texts() {
    let told: Vec<&str> =
        texts().filter(|(_, _, column)| column.starts_with('(')).map(|(_, name, _)| name).collect();
    for (name, rows) in &FUNCTIONS.by_name {
        if rows.iter().any(|row| row.server && row.class == Class::Expressions) {
            assert!(told.contains(name), "{name}");
        }
    }
    assert!(told.iter().all(|name| FUNCTIONS.by_name.contains_key(name)));
}

#[test]
fn no_column_is_both_a_secret_and_a_text() {
    let secrets: Vec<_> = columns().collect();
    for (sort, relation, column) in texts() {
        if let Some(given) = column.strip_prefix('(').and_then(|column| column.strip_suffix(')')) {
            // What a function is known to be given is labelled, so that it is known.
            assert!(
                given.is_empty() || secrets.iter().any(|(_, column)| *column == given),
                "{relation}({given})"
            );
        }
        assert!(!secrets.contains(&(relation, column)), "{relation}.{column}");
        assert!(!sort.is_empty() && !column.contains('\t'), "{relation}.{column}");
    }
}
