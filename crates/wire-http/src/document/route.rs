//! Templates of paths, and which of them a path is.

use std::sync::Arc;

use http::Method;

use super::operation::Operation;
use crate::target::Target;

/// A template of paths, or several that take the same, with the operations of its methods.
pub(super) struct Route {
    segments: Vec<Segment>,
    methods: Vec<Known>,
}

/// What a method is on a route. Templates that differ in the names of parameters alone may share one, each with methods of
/// its own.
pub(super) struct Known {
    method: Method,
    pub template: Box<str>,
    /// The names of its parameters, in order.
    names: Vec<Box<str>>,
    pub operation: Arc<Operation>,
}

/// One segment of a template: texts and parameters in turn, of which texts may be empty: `{id}` is `"" {id} ""`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    /// What it begins with.
    first: Box<str>,
    /// Each parameter, with the text behind it.
    rest: Vec<(Box<str>, Box<str>)>,
}

impl Route {
    /// Reads a template: `/v1/charges/{id}`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(template: &str) -> Result<Self, &'static str> {
        let inner = template.strip_prefix('/').ok_or("a path begins with `/`")?;
        if template.contains(['?', '#']) {
            return Err("a path holds no query and no fragment; declare parameters of the query");
        }
        let segments = inner.split('/').map(Segment::parse).collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<&str> =
            segments.iter().flat_map(|segment| segment.rest.iter().map(|(name, _)| &**name)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err("a path names each of its parameters once");
        }
        Ok(Self { segments, methods: Vec::new() })
    }

    /// How many segments it has.
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// The template with its parameters unnamed: two that are the same take the same paths.
    pub fn shape(&self) -> String {
        let segments = self.segments.iter().map(|segment| {
            let rest = segment.rest.iter().map(|(_, text)| format!("{{}}{text}"));
            format!("/{}{}", segment.first, rest.collect::<String>())
        });
        segments.collect()
    }

    /// What a method is on it, by the template that says so.
    pub fn add(&mut self, method: Method, template: &str, names: Vec<Box<str>>, operation: Arc<Operation>) {
        self.methods.push(Known { method, template: template.into(), names, operation });
    }

    /// The names of the parameters of its template.
    pub fn names(&self) -> Vec<Box<str>> {
        self.segments.iter().flat_map(|segment| segment.rest.iter().map(|(name, _)| name.clone())).collect()
    }

    /// What this very method is.
    pub fn own(&self, method: &Method) -> Option<&Known> {
        self.methods.iter().find(|known| known.method == *method)
    }

    /// What a method is. HEAD is what GET is, where it is nothing of its own.
    pub fn known(&self, method: &Method) -> Option<&Known> {
        self.own(method).or_else(|| self.own(&Method::GET).filter(|_| *method == Method::HEAD))
    }

    /// Whether it takes a path of these segments. There are as many as it has.
    pub fn takes(&self, segments: &[&str]) -> bool {
        self.segments.iter().zip(segments).all(|(segment, text)| segment.takes(text))
    }

    /// Whether every segment of it is as concrete as that of `other`, which takes the same path.
    fn is_within(&self, other: &Self) -> bool {
        self.segments.iter().zip(&other.segments).all(|(mine, theirs)| {
            mine.is_literal() || theirs.is_whole_parameter() || mine.has_shape_of(theirs)
        })
    }

    /// The parameters that a path of these segments gives `known`, by name and segment; and whether that is in doubt.
    pub fn parameters<'r>(
        &self,
        known: &'r Known,
        segments: &[&str],
    ) -> (Vec<(&'r str, String, usize)>, bool) {
        let (mut all, mut is_unclear, mut names) = (Vec::new(), false, known.names.iter());
        for (at, (segment, text)) in self.segments.iter().zip(segments).enumerate() {
            let (values, unclear) = segment.values(text);
            is_unclear |= unclear;
            all.extend(
                names.by_ref().take(segment.rest.len()).zip(values).map(|(name, value)| (&**name, value, at)),
            );
        }
        (all, is_unclear)
    }
}

/// The one of these that is as concrete as each of the others in every segment, if there is one. All take the same path.
pub(super) fn best<'r>(routes: &[&'r Route]) -> Option<&'r Route> {
    routes.iter().copied().find(|route| routes.iter().all(|other| route.is_within(other)))
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        const BRACES: &str = "a brace in a path opens or closes a parameter, as in `/charges/{id}`";
        let (first, mut rest) =
            text.split_once('{').map_or((text, None), |(first, rest)| (first, Some(rest)));
        let mut segment = Self { first: literal(first)?, rest: Vec::new() };
        while let Some(text) = rest {
            let (name, behind) = text.split_once('}').ok_or(BRACES)?;
            if name.is_empty() || name.contains('{') {
                return Err(BRACES);
            }
            let (between, next) =
                behind.split_once('{').map_or((behind, None), |(between, rest)| (between, Some(rest)));
            if between.is_empty() && next.is_some() {
                return Err("two parameters of a path have a text between them");
            }
            segment.rest.push((name.into(), literal(between)?));
            rest = next;
        }
        if segment.rest.len() > PARAMETERS_MAX {
            return Err("at most three parameters stand between two slashes of a path");
        }
        Ok(segment)
    }

    fn is_literal(&self) -> bool {
        self.rest.is_empty()
    }

    fn is_whole_parameter(&self) -> bool {
        self.first.is_empty() && matches!(self.rest.as_slice(), [(_, text)] if text.is_empty())
    }

    fn has_shape_of(&self, other: &Self) -> bool {
        let texts = |segment: &Self| segment.rest.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        self.first == other.first && texts(self) == texts(other)
    }

    fn takes(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(&*self.first) else { return false };
        if self.rest.is_empty() { rest.is_empty() } else { takes(&self.rest, rest) }
    }

    /// The value of each parameter, every one as short as can be; and whether there is another way to cut them.
    fn values(&self, text: &str) -> (Vec<String>, bool) {
        let mut ways = Vec::new();
        let rest = text.strip_prefix(&*self.first).unwrap_or(text);
        cuts(&self.rest, rest, &mut Vec::new(), &mut ways);
        let is_unclear = ways.len() > 1;
        (ways.into_iter().next().unwrap_or_default(), is_unclear)
    }
}

/// Whether `text` is cut into such parameters, none of them empty, with such texts behind them.
fn takes(parts: &[(Box<str>, Box<str>)], text: &str) -> bool {
    let mut ways = Vec::new();
    cuts(parts, text, &mut Vec::new(), &mut ways);
    !ways.is_empty()
}

/// The first two ways in which that can be done.
fn cuts(parts: &[(Box<str>, Box<str>)], text: &str, before: &mut Vec<String>, ways: &mut Vec<Vec<String>>) {
    let Some(((_, behind), parts)) = parts.split_first() else {
        if text.is_empty() {
            ways.push(before.clone());
        }
        return;
    };
    if parts.is_empty() {
        let value = text.strip_suffix(&**behind).filter(|value| !value.is_empty());
        ways.extend(value.map(|value| before.iter().cloned().chain([value.to_owned()]).collect()));
        return;
    }
    // Which of them is meant is looked for by trying.
    if text.len() > CUT_BYTES_MAX {
        return;
    }
    for end in text.char_indices().map(|(at, c)| at + c.len_utf8()) {
        if ways.len() > 1 {
            return;
        }
        let Some((value, rest)) = text.split_at_checked(end) else { continue };
        let Some(rest) = rest.strip_prefix(&**behind) else { continue };
        before.push(value.to_owned());
        cuts(parts, rest, before, ways);
        before.pop();
    }
}

/// A text of a template, decoded as that of a request is.
fn literal(text: &str) -> Result<Box<str>, &'static str> {
    if text.contains('}') {
        return Err("a brace in a path opens or closes a parameter, as in `/charges/{id}`");
    }
    if text.is_ascii() && !text.contains('%') {
        return Ok(text.into());
    }
    match Target::read(&format!("/{text}")) {
        Ok(target) => Ok(target.path.trim_start_matches('/').into()),
        Err(malformed) if text.is_ascii() => Err(malformed.0),
        // Written as it is meant.
        Err(_) => Ok(text.into()),
    }
}

/// Parameters in one segment.
const PARAMETERS_MAX: usize = 3;

/// Bytes of a segment that is cut into several parameters; no operation takes a longer one.
const CUT_BYTES_MAX: usize = 256;
