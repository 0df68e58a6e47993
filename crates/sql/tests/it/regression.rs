//! PostgreSQL's own regression statements, each read in every way that there is.
//!
//! They are not ours to keep: `.ci/install regression` fetches them, and `./test` runs what is here. Each file is read
//! against a catalog of the tables that it makes, of which every other column is labelled, so that there is lineage in
//! most of what it says.

#![allow(clippy::panic)] // in helpers of tests, which clippy does not see as tests

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;

use access::{DataClass, Effect, Position};
use pg_query::NodeEnum;
use pg_query::protobuf::{CreateStmt, ParseResult};
use sql::{
    Catalog, Label, Labels, SQL_BYTES_MAX, Templates, analyse, analyse_doubting, lineage, locate, queries,
    shape,
};

use crate::psql::statements;
use crate::{Rows, line};

#[test]
#[ignore = "needs PostgreSQL's regression statements, which .ci/install regression fetches"]
fn every_statement_that_postgresql_tests_itself_with_has_facts_that_hold_together() {
    let files = files();
    let mut wrong = Vec::new();
    let (mut read, mut understood) = (0, 0);
    for (file, statements) in &files {
        let (rows, labels) = tables(files["test_setup"].iter().chain(statements));
        let catalog = rows.catalog(&Labels::new(labels).unwrap());
        for sql in statements {
            read += 1;
            let told = catch_unwind(|| judge(sql, &catalog));
            let (is_understood, what) = told.unwrap_or((false, vec![String::from("panics")]));
            understood += usize::from(is_understood);
            wrong.extend(what.into_iter().map(|what| format!("{file}: {what}\n    {sql}")));
        }
    }
    eprintln!("{read} statements in {} files, {understood} of them understood", files.len());
    assert!(read > 30_000 && understood > read / 2, "{understood} of {read}");
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a statement is understood, and what is wrong with what is said of it.
fn judge(sql: &str, catalog: &Catalog) -> (bool, Vec<String>) {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let analysis = analyse(sql, catalog);
    let facts = &analysis.facts;
    let said = line(facts);

    // What the grammar has not is not understood, and has the strictest facts.
    let tree = pg_query::parse(sql, 0).ok().map(|it| it.protobuf).filter(|_| sql.len() <= SQL_BYTES_MAX);
    match &tree {
        None => must(
            facts.kinds.is_empty() && facts.not_understood.len() == 1 && facts.effect == Effect::Data,
            format!("does not parse, and yet: {said}"),
        ),
        Some(tree) => {
            must(
                facts.kinds.len() >= tree.stmts.len(),
                format!("is {} statements: {said}", tree.stmts.len()),
            );
            must(facts.effect > Effect::None || !changes(tree), format!("changes data, and yet: {said}"));
        }
    }
    must(facts.not_understood.is_empty() || facts.effect == Effect::Data, format!("not understood: {said}"));
    // The work that it takes is counted, and no honest statement needs nearly as much as there may be.
    let gave_up = facts.not_understood.iter().any(|what| what.starts_with("too many"));
    must(!gave_up, format!("given up on: {said}"));

    // Where columns are is known of all that are computed on, and lies within the text.
    let lineage = lineage(sql, catalog);
    for used in facts.columns.iter().filter(|it| it.position == Position::Computed) {
        let place = locate(sql, catalog, std::slice::from_ref(&used.column));
        must(place.is_some(), format!("{} is nowhere: {said}", used.column));
    }
    for mention in &lineage.mentions {
        let within = mention.offset.is_none_or(|_| mention.character(sql).is_some());
        must(within, format!("{mention:?} is not within the text"));
    }
    for given in &lineage.given {
        let is_told =
            facts.columns.iter().any(|it| it.column == given.column && it.position == given.position);
        must(is_told, format!("{given:?} is no fact: {said}"));
    }

    // Whoever doubts is told no less.
    let doubted = analyse_doubting(sql, catalog).facts;
    must(doubted.effect >= facts.effect, format!("doubted, it is {}, and not {said}", line(&doubted)));
    let kept = facts.uses.iter().all(|it| doubted.uses.contains(it))
        && facts.not_understood.iter().all(|it| doubted.not_understood.contains(it));
    must(kept, format!("doubted, it is {}, and not {said}", line(&doubted)));

    // One analysis serves all of a shape, but what the grammar itself refuses: `ALTER COLUMN 0`.
    if let Some(shape) = shape(sql).filter(|_| analysis.literal_free) {
        for other in [shape.replace("''", "'/public'"), shape] {
            let theirs = analyse(&other, catalog).facts;
            let same = theirs.kinds.is_empty() || theirs == *facts;
            must(same, format!("of the shape of {other}, which is {}, and it is {said}", line(&theirs)));
        }
    }

    // What the server is asked about is something that it can read.
    if let Some(asked) = queries(sql) {
        let asked_facts = analyse(&asked, catalog).facts;
        must(!asked_facts.kinds.is_empty(), format!("asked about is {asked}: {}", line(&asked_facts)));
    }

    // A text is the template that it was registered as.
    if let Ok(templates) = Templates::new([("it", sql)]) {
        let registered = Rows::default().catalog(&Labels::default().with_templates(templates));
        let again = format!("/* again */ {sql} ;");
        let found = analyse(&again, &registered).facts.template.clone();
        must(found.as_deref() == Some("it"), format!("registered, it is {found:?}"));
    }
    (facts.not_understood.is_empty(), wrong)
}

/// Whether it changes data, as far as the tree says so by itself.
fn changes(tree: &ParseResult) -> bool {
    let is_plan = |it: &NodeEnum| matches!(it, NodeEnum::ExplainStmt(_));
    if tree.stmts.iter().filter_map(|raw| raw.stmt.as_ref()?.node.as_ref()).all(is_plan) {
        return false;
    }
    let text = format!("{tree:?}");
    ["InsertStmt(", "UpdateStmt(", "DeleteStmt(", "MergeStmt(", "IntoClause {", "CreateStmt(", "DropStmt("]
        .iter()
        .any(|kind| text.contains(kind))
}

/// The statements of each file, by its name.
fn files() -> BTreeMap<String, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/postgresql-regress/sql");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        panic!("nothing is in {}; .ci/install regression fetches it", folder.display())
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let files: BTreeMap<_, _> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "sql"))
        .map(|path| {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), statements(&text))
        })
        .collect();
    assert!(files.len() > 200, "{}", files.len());
    files
}

/// A catalog of what is made by `CREATE TABLE` in these statements, and labels for every other column.
fn tables<'a>(statements: impl Iterator<Item = &'a String>) -> (Rows, Vec<(String, Label)>) {
    let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sql in statements {
        let Ok(parsed) = pg_query::parse(sql, 0) else { continue };
        for raw in parsed.protobuf.stmts {
            if let Some(NodeEnum::CreateStmt(create)) = raw.stmt.and_then(|it| it.node) {
                let (name, columns) = table(&create, &made);
                made.entry(name).or_insert(columns);
            }
        }
    }
    let classes = [DataClass::Pan, DataClass::Secret, DataClass::CardholderName, DataClass::Sad];
    let (mut rows, mut labels) = (Rows::default(), Vec::new());
    for schema in ["public", "pg_catalog", "information_schema"] {
        rows.add(["schema", "", "", "", schema, ""]);
    }
    rows.add(["server", "150018", "", "", "", ""]);
    for (oid, (name, columns)) in (20_000..).zip(&made) {
        let columns: Vec<&str> = columns.iter().map(|it| &**it).collect();
        rows.relation(oid, "r", &format!("public.{name}"), &columns);
        for (column, class) in columns.iter().skip(1).step_by(2).zip(classes.iter().cycle()) {
            if !name.contains('.') && !column.contains('.') {
                labels.push((format!("public.{name}.{column}"), Label::Class(class.clone())));
            }
        }
    }
    (rows, labels)
}

/// The name and the columns of a table, those of its parents first.
fn table(create: &CreateStmt, made: &BTreeMap<String, Vec<String>>) -> (String, Vec<String>) {
    let parents = create.inh_relations.iter().filter_map(|it| match &it.node {
        Some(NodeEnum::RangeVar(parent)) => made.get(&parent.relname),
        _ => None,
    });
    let mut columns: Vec<String> = parents.flatten().cloned().collect();
    for element in &create.table_elts {
        match &element.node {
            Some(NodeEnum::ColumnDef(column)) => columns.push(column.colname.clone()),
            Some(NodeEnum::TableLikeClause(like)) => {
                let of = like.relation.as_ref().and_then(|of| made.get(&of.relname));
                columns.extend(of.into_iter().flatten().cloned());
            }
            _ => {}
        }
    }
    let mut seen = std::collections::HashSet::new();
    columns.retain(|column| seen.insert(column.clone()));
    (create.relation.as_ref().map(|it| it.relname.clone()).unwrap_or_default(), columns)
}
