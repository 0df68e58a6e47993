use access::Timestamp;

use crate::{Command, Entry, Event, Indication, PolicyNote, StageWord, StatusWord};

/// One line of a report of entries: an entry, and of a command also how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its place in the log.
    pub index: String,
    /// When, in UTC.
    pub time: String,
    /// The type of event.
    pub event: &'static str,
    /// `success` or `failure`.
    pub result: &'static str,
    /// `agent` or `user`; empty: the gateway itself, or nobody who was identified.
    pub principal_kind: String,
    /// The name in policies.
    pub principal: String,
    /// Who vouches for it.
    pub issuer: String,
    /// The token's `sub`.
    pub subject: String,
    /// Which person it is, where an issuer says so.
    pub person: String,
    /// Who lent their access.
    pub on_behalf_of: String,
    /// The network address.
    pub from: String,
    /// What the client calls itself.
    pub client: String,
    /// The gateway that recorded it.
    pub gateway: String,
    /// The session.
    pub session: String,
    /// The command's id.
    pub request: String,
    /// What was affected.
    pub resource: String,
    /// By which protocol.
    pub lane: String,
    /// What happened, in words of ours.
    pub what: String,
    /// What somebody said of it, masked.
    pub words: String,
    /// The request for approval that it is about.
    pub of: String,
    /// The command's text, masked.
    pub statement: String,
    /// Its parameters, masked, as a JSON list.
    pub parameters: String,
    /// What each statement is.
    pub kinds: String,
    /// What is done to what.
    pub uses: String,
    /// Labelled columns: name, class, and what is done with them.
    pub columns: String,
    /// In which way it was asked.
    pub mode: String,
    /// The registered statement that it is.
    pub template: String,
    /// The request whose approval it used.
    pub approval: String,
    /// The policies that decided.
    pub policies: String,
    /// The policy set they are from.
    pub policy_version: String,
    /// How the command ended.
    pub ended: &'static str,
    /// The upstream's word for it.
    pub code: String,
    /// Rows in its answer.
    pub rows: String,
    /// Values masked in it.
    pub masked: String,
    /// Bytes of it that were released.
    pub bytes: String,
    /// The entry that says how it ended.
    pub ended_index: String,
}

impl Row {
    /// The names of [`Row::cells`].
    pub const COLUMNS: [&str; 36] = [
        "index",
        "time",
        "event",
        "result",
        "principal_kind",
        "principal",
        "issuer",
        "subject",
        "person",
        "on_behalf_of",
        "from",
        "client",
        "gateway",
        "session",
        "request",
        "resource",
        "lane",
        "what",
        "words",
        "of",
        "statement",
        "parameters",
        "kinds",
        "uses",
        "columns",
        "mode",
        "template",
        "approval",
        "policies",
        "policy_version",
        "ended",
        "code",
        "rows",
        "masked",
        "bytes",
        "ended_index",
    ];

    /// What a page shows of them; the rest is for the table beside it.
    pub const SHOWN: [&str; 8] =
        ["index", "time", "principal", "from", "resource", "what", "statement", "ended"];

    /// The same of commands on labelled data.
    pub const SHOWN_OF_ACCESS: [&str; 10] =
        ["index", "time", "principal", "from", "resource", "statement", "columns", "ended", "rows", "masked"];

    /// The same of what is no command.
    pub const SHOWN_OF_STEPS: [&str; 8] =
        ["index", "time", "event", "principal", "from", "what", "words", "of"];

    /// The row of an entry.
    pub fn new(index: u64, entry: &Entry) -> Self {
        let mut row = Self {
            index: index.to_string(),
            time: time(entry.time),
            event: entry.event.name(),
            result: match entry.event.indication() {
                Indication::Success => "success",
                Indication::Failure => "failure",
            },
            from: text(&entry.from),
            client: text(&entry.client),
            gateway: entry.gateway.to_string(),
            session: entry.session.map(|it| it.to_string()).unwrap_or_default(),
            request: entry.request.map(|it| it.to_string()).unwrap_or_default(),
            resource: entry.resource(),
            lane: text(&entry.lane),
            of: entry.event.of_request().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        if let Some(who) = &entry.principal {
            row.principal_kind = who.kind.to_string();
            row.principal = who.id.to_string();
            row.issuer = who.issuer.to_string();
            row.subject = who.subject.to_string();
            row.person = text(&who.person);
            row.on_behalf_of = text(&who.on_behalf_of);
        }
        row.say(&entry.event);
        row
    }

    fn say(&mut self, event: &Event) {
        match event {
            Event::LogCreated { verifier } => self.what = format!("log created, its key is {verifier}"),
            Event::GatewayStarted { version, clean: true, .. } => {
                self.what = format!("started, version {version}")
            }
            Event::GatewayStarted { version, clean: false, .. } => {
                self.what = format!("started, version {version}; the run before did not end by itself");
            }
            Event::GatewayStopped => self.what = "stopped".into(),
            Event::SessionOpened { policies, policy_version, mode } => {
                self.what = "session opened".into();
                self.decided(policies, policy_version);
                self.mode = mode_of(mode);
            }
            Event::SessionRefused { code, reason, policies } => {
                self.what = format!("{} {reason}", code.as_str());
                self.decided(policies, "");
            }
            Event::AuthenticationFailed { reason, claimed_user } => {
                self.what = format!("not identified: {reason}");
                self.words = format!("as {claimed_user}");
            }
            Event::SessionClosed { reason, commands } => self.what = format!("{reason}, {commands} commands"),
            Event::CommandIntent { command, policies, policy_version, approval, .. } => {
                self.what = match command.stage {
                    StageWord::Prepare => "may be prepared".into(),
                    StageWord::Run => "allowed".into(),
                };
                self.command(command);
                self.decided(policies, policy_version);
                self.approval = text(approval);
                self.of = text(approval);
            }
            Event::CommandRefused { command, policies, policy_version, code, detail } => {
                self.what = format!("{} {detail}", code.as_str());
                self.command(command);
                self.decided(policies, policy_version);
                self.ended = "refused";
            }
            Event::ApprovalAsked { command, policies, policy_version, needed, .. } => {
                self.what = format!("needs {needed} approval(s)");
                self.of = self.request.clone();
                self.command(command);
                self.decided(policies, policy_version);
            }
            Event::ApprovalSeen { .. } => self.what = "looked at".into(),
            Event::ApprovalAnswered { approves, comment, rows_max, asker, .. } => {
                let said = if *approves { "approved" } else { "denied" };
                let bound = rows_max.map(|rows| format!(", for {rows} rows at most")).unwrap_or_default();
                self.what = format!("{said} what {} asked{bound}", asker.id);
                self.words = comment.to_string();
            }
            Event::GlassBroken { reason, asker, .. } => {
                self.what = format!("broke the glass for {}", asker.id);
                self.words = reason.to_string();
            }
            Event::GlassReviewed { comment, asker, .. } => {
                self.what = format!("reviewed the broken glass of {}", asker.id);
                self.words = comment.to_string();
            }
            Event::GrantAsked { grant, reason, .. } => {
                self.what = format!("asks for access: {grant}");
                self.words = reason.to_string();
            }
            Event::Revealed { column, masked, .. } => {
                self.what = format!("revealed one of {column}, {masked}")
            }
            Event::ApprovalNotCounted { reason, .. } => self.what = format!("answer not counted: {reason}"),
            Event::ApprovalEnded { how, .. } => self.what = format!("{how:?}").to_lowercase(),
            Event::Outcome { status, .. } => self.what = ended(*status).into(),
            Event::PolicyChanged { version, previous } => {
                self.what = format!("policies changed from {previous}");
                self.policy_version = version.to_string();
            }
            Event::ConfigurationChanged { version, previous } => {
                self.what = format!("configuration changed from {previous} to {version}");
            }
            Event::SecretChanged { change, .. } => self.what = format!("{change:?}").to_lowercase(),
            Event::ControlFailed { control, of, cause, closes, .. } => {
                self.what = format!("a control does not work: {}; {}", control.said(of), closes.said());
                self.words = cause.to_string();
            }
            Event::ControlRestored { control, of, cause, since, refused } => {
                let since = time(Timestamp(*since));
                self.what = format!(
                    "a control works again: {}; it did not since {since}, {refused} refused meanwhile",
                    control.said(of)
                );
                self.words = cause.to_string();
            }
            Event::AccessRevoked { what, of, reason, by, .. } => {
                self.what = format!("access revoked of {what} {of}").trim_end().to_owned();
                self.words = format!("{reason}; by {by}");
            }
            Event::AccessRestored { what, of, was_over, by, .. } => {
                let why = if *was_over { "its time was over".to_owned() } else { format!("lifted by {by}") };
                self.what = format!("access given back to {what} {of}").trim_end().to_owned();
                self.words = why;
            }
            Event::AccessLent { id, to, connections, actions, until, reason } => {
                let until = time(Timestamp(*until));
                let (actions, connections) = (actions.join(", "), connections.join(", "));
                self.what =
                    format!("access lent to agent {to}: {actions} on {connections} until {until}, {id}");
                self.words = reason.to_string();
            }
            Event::LogRead { how, first, end } => self.what = format!("{how}, entries {first} to {end}"),
            Event::LogPruned { first, end, why } => {
                self.what = format!("entries {first} to {end} removed from the folder, {}", why.as_str());
            }
            Event::SinkGap { sink, from, to, why } => {
                self.what = format!("{sink} was not given entries {from} to {to}: {why}");
            }
            Event::SinkMoved { sink, from, to } => self.what = format!("{sink} moved from {from} to {to}"),
        }
    }

    fn command(&mut self, command: &Command) {
        let facts = &command.facts;
        self.statement = command.statement.to_string();
        self.parameters = match command.parameters.is_empty() {
            true => String::new(),
            false => serde_json::to_string(&command.parameters).unwrap_or_default(),
        };
        self.kinds = facts.kinds.join("; ");
        let uses = facts.uses.iter().map(|one| format!("{} {}", one.action, one.resource));
        self.uses = uses.collect::<Vec<_>>().join("; ");
        let columns =
            facts.columns.iter().map(|one| format!("{} {} {}", one.column, one.class, one.position));
        self.columns = columns.collect::<Vec<_>>().join("; ");
        self.mode = mode_of(&command.mode);
        self.template = text(&facts.template);
    }

    fn decided(&mut self, policies: &[PolicyNote], version: &str) {
        self.policies = policies.iter().map(|note| &*note.id).collect::<Vec<_>>().join("; ");
        self.policy_version = version.to_owned();
    }

    /// Adds how the command ended, if this says so.
    pub fn end(&mut self, index: u64, outcome: &Event) {
        if let Event::Outcome { status, code, rows, masked, bytes, .. } = outcome {
            self.ended = ended(*status);
            self.code = code.to_string();
            (self.rows, self.masked, self.bytes) = (rows.to_string(), masked.to_string(), bytes.to_string());
            self.ended_index = index.to_string();
        }
    }

    /// What stands in each column.
    pub fn cells(&self) -> [&str; 36] {
        [
            &self.index,
            &self.time,
            self.event,
            self.result,
            &self.principal_kind,
            &self.principal,
            &self.issuer,
            &self.subject,
            &self.person,
            &self.on_behalf_of,
            &self.from,
            &self.client,
            &self.gateway,
            &self.session,
            &self.request,
            &self.resource,
            &self.lane,
            &self.what,
            &self.words,
            &self.of,
            &self.statement,
            &self.parameters,
            &self.kinds,
            &self.uses,
            &self.columns,
            &self.mode,
            &self.template,
            &self.approval,
            &self.policies,
            &self.policy_version,
            self.ended,
            &self.code,
            &self.rows,
            &self.masked,
            &self.bytes,
            &self.ended_index,
        ]
    }
}

pub(super) fn ended(status: StatusWord) -> &'static str {
    match status {
        StatusWord::Completed => "completed",
        StatusWord::Failed => "failed",
        StatusWord::Withheld => "withheld",
        StatusWord::RolledBack => "rolled back",
        StatusWord::Skipped => "not run",
        StatusWord::Unknown => "not known",
    }
}

/// A time as entries have it, so that it can be looked for there.
pub(super) fn time(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.micros()).map_or_else(|_| "?".into(), |time| format!("{time:.6}"))
}

pub(super) fn mode_of(mode: &Option<Box<str>>) -> String {
    mode.as_deref().unwrap_or("filtered").to_owned()
}

fn text<T: AsRef<str>>(text: &Option<T>) -> String {
    text.as_ref().map(|text| text.as_ref().to_owned()).unwrap_or_default()
}
