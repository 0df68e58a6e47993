//! A message as an Adaptive Card (<https://adaptivecards.io/explorer>), in what a workflow's webhook of Teams takes.
//!
//! What an agent chose stands in a `TextRun`, which is shown as it is; a `TextBlock` would be read as Markdown.

use serde_json::{Value, json};

use super::Message;

/// What is posted.
pub(crate) fn render(message: &Message, console: Option<&str>) -> Value {
    let mut body = vec![paragraph(&[run(&message.title, &json!({ "weight": "bolder", "size": "large" }))])];
    for (label, text) in &message.lines {
        body.push(paragraph(&[
            run(&format!("{label}: "), &json!({ "weight": "bolder" })),
            run(text, &json!({})),
        ]));
    }
    for text in message.statement.lines().chain(message.values.iter().map(String::as_str)) {
        body.push(paragraph(&[run(text, &json!({ "fontType": "monospace" }))]));
    }
    let mut actions = Vec::new();
    if message.waits {
        if !message.is_whole {
            body.push(paragraph(&[run("This is not all of it.", &json!({ "weight": "bolder" }))]));
        }
        body.push(paragraph(&[run(
            &format!("To answer: {}", message.command()),
            &json!({ "fontType": "monospace" }),
        )]));
        actions.extend(
            console.map(|url| json!({ "type": "Action.OpenUrl", "title": "Open the console", "url": url })),
        );
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    });
    json!({
        "type": "message",
        "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card }],
    })
}

fn paragraph(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn run(text: &str, how: &Value) -> Value {
    let mut run = json!({ "type": "TextRun", "text": text });
    if let (Some(run), Some(how)) = (run.as_object_mut(), how.as_object()) {
        run.extend(how.clone());
    }
    run
}
