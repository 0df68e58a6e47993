//! What a statement brings into play beside the columns that it names: checks, defaults, indexes, triggers, rules,
//! foreign keys and row security of the relations that it changes or reads, and the code of functions.
//!
//! None of it can show a value in an answer, but all of it in an error or a notice. What the bodies of functions do
//! is told by the names in them, not by their grammar: one that names a relation may do anything with it, and one
//! that runs texts, or is in a language that is not read here, may do anything.

use std::collections::{BTreeSet, HashMap, HashSet};

use access::DataClass;
use pg_query::protobuf::Token;

use super::{Catalog, Links, Relation, held};
use crate::{function, system};

/// What happens to the rows of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    Read,
    Insert,
    Update,
    Delete,
    Truncate,
}

impl Event {
    pub const ALL: [Self; 5] = [Self::Read, Self::Insert, Self::Update, Self::Delete, Self::Truncate];

    /// By the letters that a row of the catalog's answer has for them.
    fn of(letters: &str) -> impl Iterator<Item = Self> + '_ {
        letters.chars().filter_map(|letter| match letter {
            'r' => Some(Self::Read),
            'i' => Some(Self::Insert),
            'u' => Some(Self::Update),
            'd' => Some(Self::Delete),
            't' => Some(Self::Truncate),
            _ => None,
        })
    }
}

/// The classes in reach of what is done to a relation, and of code.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    rows: HashMap<(u32, Event), Vec<DataClass>>,
    functions: HashMap<Box<str>, Vec<DataClass>>,
    operators: HashMap<Box<str>, Vec<DataClass>>,
    definitions: Vec<DataClass>,
    /// Labels of columns that are not there, by the names of their relations.
    expected: HashMap<(Box<str>, Box<str>), Vec<DataClass>>,
    all: Vec<DataClass>,
}

/// A function that is run when something happens to a relation; to what exists, if the relation is 0.
pub(super) struct Fires<'a> {
    pub relation: u32,
    pub function: u32,
    pub extension: bool,
    pub events: &'a str,
    pub name: &'a str,
}

/// What happens to another relation when something happens to one.
pub(super) struct Cascades<'a> {
    pub relation: u32,
    pub other: u32,
    pub events: &'a str,
    pub there: &'a str,
}

/// A column that is looked at when something happens to a relation; 0 is all of them.
pub(super) struct Looks<'a> {
    pub relation: u32,
    pub other: u32,
    pub column: i16,
    pub events: &'a str,
}

/// What a function of the operator's says.
pub(super) struct Body<'a> {
    pub function: u32,
    pub language: &'a str,
    pub text: &'a str,
    pub name: &'a str,
}

/// All of that, while a snapshot is being built.
#[derive(Default)]
pub(super) struct Code<'a> {
    pub fires: Vec<Fires<'a>>,
    pub cascades: Vec<Cascades<'a>>,
    pub looks: Vec<Looks<'a>>,
    pub bodies: Vec<Body<'a>>,
    /// Operators of the operator's own, and the functions behind them.
    pub operators: Vec<(&'a str, u32)>,
}

impl Catalog {
    /// Every class that a column is labelled with, in the configuration or by what its values are made of.
    pub fn classes(&self) -> Vec<DataClass> {
        self.reach.all.clone()
    }

    /// The classes in reach of what happens to the rows of a relation.
    pub(crate) fn in_reach(&self, relation: &Relation, event: Event) -> &[DataClass] {
        self.reach.rows.get(&(relation.oid, event)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The classes that columns of a relation are to have which the snapshot does not hold.
    pub(crate) fn expected<'a>(
        &'a self,
        schema: Option<&'a str>,
        name: &'a str,
    ) -> impl Iterator<Item = &'a DataClass> {
        let named =
            move |key: &(Box<str>, Box<str>)| *key.1 == *name && schema.is_none_or(|it| *key.0 == *it);
        self.reach.expected.iter().filter(move |(key, _)| named(key)).flat_map(|(_, classes)| classes)
    }

    /// The classes in reach of a function, or of an operator as `operator ===>`, that is not known to be harmless.
    pub(crate) fn in_reach_of(&self, name: &str) -> &[DataClass] {
        let (known, name) = match name.strip_prefix("operator ") {
            Some(operator) => (self.reach.operators.get(operator), operator),
            None => {
                let name = name.rsplit('.').next().unwrap_or(name);
                (self.reach.functions.get(name), name)
            }
        };
        match known {
            Some(classes) if !self.extension_functions.contains(name) => classes,
            None if function::is_the_servers(name, self.major) && !self.has_function(name) => &[],
            _ => &self.reach.all,
        }
    }

    /// The classes in reach of a change of what exists.
    pub(crate) fn in_reach_of_definitions(&self) -> &[DataClass] {
        &self.reach.definitions
    }

    /// Works out what is in reach, once every label has its place.
    pub(super) fn find_reach(&mut self, links: &Links, code: &Code<'_>) {
        let labelled = self.labelled.iter().filter(|labelled| !labelled.system);
        let all: BTreeSet<DataClass> = labelled.flat_map(|labelled| labelled.classes.clone()).collect();
        let mut reach = Reach { all: all.into_iter().collect(), ..Reach::default() };
        if reach.all.is_empty() {
            self.reach = reach;
            return;
        }
        reach.expected = std::mem::take(&mut self.reach.expected);
        let mut graph = Graph::default();
        self.own_values(&mut graph, &reach);
        self.link_relations(&mut graph, links, code);
        self.link_code(&mut graph, code);
        for class in &reach.all.clone() {
            let reached = graph.reached_by(class);
            for node in &reached {
                match *node {
                    Node::Rows(relation, event) => {
                        reach.rows.entry((relation, event)).or_default().push(class.clone());
                    }
                    Node::Definitions => reach.definitions.push(class.clone()),
                    Node::Code(_) | Node::Anything => {}
                }
            }
            let note = |named: &mut HashMap<Box<str>, Vec<DataClass>>, name: &str, function: u32| {
                let classes = named.entry(name.into()).or_default();
                if reached.contains(&Node::Code(function)) && !classes.contains(class) {
                    classes.push(class.clone());
                }
            };
            code.bodies.iter().for_each(|body| note(&mut reach.functions, body.name, body.function));
            code.operators.iter().for_each(|(name, function)| note(&mut reach.operators, name, *function));
        }
        self.reach = reach;
    }

    /// Whoever changes rows brings all their columns into play; and nothing is known to hold no more than that.
    fn own_values(&self, graph: &mut Graph, reach: &Reach) {
        for class in &reach.all {
            graph.holds(Node::Anything, class);
        }
        for relation in &self.relations {
            let own = self.classes_held(relation);
            let key = (relation.schema.clone(), bare(relation).into());
            let expected = reach.expected.get(&key).into_iter().flatten();
            for class in own.iter().chain(expected) {
                for event in [Event::Insert, Event::Update, Event::Delete] {
                    graph.holds(Node::Rows(relation.oid, event), class);
                }
            }
        }
    }

    fn classes_held(&self, relation: &Relation) -> BTreeSet<DataClass> {
        let columns = relation.columns.iter().flat_map(held).chain(relation.computed_from.iter().copied());
        let labelled = columns.filter_map(|id| self.labelled(id)).filter(|labelled| !labelled.system);
        labelled.flat_map(|labelled| labelled.classes.clone()).collect()
    }

    fn link_relations(&self, graph: &mut Graph, links: &Links, code: &Code<'_>) {
        // A change of a view is one of what it reads; and a parent's children have checks of their own.
        let views = links.views.iter().map(|link| (link.view, link.relation));
        for (from, to) in views.chain(links.inherits.iter().map(|&(child, parent)| (parent, child))) {
            for event in Event::ALL {
                graph.leads(Node::Rows(from, event), Node::Rows(to, event));
            }
        }
        for Cascades { relation, other, events, there } in &code.cascades {
            for event in Event::of(events) {
                for then in Event::of(there) {
                    graph.leads(Node::Rows(*relation, event), Node::Rows(*other, then));
                }
            }
        }
        for Looks { relation, other, column, events } in &code.looks {
            let Some(compared) = self.relation(*other) else { continue };
            let columns = compared.columns.iter().filter(|it| *column == 0 || it.number == *column);
            let computed = compared.computed_from.iter().copied();
            let labelled = columns.flat_map(held).chain(computed).filter_map(|id| self.labelled(id));
            let classes: Vec<&DataClass> = labelled.flat_map(|labelled| &labelled.classes).collect();
            for event in Event::of(events) {
                classes.iter().for_each(|class| graph.holds(Node::Rows(*relation, event), class));
            }
        }
    }

    fn link_code(&self, graph: &mut Graph, code: &Code<'_>) {
        let read: HashSet<u32> = code.bodies.iter().map(|body| body.function).collect();
        for Fires { relation, function, extension, events, name } in &code.fires {
            let to = match (extension, read.contains(function)) {
                (true, _) if function::is_harmless(name) || TRIGGERS.contains(name) => continue,
                (false, true) => Node::Code(*function),
                _ => Node::Anything,
            };
            if *relation == 0 {
                graph.leads(Node::Definitions, to);
            }
            for event in Event::of(events) {
                graph.leads(Node::Rows(*relation, event), to);
            }
        }
        let mut by_name: HashMap<&str, Vec<u32>> = HashMap::new();
        for body in &code.bodies {
            by_name.entry(body.name).or_default().push(body.function);
        }
        let odd = |name: &&str| name.split(is_no_word).count() > 1;
        let odd_relations: Vec<&str> = self.by_name.keys().map(|name| &**name).filter(odd).collect();
        for body in &code.bodies {
            let from = Node::Code(body.function);
            let lower = body.text.to_lowercase();
            if !matches!(body.language, "sql" | "plpgsql")
                || lower.contains("u&\"")
                || runs_texts(body, &lower)
            {
                graph.leads(from, Node::Anything);
                continue;
            }
            let words = body.text.split(is_no_word).chain(lower.split(is_no_word));
            let named: HashSet<&str> = words
                .filter(|word| !word.is_empty())
                .chain(odd_relations.iter().copied().filter(|name| body.text.contains(name)))
                .collect();
            for word in named {
                self.link_word(graph, from, word, &by_name);
            }
            for (operator, function) in &code.operators {
                if body.text.contains(operator) {
                    graph.leads(from, Node::Code(*function));
                }
            }
        }
    }

    /// What a body may do that holds this word.
    fn link_word(&self, graph: &mut Graph, from: Node, word: &str, functions: &HashMap<&str, Vec<u32>>) {
        let foreign = self.extension_functions.contains(word) && !function::is_harmless(word);
        if function::is_opaque(word, self.major) || foreign || !system::tells(word, self.major) {
            graph.leads(from, Node::Anything);
        }
        for &at in self.by_name.get(word).map(Vec::as_slice).unwrap_or_default() {
            let Some(relation) = self.relations.get(at) else { continue };
            for event in Event::ALL {
                graph.leads(from, Node::Rows(relation.oid, event));
            }
            self.classes_held(relation).iter().for_each(|class| graph.holds(from, class));
        }
        for &function in functions.get(word).map(Vec::as_slice).unwrap_or_default() {
            graph.leads(from, Node::Code(function));
        }
    }

    /// Remembers the label of a column that is not there.
    pub(super) fn expect(&mut self, schema: &str, table: &str, classes: Vec<DataClass>) {
        self.reach.expected.entry((schema.into(), table.into())).or_default().extend(classes);
    }
}

/// What may happen, and what it leads to.
#[derive(Default)]
struct Graph {
    /// Against the direction of what happens.
    back: HashMap<Node, Vec<Node>>,
    holding: HashMap<DataClass, HashSet<Node>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    /// Something happens to rows of the relation of this OID.
    Rows(u32, Event),
    /// The function of this OID is run.
    Code(u32),
    /// What exists is changed.
    Definitions,
    /// Nobody knows.
    Anything,
}

impl Graph {
    fn leads(&mut self, from: Node, to: Node) {
        if from != to {
            self.back.entry(to).or_default().push(from);
        }
    }

    fn holds(&mut self, node: Node, class: &DataClass) {
        self.holding.entry(class.clone()).or_default().insert(node);
    }

    /// Everything that brings values of a class into play.
    fn reached_by(&self, class: &DataClass) -> HashSet<Node> {
        let mut reached = self.holding.get(class).cloned().unwrap_or_default();
        let mut left: Vec<Node> = reached.iter().copied().collect();
        while let Some(node) = left.pop() {
            for &from in self.back.get(&node).map(Vec::as_slice).unwrap_or_default() {
                if reached.insert(from) {
                    left.push(from);
                }
            }
        }
        reached
    }
}

/// Whether a body may run texts (`EXECUTE`, also of `OPEN` and `RETURN QUERY`). The word may also stand in its comments.
fn runs_texts(body: &Body<'_>, lower: &str) -> bool {
    if !lower.contains("execute") {
        return false;
    }
    // Of SQL functions the whole definition is here, in which the body is one literal.
    if body.language == "sql" {
        return lower.split(is_no_word).any(|word| word == "execute");
    }
    // PL/pgSQL's words are told apart by the scanner of SQL.
    let Ok(Ok(scanned)) = std::panic::catch_unwind(|| pg_query::scan(body.text)) else { return true };
    scanned.tokens.iter().any(|token| token.token() == Token::Execute)
}

/// The name of a relation without its schema.
fn bare(relation: &Relation) -> &str {
    relation.name.strip_prefix(&*relation.schema).and_then(|name| name.strip_prefix('.')).unwrap_or_default()
}

fn is_no_word(letter: char) -> bool {
    !(letter.is_alphanumeric() || letter == '_' || letter == '$')
}

/// Extensions' triggers that look at nothing but the row that they are given, and set some of its columns.
const TRIGGERS: [&str; 3] = ["autoinc", "insert_username", "moddatetime"];

#[cfg(test)]
mod tests;
