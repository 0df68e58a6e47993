use std::fmt;

use access::{Action, DataClass, Effect, Facts, Position, Resource, Use};
use serde::{Deserialize, Serialize};

/// Access to one connection for a time: as somebody asks for it, or as somebody gave it.
///
/// It allows what policy would allow with as many approvals, as far as it covers that. It is a standing answer of people,
/// and lets nothing through that they could not approve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What may be done, by the ids of the actions: `read`, `write`, `administer`, `call`, `reveal`.
    pub actions: Vec<Box<str>>,
    /// To what: `public.orders`, `public.*`, `GET /v1/charges/*`, `*`. A `*` at the end stands for anything.
    pub objects: Vec<Box<str>>,
    /// The data classes that may be revealed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Box<str>>,
    /// For how long, in seconds from when it is given.
    pub seconds: u32,
    /// How many values of those classes may be revealed, if that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reveals: Option<u32>,
    /// How many of these have been, or may be by what runs now.
    #[serde(default)]
    pub revealed: u32,
    /// What for, in the words of whoever asks, masked.
    pub reason: Box<str>,
}

/// What whoever gives access leaves of it. What is not said stays as it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrower {
    /// Some of its actions.
    #[serde(default)]
    pub actions: Option<Vec<Box<str>>>,
    /// Objects that it covers.
    #[serde(default)]
    pub objects: Option<Vec<Box<str>>>,
    /// Some of its classes.
    #[serde(default)]
    pub classes: Option<Vec<Box<str>>>,
    /// A shorter time.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// Fewer values.
    #[serde(default)]
    pub reveals: Option<u32>,
}

/// Why something cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGrant {
    /// An action that no grant is about, or none at all.
    Actions,
    /// No object, too many, or one that is none.
    Objects,
    /// A class that nobody may reveal or that is none; or classes without `reveal`, or the other way round.
    Classes,
    /// No time, or too long.
    Seconds,
    /// A number of values where none are revealed, or none, or too many.
    Reveals,
    /// No reason.
    Reason,
}

impl Grant {
    /// Whether it can be asked for.
    ///
    /// # Errors
    /// [`NoGrant`]: what is wrong with it.
    pub fn check(&self) -> Result<(), NoGrant> {
        let is_known = |action: &str| GRANTED.iter().any(|it| it.as_str() == action);
        if self.actions.is_empty()
            || self.actions.len() > GRANTED.len()
            || !self.actions.iter().all(|it| is_known(it))
        {
            return Err(NoGrant::Actions);
        }
        let is_object = |object: &str| {
            let (beginning, star) = object.split_at(object.len() - usize::from(object.ends_with('*')));
            let plain = !beginning.contains(['*', '\n', '\r']) && !beginning.starts_with('?');
            plain && object.len() <= OBJECT_BYTES_MAX && !(beginning.is_empty() && star.is_empty())
        };
        if self.objects.is_empty()
            || self.objects.len() > OBJECTS_MAX
            || !self.objects.iter().all(|it| is_object(it))
        {
            return Err(NoGrant::Objects);
        }
        let may_be_revealed =
            |class: &str| class.parse::<DataClass>().is_ok_and(|class| class != DataClass::Sad);
        let reveals = self.does(Action::Reveal);
        if reveals == self.classes.is_empty()
            || self.classes.len() > CLASSES_MAX
            || !self.classes.iter().all(|it| may_be_revealed(it))
        {
            return Err(NoGrant::Classes);
        }
        if !(1..=SECONDS_MAX).contains(&self.seconds) {
            return Err(NoGrant::Seconds);
        }
        if self.reveals.is_some_and(|values| !reveals || !(1..=REVEALS_MAX).contains(&values)) {
            return Err(NoGrant::Reveals);
        }
        match self.reason.trim().is_empty() {
            true => Err(NoGrant::Reason),
            false => Ok(()),
        }
    }

    /// What is left of it; `None` if that were more than it is, or nothing.
    #[must_use]
    pub fn narrowed(&self, to: &Narrower) -> Option<Self> {
        let some = |own: &Vec<Box<str>>, left: &Option<Vec<Box<str>>>| match left {
            None => Some(own.clone()),
            Some(left) => left.iter().all(|it| own.contains(it)).then(|| left.clone()),
        };
        let is_within = |object: &str| self.objects.iter().any(|own| matches(own, object));
        let objects = match &to.objects {
            None => self.objects.clone(),
            Some(objects) => objects.iter().all(|it| is_within(it)).then(|| objects.clone())?,
        };
        let fewer = |own: Option<u32>, left: Option<u32>| match (own, left) {
            (own, None) => Some(own),
            (Some(own), Some(left)) if left > own => None,
            (_, left) => Some(left),
        };
        let seconds = fewer(Some(self.seconds), to.seconds)?.unwrap_or_default();
        let narrowed = Self {
            actions: some(&self.actions, &to.actions)?,
            objects,
            classes: some(&self.classes, &to.classes)?,
            seconds,
            reveals: fewer(self.reveals, to.reveals)?,
            ..self.clone()
        };
        narrowed.check().is_ok().then_some(narrowed)
    }

    /// Whether it is about doing `action` to `resource`. To reveal is asked apart, by [`Self::reveals`].
    pub fn covers(&self, action: Action, resource: &Resource) -> bool {
        action != Action::Reveal && self.does(action) && self.is_on(resource)
    }

    /// Whether it lets values of `class` be revealed by a command: all that the command uses is among its objects, what it
    /// computes on them stays nowhere, and where values are counted, it computes on none.
    pub fn reveals(&self, class: &DataClass, facts: &Facts) -> bool {
        let named = self.classes.iter().any(|it| **it == *class.as_str());
        let is_table = |column: &str| {
            let table = column.rsplit_once('.').map(|(table, _)| table);
            table.is_some_and(|table| self.is_on(&Resource::Table(table.into())))
        };
        let of_class = || facts.columns.iter().filter(|used| used.class == *class);
        let is_session = |it: &Use| matches!(it.action, Action::Session | Action::Connect);
        let used = facts.uses.iter().filter(|it| !is_session(it));
        let is_told = |position: Position| matches!(position, Position::Output | Position::Assigned);
        let may_compute = self.reveals.is_none() && facts.effect != Effect::Data;
        let stays_nowhere = || may_compute || of_class().all(|used| is_told(used.position));
        named
            && self.does(Action::Reveal)
            && used.clone().next().is_some()
            && used.into_iter().all(|it| self.is_on(&it.resource))
            && of_class().all(|used| is_table(&used.column))
            && stays_nowhere()
    }

    /// What is asked for, for those who answer.
    pub fn words(&self) -> String {
        format!("access: {self}")
    }

    /// How many values may still be revealed, where they are counted.
    pub fn left(&self) -> Option<u32> {
        self.reveals.map(|values| values.saturating_sub(self.revealed))
    }

    fn does(&self, action: Action) -> bool {
        self.actions.iter().any(|it| **it == *action.as_str())
    }

    fn is_on(&self, resource: &Resource) -> bool {
        // What nobody knows of is in the schema `?`.
        let has =
            |name: &str| !name.starts_with('?') && self.objects.iter().any(|object| matches(object, name));
        match resource {
            // Nothing but everything has the connection itself.
            Resource::Connection => has(""),
            Resource::Schema(name) => has(&format!("{name}.")),
            Resource::Table(name) | Resource::Function(name) | Resource::Model(name) => has(name),
            Resource::Endpoint(it) => has(&it.name()) || has(&format!("{} {}", it.method, it.path)),
            Resource::Class(_) => false,
        }
    }
}

/// In words for those who answer: `read, reveal on public.cards for 15 min; reveals pan, at most 5 values`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actions, objects, classes, seconds, reveals, .. } = self;
        write!(f, "{} on {}", actions.join(", "), objects.join(", "))?;
        match (seconds / 60, seconds % 60) {
            (0, seconds) => write!(f, " for {seconds} s")?,
            (minutes, 0) => write!(f, " for {minutes} min")?,
            (minutes, seconds) => write!(f, " for {minutes} min {seconds} s")?,
        }
        if !classes.is_empty() {
            write!(f, "; reveals {}", classes.join(", "))?;
        }
        match reveals {
            Some(values) => write!(f, ", at most {values} values"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for NoGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Actions => "say what is to be done: `read`, `write`, `administer`, `call` or `reveal`, each once",
            Self::Objects => {
                "say to what: up to 50 of `schema.table`, `schema.*`, `GET /path/*` or `*`, with a `*` at the end alone"
            }
            Self::Classes => "with `reveal` say which data classes, up to 20, and without it none; `sad` is revealed to nobody",
            Self::Seconds => "say for how long: from 1 second to 7 days",
            Self::Reveals => "with `reveal` say how many values at most: from 1 to 1000",
            Self::Reason => "say what for",
        })
    }
}

/// Whether the object `pattern` has `name` in it; a name may be a pattern itself.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// What can be given for a time. To connect and to change one's session take no approval anywhere; comparisons have a budget
/// of their own.
const GRANTED: [Action; 5] = [Action::Read, Action::Write, Action::Administer, Action::Call, Action::Reveal];

/// Objects of one grant: more cannot be looked at with care.
const OBJECTS_MAX: usize = 50;
/// Bytes of one object.
const OBJECT_BYTES_MAX: usize = 300;
/// Data classes of one grant.
const CLASSES_MAX: usize = 20;
/// A week: what is needed for longer is a policy.
const SECONDS_MAX: u32 = 7 * 86_400;
/// Values that are revealed one by one, each with an entry.
const REVEALS_MAX: u32 = 1000;

#[cfg(test)]
mod tests;
