//! A few of the rows that a command would change, masked, for whoever answers for it.

use std::sync::Arc;

use access::DataClass;
use gate::{Previewed, Sample, SampledRow};
use mask::Masker;
use sql::{Becomes, Catalog, Label, Sampled, SampledColumn};
use vault::Vault;
use wire_postgres::sample::{By, Unshown};

use crate::dial::Target;
use crate::inspection::{Inspection, NotShown};
use crate::preview::{COUNT_TIME_MAX, settings, tables};

/// Rows of those that it would change; `Ok(None)` where it is nothing of which there is a sample.
pub(crate) async fn sample(
    target: &Target,
    vault: &Arc<Vault>,
    catalog: &Catalog,
    masker: Masker,
    asked: &Previewed,
) -> Result<Option<Sample>, &'static str> {
    let parameters: Vec<_> = asked.parameters.iter().map(|value| value.expose().clone()).collect();
    let Some(sampled) =
        sql::sampled(asked.command.expose(), &parameters, &asked.types, &asked.facts, catalog)?
    else {
        return Ok(None);
    };
    let given: Vec<(usize, Label)> = sampled.columns.iter().filter_map(given).collect();
    let by = By { catalog, answer: sampled.facts.answers.first(), masker, given: &given };
    let mut session = Inspection::open(target, vault).await.map_err(|_| UNREACHABLE)?;
    let query = format!("{}{}", settings(asked)?, sampled.query);
    let rows = session.shown(&query, by, COUNT_TIME_MAX).await.map_err(why)?;
    session.close().await;
    Ok(Some(told(&sampled, &rows, masker, tables(asked))))
}

/// What a place in the answer is for, where that holds something.
fn given(column: &SampledColumn) -> Option<(usize, Label)> {
    match (column.becomes, &column.label) {
        (Becomes::Given(at), Some(label)) => Some((at, label.clone())),
        _ => None,
    }
}

fn told(sampled: &Sampled, rows: &[Vec<Option<String>>], masker: Masker, tables: Vec<Box<str>>) -> Sample {
    let columns = &sampled.columns;
    let value =
        |row: &[Option<String>], at: usize| row.get(at)?.as_deref().and_then(|text| shown(text, masker));
    let was = |row: &[Option<String>]| columns.iter().map(|it| value(row, it.was?)).collect();
    let becomes = |row: &[Option<String>]| {
        let value = |it: &SampledColumn| match (it.becomes, &it.label) {
            (Becomes::Gone, _) => None,
            (Becomes::Same, _) => value(row, it.was?),
            (Becomes::Given(_), Some(Label::Class(DataClass::Sad))) => None,
            (Becomes::Given(at), _) => value(row, at),
            (Becomes::Default, _) => Some("DEFAULT".into()),
        };
        columns.iter().map(value).collect()
    };
    let is_gone = columns.iter().any(|it| it.becomes == Becomes::Gone);
    let is_new = columns.iter().all(|it| it.was.is_none());
    let row = |row: &Vec<Option<String>>| SampledRow {
        was: (!is_new).then(|| was(row)),
        becomes: (!is_gone).then(|| becomes(row)),
    };
    let is_set = |it: &&SampledColumn| !is_new && matches!(it.becomes, Becomes::Given(_) | Becomes::Default);
    let name = |it: &SampledColumn| -> Box<str> { shown(&it.name, masker).unwrap_or_default() };
    Sample {
        tables,
        columns: columns.iter().map(name).collect(),
        sets: columns.iter().filter(is_set).map(name).collect(),
        sets_more: u32::try_from(sampled.sets_more).unwrap_or(u32::MAX),
        rows: rows.iter().take(sql::ROWS_MAX).map(row).collect(),
    }
}

fn shown(text: &str, masker: Masker) -> Option<Box<str>> {
    clipped(text, masker, VALUE_CHARS_MAX)
}

/// As much of a value as is shown, masked once more by what stands in it: what the operator vouches for is looked at all the
/// same. `None`: nothing of it is.
pub(crate) fn clipped(text: &str, masker: Masker, chars_max: usize) -> Option<Box<str>> {
    let masked = match masker.text(text.as_bytes()) {
        Some(masked) if masked.sad => return None,
        Some(masked) => String::from_utf8_lossy(&masked.bytes).into_owned(),
        None => text.to_owned(),
    };
    match masked.char_indices().nth(chars_max) {
        Some((end, _)) => Some(format!("{}…", masked.get(..end)?).into()),
        None => Some(masked.into()),
    }
}

/// Why no rows are shown. Nothing that the server says: it may quote a value.
fn why(error: NotShown) -> &'static str {
    match error {
        NotShown::Broke => UNREACHABLE,
        NotShown::Unshown(Unshown::Refused(_)) => "the protected system does not let them be read",
        NotShown::Unshown(Unshown::TooLong) => "they are too long",
        NotShown::Unshown(Unshown::Changed) => "its tables have changed meanwhile",
        NotShown::Unshown(Unshown::Sad) => "sensitive authentication data stands in them",
        NotShown::Unshown(Unshown::Violation(_)) => {
            "what the protected system says of them is not understood"
        }
    }
}

const UNREACHABLE: &str = "the protected system did not give them in time";
/// Characters of a value.
const VALUE_CHARS_MAX: usize = 80;
