use std::collections::BTreeSet;

/// What a command is as an HTTP request, where it is one: the part of its [`Facts`](crate::Facts) that only such have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Call {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// The fields of it that policies ask for ([`Wanted`]), each with its values.
    pub fields: Vec<Field>,
    /// The model that it asks, if it asks one.
    pub model: Option<Box<str>>,
    /// The names of the tools that it offers to the model.
    pub tools: Vec<Box<str>>,
    /// The names of the tools that the model has called so far in the conversation.
    pub tools_called: Vec<Box<str>>,
    /// The most tokens that it lets the model write, if it says.
    pub max_tokens: Option<u64>,
    /// Whether card data was in it as it came from the agent.
    pub holds_cards: bool,
}

/// A method and a path of an HTTP connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The method, as it is sent (RFC 9110 §9.1).
    pub method: Box<str>,
    /// The path within the connection, percent-decoded, without a query: `/v1/charges/ch_7`.
    pub path: Box<str>,
    /// The path with its parameters named, where the connection's document tells: `/v1/charges/{id}`. Else the path.
    pub route: Box<str>,
    /// The operation's id in the connection's document, else empty.
    pub operation: Box<str>,
}

/// One field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field {
    /// Which part of the request it is in.
    pub part: Part,
    /// Its name: as it stands in a query; lower-case, of a header; of a member of a JSON body its path (`$.card.brand`).
    pub name: Box<str>,
    /// Its values, decoded. Numbers, `true`, `false` and `null` of JSON as they are written.
    pub values: Vec<Box<str>>,
}

/// A part of a request in which fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The query of its target.
    Query,
    /// The header.
    Header,
    /// The body.
    Body,
}

/// The fields of requests that policies ask for: all others are no part of the facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of queries.
    pub query: BTreeSet<Box<str>>,
    /// Of headers, in lower case.
    pub headers: BTreeSet<Box<str>>,
    /// Of bodies.
    pub body: BTreeSet<Box<str>>,
    /// How many tokens of models who asks has used; no field, but asked for alike.
    pub tokens: bool,
}

impl Endpoint {
    /// The name by which policies and entries know it: `GET /v1/charges/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.route)
    }
}

impl Part {
    /// The word for it in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Header => "headers",
            Self::Body => "body",
        }
    }
}
