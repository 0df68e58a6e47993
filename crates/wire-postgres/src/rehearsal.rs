//! A rehearsal of the lane: made-up answers with published test numbers go through a session as any others would, and none of
//! the numbers may come out.
//!
//! Nobody is at either side. The session is an ordinary one with the strictest terms, in front of an upstream that is played
//! here.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use access::{Permit, SessionId, Stage, Verdict};
use arc_swap::ArcSwap;
use bytes::{BufMut, BytesMut};
use sql::Catalog;
use wire::rehearsal::{Fault, NUMBERS, spellings};
use wire::{Effect, Session, Side, Word};

use crate::frame::{FRAME_BYTES_MAX, Frame, Frames, message, put_cstring};
use crate::{Postgres, Settings};

/// Plays one session through, of a connection that is masked and understood by these `settings`.
///
/// # Errors
/// [`Fault`]: answers of this connection must not be let through.
pub fn rehearse(settings: Settings) -> Result<(), Fault> {
    let catalog = settings.catalog.load_full();
    // One and the same throughout, whatever is read meanwhile.
    let own = Arc::new(ArcSwap::from(Arc::clone(&catalog)));
    let settings = Settings { session: SessionId::REHEARSAL, catalog: own, witness: false, ..settings };
    let mut session = Postgres::new(settings);
    acts(&catalog).iter().try_for_each(|act| act.play(&mut session))
}

/// One command, and how the upstream answers it.
struct Act {
    /// What is tried, in words.
    name: &'static str,
    sql: String,
    by: By,
    column: Column,
    /// Its values, a row each; or what an error says.
    values: Vec<Vec<u8>>,
    /// What must not come out.
    secrets: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Query,
    Extended,
    Copy,
    Error,
}

/// The one column of an answer.
#[derive(Clone)]
struct Column {
    name: String,
    relation: u32,
    number: i16,
    type_oid: u32,
    is_binary: bool,
}

fn acts(catalog: &Catalog) -> Vec<Act> {
    let spelled: Vec<Vec<u8>> =
        NUMBERS.iter().flat_map(|number| spellings(number)).map(String::into_bytes).collect();
    let text = || Column { name: "memo".into(), relation: 0, number: 0, type_oid: TEXT, is_binary: false };
    let act = |name, sql: &str, by| Act {
        name,
        sql: sql.into(),
        by,
        column: text(),
        values: spelled.clone(),
        secrets: spelled.clone(),
    };
    let numbers: Vec<i64> = NUMBERS.iter().filter_map(|number| number.parse().ok()).collect();
    let mut acts = vec![
        act("a text", "select 'x' as memo", By::Query),
        act("a text by the extended protocol", "select 'x' as memo", By::Extended),
        act("a copy", "copy (select 'x' as memo) to stdout", By::Copy),
        act("an error", "select 'x' as memo", By::Error),
        Act {
            column: Column { type_oid: INT8, is_binary: true, ..text() },
            values: numbers.iter().map(|number| number.to_be_bytes().into()).collect(),
            secrets: numbers.iter().map(|number| number.to_be_bytes().into()).collect(),
            ..act("a number in binary", "select 1::bigint as memo", By::Extended)
        },
    ];
    // What no scan would find: only its label says what it is.
    acts.extend(catalog.labelled_whole().map(|it| {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let [schema, relation, name] = [it.schema, it.relation, it.column].map(quoted);
        Act {
            column: Column { name: it.column.into(), relation: it.oid, number: it.number, ..text() },
            values: vec![DISGUISED.into()],
            secrets: vec![DISGUISED.into()],
            ..act("a labelled column", &format!("select {name} from {schema}.{relation}"), By::Query)
        }
    }));
    acts
}

impl Act {
    fn play(&self, session: &mut Postgres) -> Result<(), Fault> {
        let mut house =
            House { upstream: Frames::new(Side::Agent, FRAME_BYTES_MAX), told: BytesMut::new(), number: 0 };
        session.receive(Side::Agent, &self.asked())?;
        while let Some(effect) = session.poll() {
            match effect {
                Effect::Send(Side::Agent, bytes) => house.told.put_slice(&bytes),
                Effect::Send(Side::Upstream, bytes) => {
                    house.upstream.push(&bytes);
                    while let Some(frame) = house.upstream.next()? {
                        session.receive(Side::Upstream, &self.answer(&frame))?;
                    }
                }
                Effect::Ask(question) => {
                    house.number += u32::from(question.stage == Stage::Run);
                    session.answer(Verdict::Allow(Permit::of_rehearsal(question.request.number)))?;
                }
                Effect::Inquire(_) => session.told(Word::Silent)?,
                Effect::Done(_) => {}
                Effect::Close => return Err(Fault::Broken("it closed")),
            }
        }
        self.judge(&house)
    }

    /// What came out of it.
    fn judge(&self, house: &House) -> Result<(), Fault> {
        if self.secrets.iter().any(|secret| memchr::memmem::find(&house.told, secret).is_some()) {
            return Err(Fault::Told(self.name));
        }
        let mut told = Frames::new(Side::Upstream, FRAME_BYTES_MAX);
        told.push(&house.told);
        let (mut rows, mut ends) = (0, 0);
        while let Some(frame) = told.next()? {
            rows += usize::from(matches!(frame.tag(), b'D' | b'd'));
            ends += usize::from(frame.tag() == b'Z');
        }
        let rows_wanted = if self.by == By::Error { 0 } else { self.values.len() };
        let is_whole = ends == 1 && rows == rows_wanted && house.number == 1;
        is_whole.then_some(()).ok_or(Fault::Lost(self.name))
    }

    /// What the agent sends.
    fn asked(&self) -> BytesMut {
        let mut out = BytesMut::new();
        let sql = self.sql.as_bytes();
        if self.by != By::Extended {
            message(&mut out, b'Q', |body| put_cstring(body, sql));
            return out;
        }
        message(&mut out, b'P', |body| {
            body.put_u8(0);
            put_cstring(body, sql);
            body.put_u16(0);
        });
        message(&mut out, b'B', |body| {
            body.put_slice(&[0, 0]);
            [0, 0, 1, u16::from(self.column.is_binary)].into_iter().for_each(|word| body.put_u16(word));
        });
        message(&mut out, b'E', |body| body.put_slice(&[0; 5]));
        message(&mut out, b'S', |_| {});
        out
    }

    /// What the upstream says to one message.
    fn answer(&self, frame: &Frame) -> BytesMut {
        let mut out = BytesMut::new();
        match frame.tag() {
            b'Q' => {
                self.run(&mut out, true);
                ready(&mut out);
            }
            b'P' => message(&mut out, b'1', |_| {}),
            b'B' => message(&mut out, b'2', |_| {}),
            b'C' => message(&mut out, b'3', |_| {}),
            b'D' => {
                if frame.body().first() == Some(&b'S') {
                    message(&mut out, b't', |body| body.put_u16(0));
                }
                self.describe(&mut out);
            }
            b'E' => self.run(&mut out, false),
            b'S' => ready(&mut out),
            _ => {}
        }
        out
    }

    fn run(&self, out: &mut BytesMut, describes: bool) {
        match self.by {
            By::Error => {
                message(out, b'E', |body| {
                    let said = self.values.join(&b' ');
                    for (field, text) in
                        [(b'S', &b"ERROR"[..]), (b'V', b"ERROR"), (b'C', b"22P02"), (b'M', &said)]
                    {
                        body.put_u8(field);
                        put_cstring(body, text);
                    }
                    body.put_u8(0);
                });
            }
            By::Copy => {
                message(out, b'H', |body| body.put_slice(&[0, 0, 1, 0, 0]));
                for value in &self.values {
                    message(out, b'd', |body| body.put_slice(&[value, &b"\n"[..]].concat()));
                }
                message(out, b'c', |_| {});
                message(out, b'C', |body| put_cstring(body, b"COPY 1"));
            }
            By::Query | By::Extended => {
                if describes {
                    self.describe(out);
                }
                for value in &self.values {
                    message(out, b'D', |body| {
                        body.put_u16(1);
                        body.put_u32(u32::try_from(value.len()).unwrap_or_default());
                        body.put_slice(value);
                    });
                }
                message(out, b'C', |body| put_cstring(body, b"SELECT 1"));
            }
        }
    }

    fn describe(&self, out: &mut BytesMut) {
        let Column { name, relation, number, type_oid, is_binary } = &self.column;
        message(out, b'T', |body| {
            body.put_u16(1);
            put_cstring(body, name.as_bytes());
            body.put_u32(*relation);
            body.put_i16(*number);
            body.put_u32(*type_oid);
            body.put_i16(-1);
            body.put_i32(-1);
            body.put_u16(u16::from(*is_binary));
        });
    }
}

/// The two sides of it.
struct House {
    /// What has been sent to the upstream.
    upstream: Frames,
    /// What the agent has been told.
    told: BytesMut,
    /// How many commands were asked about.
    number: u32,
}

fn ready(out: &mut BytesMut) {
    message(out, b'Z', |body| body.put_u8(b'I'));
}

/// What stands in a labelled column and looks like nothing.
const DISGUISED: &str = "qnefgkxbzhwc";

const TEXT: u32 = 25;
const INT8: u32 = 20;
