//! The texts of a stream of events, each masked as one.

use std::collections::HashMap;
use std::sync::Arc;

use super::channel::{Channel, Flush, State, Template};
use super::doc::{self, Doc, Edits, Kind, ROOT, edited, escape};
use super::piece::{self, Piece, Reading, Slot, Sort};
use super::seen::Seen;
use super::text;
use crate::body::{Care, Opaque, Withheld};

/// All texts that come in pieces in one stream.
pub(crate) struct Texts {
    care: Care,
    /// Whether what nobody knows is taken for pieces of a text: a model answers here, or card data is expected.
    bold: bool,
    channels: HashMap<String, Channel>,
    /// In the order in which they began.
    order: Vec<String>,
    /// Ids and indices that were met, where it is not known whether they tell texts or events apart.
    marks: HashMap<String, Marks>,
    events: u64,
    /// Found outside of pieces.
    found: u64,
    /// Found in texts that are done with.
    ended: u64,
    seen: Arc<Seen>,
    /// The text that was said last.
    saying: String,
}

/// Marks that were met at one way, each with those of the text that it was taken for.
#[derive(Default)]
struct Marks {
    taken: Vec<(Vec<piece::Mark>, Vec<piece::Mark>)>,
    /// Whether some came twice, so that they tell texts apart.
    recurred: bool,
}

/// An event, as much of it as matters.
pub(crate) struct Frame<'f> {
    /// The lines that another like it begins with.
    pub head: &'f [u8],
    pub name: &'f [u8],
    pub data: &'f [u8],
    /// Whether nothing follows, so that nothing of it can be held back.
    pub last: bool,
}

/// What is sent for an event.
#[derive(Default)]
pub(crate) struct Judged {
    /// Events of panguard's own that go before it.
    pub before: Vec<Flush>,
    /// What it holds instead; `None` when it stays.
    pub data: Option<Vec<u8>>,
}

impl Texts {
    pub fn new(care: &Care, bold: bool, seen: Arc<Seen>) -> Self {
        Self {
            care: care.clone(),
            bold: bold || care.strict,
            channels: HashMap::new(),
            order: Vec::new(),
            marks: HashMap::new(),
            events: 0,
            found: 0,
            ended: 0,
            seen,
            saying: String::new(),
        }
    }

    /// The same where a model may answer, and what nobody knows is no piece of a text: an event of its own.
    pub fn of_known(care: &Care) -> Self {
        Self { bold: false, ..Self::new(care, false, Arc::default()) }
    }

    /// How many things were found and masked so far.
    pub fn found(&self) -> u64 {
        self.found + self.ended + self.channels.values().map(Channel::found).sum::<u64>()
    }

    /// Notes what was found beside the texts.
    pub fn note(&mut self, found: u32, sad: bool) -> Result<(), Withheld> {
        self.found += u64::from(found);
        self.allowed(sad)
    }

    /// Judges an event.
    ///
    /// # Errors
    /// When it may not pass.
    pub fn judge(&mut self, frame: &Frame<'_>) -> Result<Judged, Withheld> {
        self.events += 1;
        if frame.data.trim_ascii() == DONE {
            return Ok(Judged { before: self.close(|_| true)?, data: None });
        }
        let judged = match Doc::read(frame.data).filter(|doc| is_document(doc, self.bold)) {
            Some(doc) => self.document(frame, &doc)?,
            None => self.plain(frame)?,
        };
        self.make_room()?;
        Ok(judged)
    }

    /// Ends the stream: the events that are still to be sent.
    pub fn finish(&mut self) -> Result<Vec<Flush>, Withheld> {
        self.close(|_| true)
    }

    fn allowed(&self, sad: bool) -> Result<(), Withheld> {
        if sad {
            return Err(Withheld::Sad);
        }
        if self.care.refuses && self.found() > 0 { Err(Withheld::CardData) } else { Ok(()) }
    }

    /// What is no document is a piece of text.
    fn plain(&mut self, frame: &Frame<'_>) -> Result<Judged, Withheld> {
        if self.care.strict && matches!(frame.data.trim_ascii_start(), [b'{' | b'[', ..]) {
            return Err(Withheld::NotUnderstood("an event that is almost JSON"));
        }
        if text::is_hidden(&self.care, frame.data) {
            let whole = self.care.masker.whole().to_vec();
            self.note(1, false)?;
            return Ok(Judged { before: Vec::new(), data: Some(whole) });
        }
        // Where no model speaks, an event is told whole: a counter's would all be held back for the next.
        if !self.bold {
            let Some(masked) = self.care.masker.text(frame.data) else { return Ok(Judged::default()) };
            self.note(masked.found, masked.sad)?;
            return Ok(Judged { before: Vec::new(), data: Some(masked.bytes) });
        }
        let slot = Slot { kind: String::from_utf8_lossy(frame.name).into_owned(), ..Slot::default() };
        let key = format!("text {}", slot.kind);
        let written = escape(frame.data);
        let channel = self.channel(&key, &slot, State::Open, true)?;
        let mut told = channel.push(&written)?;
        channel.template = Template { head: frame.head.to_vec(), plain: true, ..Template::default() };
        if frame.last {
            told.extend(channel.finish()?);
        }
        let sad = channel.sad();
        self.allowed(sad)?;
        let data = (told != written).then(|| doc::read(&told).into_owned().into_bytes());
        self.say(&key, &told);
        Ok(Judged { before: Vec::new(), data })
    }

    fn document(&mut self, frame: &Frame<'_>, doc: &Doc<'_>) -> Result<Judged, Withheld> {
        let reading = piece::read(doc, frame.name);
        if reading.cut {
            return Err(Withheld::TooLarge("names in an event"));
        }
        if !reading.opaque.is_empty() && self.care.opaque == Opaque::Refuse {
            return Err(Withheld::NotUnderstood("sound or a picture in a stream"));
        }
        let pieces = self.pieces(doc, &reading)?;
        let nodes: Vec<_> = pieces.iter().map(|(node, _)| *node).collect();
        let Some(whole) = text::mask(&self.care, frame.data, &nodes) else {
            return self.told(frame, doc, &pieces, &reading, false);
        };
        self.note(whole.found, whole.sad)?;
        // What was masked stands elsewhere; each value is still reached in the same way.
        let base = Doc::read(&whole.bytes).ok_or(Withheld::NotUnderstood("an event"))?;
        let places = text::pairs(doc, &base);
        let place =
            |node: usize| places.get(&node).copied().filter(|at| base.kind(*at) == Some(Kind::String));
        let pieces: Vec<_> = pieces.into_iter().filter_map(|(node, key)| Some((place(node)?, key))).collect();
        let reading = piece::read(&base, frame.name);
        self.told(frame, &base, &pieces, &reading, whole.found > 0)
    }

    /// Sends the pieces of an event through their texts, and says what it holds then.
    fn told(
        &mut self,
        frame: &Frame<'_>,
        base: &Doc<'_>,
        pieces: &[(usize, String)],
        reading: &Reading,
        mut masked: bool,
    ) -> Result<Judged, Withheld> {
        let mut edits = Edits::new();
        let mut open = false;
        let last: HashMap<&str, usize> = pieces.iter().map(|(node, key)| (key.as_str(), *node)).collect();
        for (node, key) in pieces {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            let written = base.written(*node);
            let held = channel.held() > 0;
            let mut told = channel.push(written)?;
            let last = last.get(key.as_str()) == Some(node);
            let closes = || reading.closings.iter().any(|closing| closing.closes(&channel.slot));
            if last && (frame.last || closes()) {
                told.extend(channel.finish()?);
            }
            open |= channel.held() > 0;
            masked |= held || open || told != written;
            let sad = channel.sad();
            self.allowed(sad)?;
            self.say(key, &told);
            if told != written {
                edits.push((base.content(*node), told));
            }
        }
        masked |= self.care.masker.text(reading.spelled.as_bytes()).is_some();
        if masked {
            edits.extend(unspelt(base, reading.spellings.iter()));
        }
        if open {
            edits.extend(unspelt(base, reading.copies.iter()));
        }
        if self.found() > 0 {
            edits.extend(unspelt(base, reading.contexts.iter()));
        }
        self.remember(frame, base, pieces, reading)?;
        let before = match reading.closings.as_slice() {
            [] => Vec::new(),
            closings => self.close(|channel| closings.iter().any(|closing| closing.closes(&channel.slot)))?,
        };
        self.seen.note(|facts| facts.read(base));
        let data = edited(base.text(), edits);
        Ok(Judged { before, data: (data != frame.data).then_some(data) })
    }

    /// Keeps how an event looks, for what is held back of its texts.
    fn remember(
        &mut self,
        frame: &Frame<'_>,
        base: &Doc<'_>,
        pieces: &[(usize, String)],
        reading: &Reading,
    ) -> Result<(), Withheld> {
        let mut written = 0;
        for (node, key) in pieces {
            let Some(channel) = self.channels.get_mut(key) else { continue };
            channel.template = Template::default();
            if channel.held() == 0 {
                continue;
            }
            written += base.text().len();
            if written > TEMPLATE_WORK_MAX {
                return Err(Withheld::TooLarge("an event with many texts"));
            }
            channel.template = template(frame, base, *node, pieces, reading);
        }
        Ok(())
    }

    /// Which strings of an event are pieces, and of which text each is.
    fn pieces(&mut self, doc: &Doc<'_>, reading: &Reading) -> Result<Vec<(usize, String)>, Withheld> {
        let unknown = reading.pieces.iter().filter(|piece| piece.sort == Sort::Unknown).count();
        if reading.pieces.len() - unknown > CHANNELS_MAX {
            return Err(Withheld::TooLarge("texts in an event"));
        }
        // What tells so much at once is a record.
        let bold = self.bold && unknown <= UNKNOWN_MAX;
        let alone = unknown == 1 && unknown == reading.pieces.len();
        let mut pieces = Vec::new();
        for Piece { node, sort, slot } in &reading.pieces {
            let written = doc.written(*node);
            let slot = self.settled(slot, written);
            let key = slot.key();
            let known = *sort == Sort::Known
                || self.channels.get(&key).is_some_and(|channel| channel.state != State::Doubtful);
            let text = || TEXTS.contains(&slot.way.rsplit('.').next().unwrap_or_default());
            let sure = known || (alone && (bold || (slot.marks.is_empty() && text())));
            let node = *node;
            if sure {
                self.channel(&key, &slot, State::Open, *sort == Sort::Known)?;
                pieces.push((node, key));
            } else if bold {
                self.doubt(&key, &slot, written)?;
                if self.channels.get(&key).is_some_and(|channel| channel.state == State::Open) {
                    pieces.push((node, key));
                }
            }
        }
        let events = self.events;
        for (_, key) in &pieces {
            self.channels.get_mut(key).into_iter().for_each(|channel| channel.last = events);
        }
        Ok(pieces)
    }

    /// Meets a string of which nobody knows whether it is a piece: it is, once there is another one.
    fn doubt(&mut self, key: &str, slot: &Slot, written: &[u8]) -> Result<(), Withheld> {
        let first = !self.channels.contains_key(key);
        let channel = self.channel(key, slot, State::Doubtful, false)?;
        if !first {
            channel.state = State::Open;
            return Ok(());
        }
        let digits = |text: &[u8]| text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        if digits(written) > FIRST_DIGITS_MAX && written.len() <= DIGITS_ALONE_MAX {
            channel.state = State::Open;
            return Ok(());
        }
        channel.overhear(written)
    }

    /// The slot of a piece, where ids that are new with every event tell no texts apart.
    fn settled(&mut self, slot: &Slot, written: &[u8]) -> Slot {
        if slot.certain || slot.marks.is_empty() {
            return slot.clone();
        }
        let bare = Slot { marks: Vec::new(), ..slot.clone() }.key();
        let full = self.marks.len() >= CHANNELS_MAX && !self.marks.contains_key(&bare);
        if full {
            self.marks.clear();
        }
        let marks = self.marks.entry(bare).or_default();
        if let Some((_, taken)) = marks.taken.iter().find(|(met, _)| *met == slot.marks) {
            marks.recurred = true;
            return Slot { marks: taken.clone(), ..slot.clone() };
        }
        let mut taken = slot.marks.clone();
        if !marks.recurred
            && let Some((_, last)) = marks.taken.last()
            && !written.first().is_some_and(u8::is_ascii_alphabetic)
        {
            let key = Slot { marks: last.clone(), ..slot.clone() }.key();
            if self.channels.get(&key).is_some_and(|channel| channel.held() > 0) {
                taken.clone_from(last);
            }
        }
        if marks.taken.len() >= MET_MAX {
            marks.taken.remove(0);
        }
        marks.taken.push((slot.marks.clone(), taken.clone()));
        Slot { marks: taken, ..slot.clone() }
    }

    fn channel(
        &mut self,
        key: &str,
        slot: &Slot,
        state: State,
        known: bool,
    ) -> Result<&mut Channel, Withheld> {
        let (care, events) = (&self.care, self.events);
        let order = &mut self.order;
        let channel = self.channels.entry(key.to_owned()).or_insert_with(|| {
            order.push(key.to_owned());
            Channel::new(care.masker, care.strict, slot.clone(), state, known)
        });
        channel.last = events;
        if channel.state == State::Doubtful && state == State::Open {
            channel.state = State::Open;
        }
        Ok(channel)
    }

    /// Ends texts: the events with what was held back of them.
    fn close(&mut self, ends: impl Fn(&Channel) -> bool) -> Result<Vec<Flush>, Withheld> {
        let mut flushes = Vec::new();
        let mut said = Vec::new();
        let mut sad = false;
        for key in &self.order {
            let Some(channel) = self.channels.get_mut(key).filter(|channel| ends(channel)) else { continue };
            if channel.state == State::Open && channel.held() > 0 {
                let rest = channel.finish()?;
                sad |= channel.sad();
                if !rest.is_empty() {
                    flushes.push(channel.template.fill(&rest));
                    said.push((key.clone(), rest));
                }
            }
        }
        self.allowed(sad)?;
        said.iter().for_each(|(key, rest)| self.say(key, rest));
        Ok(flushes)
    }

    /// Forgets texts of which nothing is held back, when there are too many.
    fn make_room(&mut self) -> Result<(), Withheld> {
        let templates: usize = self.channels.values().map(|channel| channel.template.len()).sum();
        if templates > TEMPLATES_BYTES_MAX {
            return Err(Withheld::TooLarge("texts in one stream that wait for more"));
        }
        if self.order.len() <= CHANNELS_MAX {
            return Ok(());
        }
        let mut last: Vec<u64> = self.channels.values().map(|channel| channel.last).collect();
        last.sort_unstable();
        let old = last.get(CHANNELS_MAX / 2).copied().unwrap_or_default();
        let forgotten =
            |channel: &Channel| channel.last <= old && channel.held() == 0 && channel.state != State::Ended;
        let gone =
            self.channels.values().filter(|channel| forgotten(channel)).map(Channel::found).sum::<u64>();
        self.ended += gone;
        self.channels.retain(|_, channel| !forgotten(channel));
        self.order.retain(|key| self.channels.contains_key(key));
        if self.order.len() > CHANNELS_MAX { Err(Withheld::TooLarge("texts in one stream")) } else { Ok(()) }
    }

    /// Keeps what was said of a text; each text on a line of its own.
    fn say(&mut self, key: &str, written: &[u8]) {
        let text = doc::read(written);
        if text.is_empty() {
            return;
        }
        let begins = self.saying != key && !self.saying.is_empty();
        key.clone_into(&mut self.saying);
        self.seen.note(|facts| {
            facts.say(if begins { "\n" } else { "" });
            facts.say(&text);
        });
    }
}

impl Slot {
    fn key(&self) -> String {
        let marks = self.marks.iter().map(|(name, value)| format!("\n{name}={value}"));
        format!("{}\n{}{}", self.kind, self.way, marks.collect::<String>())
    }
}

/// Whether an event holds a document, not a piece of text that looks like one: a digit alone is JSON too.
fn is_document(doc: &Doc<'_>, bold: bool) -> bool {
    match doc.kind(ROOT) {
        Some(Kind::Object | Kind::Array) => true,
        Some(Kind::String) => bold || !doc.written(ROOT).is_empty(),
        _ => false,
    }
}

/// Empties what spells a text once more.
pub(super) fn unspelt<'a>(
    doc: &'a Doc<'_>,
    nodes: impl Iterator<Item = &'a usize> + 'a,
) -> impl Iterator<Item = (std::ops::Range<usize>, Vec<u8>)> + 'a {
    nodes.filter_map(|at| {
        let empty: &[u8] = match doc.kind(*at)? {
            Kind::Array => b"[]",
            Kind::Number => b"0",
            _ => b"",
        };
        Some((doc.content(*at), empty.to_vec()))
    })
}

/// An event like this one that says one of its pieces alone.
fn template(
    frame: &Frame<'_>,
    doc: &Doc<'_>,
    node: usize,
    pieces: &[(usize, String)],
    reading: &Reading,
) -> Template {
    if let Some(template) = block_template(doc, node) {
        return template;
    }
    let mut edits: Edits = pieces.iter().map(|(other, _)| (doc.content(*other), Vec::new())).collect();
    edits.extend(unspelt(doc, reading.spellings.iter().chain(&reading.contexts).chain(&reading.copies)));
    // Of the arrays on the way, one element.
    let mut inner = node;
    for outer in doc.above(node) {
        if doc.kind(outer) == Some(Kind::Array)
            && let (Some(all), Some(one)) = (doc.node(outer), doc.node(inner))
        {
            edits.push((all.place.start + 1..one.place.start, Vec::new()));
            edits.push((one.place.end..all.place.end - 1, Vec::new()));
        }
        inner = outer;
    }
    let content = doc.content(node);
    let (before, after): (Edits, Edits) = edits
        .into_iter()
        .filter(|(range, _)| *range != content && range.start != range.end)
        .partition(|(range, _)| range.end <= content.start);
    let after =
        after.into_iter().map(|(range, told)| (range.start - content.end..range.end - content.end, told));
    Template {
        head: frame.head.to_vec(),
        before: edited(doc.text().get(..content.start).unwrap_or_default(), before),
        after: edited(doc.text().get(content.end..).unwrap_or_default(), after.collect()),
        plain: false,
    }
}

/// What follows the beginning of a block that held the first of its text: a second beginning would be another block.
fn block_template(doc: &Doc<'_>, node: usize) -> Option<Template> {
    let kind = doc.member(ROOT, "type").and_then(|at| doc.string(at))?;
    let index = doc.written(doc.member(ROOT, "index")?);
    let name = doc.name(node);
    (kind == "content_block_start").then(|| Template {
        head: b"event: content_block_delta\n".to_vec(),
        before: [
            br#"{"type":"content_block_delta","index":"#,
            index,
            format!(r#","delta":{{"type":"{name}_delta","{name}":""#).as_bytes(),
        ]
        .concat(),
        after: br#""}}"#.to_vec(),
        plain: false,
    })
}

/// What many streams end with.
const DONE: &[u8] = b"[DONE]";

/// Texts of one stream that are known at a time.
const CHANNELS_MAX: usize = 512;

/// Strings of an event that nobody knows, any of which may be a piece.
const UNKNOWN_MAX: usize = 32;

/// Most that is kept of events whose texts wait for more, and most that is written of it for one event.
const TEMPLATES_BYTES_MAX: usize = 8 << 20;
const TEMPLATE_WORK_MAX: usize = 32 << 20;

/// Ids that are known of one way.
const MET_MAX: usize = 64;

/// Digits of a number that may be sent before it is known that it comes in pieces: an issuer's, which may be shown.
const FIRST_DIGITS_MAX: usize = 6;

/// Longest string whose digits may be the beginning of a number, not the end of a label.
const DIGITS_ALONE_MAX: usize = 64;

/// Names of what is said, in events that say nothing else.
const TEXTS: &[&str] = &[
    "",
    "text",
    "content",
    "token",
    "delta",
    "response",
    "completion",
    "generation",
    "outputtext",
    "answer",
    "message",
    "output",
    "chunk",
    "data",
    "reasoning",
    "thinking",
    "thought",
    "partialjson",
    "arguments",
    "input",
    "transcript",
    "value",
];
