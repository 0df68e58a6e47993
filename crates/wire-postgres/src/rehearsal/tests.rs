use std::sync::Arc;

use access::{DataClass, SessionId};
use arc_swap::ArcSwap;
use mask::{Masker, Profile};
use sql::{Catalog, Label, Labels};
use wire::rehearsal::Fault;

use super::{acts, rehearse};
use crate::{Analyses, MESSAGE_BYTES_MAX, Postgres, Settings};

fn catalog() -> Catalog {
    let rows = [
        ["schema", "", "", "", "public", ""],
        ["relation", "7", "", "r", "public", "cards"],
        ["column", "7", "1", "0", "id", ""],
        ["column", "7", "2", "0", "pan", ""],
        ["column", "7", "3", "0", "cvv", ""],
    ];
    let rows = rows.iter().map(|row| row.iter().map(|cell| (!cell.is_empty()).then_some(*cell)).collect());
    let labels = [("public.cards.pan", DataClass::Pan), ("public.cards.cvv", DataClass::Sad)];
    let labels = Labels::new(labels.map(|(name, class)| (name, Label::Class(class)))).unwrap();
    Catalog::from_rows(rows, &labels, 1).unwrap()
}

fn settings() -> Settings {
    Settings {
        session: SessionId(7),
        catalog: Arc::new(ArcSwap::from_pointee(catalog())),
        changes: Arc::default(),
        analyses: Arc::new(Analyses::default()),
        witness: true,
        masker: Masker::new(Profile::Last4),
        message_bytes_max: MESSAGE_BYTES_MAX,
        answer_bytes_max: 0,
    }
}

#[test]
fn a_lane_that_masks_passes_in_every_profile() {
    for profile in [Profile::Last4, Profile::First6Last4] {
        assert_eq!(rehearse(Settings { masker: Masker::new(profile), ..settings() }), Ok(()));
    }
}

#[test]
fn every_act_that_is_told_as_it_is_is_found() {
    let mut names = Vec::new();
    for mut act in acts(&catalog()) {
        let is_error = act.by == super::By::Error;
        // As if nothing were masked: what comes out is what came in.
        let harmless = if act.column.is_binary { 7_i64.to_be_bytes().to_vec() } else { b"harmless".to_vec() };
        (act.values, act.secrets) = (vec![harmless.clone()], vec![harmless]);
        act.column.relation = 0;
        act.column.number = 0;
        if act.name == "a labelled column" {
            act.sql = "select 'x' as pan2".into();
            act.column.name = "pan2".into();
        }
        let fault = act.play(&mut Postgres::new(Settings { session: SessionId::REHEARSAL, ..settings() }));
        // Of an error nothing is told anyway.
        assert_eq!(fault, if is_error { Ok(()) } else { Err(Fault::Told(act.name)) }, "{}", act.name);
        names.push(act.name);
    }
    assert_eq!(names.iter().filter(|name| **name == "a labelled column").count(), 2);
    assert_eq!(names.len(), 7);
}

#[test]
fn an_answer_that_is_withheld_is_no_rehearsal() {
    let mut act = acts(&catalog()).into_iter().next().unwrap();
    (act.sql, act.column.name) = ("select 'x' as cvv".into(), "cvv".into());
    (act.values, act.secrets) = (vec![b"737".to_vec()], Vec::new());
    let fault = act.play(&mut Postgres::new(Settings { session: SessionId::REHEARSAL, ..settings() }));
    assert_eq!(fault, Err(Fault::Lost(act.name)));
}

#[test]
fn a_permit_of_a_rehearsal_sends_nothing_of_an_ordinary_session() {
    let act = acts(&catalog()).into_iter().next().unwrap();
    let fault = act.play(&mut Postgres::new(settings()));
    assert_eq!(fault, Err(Fault::Lost(act.name)));
}
