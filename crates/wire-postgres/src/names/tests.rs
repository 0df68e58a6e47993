use super::Lookup::{Known, Unknown, Wait};
use super::Names;

#[test]
fn a_change_counts_at_once_within_its_own_segment() {
    let mut names = Names::default();
    names.propose(1, "s", Some('a'));
    assert_eq!(names.get(1, "s"), Known('a'));
    names.propose(1, "s", None);
    assert_eq!(names.get(1, "s"), Unknown);
}

#[test]
fn a_later_segment_waits_for_the_upstream_to_say_which_it_is() {
    let mut names = Names::default();
    confirmed(&mut names, "s", 'a');
    names.propose(1, "s", Some('b'));
    assert_eq!(names.get(2, "s"), Wait);
}

#[test]
fn a_name_that_could_not_be_taken_stands_for_what_it_stood_for() {
    let mut names = Names::default();
    confirmed(&mut names, "s", 'a');
    names.propose(1, "s", Some('b'));
    names.discard();
    assert_eq!(names.get(2, "s"), Known('a'));
}

#[test]
fn changes_are_confirmed_in_the_order_they_were_sent() {
    let mut names = Names::default();
    names.propose(1, "s", Some('a'));
    names.propose(1, "t", Some('b'));
    names.confirm();
    assert_eq!(names.get(2, "s"), Known('a'));
    assert_eq!(names.get(2, "t"), Wait);
    names.confirm();
    assert_eq!(names.get(2, "t"), Known('b'));
}

#[test]
fn a_forgotten_session_knows_nothing() {
    let mut names = Names::default();
    confirmed(&mut names, "s", 'a');
    names.propose_none(1);
    assert_eq!(names.get(2, "s"), Wait);
    names.confirm();
    assert_eq!(names.get(2, "s"), Unknown);
}

#[test]
fn a_name_that_may_or_may_not_have_changed_stands_for_nothing() {
    let mut names = Names::default();
    confirmed(&mut names, "s", 'a');
    names.propose(1, "s", Some('b'));
    names.distrust();
    assert_eq!(names.get(2, "s"), Unknown);
}

fn confirmed(names: &mut Names<char>, name: &str, value: char) {
    names.propose(0, name, Some(value));
    names.confirm();
}
