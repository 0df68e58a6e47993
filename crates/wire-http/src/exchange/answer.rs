use std::collections::VecDeque;

use access::{Code, Status};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, response};

use super::Effect;
use crate::body::{Care, Coded, Rewrite, Withheld, open, unpacked};
use crate::boundary::Boundary;
use crate::connection::Settings;
use crate::header;
use crate::kept::{self, Kept};

/// Bytes of an answer that are gathered before any is told, where its length is known to be no more: then its length is told
/// too, and what is withheld of it is withheld whole.
const GATHERED_BYTES_MAX: u64 = 256 << 10;

/// How parts of one thing are told in one answer (RFC 9110 §14.6).
const BYTERANGES: &[u8] = b"multipart/byteranges";

/// An upstream's answer as it is told.
#[derive(Default)]
pub(super) struct Answer {
    /// How it is looked at, once it has begun.
    care: Option<Care>,
    /// The head, until it is told.
    head: Option<response::Parts>,
    /// Why it cannot be told.
    wrong: Option<Withheld>,
    has_body: bool,
    gathers: bool,
    gathered: Vec<u8>,
    rewriter: Option<Box<dyn Rewrite>>,
    begun: bool,
    ended: bool,
    status: u16,
    in_head: u64,
    released: u64,
    /// What writes the boundary of its body anew.
    boundary: Option<Boundary>,
    /// Fields that are not told.
    forgotten: Vec<HeaderName>,
    /// Bytes of its body that came from the upstream, and how many may.
    taken: u64,
    bytes_max: Option<u64>,
    /// What of its body is kept, under its codings.
    kept: Kept,
    codings: String,
}

/// Said of an answer that is longer than the connection lets pass.
const TOO_LONG: Withheld = Withheld::TooLarge("the answer");

impl Answer {
    /// Takes the head. `path` is the one that was asked for, from which places in it may count.
    pub fn open(settings: &Settings, method: &Method, path: &str, mut parts: response::Parts) -> Self {
        let status = parts.status;
        let has_body = *method != Method::HEAD
            && !matches!(
                status,
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RESET_CONTENT
            );
        let mut answer = Self { has_body, status: status.as_u16(), ..Self::default() };
        answer.boundary = Boundary::anew(&mut parts.headers);
        answer.wrong = wrong(&parts);
        let length =
            parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let bytes_max = settings.connection.bounds.response_bytes_max;
        answer.bytes_max = bytes_max;
        if has_body && length.zip(bytes_max).is_some_and(|(length, max)| length > max) {
            answer.wrong = answer.wrong.or(Some(TOO_LONG));
        }
        answer.gathers = length.is_some_and(|length| length <= GATHERED_BYTES_MAX);
        let mut told = response::Response::new(()).into_parts().0;
        told.status = status;
        told.headers = header::told(&parts.headers);
        points_inside(settings, path, &mut told.headers);
        if let Some(announced) = header::announced(&parts.headers).filter(|_| has_body) {
            told.headers.insert(TRAILER, announced);
        }
        answer.head = Some(told);
        answer
    }

    /// Its status and the type of its body, until its head is told.
    pub fn kind(&self) -> (StatusCode, Option<String>) {
        let head = self.head.as_ref();
        let status = head.map(|head| head.status).unwrap_or_default();
        let kind = head.and_then(|head| head.headers.get(CONTENT_TYPE)?.to_str().ok().map(str::to_owned));
        (status, kind)
    }

    /// Whether a body comes with it.
    pub fn has_body(&self) -> bool {
        self.has_body
    }

    /// Leaves a field out of its header and its trailers.
    pub fn forget(&mut self, name: &HeaderName) {
        self.head.iter_mut().for_each(|head| _ = head.headers.remove(name));
        self.forgotten.push(name.clone());
    }

    /// Begins to tell it, under `care`.
    pub fn begin(
        &mut self,
        care: &Care,
        settings: &Settings,
        effects: &mut VecDeque<Effect>,
    ) -> Result<(), Withheld> {
        let Some(head) = &mut self.head else { return Ok(()) };
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let looked = header::mask(&mut head.headers, care.masker, &settings.echo, care.strict);
        self.in_head = looked.found;
        if looked.sad {
            return Err(Withheld::Sad);
        }
        let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let codings: Vec<&str> =
            head.headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok()).collect();
        let codings = codings.join(", ");
        self.kept = Kept::new(settings.answer_bytes_max);
        self.codings.clone_from(&codings);
        let is_events =
            text(CONTENT_TYPE).is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"));
        let coded = Coded { content_type: text(CONTENT_TYPE), content_encoding: &codings };
        if self.has_body {
            self.rewriter = Some(open(care, coded));
        }
        self.care = Some(care.clone());
        // Whoever waits for events wants to know that they will come.
        if is_events && self.has_body {
            self.tell(None, effects);
        }
        Ok(())
    }

    /// Goes on with its body.
    pub fn pass(&mut self, bytes: &[u8], effects: &mut VecDeque<Effect>) -> Result<(), Withheld> {
        self.taken = self.taken.saturating_add(bytes.len() as u64);
        if self.bytes_max.is_some_and(|max| self.taken > max) {
            return Err(TOO_LONG);
        }
        let Some(rewriter) = &mut self.rewriter else { return Ok(()) };
        let mut out = Vec::new();
        match &mut self.boundary {
            Some(boundary) => rewriter.push(&boundary.push(bytes), &mut out)?,
            None => rewriter.push(bytes, &mut out)?,
        }
        self.release(out, effects);
        Ok(())
    }

    /// Ends its body.
    pub fn end(
        &mut self,
        settings: &Settings,
        trailers: Option<HeaderMap>,
        effects: &mut VecDeque<Effect>,
    ) -> Result<(), Withheld> {
        let mut out = std::mem::take(&mut self.gathered);
        if let Some(rewriter) = &mut self.rewriter {
            if let Some(boundary) = &mut self.boundary {
                rewriter.push(&boundary.finish(), &mut out)?;
            }
            rewriter.finish(&mut out)?;
        }
        let mut trailers = trailers.map(|trailers| header::trailers(&trailers));
        if let (Some(trailers), Some(care)) = (&mut trailers, &self.care) {
            self.forgotten.iter().for_each(|name| _ = trailers.remove(name));
            let looked = header::mask(trailers, care.masker, &settings.echo, care.strict);
            self.in_head += looked.found;
            if looked.sad {
                return Err(Withheld::Sad);
            }
        }
        // An answer to HEAD has no length: that of what GET would tell is not known. What has trailers has none either.
        let ends = trailers.as_ref().is_none_or(HeaderMap::is_empty);
        let length = (self.has_body && ends).then_some(out.len() as u64);
        self.tell(length, effects);
        if !out.is_empty() {
            self.released += out.len() as u64;
            self.kept.take(&out);
            effects.push_back(Effect::ResponseData(out.into()));
        }
        effects.push_back(Effect::ResponseEnd(trailers.filter(|trailers| !trailers.is_empty())));
        self.ended = true;
        Ok(())
    }

    /// Whether the agent has been told its head.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether all of it has been told.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether it says that what was asked for was not done.
    pub fn is_error(&self) -> bool {
        self.status >= 400
    }

    /// How it ended, as its status says.
    pub fn status(&self) -> Status {
        let status = self.status.to_string().into();
        if self.is_error() { Status::Failed(status) } else { Status::Completed(status) }
    }

    /// How many things were masked in it.
    pub fn found(&self) -> u64 {
        self.in_head + self.rewriter.as_ref().map_or(0, |rewriter| rewriter.found())
    }

    /// Bytes of its body that were told.
    pub fn released(&self) -> u64 {
        self.released
    }

    /// What was told of its body as far as it is kept and is text, without its codings; and whether that is all.
    pub fn transcript(&self) -> Option<(String, bool)> {
        let (plain, is_whole) = unpacked(&self.codings, self.kept.bytes(), self.kept.bytes_max())?;
        Some((kept::text(&plain)?, is_whole && self.kept.is_whole() && self.ended))
    }

    fn release(&mut self, out: Vec<u8>, effects: &mut VecDeque<Effect>) {
        if out.is_empty() {
            return;
        }
        if self.gathers && !self.begun {
            self.gathered.extend_from_slice(&out);
            if self.gathered.len() as u64 <= 2 * GATHERED_BYTES_MAX {
                return;
            }
        }
        self.tell(None, effects);
        let out = if self.gathered.is_empty() { out } else { std::mem::take(&mut self.gathered) };
        self.released += out.len() as u64;
        self.kept.take(&out);
        effects.push_back(Effect::ResponseData(Bytes::from(out)));
    }

    /// Tells the head, if it has not been: with the length of the body where all of it is there.
    fn tell(&mut self, length: Option<u64>, effects: &mut VecDeque<Effect>) {
        let Some(mut head) = self.head.take() else { return };
        self.begun = true;
        if length.is_none() || self.found() > 0 {
            header::forget_bytes(&mut head.headers);
        }
        if let Some(length) = length {
            head.headers.insert(CONTENT_LENGTH, length.into());
            head.headers.remove(TRAILER);
        }
        effects.push_back(Effect::Response(Box::new(head)));
    }
}

/// What an agent is told of an answer that may not pass.
pub(super) fn code(withheld: Withheld) -> Code {
    match withheld {
        Withheld::Sad | Withheld::CardData | Withheld::NotUnderstood(_) | Withheld::TooLarge(_) => {
            Code::AnswerWithheld
        }
    }
}

/// Why an answer's head is not to be trusted.
fn wrong(parts: &response::Parts) -> Option<Withheld> {
    let coding = parts.headers.get_all(TRANSFER_ENCODING);
    let codings = coding.iter().count();
    let is_chunked = coding.iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    let lengths = parts.headers.get_all(CONTENT_LENGTH).iter().count();
    if codings > 1 || !is_chunked || (codings == 1 && lengths > 0) || lengths > 1 {
        return Some(Withheld::NotUnderstood("the framing of the answer"));
    }
    // Parts were not asked for.
    let kind = parts.headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes().trim_ascii_start());
    let in_ranges = kind.and_then(|kind| kind.get(..BYTERANGES.len()));
    if parts.status == StatusCode::PARTIAL_CONTENT
        || in_ranges.is_some_and(|kind| kind.eq_ignore_ascii_case(BYTERANGES))
    {
        return Some(Withheld::NotUnderstood("a part of an answer"));
    }
    match parts.status {
        // It is panguard that the upstream does not know: that is not the agent's business, nor a reason to sign in anew.
        StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Some(Withheld::NotUnderstood("the upstream does not accept panguard's credential"))
        }
        StatusCode::SWITCHING_PROTOCOLS => Some(Withheld::NotUnderstood("another protocol")),
        _ => None,
    }
}

/// Where the answer points: inside, or nowhere.
fn points_inside(settings: &Settings, path: &str, headers: &mut HeaderMap) {
    for name in [LOCATION, http::header::CONTENT_LOCATION] {
        let Some(place) = headers.remove(&name) else { continue };
        let origin = &settings.connection.origin;
        let inside = place.to_str().ok().and_then(|place| match settings.by_own_name {
            true => origin.by_own_name(place.trim()),
            false => origin.inside(place.trim(), &settings.prefix, path),
        });
        if let Some(inside) = inside.and_then(|place| HeaderValue::from_str(&place).ok()) {
            headers.insert(name, inside);
        }
    }
}
