//! Random histories of two gateways that share a store, held against a model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One thing that happens, at one of two gateways.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A command of one of three texts comes, and waits or not.
    Ask { gateway: usize, text: usize, waits: bool },
    /// Somebody answers one of the requests there are.
    Say { gateway: usize, who: usize, request: usize, approves: bool },
    /// Whoever may does not wait for an answer.
    BreakGlass { gateway: usize, request: usize },
    /// Access to all that is written is asked for, for five minutes.
    Wish { gateway: usize },
    /// Somebody ends access.
    Revoke { gateway: usize, request: usize },
    /// Time passes, and the gateway looks.
    Pass { gateway: usize, seconds: i64 },
    /// A client goes away.
    Leave { command: usize },
    /// The gateway is started again: whoever waits there goes away.
    Restart { gateway: usize },
    /// The store goes, or comes back.
    Down(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let gateway = 0..2_usize;
    prop_oneof![
        4 => (gateway.clone(), 0..3_usize, any::<bool>()).prop_map(|(gateway, text, waits)| Step::Ask { gateway, text, waits }),
        6 => (gateway.clone(), 0..4_usize, 0..8_usize, prop::bool::weighted(0.8)).prop_map(|(gateway, who, request, approves)| Step::Say { gateway, who, request, approves }),
        1 => (gateway.clone(), 0..8_usize).prop_map(|(gateway, request)| Step::BreakGlass { gateway, request }),
        1 => gateway.clone().prop_map(|gateway| Step::Wish { gateway }),
        1 => (gateway.clone(), 0..8_usize).prop_map(|(gateway, request)| Step::Revoke { gateway, request }),
        2 => (gateway.clone(), prop_oneof![Just(1_i64), Just(300), Just(700)]).prop_map(|(gateway, seconds)| Step::Pass { gateway, seconds }),
        1 => (0..8_usize).prop_map(|command| Step::Leave { command }),
        1 => gateway.prop_map(|gateway| Step::Restart { gateway }),
        1 => prop::bool::weighted(0.3).prop_map(Step::Down),
    ]
}

const TEXTS: [&str; 3] = ["update cards set a = 1", "update cards set a = 2", "update  cards set a = 1"];

/// What the model knows of one request: the text that was asked for, who said yes to it and when, and whether it ran.
#[derive(Default)]
struct Known {
    text: String,
    yes: Vec<(String, i64)>,
    ran: u32,
    /// It is access for a time.
    is_grant: bool,
    /// At which gateway it was ended.
    revoked: Option<usize>,
    /// Which gateways have looked at the store since.
    known_at: [bool; 2],
}

struct World {
    store: Shared,
    desks: [Desk; 2],
    admitted: [Admitted; 2],
    now: Timestamp,
    /// The commands that have no verdict yet: at which gateway, and under which text.
    open: Vec<(usize, String, Pending<Verdict>)>,
    known: BTreeMap<String, Known>,
    ran: u32,
    told: usize,
    wishes: u64,
}

impl World {
    fn new() -> Self {
        let store = Shared::default();
        let mut desks = [desk(&store), desk(&store)];
        for (at, desk) in desks.iter_mut().enumerate() {
            desk.admission.session.0 += at as u64;
            let lasting =
                Principal { valid_until: NOW.plus_seconds(1_000_000), ..(*desk.admission.principal).clone() };
            desk.admission.principal = Arc::new(lasting);
        }
        let admitted = [desks[0].admit().unwrap(), desks[1].admit().unwrap()];
        Self {
            store,
            desks,
            admitted,
            now: NOW,
            open: Vec::new(),
            known: BTreeMap::new(),
            ran: 0,
            told: 0,
            wishes: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Ask { gateway, text, waits } => {
                let desk = &mut self.desks[gateway];
                desk.admission.approval.waits = waits;
                self.admitted[gateway] = desk.admit().unwrap();
                let question = desk.update(TEXTS[text], "7");
                let verdict = desk.gate.ask(&self.admitted[gateway], &question, self.now).verdict;
                let canonical = TEXTS[text].split_whitespace().collect::<Vec<_>>().join(" ");
                self.known.insert(
                    question.request.to_string(),
                    Known { text: canonical.clone(), ..Known::default() },
                );
                self.open.push((gateway, canonical, verdict));
            }
            Step::Say { gateway, who, request, approves } => {
                let names = ["ann", "dan", "carl", "eve"];
                let Some(id) = self.known.keys().nth(request).cloned() else { return };
                let voter = if who < 2 { owner(names[who]) } else { user(names[who], "others") };
                let answered = now_or_never(self.desks[gateway].gate.answer(
                    &voter,
                    &id,
                    &saying(approves, ""),
                    self.now,
                ))
                .unwrap();
                if let (Ok(_), true) = (answered, approves) {
                    assert!(who < 2, "only owners answer");
                    self.known.get_mut(&id).unwrap().yes.push((names[who].into(), self.now.micros()));
                }
            }
            Step::BreakGlass { gateway, request } => {
                let Some(id) = self.known.keys().nth(request).cloned() else { return };
                let saying = Saying { verb: Verb::BreakGlass, ..Saying::yes("it cannot wait") };
                let ona = user("ona", "oncall");
                let answered =
                    now_or_never(self.desks[gateway].gate.answer(&ona, &id, &saying, self.now)).unwrap();
                if answered.is_ok() {
                    let known = self.known.get_mut(&id).unwrap();
                    assert!(!known.is_grant, "it is broken for one command");
                    known.yes.push(("ona".into(), self.now.micros()));
                }
            }
            Step::Wish { gateway } => {
                let desk = &self.desks[gateway];
                self.wishes += 1;
                let wish = gate::Wish {
                    session: access::SessionId(0x9000 + self.wishes),
                    connection: &desk.admission.connection,
                    labels: &desk.admission.labels,
                    grant: gate::Grant {
                        actions: vec!["write".into()],
                        objects: vec!["*".into()],
                        seconds: 300,
                        reason: "for a while".into(),
                        ..gate::Grant::default()
                    },
                    needed: 1,
                };
                let asker = Voter { principal: Arc::clone(&desk.admission.principal), ..owner("claude") };
                let asked = now_or_never(desk.gate.ask_for(&asker, wish, self.now)).unwrap();
                if let Ok(asked) = asked {
                    self.known.insert(asked.id.to_string(), Known { is_grant: true, ..Known::default() });
                }
            }
            Step::Revoke { gateway, request } => {
                let Some(id) = self.known.keys().nth(request).cloned() else { return };
                let saying = Saying { verb: Verb::Revoke, ..Saying::no("") };
                let answered =
                    now_or_never(self.desks[gateway].gate.answer(&owner("ann"), &id, &saying, self.now))
                        .unwrap();
                if answered.is_ok() {
                    self.known.get_mut(&id).unwrap().revoked = Some(gateway);
                }
            }
            Step::Pass { gateway, seconds } => {
                self.now = self.now.plus_seconds(seconds);
                if self.desks[gateway].look(self.now).is_ok() {
                    self.known
                        .values_mut()
                        .filter(|it| it.revoked.is_some())
                        .for_each(|it| it.known_at[gateway] = true);
                }
            }
            Step::Leave { command } => {
                if command < self.open.len() {
                    drop(self.open.remove(command));
                }
            }
            Step::Restart { gateway } => {
                self.open.retain(|(at, ..)| *at != gateway);
                let again = desk(&self.store);
                let admission = self.desks[gateway].admission.clone();
                // Its sessions have other names.
                let session = access::SessionId(admission.session.0 + 0x100);
                self.desks[gateway] = Desk { admission: access::Admission { session, ..admission }, ..again };
                self.admitted[gateway] = self.desks[gateway].admit().unwrap();
            }
            Step::Down(down) => self.store.set_down(down),
        }
        self.settle();
    }

    /// Takes the verdicts that there are, and holds each permit against the model.
    fn settle(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        open.retain_mut(|(gateway, text, verdict)| {
            loop {
                match said(verdict) {
                    None => return true,
                    Some(Verdict::Hold(_)) => {}
                    Some(Verdict::Deny(_)) => return false,
                    Some(Verdict::Allow(permit)) => {
                        let by = self.by(*gateway, permit.request());
                        match self.known[&*by].is_grant {
                            true => self.granted(*gateway, &by),
                            false => {
                                self.ran += 1;
                                self.allowed(text);
                            }
                        }
                        return false;
                    }
                    Some(Verdict::Ahead(_)) => panic!("nothing here only reads"),
                }
            }
        });
        self.open = open;
    }

    /// By which approval a command runs: its entry says so.
    fn by(&self, gateway: usize, command: RequestId) -> Box<str> {
        let entries = self.desks[gateway].log.entries();
        let by = entries.iter().rev().find_map(|entry| match &entry.event {
            Event::CommandIntent { approval, .. } if entry.request == Some(command) => approval.clone(),
            _ => None,
        });
        by.expect("what runs has an entry that says by which approval")
    }

    /// A command runs by access that was given, not long ago, and is not over as far as its gateway can know.
    fn granted(&self, gateway: usize, by: &str) {
        let grant = &self.known[by];
        let (_, at) = grant.yes.last().expect("somebody gave it");
        assert!(self.now.micros() < at + 300_000_000, "it holds");
        if let Some(revoked) = grant.revoked {
            assert!(revoked != gateway && !grant.known_at[gateway], "it was ended");
        }
    }

    /// A command of this text runs: some request for it was approved by an owner not long ago, and has let nothing run yet.
    fn allowed(&mut self, text: &str) {
        let used: Vec<String> = self
            .store
            .all()
            .into_iter()
            .filter(|it| it.state == State::Used)
            .map(|it| it.id.to_string())
            .collect();
        let fresh: Vec<&String> = used.iter().filter(|id| self.known[*id].ran == 0).collect();
        let [id] = fresh.as_slice() else { panic!("one approval is used up by one permit: {fresh:?}") };
        let known = self.known.get_mut(*id).unwrap();
        known.ran += 1;
        assert_eq!(known.text, text, "it is the command that was approved");
        let (_, at) = known.yes.last().expect("somebody approved it");
        assert!(self.now.micros() < at + 600_000_000, "the approval holds");
        self.told += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_command_runs_without_its_own_live_unused_approval(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.store.set_down(false);
        let used = world.store.all().iter().filter(|it| it.state == State::Used).count();
        // What is used up may have failed to run, never the other way round.
        prop_assert!(world.ran as usize <= used);
        prop_assert_eq!(world.ran as usize, world.told);
    }
}
