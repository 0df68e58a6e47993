use std::sync::{Arc, Mutex};

use access::{
    Action, Admission, ColumnUse, DataClass, Effect, Facts, Kind, Mint, Parameter, Permit, Position,
    Principal, Question, Receipt, Redacted, Refusal, Resource, Secret, SessionId, Stage, Timestamp, Use,
    Verdict,
};
use audit::{Entry, Event, NotAppended};
use gate::{Admitted, Append, Appending, Asked, Gate};
use mask::{Masker, Profile};
use policy::Policies;

/// How an append goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was written.
    Before,
    /// It was written and is there, and yet it is reported as failed.
    AfterButReportedFailed,
}

/// A log on paper, which fails for the events named.
#[derive(Clone, Default)]
pub struct Paper {
    entries: Arc<Mutex<Vec<Entry>>>,
    fails: Arc<Mutex<Option<(&'static str, Fault)>>>,
}

impl Append for Paper {
    fn append(&self, entry: &Entry) -> Appending {
        let failure = self.fails.lock().unwrap().filter(|(event, _)| *event == entry.event.name());
        let mut entries = self.entries.lock().unwrap();
        let index = entries.len() as u64;
        if failure.is_none_or(|(_, fault)| fault == Fault::AfterButReportedFailed) {
            entries.push(entry.clone());
        }
        let answer = match failure {
            None => Ok(Receipt { index }),
            Some(_) => Err(NotAppended::Failed("no space left on device".into())),
        };
        Box::pin(async move { answer })
    }
}

impl Paper {
    pub fn fail(&self, event: &'static str, fault: Fault) {
        *self.fails.lock().unwrap() = Some((event, fault));
    }

    pub fn mend(&self) {
        *self.fails.lock().unwrap() = None;
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    pub fn last(&self) -> Entry {
        self.entries().pop().unwrap()
    }

    pub fn events(&self) -> Vec<&'static str> {
        self.entries().iter().map(|entry| entry.event.name()).collect()
    }
}

/// A gate with a log on paper, and one session at it.
pub struct Desk {
    pub gate: Gate,
    pub log: Paper,
    pub admission: Admission,
    pub asked: u32,
}

pub const NOW: Timestamp = Timestamp(1_000_000);
pub const ALL: &str = "permit (principal, action, resource);";

pub fn policies(text: &str) -> Policies {
    Policies::parse(&[("test.cedar".into(), text.into())]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

impl Desk {
    pub fn new(text: &str) -> Self {
        Self::of(policies(text))
    }

    pub fn of(policies: Policies) -> Self {
        let log = Paper::default();
        let masker = Masker::new(Profile::Last4);
        let key = Secret::from(vec![7; 32]);
        let gate = Gate::new(Mint::for_tests(), policies, log.clone(), masker, &key, "gw-1");
        Self { gate, log, admission: admission(), asked: 0 }
    }

    pub fn admit(&self) -> Result<Admitted, Box<Refusal>> {
        self.gate.admit(&self.admission, "postgres", NOW).wait()
    }

    pub fn ask(&mut self, admitted: &Admitted, facts: Facts) -> Answer {
        self.ask_at(admitted, facts, NOW)
    }

    pub fn ask_at(&mut self, admitted: &Admitted, facts: Facts, now: Timestamp) -> Answer {
        let question = self.question(facts, "select something", Vec::new());
        Answer::from(self.gate.ask(admitted, &question, now))
    }

    pub fn question(&mut self, facts: Facts, text: &str, parameters: Vec<Parameter>) -> Question {
        self.asked += 1;
        Question {
            request: self.admission.session.request(self.asked),
            stage: Stage::Run,
            facts: Arc::new(facts),
            command: Redacted::new(text.into()),
            parameters: parameters.into_iter().map(Redacted::new).collect(),
            bound: access::Bound::Text(|_| None, Box::default()),
            waits: None,
            before: None,
            trace: None,
            alike: Ok(access::Alike::default()),
        }
    }
}

/// What came of a question, to its end.
#[derive(Debug)]
pub struct Answer {
    pub ahead: bool,
    pub verdict: Result<Permit, Box<Refusal>>,
}

impl From<Asked> for Answer {
    fn from(asked: Asked) -> Self {
        let ahead = match asked.ahead {
            None => false,
            Some(Verdict::Ahead(_)) => true,
            Some(other) => panic!("{other:?} is nothing to go ahead with"),
        };
        let verdict = match asked.verdict.wait() {
            Verdict::Allow(permit) => Ok(permit),
            Verdict::Deny(refusal) => Err(refusal),
            other => panic!("{other:?} is not final"),
        };
        Self { ahead, verdict }
    }
}

impl Answer {
    pub fn code(&self) -> Option<access::Code> {
        self.verdict.as_ref().err().map(|refusal| refusal.code)
    }
}

pub fn admission() -> Admission {
    Admission {
        session: SessionId(0x3f9a),
        principal: Arc::new(Principal {
            kind: Kind::Agent,
            id: "claude".into(),
            issuer: "https://idp.example.com".into(),
            subject: "sub-1".into(),
            groups: ["agents".into()].into(),
            delegation: None,
            person: None,
            authentication: access::Authentication::default(),
            token_id: "jti-1".into(),
            valid_from: Timestamp(0),
            valid_until: NOW.plus_seconds(60),
        }),
        connection: "payments-db".into(),
        labels: Arc::new(["cde".into()]),
        mode: access::Mode::Filtered,
        approval: access::Approving::default(),
        from: "127.0.0.1:5000".into(),
        client: "psql".into(),
    }
}

pub fn read() -> Facts {
    facts("select", Action::Read, Effect::None)
}

pub fn write() -> Facts {
    facts("update", Action::Write, Effect::Data)
}

fn facts(kind: &str, action: Action, effect: Effect) -> Facts {
    Facts {
        kinds: vec![kind.into()],
        uses: vec![Use { action, resource: Resource::Table("public.cards".into()) }],
        has_where: true,
        effect,
        ..Facts::default()
    }
}

/// `facts` with one use of `public.cards.CLASS`.
pub fn using(facts: Facts, class: DataClass, position: Position) -> Facts {
    let column = format!("public.cards.{class}").into();
    Facts { columns: vec![ColumnUse { column, class, position }], ..facts }
}

/// Whether the log holds leave for this command.
pub fn intends(entry: &Entry, request: access::RequestId) -> bool {
    entry.request == Some(request) && matches!(entry.event, Event::CommandIntent { .. })
}
