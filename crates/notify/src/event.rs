use gate::{Request, State};

/// What is told of a request: that it is asked, or what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// Somebody's answer is wanted.
    Asked,
    /// It may run once.
    Approved,
    /// Somebody said no.
    Denied,
    /// It ran, or was let run.
    Used,
    /// Nobody answered in time, or it was not used in time.
    Expired,
    /// Whoever asked went away.
    Withdrawn,
    /// Access for a time was ended before that.
    Revoked,
    /// Somebody let it run without waiting for an answer: others have to look at that.
    GlassBroken,
    /// Somebody else did.
    Reviewed,
}

impl Event {
    /// All that there are.
    pub const ALL: [Self; 9] = [
        Self::Asked,
        Self::Approved,
        Self::Denied,
        Self::Used,
        Self::Expired,
        Self::Withdrawn,
        Self::Revoked,
        Self::GlassBroken,
        Self::Reviewed,
    ];

    /// The events after which there are no others, but for those of a broken glass.
    pub const ENDS: [Self; 5] = [Self::Denied, Self::Used, Self::Expired, Self::Withdrawn, Self::Revoked];

    /// Whether it changes what was told before. What does not is told whether or not anything was.
    pub(crate) fn follows(self) -> bool {
        !matches!(self, Self::Asked | Self::GlassBroken | Self::Reviewed)
    }

    /// What is to be told of a request that stands so. Whoever looks late is not told what was in between.
    pub fn of(request: &Request) -> Vec<Self> {
        let mut all = vec![Self::Asked];
        all.extend(Some(Self::of_state(request.state)).filter(|it| *it != Self::Asked));
        all.extend(request.glass.as_ref().map(|_| Self::GlassBroken));
        all.extend(request.glass.as_ref().and_then(|glass| glass.review.as_ref()).map(|_| Self::Reviewed));
        all
    }

    /// Whether it still says where a request stands.
    pub(crate) fn is_current(self, request: &Request) -> bool {
        match self {
            Self::GlassBroken => request.is_to_review(),
            Self::Reviewed => true,
            event => event == Self::of_state(request.state),
        }
    }

    fn of_state(state: State) -> Self {
        match state {
            State::Waiting => Self::Asked,
            State::Approved { .. } => Self::Approved,
            State::Denied => Self::Denied,
            State::Used => Self::Used,
            State::Expired => Self::Expired,
            State::Withdrawn => Self::Withdrawn,
            State::Revoked => Self::Revoked,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::GlassBroken => "glass_broken",
            Self::Reviewed => "reviewed",
        }
    }

    /// The event that has this word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }
}
