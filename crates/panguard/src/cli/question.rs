//! `questions.yaml`: what a policy folder is asked, and the verdicts expected (policies/README.md).

use std::collections::BTreeMap;

use access::{
    Action, Call, ColumnUse, DataClass, Effect, Endpoint, Facts, Field, Kind, Mode, Part, Position,
    Principal, Resource, Stage, Timestamp,
};
use policy::{Decision, Policies, Scope, Subject};
use serde::{Deserialize, Serialize};

/// One question and the verdict expected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub question: String,
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
    facts: Given,
    pub verdict: Expected,
    #[serde(default)]
    because: Vec<String>,
}

/// What a question expects.
#[derive(Deserialize, Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    Allow,
    Deny,
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
struct Given {
    kinds: Vec<Box<str>>,
    functions: Vec<Box<str>>,
    not_understood: Vec<Box<str>>,
    columns: Vec<Box<str>>,
    has_where: bool,
    effect: GivenEffect,
    approvals: u32,
    matches: u32,
    mode: Way,
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

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Way {
    Templates,
    #[default]
    Filtered,
    Admin,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum GivenEffect {
    None,
    Session,
    #[default]
    Data,
}

/// Reads the file.
///
/// # Errors
/// `LINE: what is wrong`.
pub fn parse(text: &str) -> Result<Vec<Question>, String> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |place| place.line());
        format!("{line}: {}", error.to_string().lines().next().unwrap_or_default())
    })
}

impl Question {
    /// Puts the question to `policies`.
    ///
    /// # Errors
    /// ` QUESTION: what is wrong with it`.
    pub fn ask(&self, policies: &Policies) -> Result<Decision, String> {
        let wrong = |why: String| format!(" `{}`: {why}", self.question);
        let principal = self.principal().map_err(wrong)?;
        let subject = Subject::new(&principal);
        let mode = match self.facts.mode {
            Way::Templates => Mode::Templates,
            Way::Filtered => Mode::Filtered,
            Way::Admin => Mode::Admin,
        };
        let scope = Scope { connection: &self.on, labels: &self.labels, mode };
        let facts = self.facts().map_err(wrong)?;
        let inquiry = policies
            .about(&subject, scope, &facts, Stage::Run, self.facts.approvals)
            .having_used(self.facts.tokens_today);
        if let Some(feature) = &self.feature {
            return match self.may.as_str() {
                "use_feature" => Ok(inquiry.may_use(feature)),
                _ => Err(wrong("a `feature` goes with `may: use_feature`".into())),
            };
        }
        let Some(action) = Action::ALL.into_iter().find(|action| action.as_str() == self.may) else {
            let known = Action::ALL.map(Action::as_str).join(", ");
            return Err(wrong(format!("`{}` is no action; write one of {known}", self.may)));
        };
        let resource = self.resource().map_err(wrong)?;
        match (action, &resource, self.facts.columns.as_slice()) {
            (Action::Match, Resource::Class(class), [column]) => {
                Ok(inquiry.may_match(class, column, self.facts.matches.into()))
            }
            (Action::Match, ..) => Err(wrong("`may: match` goes with a `class` and one of `columns`".into())),
            _ => Ok(inquiry.may(action, &resource)),
        }
    }

    /// Whether `decision` is the one expected, for the reasons expected.
    pub fn expects(&self, decision: &Decision) -> bool {
        let verdict = if decision.allowed { Expected::Allow } else { Expected::Deny };
        let because = decision.policies.iter().map(|note| &*note.id);
        verdict == self.verdict
            && decision.errors.is_empty()
            && because.eq(self.because.iter().map(String::as_str))
    }

    fn principal(&self) -> Result<Principal, String> {
        let (kind, id) = match (&self.by.agent, &self.by.user) {
            (Some(agent), None) => (Kind::Agent, agent),
            (None, Some(user)) => (Kind::User, user),
            (None, None) | (Some(_), Some(_)) => return Err("`by` names one `agent` or one `user`".into()),
        };
        Ok(Principal {
            kind,
            id: id.clone(),
            issuer: "https://idp.example.com".into(),
            subject: id.clone(),
            groups: self.by.groups.iter().cloned().collect(),
            delegation: None,
            person: None,
            authentication: access::Authentication::default(),
            token_id: "".into(),
            valid_from: Timestamp(0),
            valid_until: Timestamp(i64::MAX),
        })
    }

    fn facts(&self) -> Result<Facts, String> {
        let given = &self.facts;
        let class = match &self.class {
            Some(class) => data_class(class)?,
            None => DataClass::Pan,
        };
        let used = |column: &str| ColumnUse {
            column: column.into(),
            class: class.clone(),
            position: Position::Computed,
        };
        Ok(Facts {
            kinds: given.kinds.clone(),
            uses: Vec::new(),
            columns: given.columns.iter().map(|column| used(column)).collect(),
            answers: Vec::new(),
            in_reach: Vec::new(),
            matches: Vec::new(),
            unknown_columns: false,
            template: given.template.clone(),
            call: self.call()?,
            functions: given.functions.clone(),
            has_where: given.has_where,
            effect: match given.effect {
                GivenEffect::None => Effect::None,
                GivenEffect::Session => Effect::Session,
                GivenEffect::Data => Effect::Data,
            },
            not_understood: given.not_understood.clone(),
        })
    }

    fn resource(&self) -> Result<Resource, String> {
        let tables = [
            self.schema.clone().map(Resource::Schema),
            self.table.clone().map(Resource::Table),
            self.function.clone().map(Resource::Function),
            self.class.as_deref().map(data_class).transpose()?.map(Resource::Class),
        ];
        // A request to a model is asked about at both; the model is what the question is about.
        let request = match (self.endpoint()?, &self.model) {
            (_, Some(model)) if self.may == "call" => Some(Resource::Model(model.clone())),
            (endpoint, _) => endpoint.map(|endpoint| Resource::Endpoint(Box::new(endpoint))),
        };
        let mut named = tables.into_iter().flatten();
        match (named.next(), named.next(), request) {
            (Some(one), None, _) => Ok(one),
            (None, _, Some(request)) => Ok(request),
            (None, _, None) => Ok(Resource::Connection),
            (Some(_), Some(_), _) => Err(
                "a question has at most one of `schema`, `table`, `function`, `class`, `endpoint` and `model`"
                    .into(),
            ),
        }
    }

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

fn data_class(name: &str) -> Result<DataClass, String> {
    name.parse().map_err(|error: access::UnknownClass| error.to_string())
}
