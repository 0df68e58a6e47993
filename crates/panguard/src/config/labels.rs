use access::{DataClass, Timestamp};
use jiff::civil::Date;
use jiff::{ToSpan, tz};
use mask::{JsonPath, JsonRule};
use sql::{Label, LabelError, Labels, NotPan};
use wire_http::Rule;

use super::file::{self, Holds, HoldsAt};

/// What one column holds, as it is written.
#[derive(Default)]
pub struct Column {
    /// `None` where nothing in it is sensitive.
    pub label: Option<Label>,
    /// What in it is vouched for.
    pub not_pan: Vec<NotPan>,
    /// What has been vouched for until a day that is over, in words.
    pub expired: Vec<String>,
}

/// Reads what the column `name` holds: a class, `{ json: { $.path: class } }`, or `{ not_pan: … }`.
///
/// # Errors
/// What is wrong and what to write.
pub fn column(name: &str, holds: &Holds, today: Date) -> Result<Column, String> {
    let mut column = Column::default();
    match holds {
        Holds::Class(name) => column.label = Some(Label::Class(class(name)?)),
        Holds::NotPan { not_pan } => column.vouch(name, None, not_pan, today)?,
        Holds::Json { json } => {
            let mut classes = Vec::new();
            for (path, holds) in json {
                if let Err(advice) = JsonPath::parse(path) {
                    return Err(format!("`{path}` is not a path into JSON; {advice}"));
                }
                match holds {
                    HoldsAt::Class(name) => classes.push((path.clone(), class(name)?)),
                    HoldsAt::NotPan { not_pan } => column.vouch(name, Some(path), not_pan, today)?,
                }
            }
            // Without any path it is a label that says nothing, which is told where labels are read.
            column.label = (!classes.is_empty() || json.is_empty()).then_some(Label::Json(classes));
        }
    }
    Ok(column)
}

/// The labels of columns, and what is vouched for in them.
///
/// # Errors
/// What is no column, or there twice.
pub fn labels(columns: &[(&String, &Column)]) -> Result<Labels, LabelError> {
    let labelled = columns.iter().filter_map(|(name, column)| Some((name, column.label.clone()?)));
    let vouched = columns
        .iter()
        .flat_map(|(name, column)| column.not_pan.iter().map(move |not_pan| (name, not_pan.clone())));
    Labels::new(labelled)?.with_not_pan(vouched)
}

/// What is known of the members at `path` of JSON answers; none where that has run out, in words.
///
/// # Errors
/// What is wrong and what to write.
pub fn member(path: &str, holds: &Holds, today: Date) -> Result<(Option<Rule>, Option<String>), String> {
    let place =
        JsonPath::parse(path).map_err(|advice| format!("`{path}` is not a path into JSON; {advice}"))?;
    match holds {
        Holds::Class(name) => {
            let class = class(name)?;
            let rule = JsonRule::new(place, class.clone());
            Ok((Some(Rule { class: Some(class), rule, until: None }), None))
        }
        Holds::NotPan { not_pan } => {
            let mut column = Column::default();
            column.vouch(path, None, not_pan, today)?;
            let until = column.not_pan.pop().map(|vouched| vouched.until);
            let rule =
                until.map(|until| Rule { class: None, rule: JsonRule::not_pan(place), until: Some(until) });
            Ok((rule, column.expired.pop()))
        }
        Holds::Json { .. } => {
            Err("a member of JSON holds a data class such as `pan`; write its whole path as the key".into())
        }
    }
}

impl Column {
    fn vouch(
        &mut self,
        name: &str,
        path: Option<&str>,
        not_pan: &file::NotPan,
        today: Date,
    ) -> Result<(), String> {
        if not_pan.reason.trim().is_empty() {
            return Err("`not_pan` needs a reason; write how it is known, such as `reason: \"order numbers, sampled 2026-11-01\"`".into());
        }
        let Ok(until) = not_pan.until.parse::<Date>() else {
            return Err("`until` is a day; write one such as `until: 2027-06-30`".into());
        };
        let latest = today.saturating_add(12.months());
        if until > latest {
            return Err(format!(
                "`until` is at most twelve months ahead; write `until: {latest}` or earlier, and sample the values again then"
            ));
        }
        if until <= today {
            let place = path.map(|path| format!(" at `{path}`")).unwrap_or_default();
            self.expired.push(format!(
                "`not_pan` of `{name}`{place} has run out on {until}: it is searched again; sample its values and write a later day, or remove it"
            ));
            return Ok(());
        }
        let Ok(midnight) = tz::TimeZone::UTC.to_timestamp(until.at(0, 0, 0, 0)) else {
            return Err("`until` is a day; write one such as `until: 2027-06-30`".into());
        };
        let until = Timestamp(midnight.as_microsecond());
        self.not_pan.push(NotPan { path: path.map(Into::into), until });
        Ok(())
    }
}

fn class(name: &str) -> Result<DataClass, String> {
    if name == "not_pan" {
        return Err(
            "`not_pan` needs a reason and a day; write `{ not_pan: { reason: …, until: 2027-06-30 } }`"
                .into(),
        );
    }
    name.parse().map_err(|_| {
        format!(
            "`{name}` is not a data class; write `pan`, `sad`, `cardholder_name`, `expiry`, `secret`, or a name of your own in lower-case letters, digits and `_`"
        )
    })
}
