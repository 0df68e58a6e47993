use std::fmt;

use super::string;

/// A place, or places, in JSON documents, as the operator writes it: a part of JSONPath (RFC 9535).
///
/// `$` is the document, `.name` or `['name']` a member, `[0]` an element, `.*` or `[*]` all of them, and
/// `..name` or `..*` any below. The default is the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonPath {
    segments: Vec<Segment>,
}

/// What was written is no path; says what is wrong with it, and what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAPath {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    /// Whether it may be any number of levels further down.
    below: bool,
    selector: Selector,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Any,
    Name(Box<str>),
    Index(usize),
}

/// One level of the way to a value, as a walk over a document has it.
pub(super) enum Step<'t> {
    /// A member, by its name as written between the quotes.
    Name(&'t [u8]),
    Index(usize),
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`NotAPath`] for anything else, filters and slices of RFC 9535 among it.
    pub fn parse(text: &str) -> Result<Self, NotAPath> {
        let mut rest = text.trim().strip_prefix('$').ok_or(NotAPath { why: "a path starts with `$`" })?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let below = rest.strip_prefix("..");
            let (selector, after) = match (below, rest.strip_prefix('.')) {
                (Some(after), _) if after.starts_with('[') => bracket(after)?,
                (Some(after), _) | (None, Some(after)) => name(after)?,
                (None, None) => bracket(rest)?,
            };
            segments.push(Segment { below: below.is_some(), selector });
            rest = after;
        }
        Ok(Self { segments })
    }

    /// Whether the value at the end of `way` is meant.
    pub(super) fn matches(&self, way: &[Step<'_>]) -> bool {
        matches(&self.segments, way)
    }
}

/// As it may be written.
impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.segments.iter().try_for_each(|Segment { below, selector }| {
            let dots = if *below { ".." } else { "" };
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
            match selector {
                Selector::Any => write!(f, "{dots}[*]"),
                Selector::Index(index) => write!(f, "{dots}[{index}]"),
                Selector::Name(name) if !name.is_empty() && name.chars().all(plain) => {
                    write!(f, "{}{name}", if *below { ".." } else { "." })
                }
                Selector::Name(name) if name.contains('\'') => write!(f, "{dots}[\"{name}\"]"),
                Selector::Name(name) => write!(f, "{dots}['{name}']"),
            }
        })
    }
}

fn matches(segments: &[Segment], way: &[Step<'_>]) -> bool {
    let Some((segment, segments)) = segments.split_first() else { return way.is_empty() };
    let Some((step, rest)) = way.split_first() else { return false };
    (segment.selector.takes(step) && matches(segments, rest))
        || (segment.below && matches_below(segment, segments, rest))
}

fn matches_below(segment: &Segment, segments: &[Segment], way: &[Step<'_>]) -> bool {
    (0..way.len()).any(|skipped| {
        let Some((step, rest)) = way.get(skipped..).and_then(<[Step<'_>]>::split_first) else { return false };
        segment.selector.takes(step) && matches(segments, rest)
    })
}

impl Selector {
    fn takes(&self, step: &Step<'_>) -> bool {
        match (self, step) {
            (Self::Any, Step::Name(_) | Step::Index(_)) => true,
            (Self::Name(name), Step::Name(written)) => string::reads(written, name),
            (Self::Index(index), Step::Index(at)) => index == at,
            (Self::Name(_), Step::Index(_)) | (Self::Index(_), Step::Name(_)) => false,
        }
    }
}

fn name(text: &str) -> Result<(Selector, &str), NotAPath> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name {
        "*" => Ok((Selector::Any, rest)),
        "" => Err(NotAPath { why: "a name is missing after a dot" }),
        name if name.contains(|c: char| c.is_whitespace() || "]'\"*?@$,:()".contains(c)) => Err(NotAPath {
            why: "a name with special characters stands in brackets and quotes, `['a name']`",
        }),
        name => Ok((Selector::Name(name.into()), rest)),
    }
}

fn bracket(text: &str) -> Result<(Selector, &str), NotAPath> {
    const WRONG: NotAPath = NotAPath { why: "brackets hold `*`, an index or a quoted name, `['a name']`" };
    let inside = text.strip_prefix('[').ok_or(NotAPath { why: "a dot or a bracket must follow" })?;
    for quote in ['\'', '"'] {
        if let Some(quoted) = inside.strip_prefix(quote) {
            let (name, rest) = quoted.split_once(quote).ok_or(WRONG)?;
            let rest = rest.strip_prefix(']').ok_or(WRONG)?;
            return Ok((Selector::Name(name.into()), rest));
        }
    }
    let (inside, rest) = inside.split_once(']').ok_or(WRONG)?;
    match inside {
        "*" => Ok((Selector::Any, rest)),
        index if index.bytes().all(|byte| byte.is_ascii_digit()) => {
            index.parse().map(|index| (Selector::Index(index), rest)).map_err(|_| WRONG)
        }
        _ => Err(WRONG),
    }
}

impl fmt::Display for NotAPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; write a path such as `$.card.number`, `$.cards[*].pan` or `$..pan`", self.why)
    }
}

impl std::error::Error for NotAPath {}
