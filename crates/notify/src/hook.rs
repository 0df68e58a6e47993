//! The hearing: a signed message that comes in is an answer to a request, by whoever the channel says.

use std::sync::Arc;

use access::{Secret, Timestamp};
use bytes::Bytes;
use gate::{Gate, Request, Saying, State, Unanswered, Voter};
use http::{HeaderMap, HeaderName};
use serde_json::json;
use tracing::{debug, info};
use vault::Name;

use crate::answer::{self, Answer, Said};
use crate::message::is_whole;
use crate::signature::{self, Forged, Message, SECONDS_APART_MAX, Signed};
use crate::{Channel, Medium, Notify, send};

/// What somebody sends to a hook.
pub struct Hook {
    /// The name in its path.
    pub channel: Box<str>,
    /// Its header.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
    /// The network address that it comes from.
    pub from: Box<str>,
}

/// What came of it.
#[derive(Debug)]
pub enum Taken {
    /// It is not what it says to be. Why, for operators: whoever sent it learns nothing.
    Untrusted(String),
    /// Nobody is known by this name in the channel.
    Stranger(Box<str>),
    /// It is signed, and not understood.
    NotUnderstood,
    /// It is signed, and no answer.
    Nothing,
    /// The channel was not shown all of the command, so that it cannot be approved from there.
    NotShown,
    /// What the gate says to the answer.
    Answered(Box<Result<Request, Unanswered>>),
}

impl Notify {
    /// Takes what was sent to a hook, and says whether its sender is a chat, which wants no more than to know that it was
    /// received.
    ///
    /// To be polled to its end: an answer that has begun to count is not left half done.
    pub async fn take(&self, gate: &Gate, hook: Hook) -> (Taken, bool) {
        let now = (self.place.clock)();
        let settings = self.settings.load_full();
        let Some(channel) = settings.channels.get(&hook.channel) else {
            // What somebody writes into a path is in no log.
            self.place.figures.hook("", "untrusted");
            return (Taken::Untrusted("there is no such hook".into()), false);
        };
        let is_chat = matches!(channel.medium, Medium::Slack { .. });
        let (taken, by) = match self.heard(channel, &hook, now).await {
            Ok((message, by)) => {
                let said = self.answered(gate, channel, &message, &by, &hook.from, now).await;
                (said, Some(by))
            }
            Err(taken) => (taken, None),
        };
        self.place.figures.hook(&channel.name, taken.outcome());
        debug!(channel = %channel.name, outcome = taken.outcome(), "a hook was called");
        let stranger = match &taken {
            Taken::Stranger(by) => Some(by.clone()),
            _ => by.map(|by| by.by),
        };
        if let (Some(user), Some(words)) = (stranger, taken.in_words()) {
            self.whisper(channel, &user, &words).await;
        }
        (taken, is_chat)
    }

    /// What is said, once it is known that it is said now, for the first time, and by the channel.
    async fn heard(
        &self,
        channel: &Channel,
        hook: &Hook,
        now: Timestamp,
    ) -> Result<(Message, Answer), Taken> {
        let untrusted = |why: Forged| Taken::Untrusted(format!("the hook of `{}`: {why}", channel.name));
        let one = |name: &'static str| one(&hook.headers, &HeaderName::from_static(name));
        let message = match &channel.medium {
            Medium::Slack { signing_secret: Some(secret), .. } => {
                let signed = Signed {
                    id: None,
                    time: one("x-slack-request-timestamp"),
                    signature: one("x-slack-signature"),
                };
                signature::slack(&self.key(secret)?, signed, &hook.body, now).map_err(untrusted)?
            }
            Medium::Webhook { key, .. } if !channel.people.is_empty() => {
                let signed = Signed {
                    id: one("webhook-id"),
                    time: one("webhook-timestamp"),
                    signature: one("webhook-signature"),
                };
                signature::webhook(&self.key(key)?, signed, &hook.body, now).map_err(untrusted)?
            }
            Medium::Slack { signing_secret: None, .. }
            | Medium::Webhook { .. }
            | Medium::Teams { .. }
            | Medium::Mail(_) => {
                let why = format!("the hook of `{}`: nobody answers there", channel.name);
                return Err(Taken::Untrusted(why));
            }
        };
        // For as long as its signature may hold, with a time that is ahead of ours; by a digest of the signature alone, so
        // that two channels with one key are one.
        let holds = SECONDS_APART_MAX * 2 + 1;
        let is_first = self.place.deliveries.is_first(&message.0, now.plus_seconds(holds).micros()).await;
        if !is_first.map_err(|down| Taken::Answered(Box::new(Err(Unanswered::Down(down)))))? {
            return Err(Taken::Untrusted(format!("the hook of `{}`: it has come before", channel.name)));
        }
        let answer = match &channel.medium {
            Medium::Slack { team, .. } => match answer::slack(&hook.body).ok_or(Taken::NotUnderstood)? {
                Said::Nothing => return Err(Taken::Nothing),
                Said::Answer(answer, of) if team.is_none() || *team == of => answer,
                Said::Answer(answer, _) => return Err(Taken::Stranger(answer.by)),
            },
            _ => answer::webhook(&hook.body).ok_or(Taken::NotUnderstood)?,
        };
        Ok((message, answer))
    }

    fn key(&self, name: &Name) -> Result<Secret, Taken> {
        send::secret(&self.place.vault, name).map_err(|failed| Taken::Untrusted(failed.why))
    }

    /// The same answer as any other: whether it counts is the gate's to say.
    async fn answered(
        &self,
        gate: &Gate,
        channel: &Channel,
        message: &Message,
        answer: &Answer,
        from: &str,
        now: Timestamp,
    ) -> Taken {
        let Some(person) = channel.people.get(&answer.by) else {
            info!(channel = %channel.name, "somebody answers who is not known there");
            return Taken::Stranger(answer.by.clone());
        };
        let unanswered = |why| Taken::Answered(Box::new(Err(why)));
        let request = match self.place.requests.get(&answer.request).await {
            Ok(Some(request)) if channel.is_told_of(&request.connection) => request,
            Ok(_) => return unanswered(Unanswered::Unknown),
            Err(down) => return unanswered(Unanswered::Down(down)),
        };
        if answer.approves && !is_whole(&request, channel.room()) {
            return Taken::NotShown;
        }
        let voter = Voter {
            principal: Arc::new(person.principal(channel, message, now)),
            from: from.into(),
            client: format!("{} {}", channel.kind(), channel.name).into(),
        };
        let saying = match answer.approves {
            true => Saying::yes(&answer.comment),
            false => Saying::no(&answer.comment),
        };
        Taken::Answered(Box::new(gate.answer(&voter, &answer.request, &saying, now).await))
    }

    /// Tells one person in Slack something that the others do not see. Once: who does not read it sees that the message is as
    /// it was.
    async fn whisper(&self, channel: &Channel, user: &str, words: &str) {
        let Medium::Slack { api, token, channel: place, .. } = &channel.medium else { return };
        let is_user = (2..=32).contains(&user.len()) && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let Ok(token) = send::secret(&self.place.vault, token) else { return };
        if !is_user {
            return;
        }
        let text = json!({ "type": "plain_text", "text": words, "emoji": false });
        let arguments = json!({
            "channel": place, "user": user, "text": "An answer to a request", "blocks": [{ "type": "section", "text": text }],
        });
        let (trust, url, name) =
            (channel.trust.clone(), format!("{api}/chat.postEphemeral"), channel.name.clone());
        // Slack waits three seconds for the answer to its call, and this is another call.
        tokio::spawn(async move {
            if let Err(failed) = send::slack(&trust, &url, &token, &arguments).await {
                debug!(channel = %name, why = failed.why, "somebody was not told what came of their answer");
            }
        });
    }
}

impl Taken {
    /// The word for it in figures.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Untrusted(_) => "untrusted",
            Self::Stranger(_) => "stranger",
            Self::NotUnderstood => "not_understood",
            Self::Nothing => "nothing",
            Self::NotShown => "not_shown",
            Self::Answered(said) if said.is_ok() => "counted",
            Self::Answered(_) => "not_counted",
        }
    }

    /// What is said to whoever answered, unless the message itself says it.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Untrusted(_) | Self::NotUnderstood | Self::Nothing => None,
            Self::Stranger(by) => Some(format!(
                "Your answer does not count: panguard does not know who {} is. An operator adds you to `people` of this channel.",
                crate::plain(by)
            )),
            Self::NotShown => Some(
                "Your answer does not count: not all of the command is shown here. Look at it whole first, by `panguard requests show` or at the console."
                    .into(),
            ),
            Self::Answered(said) => match &**said {
                Ok(Request { state: State::Waiting, needed, answers, .. }) => {
                    Some(format!("Your approval counts: {} of {needed}.", answers.len()))
                }
                Ok(_) => None,
                Err(why) => Some(format!("Your answer does not count: {}", crate::plain(&why.to_string()))),
            },
        }
    }
}

/// The value of a field that is there once, as text.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}
