//! What people are told that is of no request: a control of the gateway's own that does not work, or does again.
//!
//! The store of requests may be what does not work, so that nothing of it is kept there: each channel is tried from memory, as
//! often as with a request, and whoever watches says again what is still so after a restart.

use std::sync::Arc;
use std::time::Duration;

use access::Timestamp;
use audit::Closes;
use gate::{Failure, Turned};
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing::warn;

use crate::message::{Message, mail, slack, teams, time};
use crate::send::{self, Failed};
use crate::{Channel, Medium, Notify, plain, schedule, smtp};

impl Notify {
    /// Tells every channel that a control has failed or works again. Nothing waits for it.
    pub fn alert(self: &Arc<Self>, turned: &Turned) {
        let settings = self.settings.load_full();
        for channel in settings.channels.values() {
            let Failure { of, closes, .. } = turned.failure();
            // Of what is of no connection all are told.
            if *closes != Closes::Connection || channel.is_told_of(of) {
                let (courier, channel, turned) = (Arc::clone(self), Arc::clone(channel), turned.clone());
                tokio::spawn(async move { courier.try_to_alert(&channel, &turned).await });
            }
        }
    }

    async fn try_to_alert(&self, channel: &Channel, turned: &Turned) {
        for attempts in 1.. {
            let now = (self.place.clock)();
            let Failed { why, wanted } = match self.alert_once(channel, turned, now).await {
                Ok(()) => return self.place.figures.delivery(&channel.name, "delivered"),
                Err(failed) => failed,
            };
            let next = schedule::next(attempts, wanted, now);
            let outcome = if next.is_some() { "failed" } else { "given_up" };
            self.place.figures.delivery(&channel.name, outcome);
            warn!(channel = &*channel.name, attempts, error = %why, outcome, "a channel was not told of a control");
            let Some(next) = next else { return };
            let micros = next.micros().saturating_sub(now.micros());
            sleep(Duration::from_micros(u64::try_from(micros).unwrap_or(0))).await;
        }
    }

    async fn alert_once(&self, channel: &Channel, turned: &Turned, now: Timestamp) -> Result<(), Failed> {
        let secret = |name| send::secret(&self.place.vault, name);
        let message = || message(turned, &self.place.machine);
        match &channel.medium {
            Medium::Slack { api, token, channel: place, .. } => {
                let mut arguments = slack::render(&message(), None, false);
                if let Some(arguments) = arguments.as_object_mut() {
                    arguments.insert("channel".into(), (&**place).into());
                }
                let url = format!("{api}/chat.postMessage");
                send::slack(&channel.trust, &url, &secret(token)?, &arguments).await.map(drop)
            }
            Medium::Teams { url } => {
                let url = secret(url)?;
                let card = teams::render(&message(), None);
                send::json(&channel.trust, url.expose_str().unwrap_or_default(), &card).await
            }
            Medium::Webhook { url, key } => {
                let body = body(turned, &self.place.machine, now);
                send::webhook(&channel.trust, url, &secret(key)?, &id(turned), &body, now).await
            }
            Medium::Mail(it) => {
                let password = it.credential.as_ref().map(|(_, password)| secret(password)).transpose()?;
                let word = word(turned);
                let first = matches!(turned, Turned::Restored(_)).then_some("failed");
                let mail = mail::compose(it, &message(), mail::Thread { word, first }, None, now);
                smtp::send(it, &channel.trust, password.as_ref(), &self.place.machine, &mail).await
            }
        }
    }
}

/// What is told of one turn: the same id each time that it is tried.
fn id(turned: &Turned) -> String {
    format!("msg_{}_{}", name(turned.failure()), word(turned))
}

/// Names a failure, of letters, digits and dashes alone.
fn name(failure: &Failure) -> String {
    let of: String = failure.of.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}-{of}-{}", failure.control.as_str().replace('_', "-"), failure.since)
}

fn word(turned: &Turned) -> &'static str {
    match turned {
        Turned::Failed(_) => "failed",
        Turned::Restored(_) => "restored",
    }
}

fn message(turned: &Turned, gateway: &str) -> Message {
    let failure = turned.failure();
    let what = plain(&failure.control.said(&failure.of));
    let title = match turned {
        Turned::Failed(_) => format!("A CONTROL DOES NOT WORK: {what}"),
        Turned::Restored(_) => format!("A control works again: {what}"),
    };
    let mut lines = vec![("Gateway", gateway.to_owned()), ("Why", plain(&failure.cause))];
    lines.extend(time(failure.since).map(|since| ("Since", since)));
    lines.push(match turned {
        Turned::Failed(_) => ("Closes", failure.closes.said().to_owned()),
        Turned::Restored(_) => ("Refused", format!("{} commands and sessions meanwhile", failure.refused)),
    });
    Message {
        title,
        lines,
        statement: String::new(),
        values: Vec::new(),
        is_whole: true,
        waits: false,
        id: name(failure),
    }
}

fn body(turned: &Turned, gateway: &str, now: Timestamp) -> Value {
    let failure = turned.failure();
    json!({
        "type": format!("control.{}", word(turned)),
        "timestamp": time(now.micros()),
        "data": {
            "gateway": gateway,
            "control": failure.control,
            "of": failure.of,
            "cause": failure.cause,
            "closes": failure.closes,
            "since": time(failure.since),
            "refused": failure.refused,
        },
    })
}
