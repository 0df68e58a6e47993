use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn span(told: Range<u64>) -> Span {
    Span { entries: (told.end - told.start) as usize, to: told.end, told }
}

#[test]
fn pauses_grow_to_a_minute_and_end_with_the_first_that_is_kept() {
    let mut course = Course::at(0);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let Then::Wait(pause) = course.failed(None) else { panic!("it goes on") };
        pauses.push(pause.as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(course.room(), 1);
    assert_eq!(course.failed(Some(120)), Then::Wait(Duration::from_secs(120)));
    assert_eq!(course.failed(Some(86_400)), Then::Wait(Duration::from_secs(600)));
    assert_eq!(course.came(&span(0..1), Came::Sent), Then::GoOn);
    assert_eq!(course.failed(None), Then::Wait(Duration::from_secs(60)), "what was only written is nothing");
    course.came(&span(0..1), Came::Kept);
    assert_eq!(course.failed(None), Then::Wait(Duration::from_secs(1)));
}

#[test]
fn what_is_refused_is_halved_until_it_is_one_and_then_given_up() {
    let mut course = Course::at(10);
    for half in [128, 64, 32, 16, 8, 4, 2, 1] {
        let told = course.kept()..course.kept() + course.room() as u64;
        assert_eq!((course.came(&span(told), Came::Refused), course.room()), (Then::GoOn, half));
    }
    for pause in [1, 2, 4, 8] {
        assert_eq!(course.came(&span(10..11), Came::Refused), Then::Wait(Duration::from_secs(pause)));
    }
    assert_eq!(course.came(&span(10..11), Came::Refused), Then::GiveUp(10..11));
    course.passed(11);
    assert_eq!((course.kept(), course.room()), (11, 1));
    assert_eq!(course.came(&span(11..12), Came::Refused), Then::Wait(Duration::from_secs(16)));
    course.came(&span(11..12), Came::Kept);
    course.came(&span(12..14), Came::Kept);
    assert_eq!((course.kept(), course.room()), (14, 4));
}

/// What happens in one step of a simulated run.
#[derive(Debug, Clone, Copy)]
enum Step {
    Go,
    /// Nothing arrives.
    Lost,
    /// It arrives, and nobody says so.
    Unsaid,
    /// The connection ends in order, where there is one.
    Ended,
    /// The process is killed; so many of what was written last do not arrive.
    Killed(usize),
    /// Where it is is not written down this time.
    Unsaved,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Go),
        1 => Just(Step::Lost),
        1 => Just(Step::Unsaid),
        2 => Just(Step::Ended),
        1 => (0..6_usize).prop_map(Step::Killed),
        1 => Just(Step::Unsaved),
    ]
}

/// A log of `size` entries of which some do not fit and some are refused, a receiver, and what it has got.
struct World {
    size: u64,
    unfit: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    /// Whether the receiver says what it has.
    says: bool,
    course: Course,
    saved: u64,
    flying: Vec<u64>,
    got: Vec<u64>,
    gaps: Vec<u64>,
}

impl World {
    fn span(&self) -> Option<Span> {
        let (mut told, mut to) = (Vec::new(), self.course.sent());
        while to < self.size && told.len() < self.course.room().min(4) {
            told.extend((!self.unfit.contains(&to)).then_some(to));
            to += 1;
        }
        let (first, last) = (*told.first()?, *told.last()?);
        Some(Span { told: first..last + 1, entries: told.len(), to })
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Killed(lost) => {
                let arrive = self.flying.len().saturating_sub(lost);
                self.got.extend(self.flying.drain(..).take(arrive));
                self.course = Course::at(self.saved);
                return;
            }
            Step::Ended => {
                self.got.append(&mut self.flying);
                self.course.arrived();
                self.saved = self.course.kept();
                return;
            }
            Step::Go | Step::Lost | Step::Unsaid | Step::Unsaved => {}
        }
        let Some(span) = self.span() else {
            self.course.passed(self.size);
            return;
        };
        let told: Vec<_> = span.told.clone().filter(|index| !self.unfit.contains(index)).collect();
        let came = match step {
            Step::Lost => Came::Failed { wanted: None },
            _ if told.iter().any(|index| self.refused.contains(index)) && self.says => Came::Refused,
            Step::Unsaid => {
                self.got.append(&mut self.flying);
                self.got.extend(&told);
                Came::Failed { wanted: None }
            }
            _ if self.says => {
                self.got.extend(&told);
                Came::Kept
            }
            _ => {
                self.flying.extend(&told);
                Came::Sent
            }
        };
        match self.course.came(&span, came) {
            Then::GoOn => {}
            // The connection is another afterwards.
            Then::Wait(_) => self.flying.clear(),
            Then::GiveUp(gap) => {
                self.gaps.extend(gap.clone());
                self.course.passed(gap.end);
            }
        }
        if !matches!(step, Step::Unsaved) {
            self.saved = self.course.kept();
        }
    }
}

proptest! {
    #[test]
    fn whatever_fails_and_whenever_it_is_killed_every_entry_arrives_or_is_a_gap(
        size in 1..60_u64,
        unfit in prop::collection::btree_set(0..60_u64, 0..20),
        refused in prop::collection::btree_set(0..60_u64, 0..4),
        says in any::<bool>(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let course = Course::at(0);
        let mut world =
            World { size, unfit, refused, says, course, saved: 0, flying: vec![], got: vec![], gaps: vec![] };
        for step in steps {
            world.go(step);
            prop_assert!(world.course.kept() <= world.course.sent());
        }
        for _ in 0..2000 {
            world.go(if world.course.sent() < size { Step::Go } else { Step::Ended });
        }
        prop_assert_eq!(world.course.kept(), size);
        let refused = |index: &u64| world.says && world.refused.contains(index);
        prop_assert!(world.gaps.iter().all(refused), "given up: {:?}", world.gaps);
        let mut first = Vec::new();
        for index in &world.got {
            if !first.contains(index) {
                first.push(*index);
            }
        }
        prop_assert!(first.is_sorted(), "out of order: {:?}", world.got);
        let fitting: Vec<_> = (0..size).filter(|index| !world.unfit.contains(index) && !refused(index)).collect();
        prop_assert_eq!(first, fitting);
        for index in (0..size).filter(|index| refused(index) && !world.unfit.contains(index)) {
            prop_assert!(world.gaps.contains(&index), "{} is missed in silence", index);
        }
    }
}
