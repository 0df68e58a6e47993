//! The telling: what is to be told is planned as requests change, and tried until it is done or given up.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use access::Timestamp;
use gate::{Down, Request, State};
use store::{Delivery, Stands};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use crate::message::{Message, mail, slack, teams, webhook};
use crate::schedule::Pace;
use crate::send::{self, Failed};
use crate::{Channel, Event, Medium, Notify, schedule, smtp};

/// What came of one attempt.
enum Came {
    /// It is told; by what the channel knows the message, if it does.
    Told(Option<Box<str>>),
    Failed(Failed),
    /// There is no use in telling it.
    Useless,
    /// What has to come before is not done; when to look again.
    Early(Timestamp),
}

/// What names a delivery: request, channel and event.
type Key = (Box<str>, Box<str>, Box<str>);

impl Notify {
    /// Tells what there is to tell, for as long as it is polled.
    pub async fn run(self: Arc<Self>) {
        let mut seen = None;
        let mut under_way = HashSet::new();
        let mut attempts = JoinSet::new();
        let mut pace = Pace::default();
        let mut every = interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut looks, mut was_down) = (0_u32, false);
        loop {
            every.tick().await;
            if self.settings.load().channels.is_empty() {
                continue;
            }
            while let Some(ended) = attempts.try_join_next() {
                match ended {
                    Ok(key) => drop(under_way.remove(&key)),
                    // Which one it was is not known: they are all looked at again.
                    Err(_) => under_way.clear(),
                }
            }
            let looked = match self.look(seen).await {
                Ok(next) => {
                    seen = Some(next);
                    self.begin(&mut under_way, &mut pace, &mut attempts).await
                }
                Err(down) => Err(down),
            };
            match &looked {
                Ok(()) if was_down => info!("people are told of requests again"),
                Err(down) if !was_down => warn!(%down, "people are told of no request until it is back"),
                Ok(()) | Err(_) => {}
            }
            was_down = looked.is_err();
            looks = looks.wrapping_add(1);
            if looks % LOOKS_TO_FORGET == 1 && looked.is_ok() {
                let now = (self.place.clock)();
                let before = now.plus_seconds(-KEPT_DAYS * 86_400);
                // What is not forgotten now is the next time.
                _ = self.place.deliveries.forget_deliveries(before.micros(), now.micros()).await;
            }
        }
    }

    /// Plans what the requests that have changed since `seen` are reason for; when it looks first, those that are open and
    /// those whose end has been told nobody. Up to where it has looked.
    async fn look(&self, seen: Option<u64>) -> Result<u64, Down> {
        let (mut changed, next) = self.place.requests.changed(seen).await?;
        if seen.is_none() {
            let ends = Event::ENDS.map(Event::as_str);
            changed.extend(self.place.deliveries.unended(&self.place.gateway, &ends).await?);
        }
        for id in changed {
            let request = self.place.requests.get(&id).await?;
            if let Some(request) = request.filter(|it| it.gateway == self.place.gateway) {
                self.plan(&request).await?;
            }
        }
        Ok(next)
    }

    async fn plan(&self, request: &Request) -> Result<(), Down> {
        let (settings, now) = (self.settings.load_full(), (self.place.clock)().micros());
        // Whoever asks and goes away at once has asked nobody.
        let is_known = async || {
            let planned = self.place.deliveries.deliveries_of(&request.id).await?;
            Ok(planned.iter().any(|it| *it.event == *Event::Asked.as_str()))
        };
        let is_gone = request.state == State::Withdrawn && !is_known().await?;
        for channel in settings.channels.values().filter(|channel| channel.is_told_of(&request.connection)) {
            let steps = matches!(channel.medium, Medium::Webhook { .. });
            for event in Event::of(request).into_iter().filter(|_| steps || !is_gone) {
                let delivery = Delivery {
                    request: request.id.clone(),
                    channel: channel.name.clone(),
                    event: event.as_str().into(),
                    gateway: self.place.gateway.clone(),
                    planned: now,
                    stands: Stands::Pending,
                    attempts: 0,
                    next: now,
                    error: None,
                    handle: None,
                };
                self.place.deliveries.plan(&delivery).await?;
            }
        }
        Ok(())
    }

    /// Begins to try what is due, a few at a time at each channel: one that hangs holds up no other.
    async fn begin(
        self: &Arc<Self>,
        under_way: &mut HashSet<Key>,
        pace: &mut Pace,
        attempts: &mut JoinSet<Key>,
    ) -> Result<(), Down> {
        let now = (self.place.clock)().micros();
        let settings = self.settings.load_full();
        let due = self.place.deliveries.due(&self.place.gateway, now, DUE_MAX).await?;
        let mut busy: BTreeMap<Box<str>, usize> = BTreeMap::new();
        under_way.iter().for_each(|(_, channel, _)| *busy.entry(channel.clone()).or_default() += 1);
        for delivery in due {
            let key = (delivery.request.clone(), delivery.channel.clone(), delivery.event.clone());
            let busy = busy.entry(delivery.channel.clone()).or_default();
            let most =
                settings.channels.get(&delivery.channel).map_or(u32::MAX, |channel| channel.a_minute());
            if under_way.contains(&key) {
                continue;
            }
            // What there is no use in telling takes nobody's place.
            if self.wanted(&delivery).await?.is_none() {
                self.end(delivery, Came::Useless).await;
                continue;
            }
            let is_room = *busy < AT_A_TIME_MAX && pace.begun(&delivery.channel, now) < most;
            if !is_room || !under_way.insert(key.clone()) {
                continue;
            }
            *busy += 1;
            pace.begin(&delivery.channel);
            let courier = Arc::clone(self);
            attempts.spawn(async move {
                courier.attempt(delivery).await;
                key
            });
        }
        Ok(())
    }

    /// Tries one delivery, and takes note of what came of it. What cannot be noted is tried again.
    async fn attempt(&self, delivery: Delivery) {
        // What the store cannot say leaves it due as it was.
        if let Ok(came) = self.try_to_tell(&delivery).await {
            self.end(delivery, came).await;
        }
    }

    /// Takes note of what came of a delivery.
    async fn end(&self, mut delivery: Delivery, came: Came) {
        let now = (self.place.clock)();
        let outcome = match came {
            Came::Early(next) => {
                delivery.next = next.micros();
                None
            }
            Came::Useless => {
                delivery.stands = Stands::Dropped;
                Some("dropped")
            }
            Came::Told(handle) => {
                (delivery.stands, delivery.attempts) = (Stands::Delivered, delivery.attempts + 1);
                (delivery.error, delivery.handle) = (None, handle);
                Some("delivered")
            }
            Came::Failed(Failed { why, wanted }) => {
                delivery.attempts += 1;
                delivery.error = Some(why.into());
                match schedule::next(delivery.attempts, wanted, now) {
                    Some(next) => {
                        delivery.next = next.micros();
                        Some("failed")
                    }
                    None => {
                        delivery.stands = Stands::GivenUp;
                        Some("given_up")
                    }
                }
            }
        };
        let Delivery { request, channel, event, attempts, error, .. } = &delivery;
        if let Some(outcome) = outcome {
            self.place.figures.delivery(channel, outcome);
            match error {
                Some(error) if outcome != "dropped" => {
                    warn!(%request, %channel, %event, attempts, %error, outcome, "a channel was not told");
                }
                Some(_) | None => {
                    debug!(%request, %channel, %event, attempts, outcome, "a delivery has ended")
                }
            }
        }
        if let Err(down) = self.place.deliveries.tried(&delivery).await {
            warn!(%request, %channel, %event, %down, "that a channel was told is not noted: it may be told again");
        }
    }

    /// The request and the event of a delivery, if there is any use in telling it.
    async fn wanted(&self, delivery: &Delivery) -> Result<Option<(Request, Event)>, Down> {
        let settings = self.settings.load_full();
        let (Some(channel), Some(event)) =
            (settings.channels.get(&delivery.channel), Event::read(&delivery.event))
        else {
            return Ok(None);
        };
        let found = self.place.requests.get(&delivery.request).await?;
        let now = (self.place.clock)();
        Ok(found.map(|request| (request, event)).filter(|(request, event)| {
            // People want to know where it stands; systems, each step.
            let is_step = matches!(channel.medium, Medium::Webhook { .. });
            // Nobody can answer any more: a channel that was not told in time is not told at all.
            let is_late = *event == Event::Asked && request.state_at(now) != State::Waiting;
            (is_step || event.is_current(request)) && !is_late
        }))
    }

    async fn try_to_tell(&self, delivery: &Delivery) -> Result<Came, Down> {
        let settings = self.settings.load_full();
        let Some(channel) = settings.channels.get(&delivery.channel) else { return Ok(Came::Useless) };
        let now = (self.place.clock)();
        let Some((request, event)) = self.wanted(delivery).await? else { return Ok(Came::Useless) };
        let handle = if !event.follows() {
            None
        } else {
            let others = self.place.deliveries.deliveries_of(&delivery.request).await?;
            let asked = others
                .into_iter()
                .find(|it| it.channel == delivery.channel && *it.event == *Event::Asked.as_str());
            match asked {
                Some(Delivery { stands: Stands::Delivered, handle, .. }) => handle,
                Some(Delivery { stands: Stands::Pending, next, .. }) => {
                    return Ok(Came::Early(Timestamp(next.max(now.micros())).plus_seconds(1)));
                }
                Some(Delivery { stands: Stands::GivenUp | Stands::Dropped, .. }) | None => {
                    return Ok(Came::Useless);
                }
            }
        };
        let told =
            self.tell(channel, event, &request, handle.as_deref(), settings.console.as_deref(), now).await;
        Ok(told.map_or_else(Came::Failed, Came::Told))
    }

    /// Tells a channel, in its own words. `handle` is by what it knows the message of the same request before.
    async fn tell(
        &self,
        channel: &Channel,
        event: Event,
        request: &Request,
        handle: Option<&str>,
        console: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Box<str>>, Failed> {
        let secret = |name| send::secret(&self.place.vault, name);
        let message = || Message::of(request, event, channel.room());
        match &channel.medium {
            Medium::Slack { api, token, channel: place, signing_secret, .. } => {
                let can_answer = signing_secret.is_some() && !channel.people.is_empty();
                let mut arguments = slack::render(&message(), console, can_answer);
                let (method, place, time) = match handle.and_then(|handle| handle.split_once(' ')) {
                    Some((place, time)) => ("chat.update", place, Some(time)),
                    None => ("chat.postMessage", &**place, None),
                };
                if let Some(arguments) = arguments.as_object_mut() {
                    arguments.insert("channel".into(), place.into());
                    arguments.extend(time.map(|time| ("ts".to_owned(), time.into())));
                }
                let url = format!("{api}/{method}");
                let said = send::slack(&channel.trust, &url, &secret(token)?, &arguments).await?;
                Ok(slack::posted(&said).or_else(|| handle.map(Into::into)))
            }
            Medium::Teams { url } => {
                let url = secret(url)?;
                let card = teams::render(&message(), console);
                send::json(&channel.trust, url.expose_str().unwrap_or_default(), &card).await?;
                Ok(None)
            }
            Medium::Webhook { url, key } => {
                let body = webhook::render(request, event, channel.room(), console, now);
                let id = webhook::id(request, event);
                send::webhook(&channel.trust, url, &secret(key)?, &id, &body, now).await?;
                Ok(None)
            }
            Medium::Mail(it) => {
                let password = it.credential.as_ref().map(|(_, password)| secret(password)).transpose()?;
                let mail = mail::compose(it, &message(), event.into(), console, now);
                smtp::send(it, &channel.trust, password.as_ref(), &self.place.machine, &mail).await?;
                Ok(None)
            }
        }
    }
}

/// A request is told of within about this.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Every how many looks what is long over is forgotten: once an hour.
const LOOKS_TO_FORGET: u32 = 7200;

/// As requests are, so that what is shown of one is there as long as it is.
const KEPT_DAYS: i64 = 90;

/// Deliveries that are looked at in one look. More than are due at a time.
const DUE_MAX: u32 = 1000;

/// Attempts at one channel at a time.
const AT_A_TIME_MAX: usize = 4;
