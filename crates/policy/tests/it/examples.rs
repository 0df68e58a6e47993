use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use access::{
    Action, Call, ColumnUse, Effect, Endpoint, Facts, Field, Kind, Mode, Part, Position, Principal, Resource,
    Stage, Timestamp,
};
use policy::{Policies, Scope, Subject};
use serde::Deserialize;

/// One entry of a `questions.yaml`; policies/README.md describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    question: String,
    by: By,
    on: String,
    #[serde(default)]
    labels: Vec<Box<str>>,
    may: String,
    schema: Option<Box<str>>,
    table: Option<Box<str>>,
    function: Option<Box<str>>,
    class: Option<String>,
    endpoint: Option<Box<str>>,
    route: Option<Box<str>>,
    operation: Option<Box<str>>,
    model: Option<Box<str>>,
    feature: Option<String>,
    #[serde(default)]
    facts: GivenFacts,
    verdict: Expected,
    #[serde(default)]
    because: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    agent: Option<Box<str>>,
    user: Option<Box<str>>,
    #[serde(default)]
    groups: Vec<Box<str>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct GivenFacts {
    kinds: Vec<Box<str>>,
    functions: Vec<Box<str>>,
    not_understood: Vec<Box<str>>,
    columns: Vec<Box<str>>,
    has_where: bool,
    effect: Option<String>,
    approvals: u32,
    matches: u64,
    mode: Option<String>,
    template: Option<Box<str>>,
    parameters: BTreeMap<Box<str>, Values>,
    query: BTreeMap<Box<str>, Values>,
    headers: BTreeMap<Box<str>, Values>,
    body: BTreeMap<Box<str>, Values>,
    tools: Vec<Box<str>>,
    tools_called: Vec<Box<str>>,
    max_tokens: Option<u64>,
    tokens_today: u64,
    holds_cards: bool,
}

/// The values of one field: one or a list.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Values {
    One(Scalar),
    More(Vec<Scalar>),
}

/// A value, as it would be written.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Number(i64),
    Text(Box<str>),
}

impl Values {
    fn texts(&self) -> Vec<Box<str>> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        };
        let text = |value: &Scalar| match value {
            Scalar::Bool(value) => value.to_string().into(),
            Scalar::Number(value) => value.to_string().into(),
            Scalar::Text(value) => value.clone(),
        };
        all.iter().map(text).collect()
    }
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Expected {
    Allow,
    Deny,
}

#[test]
fn every_example_gives_the_verdicts_that_stand_beside_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut asked = 0;
    for folder in folders(&root) {
        let policies = Policies::parse(&cedar_files(&folder)).unwrap_or_else(|problems| {
            panic!("{}", problems.iter().map(|p| format!("{}/{p}\n", folder.display())).collect::<String>())
        });
        let text = fs::read_to_string(folder.join("questions.yaml")).unwrap();
        let questions: Vec<Question> = serde_saphyr::from_str(&text).unwrap();
        for question in &questions {
            check(&policies, &folder, question);
        }
        asked += questions.len();
    }
    assert!(asked > 20, "only {asked} questions found");
}

fn check(policies: &Policies, folder: &Path, asked: &Question) {
    let principal = principal(&asked.by);
    let subject = Subject::new(&principal);
    let mode = match asked.facts.mode.as_deref() {
        None | Some("filtered") => Mode::Filtered,
        Some("templates") => Mode::Templates,
        Some("admin") => Mode::Admin,
        Some(other) => panic!("no such mode: {other}"),
    };
    let scope = Scope { connection: &asked.on, labels: &asked.labels, mode };
    let facts = facts(asked);
    let inquiry = policies
        .about(&subject, scope, &facts, Stage::Run, asked.facts.approvals)
        .having_used(asked.facts.tokens_today);
    let decision = match &asked.feature {
        Some(feature) => {
            assert_eq!(asked.may, "use_feature", "{}", asked.question);
            inquiry.may_use(feature)
        }
        None => {
            let action = Action::ALL.into_iter().find(|action| action.as_str() == asked.may).unwrap();
            let decision = match (action, resource(asked), asked.facts.columns.as_slice()) {
                (Action::Match, Resource::Class(class), [column]) => {
                    inquiry.may_match(&class, column, asked.facts.matches)
                }
                (Action::Match, ..) => panic!("{}: `match` is of a class and one column", asked.question),
                (_, resource, _) => inquiry.may(action, &resource),
            };
            let kinds = asked.facts.kinds.iter().map(|kind| Some(&**kind)).chain([None]);
            for kind in kinds.filter(|_| decision.allowed) {
                // What is allowed is never said to be impossible.
                assert!(policies.could_ever(scope, action, &resource(asked), kind), "{}", asked.question);
            }
            decision
        }
    };
    let observed = if decision.allowed { Expected::Allow } else { Expected::Deny };
    let ids: Vec<_> = decision.policies.iter().map(|note| note.id.to_string()).collect();
    let where_ = format!("{}: {} ({})", folder.display(), asked.question, decision.why());
    assert_eq!((observed, ids), (asked.verdict, asked.because.clone()), "{where_}");
    assert_eq!(decision.errors, Vec::<String>::new(), "{where_}");
}

fn principal(by: &By) -> Principal {
    let (kind, id) = match (&by.agent, &by.user) {
        (Some(agent), None) => (Kind::Agent, agent),
        (None, Some(user)) => (Kind::User, user),
        _ => panic!("`by` names one agent or one user"),
    };
    Principal {
        kind,
        id: id.clone(),
        issuer: "https://idp.example.com".into(),
        subject: id.clone(),
        groups: by.groups.iter().cloned().collect(),
        delegation: None,
        person: None,
        authentication: access::Authentication::default(),
        token_id: "".into(),
        valid_from: Timestamp(0),
        valid_until: Timestamp(i64::MAX),
    }
}

fn facts(asked: &Question) -> Facts {
    let given = &asked.facts;
    let class = asked.class.as_ref().map_or(access::DataClass::Pan, |class| class.parse().unwrap());
    let used = |column: &str| ColumnUse {
        column: column.into(),
        class: class.clone(),
        position: Position::Computed,
    };
    Facts {
        kinds: given.kinds.clone(),
        columns: given.columns.iter().map(|column| used(column)).collect(),
        answers: Vec::new(),
        in_reach: Vec::new(),
        matches: Vec::new(),
        unknown_columns: false,
        template: given.template.clone(),
        call: asked.call().unwrap(),
        functions: given.functions.clone(),
        has_where: given.has_where,
        effect: match given.effect.as_deref() {
            Some("none") => Effect::None,
            Some("session") => Effect::Session,
            Some("data") | None => Effect::Data,
            Some(other) => panic!("no such effect: {other}"),
        },
        not_understood: given.not_understood.clone(),
        uses: Vec::new(),
    }
}

fn resource(asked: &Question) -> Resource {
    let class = asked.class.as_ref().map(|class| Resource::Class(class.parse().unwrap()));
    let endpoint = asked.endpoint().unwrap().map(|endpoint| Resource::Endpoint(Box::new(endpoint)));
    let request = match &asked.model {
        Some(model) if asked.may == "call" => Some(Resource::Model(model.clone())),
        _ => endpoint,
    };
    let mut named = [
        asked.schema.clone().map(Resource::Schema),
        asked.table.clone().map(Resource::Table),
        asked.function.clone().map(Resource::Function),
        class,
    ]
    .into_iter()
    .flatten();
    let first = named.next();
    assert!(named.next().is_none(), "{}: more than one resource", asked.question);
    first.or(request).unwrap_or(Resource::Connection)
}

impl Question {
    /// What the command is as an HTTP request, if the question is about one.
    fn call(&self) -> Result<Option<Box<Call>>, String> {
        let given = &self.facts;
        let parts = [
            (Part::Path, &given.parameters),
            (Part::Query, &given.query),
            (Part::Header, &given.headers),
            (Part::Body, &given.body),
        ];
        let fields = parts.iter().flat_map(|(part, fields)| {
            fields.iter().map(|(name, values)| Field {
                part: *part,
                name: name.clone(),
                values: values.texts(),
            })
        });
        let call = Call {
            endpoint: self.endpoint()?.unwrap_or_default(),
            fields: fields.collect(),
            model: self.model.clone(),
            tools: given.tools.clone(),
            tools_called: given.tools_called.clone(),
            max_tokens: given.max_tokens,
            holds_cards: given.holds_cards,
        };
        Ok((call != Call::default()).then(|| Box::new(call)))
    }

    fn endpoint(&self) -> Result<Option<Endpoint>, String> {
        let Some(written) = &self.endpoint else {
            return match (&self.route, &self.operation) {
                (None, None) => Ok(None),
                _ => Err("a `route` or an `operation` goes with an `endpoint`".into()),
            };
        };
        let (method, path) = written
            .split_once(' ')
            .filter(|(_, path)| path.starts_with('/') && !path.contains('?'))
            .ok_or("an `endpoint` is a method and a path, such as `GET /v1/charges/ch_7`; a query stands in `facts`")?;
        Ok(Some(Endpoint {
            method: method.into(),
            path: path.into(),
            route: self.route.clone().unwrap_or_else(|| path.into()),
            operation: self.operation.clone().unwrap_or_default(),
        }))
    }
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

fn cedar_files(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let cedar = files.filter(|path| path.extension().is_some_and(|extension| extension == "cedar"));
    cedar
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect()
}
