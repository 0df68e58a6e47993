//! What `panguard policy explain` prints, in both of its forms.

mod request;

use access::{Code, DataClass, Facts, Position, Principal, Terms};
use audit::{FactsNote, PolicyNote};
use gate::{Allowed, Denied};
use serde::Serialize;
use sql::{Catalog, Given};

pub use request::ExplainedRequest;

/// What there is to say of one text, as programs read it.
#[derive(Serialize)]
pub struct Explained {
    connection: String,
    principal: Asker,
    /// As the audit log has them.
    facts: FactsNote,
    has_where: bool,
    computed: Vec<Computed>,
    answer: Vec<Told>,
    verdict: Verdict,
    reveals: Vec<String>,
    /// Classes for whose sake errors and notices would not be told in the server's words.
    in_reach: Vec<String>,
    refusal: Option<Refused>,
    policies: Vec<PolicyNote>,
    errors: Vec<String>,
}

#[derive(Serialize)]
struct Asker {
    kind: &'static str,
    id: String,
    groups: Vec<String>,
}

/// Where a column is used so that it takes the right to reveal it.
#[derive(Serialize)]
struct Computed {
    column: String,
    /// In characters of the text, from 1, where that is known.
    position: Option<usize>,
    place: &'static str,
    instead: String,
}

/// A column of an answer that holds something sensitive.
#[derive(Serialize)]
struct Told {
    /// From 1.
    statement: u32,
    /// From 1.
    index: u32,
    /// What it is or is made of, where that is known.
    column: Option<String>,
    class: String,
    told: As,
}

/// How a column comes back.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum As {
    Masked,
    Redacted,
    Null,
    Revealed,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Allowed,
    NeedsApproval,
    Refused,
}

#[derive(Serialize)]
struct Refused {
    code: &'static str,
    what: &'static str,
    detail: String,
    hint: String,
    /// As PostgreSQL gives it: in characters of the text, from 1.
    position: Option<usize>,
}

impl Explained {
    pub fn new(
        connection: &str,
        principal: &Principal,
        text: &str,
        catalog: &Catalog,
        facts: &Facts,
        ruling: &Result<Allowed, Denied>,
    ) -> Self {
        let lineage = sql::lineage(text, catalog);
        let strictest = Terms::default();
        let (terms, policies) = match ruling {
            Ok(allowed) => (&allowed.terms, &allowed.policies),
            Err(denied) => (&strictest, &denied.policies),
        };
        let computed = lineage.mentions.iter().map(|mention| Computed {
            column: mention.column.to_string(),
            position: mention.character(text),
            place: mention.place.words(),
            instead: mention.instead(),
        });
        let in_reach = facts.in_reach.iter().filter(|class| !terms.reveals(class));
        Self {
            connection: connection.into(),
            principal: Asker::from(principal),
            facts: FactsNote::from(facts),
            has_where: facts.has_where,
            computed: computed.collect(),
            answer: answer(facts, &lineage.given, terms),
            verdict: Verdict::from(ruling),
            reveals: terms.reveal.iter().map(ToString::to_string).collect(),
            in_reach: in_reach.map(ToString::to_string).collect(),
            refusal: ruling.as_ref().err().map(|denied| Refused::new(denied, text, catalog)),
            policies: policies.iter().map(PolicyNote::from).collect(),
            errors: ruling.as_ref().err().map(|denied| denied.errors.clone()).unwrap_or_default(),
        }
    }

    /// The same for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Lines::default();
        lines.add("asked", [format!("{} on {}", self.principal.words(), self.connection)]);
        lines.add("statements", [self.facts.kinds.join("; ")]);
        lines.add("uses", self.facts.uses.iter().map(|used| format!("{} {}", used.action, used.resource)));
        lines.add(
            "columns",
            self.facts.columns.iter().map(|used| {
                let meaning = match &*used.position {
                    "output" if *used.class == *DataClass::Sad.as_str() => "comes back NULL",
                    "output" => "comes back masked, unless it is revealed",
                    "derived" => "comes back redacted, unless it is revealed",
                    "computed" => "needs `reveal`",
                    "matched" => "is compared with values of the command's own: needs `match`, or `reveal`",
                    _ => "is given a value",
                };
                format!("{} {}, {}: {meaning}", used.column, used.class, used.position)
            }),
        );
        lines.add(
            "computed",
            self.computed.iter().map(|one| {
                let at =
                    one.position.map_or_else(String::new, |position| format!(", at character {position}"));
                format!("{} {}{at}", one.column, one.place)
            }),
        );
        lines.add("template", self.facts.template.iter().map(ToString::to_string));
        lines.add("functions", self.facts.functions.iter().map(ToString::to_string));
        lines.add("not understood", self.facts.not_understood.iter().map(ToString::to_string));
        lines.add(
            "effect",
            [match &*self.facts.effect {
                "data" if !self.has_where => "data, of every row of a table".into(),
                effect => effect.to_string(),
            }],
        );
        lines.add("answer", self.answer.iter().map(Told::line));
        if matches!(self.verdict, Verdict::Allowed) && !self.in_reach.is_empty() {
            lines.add("in reach", [format!("{}: errors and notices are withheld", self.in_reach.join(", "))]);
        }
        let Self { verdict, reveals, refusal, policies, errors, .. } = self;
        ruling_lines(&mut lines, *verdict, reveals, refusal.as_ref(), policies, errors);
        lines.0
    }
}

fn ruling_lines(
    lines: &mut Lines,
    verdict: Verdict,
    reveals: &[String],
    refusal: Option<&Refused>,
    policies: &[PolicyNote],
    errors: &[String],
) {
    let verdict = match verdict {
        Verdict::Allowed if reveals.is_empty() => "allowed; reveals nothing".into(),
        Verdict::Allowed => format!("allowed; reveals {}", reveals.join(", ")),
        Verdict::NeedsApproval => "needs an approval".into(),
        Verdict::Refused => "refused".into(),
    };
    lines.add("verdict", [verdict]);
    if let Some(Refused { code, what, detail, .. }) = refusal {
        lines.add("why", [format!("{code}: {what} ({detail})")]);
    }
    lines.add("policies", policies.iter().map(policy));
    lines.add("errors", errors.iter().cloned());
    lines.add("instead", refusal.iter().map(|refused| refused.hint.clone()));
}

impl From<&Principal> for Asker {
    fn from(principal: &Principal) -> Self {
        Self {
            kind: principal.kind.as_str(),
            id: principal.id.to_string(),
            groups: principal.groups.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Asker {
    fn words(&self) -> String {
        let groups = if self.groups.is_empty() { "no groups".into() } else { self.groups.join(", ") };
        format!("{} {} ({groups})", self.kind, self.id)
    }
}

impl From<&Result<Allowed, Denied>> for Verdict {
    fn from(ruling: &Result<Allowed, Denied>) -> Self {
        match ruling {
            Ok(_) => Self::Allowed,
            Err(denied) if denied.code == Code::NeedsApproval => Self::NeedsApproval,
            Err(_) => Self::Refused,
        }
    }
}

impl Refused {
    fn new(denied: &Denied, text: &str, catalog: &Catalog) -> Self {
        let mention = sql::locate(text, catalog, &denied.columns);
        let mut hint = denied.code.instead().to_owned();
        if let Some(mention) = mention.as_ref().filter(|_| denied.code == Code::RevealDenied) {
            hint = format!("{hint}; {}", mention.instead());
        }
        let position = mention.and_then(|mention| mention.character(text));
        Self { hint, position, ..Self::plain(denied) }
    }

    /// Of what has no places.
    fn plain(denied: &Denied) -> Self {
        Self {
            code: denied.code.as_str(),
            what: denied.code.what(),
            detail: denied.detail.clone(),
            hint: denied.code.instead().to_owned(),
            position: None,
        }
    }
}

/// The columns of answers that hold something sensitive, as they come back under `terms`.
fn answer(facts: &Facts, given: &[Given], terms: &Terms) -> Vec<Told> {
    let mut all = Vec::new();
    for it in given {
        let same = |other: &&Given| (other.statement, other.index) == (it.statement, it.index);
        let beside = || given.iter().filter(same).flat_map(|other| &other.classes);
        let revealed = beside().all(|class| terms.reveals(class));
        let answered = facts.answers.iter().find(|answer| answer.statement == it.statement);
        let members =
            || answered.iter().flat_map(|it| &it.members).filter(|member| member.column == it.index);
        let made_of_sad = it.position == Position::Derived && beside().any(|class| *class == DataClass::Sad);
        all.extend(it.classes.iter().map(|class| Told {
            statement: it.statement + 1,
            index: it.index + 1,
            column: Some(it.column.to_string()),
            class: class.to_string(),
            told: match it.position {
                _ if *class == DataClass::Sad => As::Null,
                // A document is masked inside.
                Position::Derived if members().next().is_some() => {
                    let stands = members().all(|member| member.stands || !member.classes.contains(class));
                    match terms.reveals(class) {
                        true => As::Revealed,
                        false if stands => As::Masked,
                        false => As::Redacted,
                    }
                }
                _ if made_of_sad => As::Null,
                Position::Output if terms.reveals(class) => As::Revealed,
                Position::Output => As::Masked,
                // It is told when all that it is made of may be.
                _ if revealed => As::Revealed,
                _ => As::Redacted,
            },
        }));
    }
    // What is run by name gives answers of which places and classes alone are known.
    for answer in &facts.answers {
        let revealed = answer.derived.iter().all(|(_, class)| terms.reveals(class));
        for (index, class) in &answer.derived {
            if given.iter().any(|it| (it.statement, it.index) == (answer.statement, *index)) {
                continue;
            }
            let (statement, index) = (answer.statement + 1, index + 1);
            let is_sad = |(at, class): &(u32, DataClass)| *at + 1 == index && *class == DataClass::Sad;
            let told = match revealed {
                _ if answer.derived.iter().any(is_sad) => As::Null,
                true => As::Revealed,
                false => As::Redacted,
            };
            all.push(Told { statement, index, column: None, class: class.to_string(), told });
        }
    }
    all
}

impl As {
    fn word(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Redacted => "redacted",
            Self::Null => "NULL",
            Self::Revealed => "revealed",
        }
    }
}

impl Told {
    fn line(&self) -> String {
        let Self { statement, index, column, class, told } = self;
        let told = told.word();
        let of = column.as_deref().map_or_else(String::new, |column| format!(", of {column}"));
        format!("statement {statement}, column {index}: {told} ({class}{of})")
    }
}

fn policy(note: &PolicyNote) -> String {
    let reason = note.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    let requirement =
        note.requirement.as_deref().map_or_else(String::new, |number| format!(" (PCI DSS {number})"));
    format!("{}{reason}{requirement}", note.id)
}

/// Lines of a word and what there is to say of it.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    /// Adds a line each; none for nothing.
    fn add(&mut self, word: &str, texts: impl IntoIterator<Item = String>) {
        for (at, text) in texts.into_iter().enumerate() {
            let word = if at == 0 { word } else { "" };
            // Names are whatever the text says.
            let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.0.push(format!("{word:<16}{shown}"));
        }
    }
}
