//! What somebody says by a hook, read from its bytes. Nothing is looked at before its signature is right.

#[cfg(test)]
mod tests;

use access::RequestId;
use serde::Deserialize;

use crate::message::slack::{APPROVE, COMMENT_ACTION, COMMENT_BLOCK, DENY};

/// An answer, from whoever the channel says it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The request's id.
    pub request: String,
    pub approves: bool,
    /// What the channel calls whoever answers.
    pub by: Box<str>,
    pub comment: Box<str>,
}

/// What Slack has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Somebody has pressed a button of ours; in which workspace they are known.
    Answer(Answer, Option<Box<str>>),
    /// Something else has happened, which is no concern of ours.
    Nothing,
}

/// Reads `{"request": ID, "answer": "approve", "by": NAME, "comment": "…"}`. `None`: it is something else.
pub(crate) fn webhook(body: &[u8]) -> Option<Answer> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Said {
        request: Box<str>,
        answer: Word,
        by: Box<str>,
        #[serde(default)]
        comment: Box<str>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Approve,
        Deny,
    }
    // serde would read an array as well, member by member.
    if body.trim_ascii().first() != Some(&b'{') {
        return None;
    }
    let Said { request, answer, by, comment } = serde_json::from_slice(body).ok()?;
    let (request, approves) = (id(&request)?, matches!(answer, Word::Approve));
    (by.len() <= NAME_BYTES_MAX).then_some(Answer { request, approves, by, comment })
}

/// Reads the form with a `payload` that Slack sends when something is pressed
/// (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>). `None`: it is something else.
pub(crate) fn slack(body: &[u8]) -> Option<Said> {
    let mut fields = body.split(|byte| *byte == b'&').filter_map(|field| field.strip_prefix(b"payload="));
    let payload = decoded(fields.next().filter(|_| fields.next().is_none())?)?;
    let Payload { kind, user, actions, state } = serde_json::from_slice(&payload).ok()?;
    if &*kind != "block_actions" {
        return Some(Said::Nothing);
    }
    let [Action { action_id, value }] = <[Action; 1]>::try_from(actions).ok()?;
    let approves = match &*action_id {
        APPROVE => true,
        DENY => false,
        _ => return Some(Said::Nothing),
    };
    let comment = state.values.get(COMMENT_BLOCK).and_then(|block| block.get(COMMENT_ACTION)?.value.clone());
    let (request, comment) = (id(&value?)?, comment.unwrap_or_default());
    let answer = Answer { request, approves, by: user.id, comment };
    (answer.by.len() <= NAME_BYTES_MAX).then_some(Said::Answer(answer, user.team_id))
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: Box<str>,
    user: User,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    state: State,
}

#[derive(Deserialize)]
struct User {
    id: Box<str>,
    team_id: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Action {
    action_id: Box<str>,
    value: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
struct State {
    #[serde(default)]
    values: std::collections::BTreeMap<Box<str>, std::collections::BTreeMap<Box<str>, Input>>,
}

#[derive(Deserialize)]
struct Input {
    value: Option<Box<str>>,
}

/// A request's id in its one form.
fn id(text: &str) -> Option<String> {
    RequestId::read(text).map(|id| id.to_string())
}

/// A value of a form (<https://url.spec.whatwg.org/#urlencoded-parsing>). `None`: an escape is none.
fn decoded(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let ([high, low], after) = rest.split_first_chunk::<2>()?;
                rest = after;
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                u8::try_from(digit(high)? << 4 | digit(low)?).ok()?
            }
            byte => *byte,
        });
    }
    Some(out)
}

/// What fuzzers run: whatever comes in, an answer is to a request by its one name.
#[doc(hidden)]
pub fn fuzz_answer(body: &[u8]) {
    let form = [b"payload=".as_slice(), body].concat();
    let said = [slack(body), slack(&form)].into_iter().flatten().filter_map(|said| match said {
        Said::Answer(answer, _) => Some(answer),
        Said::Nothing => None,
    });
    for answer in said.chain(webhook(body)) {
        assert_eq!(id(&answer.request).as_deref(), Some(&*answer.request));
    }
}

/// Longer than anybody is called; it is recorded.
const NAME_BYTES_MAX: usize = 256;
