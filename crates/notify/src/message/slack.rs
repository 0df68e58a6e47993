//! A message in Slack's blocks (<https://docs.slack.dev/reference/block-kit>).
//!
//! What an agent chose stands in elements of `rich_text` and `plain_text`, which are shown as they are: nothing in them is read
//! as `mrkdwn`, so there are no links, no mentions and no formatting to be smuggled in, and nothing to be escaped.

use serde_json::{Value, json};

use super::Message;

/// The fields of `chat.postMessage` and `chat.update` that say what is shown. `console` is where people find the console.
pub(crate) fn render(message: &Message, console: Option<&str>, can_answer: bool) -> Value {
    let mut blocks = vec![json!({ "type": "header", "text": literal(&message.title) })];
    let mut facts = Vec::new();
    for (label, text) in &message.lines {
        facts.push(json!({ "type": "text", "text": format!("{label}: "), "style": { "bold": true } }));
        facts.push(json!({ "type": "text", "text": format!("{text}\n") }));
    }
    blocks.push(rich(&json!({ "type": "rich_text_section", "elements": facts })));
    if !message.statement.is_empty() {
        blocks.push(code(&message.statement));
    }
    if !message.values.is_empty() {
        blocks.push(code(&message.values.join("\n")));
    }
    if !message.is_whole {
        blocks.push(json!({ "type": "section", "text": literal(NOT_WHOLE) }));
    }
    if message.waits {
        if can_answer {
            blocks.push(json!({
                "type": "input", "block_id": COMMENT_BLOCK, "optional": true,
                "label": literal("Comment (it is recorded, and the agent reads why not)"),
                "element": { "type": "plain_text_input", "action_id": COMMENT_ACTION, "max_length": COMMENT_CHARS_MAX },
            }));
            let mut buttons = Vec::new();
            if message.is_whole {
                buttons.push(button("Approve", APPROVE, "primary", &message.id));
            }
            buttons.push(button("Deny", DENY, "danger", &message.id));
            blocks.push(json!({ "type": "actions", "elements": buttons }));
        }
        let at = console.map_or_else(String::new, |console| format!(", or at {console}"));
        let how = format!("From a terminal: {}{at}", message.command());
        blocks.push(json!({ "type": "context", "elements": [literal(&how)] }));
    }
    // What is shown in notifications is read as `mrkdwn`, so it holds nothing that an agent chose.
    json!({ "text": format!("{} ({})", message.title, message.id), "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

/// By what Slack knows a message: its channel and its time.
pub(crate) fn posted(said: &Value) -> Option<Box<str>> {
    let word = |name: &str| {
        let word = said.get(name)?.as_str()?;
        let is_plain = (1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then_some(word)
    };
    Some(format!("{} {}", word("channel")?, word("ts")?).into())
}

fn button(text: &str, action: &str, style: &str, id: &str) -> Value {
    json!({ "type": "button", "text": literal(text), "action_id": action, "style": style, "value": id })
}

fn code(text: &str) -> Value {
    // An element must not be empty.
    let text = if text.is_empty() { " " } else { text };
    rich(&json!({ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": text }] }))
}

fn rich(element: &Value) -> Value {
    json!({ "type": "rich_text", "elements": [element] })
}

fn literal(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

const NOT_WHOLE: &str = "This is not all of it. It cannot be approved from here: look at it whole first, by `panguard requests show` or at the console.";

/// What the buttons and the input are called in what Slack sends.
pub(crate) const APPROVE: &str = "panguard_approve";
pub(crate) const DENY: &str = "panguard_deny";
pub(crate) const COMMENT_BLOCK: &str = "panguard_comment";
pub(crate) const COMMENT_ACTION: &str = "comment";

/// The gate keeps 2,000 characters.
const COMMENT_CHARS_MAX: usize = 1000;
