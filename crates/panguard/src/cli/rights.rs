//! `panguard check --connection`: compares the rights of the upstream's role with what policy could ever allow.

mod held;
mod need;
mod plan;

use std::collections::{BTreeMap, BTreeSet};

use access::DataClass;
use anyhow::Context;
use policy::Scope;
use serde_json::json;
use sql::{Catalog, Label};
use wire_postgres::simple::Row;

use super::output::{self, Exit, Format};
use super::scan::plain;
use super::upstream::{self, Session};
use crate::config::Config;
use crate::folder;
use held::{Kind, Object, Roles};
use need::Need;
use plan::{Plan, Question};

/// Prints the statements that make the database refuse what no policy could allow.
///
/// # Errors
/// The configuration, the policies, or a database that cannot be reached.
pub fn check(config: &Config, name: &str, owner: Option<&str>, format: Format) -> anyhow::Result<Exit> {
    let plan = compare(config, name, owner)?;
    tell(&plan, format)?;
    Ok(if plan.statements.is_empty() { Exit::Fine } else { Exit::No })
}

/// How many statements it would take.
///
/// # Errors
/// As [`check`].
pub fn too_many(config: &Config, name: &str) -> anyhow::Result<usize> {
    Ok(compare(config, name, None)?.statements.len())
}

fn compare(config: &Config, name: &str, owner: Option<&str>) -> anyhow::Result<Plan> {
    let connection = upstream::named(config, name)?;
    let policies = folder::policies(&config.policies)?;
    let (roles, objects, catalog) = upstream::block_on(read(config, name))??;
    let catalog = catalog.iter().map(|row| row.iter().map(Option::as_deref).collect());
    let catalog = Catalog::from_rows(catalog, &connection.data, 1)?;
    let sad = objects.iter().filter(|object| object.kind == Kind::Relation);
    let sad: BTreeMap<u32, BTreeSet<i16>> = sad
        .map(|object| (object.oid, sad_columns(object, &catalog)))
        .filter(|(_, columns)| !columns.is_empty())
        .collect();
    let need = Need::new(
        &policies,
        Scope { connection: name, labels: &connection.labels, mode: access::Mode::Filtered },
    );
    Ok(plan::plan(&Question { roles: &roles, objects: &objects, need: &need, sad: &sad, owner }))
}

async fn read(config: &Config, name: &str) -> anyhow::Result<(Roles, Vec<Object>, Vec<Row>)> {
    let mut session = Session::open(config, name).await?;
    let roles = session.rows(held::ROLES).await.context("the roles cannot be read")?;
    let objects = session.rows(held::OBJECTS).await.context("the grants cannot be read")?;
    let catalog = session.catalog().await?;
    session.close().await;
    let roles = held::roles(&roles).context("the list of roles is not understood")?;
    let objects = held::objects(&objects).context("the list of grants is not understood")?;
    Ok((roles, objects, catalog))
}

/// The columns that are labelled sad, or made of such ones; not documents in which there is a place of that class.
fn sad_columns(object: &Object, catalog: &Catalog) -> BTreeSet<i16> {
    let is_sad = |number: &i16| match catalog.label(object.oid, *number) {
        Some(Label::Class(class)) => *class == DataClass::Sad,
        Some(Label::Json(_)) => false,
        None => catalog.classes_of(object.oid, *number).contains(&DataClass::Sad),
    };
    object.columns.iter().map(|column| column.number).filter(is_sad).collect()
}

fn tell(plan: &Plan, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            for statement in &plan.statements {
                output::json(&json!({ "sql": statement.sql, "why": statement.why }))?;
            }
            for remark in &plan.remarks {
                output::json(&json!({ "remark": remark }))?;
            }
        }
        Format::Text => {
            for statement in &plan.statements {
                // A name may hold a line end, which must not end a comment.
                output::line(format!("-- {}", plain(statement.why.as_bytes())));
                if let Some(sql) = &statement.sql {
                    output::line(format!("{sql};"));
                }
            }
            plan.remarks.iter().for_each(|remark| eprintln!("{}", plain(remark.as_bytes())));
        }
    }
    Ok(())
}
