//! The agent's side: its messages are read, understood, and asked about.

use std::collections::HashMap;
use std::sync::Arc;

use access::{Effect as Leaves, Facts, Parameter, Question, Redacted, Stage};
use bytes::BufMut;
use sql::{Analysis, NameUse};
use wire::{Effect, Side, Violation};

use super::held::{Held, Kind};
use super::{Copy, OWED_MAX, Postgres, State};
use crate::command::{self, Bind, Command};
use crate::error;
use crate::frame::Frame;
use crate::names::Lookup;
use crate::replies::{Registry, Reply};
use crate::statement::{Origin, Portal, Statement};

/// What became of one message.
enum Step {
    Done,
    /// It can be understood only after the upstream has answered what came before it.
    Wait,
}

/// Prepared statements and portals of one session. Nobody needs as many; a loop that forgets to close does.
const NAMES_MAX: usize = 50_000;

impl Postgres {
    /// Whether the agent's next message may be read.
    pub(super) fn may_read_agent(&self) -> bool {
        self.held.is_none() && self.stalled.is_none() && self.replies.len() < OWED_MAX
    }

    /// Reads the agent's messages until one needs a verdict or an answer. Says whether any was read.
    pub(super) fn read_agent(&mut self) -> Result<bool, Violation> {
        let mut moved = false;
        while self.held.is_none() && self.replies.len() < OWED_MAX && self.state != State::Closing {
            let Some(frame) =
                self.stalled.take().map_or_else(|| self.from_agent.next(), |frame| Ok(Some(frame)))?
            else {
                break;
            };
            if let Step::Wait = self.step(&frame)? {
                self.stalled = Some(frame);
                break;
            }
            moved = true;
        }
        Ok(moved)
    }

    fn step(&mut self, frame: &Frame) -> Result<Step, Violation> {
        let command = command::read(frame)?;
        match (self.state, command) {
            (State::Closing, _) => {}
            (_, Command::Terminate) => self.terminate(frame),
            (_, Command::CopyData | Command::CopyDone | Command::CopyFail) => return Ok(self.copied(frame)),
            (State::SkipToSync, Command::Sync) => {
                self.state = State::Ready;
                self.sync(frame);
            }
            (State::SkipToSync, _) => {}
            (State::Ready, command) if matches!(self.copy, Copy::In) => return during_copy(&command),
            (State::Ready, command) => return self.command(frame, command),
        }
        Ok(Step::Done)
    }

    fn command(&mut self, frame: &Frame, command: Command<'_>) -> Result<Step, Violation> {
        match command {
            Command::Query(sql) => return Ok(self.ask_query(frame, sql)),
            Command::Parse { name, sql } => return Ok(self.ask_parse(frame, name, sql)),
            Command::Execute { portal } => return Ok(self.ask_execute(frame, portal)),
            Command::Bind(bind) => return Ok(self.bind(frame, bind)),
            Command::DescribeStatement(name) => match self.statements.get(self.segment, name) {
                Lookup::Wait => return Ok(Step::Wait),
                Lookup::Unknown => self.fail_unknown("26000", &no_statement(name)),
                Lookup::Known(statement) => self.forward(frame, Reply::DescribeStatement(statement)),
            },
            Command::DescribePortal(name) => match self.portals.get(self.segment, name) {
                Lookup::Wait => return Ok(Step::Wait),
                Lookup::Unknown => self.fail_unknown("34000", &no_portal(name)),
                Lookup::Known(portal) => self.forward(frame, Reply::DescribePortal(portal)),
            },
            Command::CloseStatement(name) => {
                self.statements.propose(self.segment, name, None);
                self.forward_close(frame, Registry::Statements);
            }
            Command::ClosePortal(name) => {
                self.portals.propose(self.segment, name, None);
                self.forward_close(frame, Registry::Portals);
            }
            Command::Flush => self.to_upstream.put_slice(frame.bytes()),
            Command::Sync => self.sync(frame),
            Command::Refused(feature) => self.refuse_message(feature),
            Command::Terminate | Command::CopyData | Command::CopyDone | Command::CopyFail => {}
        }
        Ok(Step::Done)
    }

    /// Sends a message that carries no command of its own; its reply gets the strictest terms.
    fn forward(&mut self, frame: &Frame, reply: Reply) {
        self.segment_open = true;
        self.to_upstream.put_slice(frame.bytes());
        self.replies.push(reply.into());
    }

    fn forward_close(&mut self, frame: &Frame, registry: Registry) {
        self.forward(frame, Reply::Close);
        if let Some(owed) = self.replies.last_mut() {
            owed.names.push(registry);
        }
    }

    fn sync(&mut self, frame: &Frame) {
        self.to_upstream.put_slice(frame.bytes());
        self.replies.push(Reply::Sync.into());
        self.end_segment();
    }

    fn terminate(&mut self, frame: &Frame) {
        self.to_upstream.put_slice(frame.bytes());
        self.state = State::Closing;
        if self.replies.is_empty() {
            self.close();
        }
    }

    fn bind(&mut self, frame: &Frame, bind: Bind<'_>) -> Step {
        let statement = match self.statements.get(self.segment, bind.statement) {
            Lookup::Wait => return Step::Wait,
            Lookup::Unknown => {
                self.fail_unknown("26000", &no_statement(bind.statement));
                return Step::Done;
            }
            Lookup::Known(statement) => statement,
        };
        if self.portals.len() >= NAMES_MAX {
            self.fail_limit("too many portals are open in this session");
            return Step::Done;
        }
        let portal = Portal::new(statement, bind.parameters, bind.result_formats);
        self.portals.propose(self.segment, bind.portal, Some(portal));
        self.forward(frame, Reply::Bind);
        Step::Done
    }

    /// Copy data counts only once the upstream has said that it copies. Before that it waits; when nothing
    /// is owed any more it is the rest of a copy that failed, and is dropped as PostgreSQL drops it.
    fn copied(&mut self, frame: &Frame) -> Step {
        if !matches!(self.copy, Copy::In) {
            return if self.replies.is_empty() || self.state == State::SkipToSync {
                Step::Done
            } else {
                Step::Wait
            };
        }
        self.to_upstream.put_slice(frame.bytes());
        if matches!(frame.tag(), b'c' | b'f') {
            self.copy = Copy::None;
        }
        Step::Done
    }

    fn refuse_message(&mut self, feature: &str) {
        let request = self.settings.session.request(self.requests);
        let code = access::Code::NotSupported;
        let refusal = access::Refusal { code, request, detail: feature.into(), policies: Vec::new() };
        // The function call message is answered like a simple query, ReadyForQuery included (§55.2.5).
        self.fail_query(&error::response(&refusal, error::Severity::Error));
    }

    fn ask_query(&mut self, frame: &Frame, sql: &str) -> Step {
        let catalog = self.settings.catalog.load_full();
        let analysis = self.settings.analyses.get(sql, &catalog);
        let Some(facts) = self.resolve(&analysis) else { return Step::Wait };
        self.ask(Stage::Run, facts, sql.into(), Vec::new(), frame, Kind::Query, Some(analysis));
        Step::Done
    }

    fn ask_parse(&mut self, frame: &Frame, name: &str, sql: &str) -> Step {
        if self.statements.len() >= NAMES_MAX {
            self.fail_limit("too many statements are prepared in this session");
            return Step::Done;
        }
        let catalog = self.settings.catalog.load_full();
        let analysis = self.settings.analyses.get(sql, &catalog);
        let Some(facts) = self.resolve(&analysis) else { return Step::Wait };
        let text: Arc<str> = sql.into();
        let statement = Statement::parsed(Arc::clone(&text), Arc::clone(&analysis), &catalog);
        let kind = Kind::Parse { name: name.into(), statement };
        self.ask(Stage::Prepare, facts, text, Vec::new(), frame, kind, None);
        Step::Done
    }

    fn ask_execute(&mut self, frame: &Frame, name: &str) -> Step {
        let bound = match self.portals.get(self.segment, name) {
            Lookup::Wait => return Step::Wait,
            Lookup::Unknown => {
                self.fail_unknown("34000", &no_portal(name));
                return Step::Done;
            }
            Lookup::Known(portal) => portal,
        };
        let analysis = self.current(&bound.statement);
        let facts = match (&analysis, &bound.statement.origin) {
            (Some(analysis), _) => self.resolve(analysis),
            (None, Origin::Sql(facts)) => Some(Arc::clone(facts)),
            (None, Origin::Parse { analysis, .. }) => Some(Arc::clone(&analysis.facts)),
        };
        let Some(facts) = facts else { return Step::Wait };
        let (sql, parameters) = (Arc::clone(&bound.statement.sql), bound.typed_parameters());
        let kind = Kind::Execute { portal: name.into(), bound };
        self.ask(Stage::Run, facts, sql, parameters, frame, kind, analysis);
        Step::Done
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a question has this many parts, and each caller gives other ones"
    )]
    fn ask(
        &mut self,
        stage: Stage,
        facts: Arc<Facts>,
        command: Arc<str>,
        parameters: Vec<Redacted<Parameter>>,
        frame: &Frame,
        kind: Kind,
        analysis: Option<Arc<Analysis>>,
    ) {
        let request = self.next_request();
        let command = Redacted::new(command);
        self.effects.push_back(Effect::Ask(Question { request, stage, facts, command, parameters }));
        self.held = Some(Held { request, frame: frame.clone(), kind, analysis });
    }

    /// What a statement says under today's catalog, for one that was prepared under an older.
    fn current(&self, statement: &Statement) -> Option<Arc<Analysis>> {
        let Origin::Parse { analysis, catalog_version } = &statement.origin else { return None };
        let catalog = self.settings.catalog.load();
        if catalog.version() == *catalog_version {
            return Some(Arc::clone(analysis));
        }
        Some(self.settings.analyses.get(&statement.sql, &catalog))
    }

    /// The facts of a command, with those of the statements and cursors that it runs by name. `None` while
    /// only the upstream's answers to what came before can tell what a name stands for.
    fn resolve(&self, analysis: &Analysis) -> Option<Arc<Facts>> {
        let mut facts = Arc::clone(&analysis.facts);
        // Names that this very command makes before it uses them.
        let mut made: HashMap<(bool, &str), Arc<Facts>> = HashMap::new();
        for name in &analysis.names {
            let run = match name {
                NameUse::Prepare { name, facts } => {
                    made.insert((true, name), Arc::clone(facts));
                    continue;
                }
                NameUse::Declare { cursor, facts } => {
                    made.insert((false, cursor), Arc::clone(facts));
                    continue;
                }
                NameUse::Execute { name } => match made.get(&(true, &**name)) {
                    Some(facts) => Some(Arc::clone(facts)),
                    None => match self.statements.get(self.segment, name) {
                        Lookup::Wait => return None,
                        Lookup::Unknown => None,
                        Lookup::Known(statement) => Some(self.facts_of(&statement)),
                    },
                },
                NameUse::Fetch { cursor } => match made.get(&(false, &**cursor)) {
                    Some(facts) => Some(Arc::clone(facts)),
                    None => match self.portals.get(self.segment, cursor) {
                        Lookup::Wait => return None,
                        Lookup::Unknown => None,
                        Lookup::Known(portal) => Some(self.facts_of(&portal.statement)),
                    },
                },
                NameUse::Deallocate { .. } | NameUse::CloseCursor { .. } | NameUse::DiscardAll => continue,
            };
            facts = Arc::new(sql::merge(&facts, run.as_deref().unwrap_or(&unknown_name())));
        }
        Some(facts)
    }

    fn facts_of(&self, statement: &Statement) -> Arc<Facts> {
        match (&statement.origin, self.current(statement)) {
            (_, Some(analysis)) => Arc::clone(&analysis.facts),
            (Origin::Sql(facts), None) => Arc::clone(facts),
            (Origin::Parse { analysis, .. }, None) => Arc::clone(&analysis.facts),
        }
    }

    /// Notes which names a command changes when it succeeds, as it goes upstream.
    pub(super) fn propose_names(&mut self, analysis: Option<&Analysis>) -> Vec<Registry> {
        let mut changed = Vec::new();
        for name in analysis.map(|analysis| analysis.names.as_slice()).unwrap_or_default() {
            match name {
                NameUse::Prepare { name, facts } => {
                    let statement = Statement::in_sql(Arc::clone(facts));
                    self.statements.propose(self.segment, name, Some(statement));
                    changed.push(Registry::Statements);
                }
                NameUse::Declare { cursor, facts } => {
                    let statement = Statement::in_sql(Arc::clone(facts));
                    let portal = Portal::new(statement, Vec::new(), Vec::new());
                    self.portals.propose(self.segment, cursor, Some(portal));
                    changed.push(Registry::Portals);
                }
                NameUse::Deallocate { name: Some(name) } => {
                    self.statements.propose(self.segment, name, None);
                    changed.push(Registry::Statements);
                }
                NameUse::Deallocate { name: None } => {
                    self.statements.propose_none(self.segment);
                    changed.push(Registry::Statements);
                }
                NameUse::CloseCursor { name: Some(name) } => {
                    self.portals.propose(self.segment, name, None);
                    changed.push(Registry::Portals);
                }
                NameUse::CloseCursor { name: None } => {
                    self.portals.propose_none(self.segment);
                    changed.push(Registry::Portals);
                }
                NameUse::DiscardAll => {
                    self.statements.propose_none(self.segment);
                    self.portals.propose_none(self.segment);
                    changed.extend([Registry::Statements, Registry::Portals]);
                }
                NameUse::Execute { .. } | NameUse::Fetch { .. } => {}
            }
        }
        changed
    }
}

/// While the agent copies, the server passes over Flush and Sync, and takes anything else for a failure of
/// the copy (§55.2.6).
fn during_copy(command: &Command<'_>) -> Result<Step, Violation> {
    match command {
        Command::Flush | Command::Sync => Ok(Step::Done),
        _ => Err(Violation { by: Side::Agent, rule: "a command in the middle of a copy" }),
    }
}

/// What is understood of running something by a name that panguard has not seen made.
fn unknown_name() -> Facts {
    Facts { effect: Leaves::Data, not_understood: vec!["unknown prepared name".into()], ..Facts::default() }
}

/// PostgreSQL's own words, so that drivers that look for them find them.
fn no_statement(name: &str) -> String {
    match name {
        "" => "unnamed prepared statement does not exist".into(),
        name => format!("prepared statement \"{name}\" does not exist"),
    }
}

fn no_portal(name: &str) -> String {
    format!("portal \"{name}\" does not exist")
}
