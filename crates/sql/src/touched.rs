//! How many rows a statement would touch, as a question to the server.

use pg_query::Node;
use pg_query::protobuf::{RangeVar, SelectStmt, Token, WithClause};

use crate::analysis::parse;
use crate::reading::Kind;
use crate::testimony::deparse;

/// What a single statement would touch, and how to find out how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// A query of one number, the rows that it would touch; it only reads. None where no such query can be had.
    pub count: Option<String>,
    /// The statement itself, for the server to estimate.
    pub statement: String,
}

/// What `text` would touch with these parameters (NULL is `None`), if it is one INSERT, UPDATE, DELETE or MERGE.
///
/// `None` for anything else. The queries hold the parameters as literals, so that they are no less secret than those.
pub fn touched(text: &str, parameters: &[Option<String>], types: &[u32]) -> Option<Touched> {
    let tree = parse(text).ok()?;
    let [raw] = tree.stmts.as_slice() else { return None };
    let count = match raw.stmt.as_ref()?.node.as_ref()? {
        Kind::UpdateStmt(it) => {
            rows(it.relation.as_ref()?, &it.from_clause, it.where_clause.as_deref(), it.with_clause.as_ref())
        }
        Kind::DeleteStmt(it) => {
            rows(it.relation.as_ref()?, &it.using_clause, it.where_clause.as_deref(), it.with_clause.as_ref())
        }
        Kind::InsertStmt(it) => inserted(it.select_stmt.as_deref(), it.with_clause.as_ref()),
        // What becomes of a row hangs on which of its branches is the first that takes it.
        Kind::MergeStmt(_) => None,
        _ => return None,
    };
    let count = count.and_then(|select| deparse(&Node { node: Some(Kind::SelectStmt(Box::new(select))) }));
    // The deparser is another's code: what it writes is read again.
    let count = count.filter(|sql| parse(sql).is_ok_and(|tree| tree.stmts.len() == 1));
    Some(Touched {
        count: count.and_then(|sql| with_values(&sql, parameters, types)),
        statement: with_values(text, parameters, types)?,
    })
}

/// The rows of `relation` that a condition picks, each once however many rows of others it meets.
fn rows(
    relation: &RangeVar,
    others: &[Node],
    condition: Option<&Node>,
    with: Option<&WithClause>,
) -> Option<SelectStmt> {
    if is_shadowed(relation, with) {
        return None;
    }
    let name = named(relation).replace('"', "\"\"");
    let mut select = match others {
        [] => select("SELECT pg_catalog.count(*) FROM it", with)?,
        // Where a row is: in which part of its table, and where in that.
        _ => {
            let places = format!("ROW(\"{name}\".tableoid, \"{name}\".ctid)");
            select(&format!("SELECT pg_catalog.count(DISTINCT {places}) FROM it"), with)?
        }
    };
    let own = Node { node: Some(Kind::RangeVar(relation.clone())) };
    select.from_clause = std::iter::once(own).chain(others.iter().cloned()).collect();
    select.where_clause = condition.cloned().map(Box::new);
    Some(select)
}

/// Whether a query would read a WITH query of this name where a statement changes the table: that is a table always
/// (`setTargetTable`), and rows that are made up could be shown for those of the table.
pub(crate) fn is_shadowed(relation: &RangeVar, with: Option<&WithClause>) -> bool {
    let is_same = |cte: &Node| match &cte.node {
        Some(Kind::CommonTableExpr(it)) => it.ctename == relation.relname,
        _ => true,
    };
    relation.schemaname.is_empty() && with.is_some_and(|with| with.ctes.iter().any(is_same))
}

/// By which name a statement speaks of the rows of its table.
pub(crate) fn named(relation: &RangeVar) -> &str {
    relation.alias.as_ref().map_or(&relation.relname, |alias| &alias.aliasname)
}

/// The rows that an INSERT puts there. `DEFAULT VALUES` is one row, which needs no asking.
fn inserted(source: Option<&Node>, with: Option<&WithClause>) -> Option<SelectStmt> {
    let mut select = select("SELECT pg_catalog.count(*) FROM (SELECT) it", with)?;
    match select.from_clause.as_mut_slice() {
        [Node { node: Some(Kind::RangeSubselect(it)) }] => it.subquery = Some(Box::new(source?.clone())),
        _ => return None,
    }
    Some(select)
}

/// A query as the parser has it, behind `with`; `None` where something in that changes data.
pub(crate) fn select(text: &str, with: Option<&WithClause>) -> Option<SelectStmt> {
    let reads = |cte: &Node| match &cte.node {
        Some(Kind::CommonTableExpr(it)) => {
            matches!(it.ctequery.as_ref().and_then(|query| query.node.as_ref()), Some(Kind::SelectStmt(_)))
        }
        _ => false,
    };
    if with.is_some_and(|with| !with.ctes.iter().all(reads)) {
        return None;
    }
    let tree = parse(text).ok()?;
    match tree.stmts.into_iter().next()?.stmt?.node? {
        Kind::SelectStmt(select) => Some(SelectStmt { with_clause: with.cloned(), ..*select }),
        _ => None,
    }
}

/// The statement with a literal in the place of each parameter.
pub(crate) fn with_values(sql: &str, parameters: &[Option<String>], types: &[u32]) -> Option<String> {
    let scanned = pg_query::scan(sql).ok()?;
    let mut whole = String::with_capacity(sql.len());
    let mut at = 0;
    for token in scanned.tokens.iter().filter(|token| token.token() == Token::Param) {
        let (start, end) = (usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?);
        let number: usize = sql.get(start..end)?.strip_prefix('$')?.parse().ok()?;
        whole.push_str(sql.get(at..start)?);
        let index = number.checked_sub(1)?;
        let cast = cast(types.get(index).copied().unwrap_or(0))?;
        match parameters.get(index)? {
            None => whole.push_str(&format!("NULL{cast}")),
            // `standard_conforming_strings` is on in the session that this is for.
            Some(value) => whole.push_str(&format!("'{}'{cast}", value.replace('\'', "''"))),
        }
        at = end;
    }
    whole.push_str(sql.get(at..)?);
    Some(whole)
}

/// What makes of a text a value of a type, which without it may be another: `'10' < '9'`. `None`: a type that nobody knows.
fn cast(type_oid: u32) -> Option<&'static str> {
    Some(match type_oid {
        // Left to the server, as a literal is.
        0 | 705 => "",
        16 => "::pg_catalog.bool",
        20 => "::pg_catalog.int8",
        21 => "::pg_catalog.int2",
        23 => "::pg_catalog.int4",
        25 => "::pg_catalog.text",
        700 => "::pg_catalog.float4",
        701 => "::pg_catalog.float8",
        1000 => "::pg_catalog.bool[]",
        1005 => "::pg_catalog.int2[]",
        1007 => "::pg_catalog.int4[]",
        1009 => "::pg_catalog.text[]",
        1015 => "::pg_catalog.varchar[]",
        1016 => "::pg_catalog.int8[]",
        1231 => "::pg_catalog.numeric[]",
        1042 => "::pg_catalog.bpchar",
        1043 => "::pg_catalog.varchar",
        1082 => "::pg_catalog.date",
        1083 => "::pg_catalog.time",
        1114 => "::pg_catalog.timestamp",
        1184 => "::pg_catalog.timestamptz",
        1186 => "::pg_catalog.interval",
        1700 => "::pg_catalog.numeric",
        2950 => "::pg_catalog.uuid",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(sql: &str) -> Option<String> {
        touched(sql, &[Some("7".into()), Some("o'clock".into()), None], &[]).unwrap().count
    }

    #[test]
    fn rows_are_counted_as_they_are_picked() {
        for (sql, expected) in [
            ("delete from cards where id = 7", "SELECT pg_catalog.count(*) FROM cards WHERE id = 7"),
            ("update only public.cards c set a = 1", "SELECT pg_catalog.count(*) FROM ONLY public.cards c"),
            (
                "update cards set a = $2 where id = $1 and note is not distinct from $3",
                "SELECT pg_catalog.count(*) FROM cards WHERE id = '7' AND note IS NOT DISTINCT FROM NULL",
            ),
            (
                "delete from cards where note = $2",
                "SELECT pg_catalog.count(*) FROM cards WHERE note = 'o''clock'",
            ),
            (
                "delete from cards using shops s where s.id = cards.shop",
                "SELECT pg_catalog.count(DISTINCT row(cards.tableoid, cards.ctid)) FROM cards, shops s WHERE s.id = cards.shop",
            ),
            (
                "with old as (select id from cards where a < 3) delete from cards where id in (select id from old)",
                "WITH old AS (SELECT id FROM cards WHERE a < 3) SELECT pg_catalog.count(*) FROM cards WHERE id IN (SELECT id FROM old)",
            ),
            (
                "insert into cards (id) values (1), (2)",
                "SELECT pg_catalog.count(*) FROM (VALUES (1), (2)) it",
            ),
            (
                "insert into cards (id) select id from old where a = 1 returning id",
                "SELECT pg_catalog.count(*) FROM (SELECT id FROM old WHERE a = 1) it",
            ),
        ] {
            let ours = count(sql).unwrap().to_lowercase().replace("row (", "row(").replace(" as it", " it");
            assert_eq!(ours, expected.to_lowercase(), "{sql}");
        }
    }

    #[test]
    fn what_changes_data_on_the_way_is_not_counted() {
        assert_eq!(
            count(
                "with gone as (delete from old returning id) delete from cards where id in (select id from gone)"
            ),
            None
        );
        for other in ["select 1", "drop table cards", "delete from a; delete from b", "nonsense"] {
            assert_eq!(touched(other, &[], &[]), None, "{other}");
        }
        assert_eq!(
            touched("delete from cards where id = $1", &[], &[]),
            None,
            "a parameter that is not known"
        );
        let merge = "merge into a using b on true when matched then delete";
        let estimated = Touched { count: None, statement: merge.into() };
        assert_eq!(touched(merge, &[], &[]), Some(estimated), "it is estimated");
    }
}
