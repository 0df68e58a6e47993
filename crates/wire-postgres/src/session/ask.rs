//! The agent's side: its messages are read, understood, and asked about.

use std::sync::Arc;

use access::{Facts, Parameter, Question, Redacted, Stage, Trace};
use bytes::{BufMut, Bytes};
use sql::{Analysis, NameUse};
use wire::{Effect, Side, Violation};

use super::bounded::BOUNDED_NAME;
use super::held::{Held, Kind};
use super::stand_in::STAND_IN_NAME;
use super::witness::Heard;
use super::{Copy, OWED_MAX, Postgres, Stalled, State, doubt};
use crate::command::{self, Bind, Command};
use crate::error::{self, Severity};
use crate::frame::{Frame, message};
use crate::names::{Lookup, NAME_BYTES_MAX};
use crate::replies::{Copying, Registry, Reply};
use crate::statement::{Named, Origin, Portal, Statement};

/// What became of one message.
enum Step {
    Done,
    /// It can be understood only after the upstream has answered what came before it.
    Wait,
}

/// What a name stands for, only the upstream's answers to what came before can tell.
struct NotYet;

/// Prepared statements and portals of one session. Nobody needs as many; a loop that forgets to close does.
const NAMES_MAX: usize = 50_000;

/// Uses of such names in one command: the facts of all that it runs are put together.
const NAMES_IN_COMMAND_MAX: usize = 256;

/// Messages with which an agent may complete what it has begun when its session ends. One of them may run something.
const LAST_MESSAGES_MAX: u32 = 1000;

impl Postgres {
    /// Whether the agent's next message may be read.
    pub(super) fn may_read_agent(&self) -> bool {
        self.takes_more()
            && self.held.is_none()
            && self.stalled.is_none()
            && self.replies.len() < OWED_MAX
            && !self.replies.is_counting()
    }

    /// Reads the agent's messages until one needs a verdict or an answer. Says whether any was read.
    pub(super) fn read_agent(&mut self) -> Result<bool, Violation> {
        let mut moved = false;
        while self.takes_more()
            && self.held.is_none()
            && self.replies.len() < OWED_MAX
            && !self.replies.is_counting()
            && self.reads_agent()
        {
            let (frame, flushed) = match self.stalled.take_if(|stalled| stalled.since != self.heard) {
                Some(stalled) => (stalled.frame, stalled.flushed),
                None if self.stalled.is_some() => break,
                None => match self.from_agent.next()? {
                    Some(frame) if self.is_too_much_in_ending(&frame) => break,
                    Some(frame) => (frame, false),
                    None => break,
                },
            };
            if let Step::Wait = self.step(&frame)? {
                self.stall(frame, flushed);
                break;
            }
            moved = true;
        }
        Ok(moved)
    }

    /// Whether more of what the agent asks is begun: of a session that ends, no more than what is half asked. Else whoever asks
    /// ahead of the answers would never come to an end.
    fn takes_more(&self) -> bool {
        self.winding_down.is_none() || self.segment_open || matches!(self.copy, Copy::In)
    }

    /// Counts a message of a session that ends, which parts from an agent that does not come to its Sync, or runs one command
    /// after another before it.
    fn is_too_much_in_ending(&mut self, frame: &Frame) -> bool {
        let Some(code) = self.winding_down.filter(|_| !matches!(self.copy, Copy::In)) else { return false };
        let runs = matches!(frame.tag(), b'E' | b'Q');
        self.last_messages = self.last_messages.saturating_add(1);
        if self.last_messages <= LAST_MESSAGES_MAX
            && !(runs && std::mem::replace(&mut self.has_run_last, runs))
        {
            return false;
        }
        let farewell = error::response(&self.refusal(code, ""), Severity::Fatal);
        self.part(farewell);
        true
    }

    /// Puts a message aside until the upstream has said more.
    fn stall(&mut self, frame: Frame, flushed: bool) {
        // The upstream keeps answers back up to a Sync, and the agent's may stand behind this very message.
        let flushes = !flushed && self.segment_open && !self.replies.pipeline_has_ended();
        if flushes {
            message(&mut self.to_upstream, b'H', |_| {});
        }
        self.stalled = Some(Stalled { frame, since: self.heard, flushed: flushed || flushes });
    }

    fn step(&mut self, frame: &Frame) -> Result<Step, Violation> {
        let command = command::read(frame)?;
        match (self.state, command) {
            (State::Closing | State::Over, _) => {}
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
        if command.names().iter().any(|name| is_own(name)) {
            let own = error::plain("42939", OWN_NAMES);
            self.fail_extended(&own);
            return Ok(Step::Done);
        }
        if command.names().iter().any(|name| name.len() > NAME_BYTES_MAX) {
            let too_long =
                error::plain("42622", "names of statements and portals have at most 63 bytes here");
            self.fail_extended(&too_long);
            return Ok(Step::Done);
        }
        match command {
            Command::Query(sql) => return Ok(self.ask_query(frame, sql)),
            Command::Parse { name, sql, types } => return Ok(self.ask_parse(frame, name, sql, types)),
            Command::Execute { portal, in_pieces } => {
                return Ok(self.ask_execute(frame, portal, in_pieces));
            }
            Command::Bind(bind) => return Ok(self.bind(frame, bind)),
            Command::DescribeStatement(name) => match self.statements.get(self.segment, name) {
                Lookup::Wait => return Ok(Step::Wait),
                Lookup::Unknown => self.fail_unknown("26000", &no_statement(name)),
                Lookup::Known(statement) => self.forward(frame, Reply::DescribeStatement(statement)),
            },
            Command::DescribePortal(name) => match self.portal(name) {
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
        self.turns += 1;
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
        if self.portals.len() >= NAMES_MAX || self.kept.is_full() {
            return self.make_room("too much is kept open in this session");
        }
        let statement = match self.statements.get(self.segment, bind.statement) {
            Lookup::Wait => return Step::Wait,
            Lookup::Unknown => {
                self.fail_unknown("26000", &no_statement(bind.statement));
                return Step::Done;
            }
            Lookup::Known(statement) => statement,
        };
        self.turns += 1;
        let bound = Reply::Bind(Arc::clone(&statement));
        let portal =
            Portal::new(statement, bind.parameters, bind.result_formats, &self.kept).bound_in(self.turns);
        let portal = Arc::new(portal);
        self.portals.propose(self.segment, bind.portal, Some(portal));
        self.forward(frame, bound);
        Step::Done
    }

    /// Something must be let go before more is kept: by the answers still to come, or else by the agent.
    fn make_room(&mut self, detail: &'static str) -> Step {
        if !self.replies.is_empty() {
            return Step::Wait;
        }
        let response = self.limited(detail);
        self.fail_extended(&response);
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
        let refusal = self.refusal(access::Code::NotSupported, feature);
        // The function call message is answered like a simple query, ReadyForQuery included (§55.2.5).
        self.fail_query(&error::response(&refusal, error::Severity::Error));
    }

    fn ask_query(&mut self, frame: &Frame, sql: &str) -> Step {
        if self.awaits_word_of_literals(sql) {
            return Step::Wait;
        }
        let catalog = self.settings.catalog.load_full();
        let analysis = self.settings.analyses.get(sql, &catalog, self.doubts());
        if let Some(response) = self.refuses_names(&analysis, "") {
            self.fail_query(&response);
            return Step::Done;
        }
        let Heard::Yes(analysis) = self.witnessed(sql, &catalog, analysis, None) else { return Step::Wait };
        let Some(facts) = self.resolve(&analysis) else { return Step::Wait };
        self.ask(Stage::Run, facts, sql.into(), Vec::new(), frame, Kind::Query, Some(analysis));
        Step::Done
    }

    fn ask_parse(&mut self, frame: &Frame, name: &str, sql: &str, types: Vec<u32>) -> Step {
        if self.statements.len() >= NAMES_MAX || self.kept.is_full() {
            return self.make_room("too much is prepared in this session");
        }
        if self.awaits_word_of_literals(sql) {
            return Step::Wait;
        }
        let catalog = self.settings.catalog.load_full();
        let doubts = self.doubts();
        let analysis = self.settings.analyses.get(sql, &catalog, doubts);
        if let Some(response) = self.refuses_names(&analysis, name) {
            self.fail_extended(&response);
            return Step::Done;
        }
        let Heard::Yes(analysis) = self.witnessed(sql, &catalog, analysis, Some(&types)) else {
            return Step::Wait;
        };
        let Some(facts) = self.resolve(&analysis) else { return Step::Wait };
        let facts = by_types(facts, &types);
        let text: Arc<str> = sql.into();
        let statement = Statement::parsed(
            Arc::clone(&text),
            types,
            Arc::clone(&analysis),
            (&catalog, doubts),
            &self.kept,
        );
        let kind = Kind::Parse { name: name.into(), statement };
        self.ask(Stage::Prepare, facts, text, Vec::new(), frame, kind, None);
        Step::Done
    }

    fn ask_execute(&mut self, frame: &Frame, name: &str, in_pieces: bool) -> Step {
        let bound = match self.portal(name) {
            Lookup::Wait => return Step::Wait,
            Lookup::Unknown => {
                self.fail_unknown("34000", &no_portal(name));
                return Step::Done;
            }
            Lookup::Known(portal) => portal,
        };
        let (facts, analysis) = match &bound.statement.origin {
            Origin::Parse { .. } => {
                let (catalog, analysis) = (self.settings.catalog.load_full(), self.current(&bound.statement));
                let statement = &bound.statement;
                let heard = self.witnessed(&statement.sql, &catalog, analysis, Some(statement.declared()));
                let Heard::Yes(analysis) = heard else { return Step::Wait };
                if runs_by_name(&analysis) && !bound.is_bound_in(self.turns) {
                    return self.rebind();
                }
                (self.resolve(&analysis), Some(analysis))
            }
            Origin::Sql { .. } => (Some(self.facts_of(&bound.statement)), None),
        };
        let Some(facts) = facts else { return Step::Wait };
        let facts = by_types(facts, bound.statement.declared());
        let (sql, parameters) = (Arc::clone(&bound.statement.sql), bound.typed_parameters());
        let kind = Kind::Execute { portal: name.into(), bound, in_pieces };
        self.ask(Stage::Run, facts, sql, parameters, frame, kind, analysis);
        Step::Done
    }

    /// PostgreSQL looks up what an `EXECUTE` or `FETCH` runs when its portal is run, and describes its rows when that is
    /// bound: what came in between may have made it another.
    fn rebind(&mut self) -> Step {
        let detail = "what is run by name has to be run right after it is bound: bind it again";
        let refusal = self.refusal(access::Code::NotSupported, detail);
        self.fail_extended(&error::response(&refusal, error::Severity::Error));
        Step::Done
    }

    /// What a portal's name stands for. Portals end with their transaction, so one of an earlier pipeline is
    /// known only when that is through.
    fn portal(&self, name: &str) -> Lookup<Arc<Portal>> {
        match self.portals.get(self.segment, name) {
            Lookup::Known(_) if !self.portals.is_proposed(name) && self.replies.pipeline_has_ended() => {
                Lookup::Wait
            }
            found => found,
        }
    }

    /// What answers a command that prepares under a name, or names, that it may not have.
    fn refuses_names(&self, analysis: &Analysis, name: &str) -> Option<Bytes> {
        let is_ours = |it: &NameUse| match it {
            NameUse::Prepare { name, .. } => is_own(name),
            NameUse::Declare { cursor, .. } => is_own(cursor),
            NameUse::CloseCursor { name: Some(name) } | NameUse::Deallocate { name: Some(name) } => {
                is_own(name)
            }
            NameUse::Execute { .. }
            | NameUse::Fetch { .. }
            | NameUse::CloseCursor { name: None }
            | NameUse::Deallocate { name: None }
            | NameUse::DiscardAll => false,
        };
        // What panguard prepares in its place may be left behind when it is broken off, and is not what the agent asked about.
        if is_own(name) || analysis.names.iter().any(is_ours) {
            return Some(error::plain("42939", OWN_NAMES));
        }
        self.names_too_much(analysis).map(|detail| self.limited(detail))
    }

    /// Why a command's use of names is more than one session may keep, if it is.
    fn names_too_much(&self, analysis: &Analysis) -> Option<&'static str> {
        let makes = |name: &NameUse| matches!(name, NameUse::Prepare { .. } | NameUse::Declare { .. });
        if analysis.names.len() > NAMES_IN_COMMAND_MAX {
            return Some("too many prepared statements and cursors in one command");
        }
        let is_full = self.statements.len() + self.portals.len() >= NAMES_MAX || self.kept.is_full();
        (is_full && analysis.names.iter().any(makes)).then_some("too much is prepared in this session")
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
        let makes = analysis.as_ref().is_some_and(|analysis| analysis.changes_catalog);
        let copy = match kind {
            Kind::Query | Kind::Execute { .. } => {
                analysis.as_ref().and_then(|analysis| analysis.copy.clone())
            }
            Kind::Parse { .. } => None,
        };
        let trusted = makes || stage == Stage::Prepare || self.doubt.is_own();
        let catalog = self.settings.catalog.load();
        let facts = if trusted { facts } else { doubt::cautious(facts, &catalog, copy.is_some()) };
        let facts = if self.doubt.is_own() { facts } else { doubt::reaching(facts, &catalog) };
        let is_read_now = matches!(kind, Kind::Query | Kind::Parse { .. });
        let facts = if is_read_now { self.read_as_literals_are(facts, &command) } else { facts };
        let request = self.next_request();
        let sql = Arc::clone(&command);
        let command = Redacted::new(command);
        let about = Arc::clone(&facts);
        let of_session = analysis.as_ref().is_none_or(|it| it.of_session);
        let bound = self.bound(&about, &sql, &kind, of_session);
        let alike = self.alike(&kind, of_session);
        self.effects.push_back(Effect::Ask(Question {
            request,
            stage,
            facts: about,
            command,
            parameters,
            bound,
            waits: said_to_wait(&sql),
            before: None,
            trace: trace_of(&sql).or(self.trace),
            alike,
        }));
        let copy = match kind {
            Kind::Query | Kind::Execute { .. } => {
                analysis.as_ref().and_then(|analysis| analysis.copy.clone())
            }
            Kind::Parse { .. } => None,
        };
        let copy = copy.map(|out| Copying { out, described: None });
        let frame = frame.clone();
        let own = self.doubt.is_own();
        self.held = Some(Held { request, frame, kind, sql, analysis, facts, own, permit: None, copy });
    }

    /// What the text of a statement says under today's catalog, for one that was prepared under an older.
    fn current(&self, statement: &Statement) -> Arc<Analysis> {
        let (catalog, doubts) = (self.settings.catalog.load(), self.doubts());
        match &statement.origin {
            Origin::Parse { analysis, understood } if *understood == (catalog.version(), doubts) => {
                Arc::clone(analysis)
            }
            Origin::Parse { .. } | Origin::Sql { .. } => {
                self.settings.analyses.get(&statement.sql, &catalog, doubts)
            }
        }
    }

    /// The facts of a command, with those of the statements and cursors that it runs by name. `None` while
    /// only the upstream's answers to what came before can tell what a name stands for.
    fn resolve(&self, analysis: &Analysis) -> Option<Arc<Facts>> {
        let known = |name: &NameUse| {
            let found = match name {
                NameUse::Execute { name, .. } => self.statements.get(self.segment, name),
                NameUse::Fetch { cursor, .. } => match self.portal(cursor) {
                    Lookup::Wait => Lookup::Wait,
                    Lookup::Unknown => Lookup::Unknown,
                    Lookup::Known(portal) => Lookup::Known(Arc::clone(&portal.statement)),
                },
                _ => Lookup::Unknown,
            };
            match found {
                Lookup::Wait => Err(NotYet),
                Lookup::Unknown => Ok(None),
                Lookup::Known(statement) => Ok(Some(self.facts_of(&statement))),
            }
        };
        sql::resolve(analysis, &self.settings.catalog.load(), known).ok()
    }

    /// What running a statement means under today's catalog.
    fn facts_of(&self, statement: &Statement) -> Arc<Facts> {
        let Origin::Sql { facts, understood, named } = &statement.origin else {
            return Arc::clone(&self.current(statement).facts);
        };
        if *understood == (self.settings.catalog.load().version(), self.doubts()) {
            return Arc::clone(facts);
        }
        let made = |name: &NameUse| match (name, named) {
            (NameUse::Prepare { name, facts }, Named::Statement(named)) if name == named => {
                Some(facts.clone())
            }
            (NameUse::Declare { cursor, facts }, Named::Cursor(named)) if cursor == named => {
                Some(facts.clone())
            }
            _ => None,
        };
        let analysis = self.current(statement);
        analysis
            .names
            .iter()
            .rev()
            .find_map(made)
            .unwrap_or_else(|| Arc::new(sql::unknown_name(&self.settings.catalog.load())))
    }

    /// Notes which names a command changes when it succeeds, as it goes upstream.
    pub(super) fn propose_names(&mut self, sql: &Arc<str>, analysis: Option<&Analysis>) -> Vec<Registry> {
        let mut changed = Vec::new();
        let (catalog, doubts) = (self.settings.catalog.load_full(), self.doubts());
        let made = |facts: &Arc<Facts>, named: Named| {
            Statement::in_sql(Arc::clone(sql), Arc::clone(facts), (&catalog, doubts), named, &self.kept)
        };
        for name in analysis.map(|analysis| analysis.names.as_slice()).unwrap_or_default() {
            match name {
                NameUse::Prepare { name, facts } => {
                    let statement = made(facts, Named::Statement(name.clone()));
                    self.statements.propose(self.segment, name, Some(statement));
                    changed.push(Registry::Statements);
                }
                NameUse::Declare { cursor, facts } => {
                    let statement = made(facts, Named::Cursor(cursor.clone()));
                    let portal = Arc::new(Portal::new(statement, Vec::new(), Vec::new(), &self.kept));
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

/// Whether a name is one by which panguard itself names a statement or a portal.
fn is_own(name: &str) -> bool {
    name == STAND_IN_NAME || name == BOUNDED_NAME
}

const OWN_NAMES: &str = "the names panguard_copy and panguard_bounded are panguard's own";

/// What a command says of waiting for approval, by a comment at its beginning: `/* approvals=ticket */`.
fn said_to_wait(sql: &str) -> Option<bool> {
    let (comment, _) = sql.trim_start().strip_prefix("/*")?.split_once("*/")?;
    match comment.trim() {
        "approvals=wait" => Some(true),
        "approvals=ticket" => Some(false),
        _ => None,
    }
}

/// What a command says of its trace, by a comment at its beginning or its end.
fn trace_of(sql: &str) -> Option<Trace> {
    let (sql, end) = (sql.trim_ascii(), sql.trim_ascii_end().trim_end_matches(';').trim_ascii_end());
    let last = end.strip_suffix("*/").and_then(|rest| rest.rsplit_once("/*")).map(|(_, comment)| comment);
    let first = sql.strip_prefix("/*").and_then(|rest| rest.split_once("*/")).map(|(comment, _)| comment);
    last.into_iter().chain(first).find_map(Trace::named_in)
}

/// While the agent copies, the server passes over Flush and Sync, and takes anything else for a failure of
/// the copy (§55.2.6).
fn during_copy(command: &Command<'_>) -> Result<Step, Violation> {
    match command {
        Command::Flush | Command::Sync => Ok(Step::Done),
        _ => Err(Violation { by: Side::Agent, rule: "a command in the middle of a copy" }),
    }
}

/// The facts of a statement whose parameters have these types: of what compares with a number that is not exact nobody
/// can say how many values it stands for.
fn by_types(facts: Arc<Facts>, types: &[u32]) -> Arc<Facts> {
    if facts.matches.is_empty() || types.iter().all(|oid| EXACT.contains(oid)) {
        return facts;
    }
    Arc::new(Facts::clone(&facts).uncounted())
}

/// Types whose values are compared as they stand (pg_type): left to the server, text, varchar, bpchar, unknown, whole
/// numbers, numeric.
const EXACT: [u32; 9] = [0, 25, 1043, 1042, 705, 20, 21, 23, 1700];

/// Whether a statement runs another that it names.
fn runs_by_name(analysis: &Analysis) -> bool {
    analysis.names.iter().any(|name| matches!(name, NameUse::Execute { .. } | NameUse::Fetch { .. }))
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
