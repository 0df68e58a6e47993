//! `panguard discover`: samples a database and proposes labels for what it holds. Applies none.

mod diff;
mod document;
mod evidence;
mod proposal;
mod sample;
mod section;
mod table;

use std::io::{IsTerminal, Write};
use std::path::Path;

use access::{DataClass, Timestamp};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use sql::{Catalog, Label, Labels};
use wire_postgres::simple::Row;

use super::output::{self, Exit, Format};
use super::scan::safe;
use super::upstream::{self, Session};
use crate::config::{Config, process_env};
use crate::guarded;
use evidence::Evidence;
use proposal::{Names, Proposal};
use sample::Bounds;
use table::Table;

/// Sample a database for card data, and propose labels for its columns as a diff of the configuration.
///
/// Nothing is applied, and no value is printed: `panguard discover payments-db | patch -p0` is yours to run.
/// Exits with 0 if nothing is proposed and 1 if something is.
#[derive(Args)]
pub struct Arguments {
    /// The connection's name in the configuration.
    connection: String,
    /// Sample tables of this schema only; may be given several times.
    #[arg(long, value_name = "NAME")]
    schema: Vec<String>,
    /// Sample this table only, `TABLE` or `SCHEMA.TABLE`; may be given several times.
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,
    /// Most rows of a table that are sampled.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rows: u32,
    /// Most seconds that one statement may take.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Most characters of one value that are looked at; of a JSON document sixteen times as many.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(64..=1_048_576))]
    bytes: u32,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What came of it.
#[derive(Default)]
struct Told {
    proposals: Vec<Proposal>,
    remarks: Vec<String>,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    guarded::forbid_core_dumps();
    let config = Config::load(path, &process_env)?;
    let (told, catalog) = upstream::block_on(look(&config, arguments))??;
    match arguments.format {
        Format::Json => {
            for proposal in &told.proposals {
                output::json(&as_json(proposal))?;
            }
            for remark in &told.remarks {
                output::json(&json!({ "remark": remark }))?;
            }
        }
        Format::Text => {
            told.remarks.iter().for_each(|remark| eprintln!("{remark}"));
            if !told.proposals.is_empty() {
                tell(path, &arguments.connection, &told.proposals, &catalog)?;
            }
        }
    }
    Ok(if told.proposals.is_empty() { Exit::Fine } else { Exit::No })
}

/// Samples every table that is wanted.
async fn look(config: &Config, arguments: &Arguments) -> anyhow::Result<(Told, Vec<Row>)> {
    let data = &upstream::named(config, &arguments.connection)?.data;
    let mut session = Session::open(config, &arguments.connection).await?;
    let catalog_rows = session.catalog().await?;
    let catalog = snapshot(&catalog_rows, data)?;
    let tables = session.rows(table::QUERY).await.context("the tables cannot be listed")?;
    let tables = table::tables(&tables).context("the list of tables is not understood")?;
    let tables = wanted(tables, arguments)?;
    let bounds = Bounds { rows: arguments.rows, seconds: arguments.seconds, chars: arguments.bytes };
    let mut told = Told::default();
    told.remarks.extend(catalog.unmatched().iter().map(|name| {
        format!(
            "{}: labelled, and there is no such column: what was renamed is not protected",
            safe(name.as_bytes())
        )
    }));
    let shows = std::io::stderr().is_terminal();
    for (at, table) in tables.iter().enumerate() {
        if shows {
            _ = write!(std::io::stderr(), "\r\x1b[K{at} of {} tables", tables.len());
        }
        let sampled = match sample::sample(&mut session, table, bounds).await {
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => {
                told.remarks.push(format!("{}: not sampled, {}", shown(table), sample::why(&error)));
                // Its names speak all the same.
                Vec::new()
            }
            Ok(sampled) => sampled,
        };
        judge(table, &sampled, &catalog, &mut told);
    }
    if shows {
        _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    session.close().await;
    Ok((told, catalog_rows))
}

fn snapshot(rows: &[Row], data: &Labels) -> anyhow::Result<Catalog> {
    let rows = rows.iter().map(|row| row.iter().map(Option::as_deref).collect());
    let mut catalog = Catalog::from_rows(rows, data, 1)?;
    drop(catalog.expire(Timestamp(jiff::Timestamp::now().as_microsecond())));
    Ok(catalog)
}

/// The tables that the filters leave.
fn wanted(tables: Vec<Table>, arguments: &Arguments) -> anyhow::Result<Vec<Table>> {
    let of_schema = |table: &Table, name: &String| table.schema == *name;
    let of_name = |table: &Table, name: &String| table.name == *name || table.qualified() == *name;
    for name in &arguments.schema {
        if !tables.iter().any(|table| of_schema(table, name)) {
            bail!("there is no table in a schema `{name}`");
        }
    }
    for name in &arguments.table {
        if !tables.iter().any(|table| of_name(table, name)) {
            bail!("there is no table `{name}` that is no partition; name it as `SCHEMA.TABLE`");
        }
    }
    let wanted = tables.into_iter().filter(|table| {
        (arguments.schema.is_empty() || arguments.schema.iter().any(|name| of_schema(table, name)))
            && (arguments.table.is_empty() || arguments.table.iter().any(|name| of_name(table, name)))
    });
    Ok(wanted.collect())
}

/// Says what the sampled rows of `table` are evidence of.
fn judge(table: &Table, sampled: &[Row], catalog: &Catalog, told: &mut Told) {
    let mut names = Names::of(table);
    let mut evidence = gather(table, sampled, &names);
    if evidence.iter().any(|column| column.cards > 0 && column.cards * 2 >= column.values) {
        // What is beside a card number may mean something else than it did.
        names.add_number();
        evidence = gather(table, sampled, &names);
    }
    let is_closed = table.columns.iter().all(|column| !column.is_readable);
    if is_closed {
        told.remarks.push(format!("{}: not sampled, the role may not read it", shown(table)));
    }
    for (at, (column, evidence)) in table.columns.iter().zip(&evidence).enumerate() {
        let place = format!("{}.{}", shown(table), safe(column.name.as_bytes()));
        if !column.is_readable && !is_closed {
            told.remarks.push(format!("{place}: not sampled, the role may not read it"));
        }
        if !catalog.not_pan(table.oid, column.number).is_empty() {
            continue;
        }
        match catalog.label(table.oid, column.number) {
            Some(label) => {
                told.remarks.extend(unfounded(label, evidence).map(|why| format!("{place}: {why}")))
            }
            None => match proposal::proposal(table, at, &names, evidence) {
                Some(proposal) => told.proposals.push(proposal),
                None => told.remarks.extend(
                    proposal::doubt(names.meaning(at), evidence).map(|why| format!("{place}: {why}")),
                ),
            },
        }
    }
}

/// What the values of each column hold.
fn gather(table: &Table, sampled: &[Row], names: &Names) -> Vec<Evidence> {
    let each = table.columns.iter().enumerate().map(|(at, column)| {
        let (name, meaning) = (format!("{}.{}", table.name, column.name), names.meaning(at));
        let name = name.replace(|c: char| c.is_control(), " ");
        let mut evidence = Evidence::default();
        for value in sampled.iter().filter_map(|row| row.get(at)?.as_deref()) {
            evidence.add(name.as_bytes(), meaning, value);
        }
        evidence
    });
    each.collect()
}

/// That a label for card numbers is on a column in which none was seen.
fn unfounded(label: &Label, evidence: &Evidence) -> Option<String> {
    let seen = evidence.cards + evidence.cards_within + evidence.issuers;
    (label.classes().contains(&&DataClass::Pan) && evidence.values > 0 && seen == 0)
        .then(|| format!("labelled pan, and none of {} sampled values holds a card number", evidence.values))
}

/// Prints the diff that puts the proposals into the configuration.
fn tell(path: &Path, connection: &str, proposals: &[Proposal], catalog: &[Row]) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let edits = section::edits(&text, connection, proposals);
    match edits.filter(|edits| is_right(path, &diff::applied(&text, edits), connection, proposals, catalog)) {
        Some(edits) => {
            let here = std::env::current_dir().unwrap_or_default();
            let name = path.strip_prefix(here).unwrap_or(path).display().to_string();
            diff::unified(&name, &text, &edits).iter().for_each(output::line);
        }
        None => {
            eprintln!(
                "{}: written in a way that no diff can be made for; put these under `data` of `{connection}`:",
                path.display()
            );
            section::by_hand(proposals).iter().for_each(output::line);
        }
    }
    Ok(())
}

/// Whether `text`, read as the configuration, labels the columns as proposed and changes no other connection.
fn is_right(path: &Path, text: &str, connection: &str, proposals: &[Proposal], catalog: &[Row]) -> bool {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let (Ok(old), Ok(new)) =
        (Config::load(path, &process_env), Config::parse(path, text, &process_env, today))
    else {
        return false;
    };
    let same = old.connections.iter().all(|(name, old)| {
        let new = new.connections.get(name);
        &**name == connection || new.is_some_and(|new| new.data == old.data)
    });
    let data = new.connections.get(connection).map(|connection| &connection.data);
    let labelled = data.and_then(|data| snapshot(catalog, data).ok());
    let is_held = |labelled: &Catalog, proposal: &Proposal| {
        let (table, column) = proposal.identity;
        labelled.label(table, column) == Some(&proposal.label)
    };
    same && labelled.is_some_and(|labelled| proposals.iter().all(|proposal| is_held(&labelled, proposal)))
}

fn as_json(proposal: &Proposal) -> Value {
    let label = match &proposal.label {
        Label::Class(class) => json!(class.as_str()),
        Label::Json(paths) => {
            let paths = paths.iter().map(|(path, class)| (path.clone(), json!(class.as_str())));
            json!({ "json": Value::Object(paths.collect()) })
        }
    };
    json!({ "column": section::column(proposal), "label": label, "evidence": proposal.evidence })
}

fn shown(table: &Table) -> String {
    safe(table.qualified().as_bytes())
}
