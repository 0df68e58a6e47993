use std::io::IsTerminal;

use anyhow::bail;
use mask::{Classes, Expected, Part, Row, Size};
use serde_json::{Value, json};

use super::report::Form;
use crate::cli::output::{self, Exit};

/// Tries the detector on a corpus that `seed` makes, and prints what came of it: evidence that it works (PCI DSS
/// 4.0.1, A3.2.5.1). Whether all of it was as expected.
pub fn run(seed: u64, form: Form) -> anyhow::Result<Exit> {
    let every = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
    if form == Form::Sarif {
        bail!("a trial of the detector has no findings, and SARIF no place for it; write `--format json`");
    }
    if std::io::stderr().is_terminal() {
        eprintln!("trying the detector; this takes about a minute");
    }
    let report = mask::self_test(seed, Size::default(), every);
    match form {
        Form::Text | Form::Sarif => output::line(report.to_string()),
        Form::Json => {
            report.rows.iter().map(row).try_for_each(|row| output::json(&row))?;
            output::json(&json!({
                "detector": report.version,
                "seed": report.seed,
                "recall": report.recall(),
                "precision": report.precision(),
                "precision_by_chance": report.precision_by_chance(),
                "holds": report.holds(),
            }))?;
        }
    }
    Ok(if report.holds() { Exit::Fine } else { Exit::No })
}

fn row(row: &Row) -> Value {
    let expected = match row.expected {
        Expected::All => json!("all"),
        Expected::AtMost(most) => json!({ "at_most": most }),
        Expected::Open => json!("either"),
    };
    let part = match row.part {
        Part::Spelling => "spelling",
        Part::Cut => "cut",
        Part::Brand => "brand",
        Part::Weak => "weak",
        Part::Negative => "negative",
        Part::Secret => "secret",
        Part::Personal => "personal",
        Part::Harmless => "harmless",
    };
    json!({
        "part": part, "class": row.name, "found": row.found, "of": row.of, "expected": expected, "holds": row.holds(),
    })
}
