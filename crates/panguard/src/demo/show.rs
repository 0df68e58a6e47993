use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::house::{House, Who};
use super::script::Step;
use crate::cli::output;

/// How the demo is told: for people, in colour on a terminal; or one JSON object a step.
pub enum Show {
    Text { colour: bool },
    Json,
}

impl Show {
    /// For people; in colour if standard output is a terminal and `NO_COLOR` is not set.
    pub fn text() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self::Text { colour }
    }

    pub fn opening(&self) {
        self.say(|paint| {
            format!(
                "\n  {}\n  {}",
                paint.bold("panguard demo"),
                paint.faint("starting PostgreSQL, an OIDC issuer and the gateway …")
            )
        });
    }

    pub fn up(&self, house: &House, took: Duration) {
        self.say(|paint| {
            let seconds = took.as_secs_f64();
            format!(
                "  {}\n",
                paint.faint(&format!(
                    "up in {seconds:.1} s: 110,000 rows of synthetic card data behind panguard on {}",
                    house.postgres
                ))
            )
        });
    }

    /// One step of the script, after it.
    pub fn step(&self, number: usize, step: &Step) -> anyhow::Result<()> {
        if let Self::Json = self {
            return output::json(&json!({
                "step": step.name, "expected": step.expected, "observed": step.observed, "held": step.held,
            }));
        }
        self.say(|paint| {
            let mark = if step.held { paint.green("✔ held") } else { paint.red("✘ BROKEN") };
            let mut text = format!("  {:>2}  {}  {mark}\n", number, paint.bold(step.title));
            for (label, value) in
                [("asked", &step.asked), ("expected", &step.expected), ("got", &step.observed)]
            {
                for (line, part) in value.lines().flat_map(wrapped).enumerate() {
                    let label = if line == 0 { label } else { "" };
                    text += &format!("      {} {part}\n", paint.faint(&format!("{label:<9}")));
                }
            }
            for (line, entry) in few(&step.recorded).iter().flat_map(|entry| wrapped(entry)).enumerate() {
                let label = if line == 0 { "recorded" } else { "" };
                text += &format!("      {} {}\n", paint.faint(&format!("{label:<9}")), paint.faint(&entry));
            }
            text
        });
        Ok(())
    }

    pub fn verdict(&self, held: bool) {
        self.say(|paint| match held {
            true => format!("  {}\n", paint.green("every promise shown has held")),
            false => format!("  {}\n", paint.red("a promise shown was BROKEN, see above")),
        });
    }

    /// What one needs to go on by hand.
    pub fn invite(&self, house: &House, folder: &Path, tokens: &[(Who, String)]) -> anyhow::Result<()> {
        let address = house.postgres;
        let url = format!("postgres://agent@{address}/payments-db");
        if let Self::Json = self {
            let tokens: serde_json::Map<_, _> =
                tokens.iter().map(|(who, token)| (who.name().to_owned(), json!(token))).collect();
            return output::json(&json!({
                "url": url, "console": format!("http://{}", house.console), "config": house.config,
                "folder": folder, "tokens": tokens,
            }));
        }
        self.say(|paint| {
            let mut text =
                format!("  {}\n\n", paint.bold("it stays up; go on by hand, and end it with Ctrl-C"));
            for (who, token) in tokens {
                text += &format!("  {}  {}\n  {token}\n\n", paint.bold(who.name()), paint.faint(who.may()));
            }
            let (_, token) = tokens.first().map_or(("", ""), |(who, token)| (who.name(), token.as_str()));
            text += &format!("  {}\n  PGPASSWORD={token} psql '{url}'\n\n", paint.bold("as agent-checkout"));
            let config = house.config.display();
            text += &format!("  {}  {config}\n", paint.faint("configuration"));
            text += &format!("  {}       {}\n", paint.faint("policies"), house.policies.display());
            let program = std::env::current_exe().unwrap_or_else(|_| "panguard".into());
            let tail = format!("{} --config {config} audit tail", program.display());
            text += &format!("  {}    {tail}\n", paint.faint("watch it go"));
            text += &format!("  {}  http://{}/metrics\n", paint.faint("health, metrics"), house.console);
            text
        });
        Ok(())
    }

    pub fn leaving(&self) {
        self.say(|paint| format!("\n  {}", paint.faint("stopping, and removing everything")));
    }

    fn say(&self, text: impl FnOnce(&Paint) -> String) {
        if let Self::Text { colour } = self {
            output::line(text(&Paint { colour: *colour }));
        }
    }
}

/// The first and the last entries where there are many.
fn few(entries: &[String]) -> Vec<String> {
    match (entries.first_chunk::<3>(), entries.last_chunk::<2>()) {
        (Some(first), Some(last)) if entries.len() > 6 => {
            let more = format!("… and {} more …", entries.len() - 5);
            first.iter().cloned().chain([more]).chain(last.iter().cloned()).collect()
        }
        _ => entries.to_vec(),
    }
}

/// A line as lines that fit, broken between words; a word that does not fit stays whole.
fn wrapped(line: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= WIDTH => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text on one line.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn faint(&self, text: &str) -> String {
        self.with("2", text)
    }

    fn green(&self, text: &str) -> String {
        self.with("32", text)
    }

    fn red(&self, text: &str) -> String {
        self.with("31;1", text)
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// With what stands before it, a line fits a terminal of 120 columns.
const WIDTH: usize = 100;
