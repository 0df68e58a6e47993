//! Texts of definitions in which card numbers stand: told as they are, and computed on by nobody who may not reveal them.

use access::{DataClass, Position};
use sql::{Catalog, Label, Labels, analyse};

use crate::Rows;

/// A database with texts of these sorts that are not left out.
fn database(sorts: &[&str]) -> Catalog {
    let mut rows = Rows::default();
    rows.add(["server", "150000", "", "", "", ""]);
    for schema in ["public", "pg_catalog", "information_schema"] {
        rows.add(["schema", "", "", "", schema, ""]);
    }
    rows.relation(1, "r", "public.cards", &["id", "pan"]);
    rows.relation(20, "r", "pg_catalog.pg_class", &["oid", "relname", "reloptions", "relpartbound"]);
    rows.relation(21, "v", "pg_catalog.pg_indexes", &["tablename", "indexname", "indexdef"]);
    rows.relation(22, "r", "pg_catalog.pg_description", &["objoid", "objsubid", "description"]);
    rows.relation(23, "r", "pg_catalog.pg_attrdef", &["adrelid", "adnum", "adbin"]);
    rows.relation(25, "r", "pg_catalog.pg_proc", &["oid", "prosqlbody"]);
    rows.relation(24, "v", "information_schema.columns", &["table_name", "column_name", "column_default"]);
    rows.relation(30, "v", "public.comments", &["relname", "comment", "turned"]);
    rows.add(["view", "30", "20", "0", "", ""]);
    let definition = "SELECT relname, obj_description(oid) AS comment, reverse(obj_description(oid)) AS turned FROM pg_class";
    rows.add(["definition", "30", "", "", definition, ""]);
    rows.relation(31, "v", "public.odd", &["x"]);
    rows.add(["view", "31", "20", "0", "", ""]);
    rows.add([
        "definition",
        "31",
        "",
        "",
        "SELECT translate(obj_description(oid), '1', 'a') AS x FROM pg_class",
        "",
    ]);
    for sort in sorts {
        rows.add(["text", sort, "", "", "as for 4111111111111111", ""]);
    }
    rows.catalog(&Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap())
}

/// What is used of texts: `computed` and `derived` ones.
#[track_caller]
fn used(catalog: &Catalog, sql: &str) -> Vec<String> {
    let facts = analyse(sql, catalog).facts;
    let columns = facts.columns.iter().filter(|it| it.class == DataClass::Pan);
    columns
        .map(|it| match it.position {
            Position::Computed => format!("computed {}", it.column),
            Position::Derived => format!("derived {}", it.column),
            Position::Output => format!("output {}", it.column),
            Position::Matched => format!("matched {}", it.column),
            Position::Assigned => format!("assigned {}", it.column),
        })
        .collect()
}

const COMPUTES: [(&str, &str); 17] = [
    ("comments", "select translate(obj_description(1), '0', 'a')"),
    ("comments", "select 1 from pg_description where description like '4%'"),
    ("comments", "select objoid from pg_description order by description"),
    ("comments", "select translate(d, '0', 'a') from (select obj_description(1) as d) s"),
    ("comments", "with d as (select col_description(1, 1) as d) select translate(d, '0', 'a') from d"),
    ("comments", "select translate(d, '0', 'a') from obj_description(1) d"),
    ("comments", "select translate(d::text, '0', 'a') from pg_description d"),
    ("comments", "select translate(comment, '0', 'a') from public.comments"),
    ("comments", "select x from public.odd"),
    ("comments", "create table copies as select obj_description(1)"),
    ("indexes", "select translate(indexdef, '0', 'a') from pg_indexes"),
    ("defaults", "select translate(column_default, '0', 'a') from information_schema.columns"),
    ("defaults", "select translate(pg_get_expr(adbin, adrelid), '0', 'a') from pg_attrdef"),
    ("defaults", "select 1 from pg_attrdef where pg_catalog.pg_get_expr(adbin, adrelid) like '%4%'"),
    (
        "defaults",
        "select translate(pg_get_expr(x, r), '0', 'a') from (select adbin as x, adrelid as r from pg_attrdef) prqual",
    ),
    ("options", "select translate(current_setting('a.b'), '0', 'a')"),
    ("values", "select translate(enum_range(null::brand)::text, '0', 'a')"),
];

#[test]
fn what_computes_on_texts_that_hold_card_numbers_says_so() {
    for (sort, sql) in COMPUTES {
        let found = used(&database(&[sort]), sql);
        assert!(found.iter().any(|it| it.starts_with("computed ")), "{sql}: {found:?}");
        // Where there are none, or only in texts of another sort, nobody minds.
        assert_eq!(used(&database(&[]), sql), Vec::<String>::new(), "{sql}");
        let others: Vec<&str> = ["comments", "defaults", "indexes", "options", "policies", "values"]
            .into_iter()
            .filter(|it| *it != sort)
            .collect();
        assert_eq!(used(&database(&others), sql), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn a_function_that_is_given_nobody_knows_what_tells_texts_of_any_sort() {
    for given in ["(select adbin from pg_attrdef limit 1)", "$1", "coalesce(adbin, adbin)"] {
        let sql = format!("select translate(pg_get_expr({given}, 1), '0', 'a') from pg_attrdef");
        for sort in ["defaults", "policies"] {
            assert!(
                used(&database(&[sort]), &sql).contains(&"computed pg_catalog.pg_get_expr".into()),
                "{sql}"
            );
        }
        assert_eq!(used(&database(&["comments"]), &sql), Vec::<String>::new(), "{sql}");
    }
    // Of what is no expression that it is made for, it tells a secret.
    let facts = analyse("select pg_get_expr(prosqlbody, 0) from pg_proc", &database(&[])).facts;
    assert!(
        facts.columns.iter().any(|it| it.position == Position::Computed && it.class == DataClass::Secret)
    );
}

#[test]
fn what_tells_them_as_they_stand_is_as_free_as_ever() {
    let catalog = database(&["comments", "defaults", "indexes", "options"]);
    for sql in [
        "select obj_description(1), col_description(1, 2) as d",
        "select obj_description(1)::text, coalesce(obj_description(1), '')",
        "select case when objsubid = 0 then description end from pg_description",
        "select tablename, indexdef from pg_indexes",
        "select * from pg_indexes",
        "table pg_description",
        "copy (select description from pg_description) to stdout",
        "select d from (select obj_description(oid) as d from pg_class) s",
        "select column_name, column_default from information_schema.columns",
        "select pg_get_expr(adbin, adrelid) from pg_attrdef",
        "select comment from public.comments",
        "select relname from pg_class where obj_description(oid) is not null",
        "select count(*) from pg_indexes where indexdef is null",
    ] {
        assert_eq!(used(&catalog, sql), Vec::<String>::new(), "{sql}");
        let told = analyse(sql, &catalog).facts;
        assert!(told.answers.is_empty(), "{sql}");
    }
}

#[test]
fn what_is_made_of_one_is_redacted() {
    let catalog = database(&["comments", "defaults", "indexes", "options"]);
    for (sql, column) in [
        ("select reverse(obj_description(1))", "pg_catalog.obj_description"),
        ("select left(indexdef, 20) from pg_indexes", "pg_catalog.pg_indexes.indexdef"),
        ("select obj_description(1)::varchar(8)", "pg_catalog.obj_description"),
        ("select 'x' || pg_get_expr(adbin, adrelid) from pg_attrdef", "pg_catalog.pg_get_expr"),
        ("select array_agg(indexdef) from pg_indexes", "pg_catalog.pg_indexes.indexdef"),
        ("select json_build_object('d', obj_description(1))", "pg_catalog.obj_description"),
        ("select d from pg_description d", "pg_catalog.pg_description.description"),
    ] {
        assert_eq!(used(&catalog, sql), [format!("derived {column}")], "{sql}");
    }
}

#[test]
fn a_column_of_an_answer_that_is_one_is_searched_and_not_masked_as_a_number() {
    let catalog = database(&["comments", "defaults", "indexes"]);
    assert_eq!((catalog.label(21, 3), catalog.label(22, 3), catalog.label(30, 2)), (None, None, None));
    assert_eq!(catalog.classes_of(21, 3), []);
    assert_eq!(catalog.classes_of(30, 2), []);
    // What a view makes of one is redacted, by whatever statement it is asked for.
    assert_eq!(catalog.classes_of(30, 3), [DataClass::Pan]);
    assert_eq!(catalog.label(1, 2), Some(&Label::Class(DataClass::Pan)));
}

#[test]
fn texts_without_card_numbers_are_left_out_and_those_that_nobody_read_are_not() {
    let row = |what, text| [Some(what), Some("comments"), None, None, text, None];
    let holds = |text: &str| text.contains("41111");
    assert!(Catalog::may_be_left_out(&row("text", Some("a table")), holds));
    assert!(!Catalog::may_be_left_out(&row("text", Some("as for 4111111111111111")), holds));
    assert!(!Catalog::may_be_left_out(&row("text", None), holds));
    assert!(!Catalog::may_be_left_out(&row("schema", Some("public")), holds));
}
