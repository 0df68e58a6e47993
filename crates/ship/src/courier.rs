//! One sink's way through the log. Where it goes next is the [`Course`]'s to say; here it is gone, and written down.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit::{Entry, Event};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use crate::Place;
use crate::course::{Course, Then};
use crate::position::{self, Standing, Wanted, Wrong};
use crate::read::{self, Batch, Read, Reader};
use crate::receiver::{Brought, Failed, Receiver};
use crate::sink::{Begins, Sink};

/// Brings the log to a sink until it is told to stop.
pub(crate) async fn run(place: &Arc<Place>, sink: &Sink, mut stop: watch::Receiver<bool>) {
    place.figures.expect(&sink.name);
    let courier = loop {
        match Courier::begin(place, sink).await {
            Some(courier) => break courier,
            None if is_over(&mut stop, BEGIN_PAUSE).await => return,
            None => {}
        }
    };
    let kept = Arc::clone(&courier.kept);
    tokio::select! {
        () = go(courier, stop) => {}
        () = show(place, &sink.name, &kept) => {}
    }
}

/// Shows how far behind a sink is, for ever: while an attempt waits for its receiver, too.
async fn show(place: &Place, sink: &str, kept: &AtomicU64) {
    loop {
        let durable = place.log.state().durable;
        place.figures.behind(sink, durable.saturating_sub(kept.load(Ordering::Relaxed)));
        sleep(LOOK_EVERY).await;
    }
}

async fn go(mut courier: Courier, mut stop: watch::Receiver<bool>) {
    let mut pause = Duration::ZERO;
    loop {
        if courier.look().await {
            pause = Duration::ZERO;
        }
        if pause.is_zero() {
            pause = courier.step().await;
        }
        let rest = pause.min(LOOK_EVERY);
        if is_over(&mut stop, rest).await {
            courier.leave().await;
            return;
        }
        pause -= rest;
    }
}

/// Waits so long, or until it is time to stop: whether it is.
async fn is_over(stop: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    // Whoever would tell is gone with the process.
    timeout(pause, stop.wait_for(|stop| *stop)).await.is_ok()
}

struct Courier {
    place: Arc<Place>,
    sink: Sink,
    course: Course,
    receiver: Receiver,
    /// `None` while it reads, or has failed to.
    reader: Option<Reader>,
    /// As it is written down, or should be.
    standing: Standing,
    /// The hash of the entry before [`Course::sent`].
    last: Option<String>,
    is_written: bool,
    written: Instant,
    /// [`Course::kept`], for who watches.
    kept: Arc<AtomicU64>,
    /// Whether notes of where it should be can be taken away: else one would be done again and again.
    heeds: bool,
}

impl Courier {
    /// A courier where the sink was before, if that is known and it is the same log; else where it is to begin.
    ///
    /// `None`: that cannot be known now, and has been said.
    async fn begin(place: &Arc<Place>, sink: &Sink) -> Option<Self> {
        let durable = place.log.state().durable;
        let found = match position::standing(&place.folder, &sink.name) {
            Ok(found) => found,
            Err(error) if is_no_standing(&error) => {
                warn!(sink = &*sink.name, %error, "it is not known where a sink is: it is given the log from its beginning");
                Some(Standing::default())
            }
            Err(error) => {
                error!(sink = &*sink.name, %error, "it cannot be read where a sink is");
                return None;
            }
        };
        let standing = found.unwrap_or_else(|| match sink.begins {
            Begins::Start => Standing::default(),
            Begins::Now => Standing { next: durable, ..Standing::default() },
        });
        let mut courier = Self {
            course: Course::at(standing.next),
            receiver: Receiver::of(sink),
            reader: None,
            last: standing.last.clone(),
            standing,
            is_written: false,
            written: Instant::now(),
            kept: Arc::new(AtomicU64::new(0)),
            heeds: true,
            place: Arc::clone(place),
            sink: sink.clone(),
        };
        if !courier.is_of_this_log(durable).await {
            let next = courier.standing.next;
            if !courier
                .record_gap(next, 0, "the log is another than the one that was brought there before")
                .await
            {
                return None;
            }
            (courier.course, courier.last) = (Course::at(0), None);
        }
        courier.write().await;
        Some(courier)
    }

    async fn is_of_this_log(&self, durable: u64) -> bool {
        let Standing { next, last, .. } = &self.standing;
        let (Some(last), Some(before)) = (last, next.checked_sub(1)) else { return *next <= durable };
        // What is gone cannot be compared.
        *next <= durable && self.hash(before).await.is_none_or(|hash| hash == *last)
    }

    async fn hash(&self, index: u64) -> Option<String> {
        let dir = self.place.dir.clone();
        tokio::task::spawn_blocking(move || read::hash(&dir, index)).await.ok().flatten()
    }

    /// Moves it if somebody wants that: whether that was done.
    async fn look(&mut self) -> bool {
        if !self.heeds {
            return false;
        }
        match position::wanted(&self.place.folder, &self.sink.name) {
            None => false,
            Some(Ok(wanted)) => self.go_to(wanted).await,
            Some(Err(error)) => {
                warn!(sink = &*self.sink.name, %error, "a note of where a sink should be says nothing");
                self.done();
                false
            }
        }
    }

    async fn go_to(&mut self, Wanted { next, user }: Wanted) -> bool {
        let (from, to) = (self.course.kept(), next.min(self.place.log.state().durable));
        let event = Event::SinkMoved { sink: self.sink.name.clone(), from, to };
        let client = format!("panguard, user {user} of the machine");
        if !self.record(event, Some(client)).await {
            return false;
        }
        self.done();
        info!(sink = &*self.sink.name, from, to, "a sink was moved");
        self.receiver.drop_all();
        self.course = Course::at(to);
        self.last = match to.checked_sub(1) {
            Some(before) => self.hash(before).await,
            None => None,
        };
        self.write().await;
        true
    }

    fn done(&mut self) {
        if let Err(error) = position::done(&self.place.folder, &self.sink.name) {
            error!(sink = &*self.sink.name, %error, "a note cannot be taken away; no other is heeded until the next start");
            self.heeds = false;
        }
    }

    /// Goes on by one batch. How long to wait then.
    async fn step(&mut self) -> Duration {
        let durable = self.place.log.state().durable;
        if self.receiver.is_due() && self.course.sent() > self.course.kept() {
            return self.end().await;
        }
        if self.course.sent() >= durable {
            if !self.is_written && self.written.elapsed() >= WRITE_EVERY {
                self.write().await;
            }
            return LOOK_EVERY;
        }
        match self.read(durable).await {
            Read::Some(batch) if batch.lines.is_empty() => self.pass(batch).await,
            Read::Some(batch) => self.bring(batch).await,
            Read::Gone { to, why } => self.skip(to, why).await,
            Read::Failed(why) => self.failed(Failed { why, wanted: None }).await,
        }
    }

    async fn read(&mut self, durable: u64) -> Read {
        let mut reader = self.reader.take().unwrap_or_else(|| Reader::new(&self.place.dir, &self.sink.name));
        let (from, room, shape) = (self.course.sent(), self.course.room(), Receiver::shape(&self.sink));
        let only = self.sink.only.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let read = reader.read(from, durable, room, &only, shape);
            (reader, read)
        });
        match reading.await {
            Ok((reader, read)) => {
                self.reader = Some(reader);
                read
            }
            Err(_) => Read::Failed("the audit log cannot be read".into()),
        }
    }

    async fn pass(&mut self, batch: Batch) -> Duration {
        self.course.passed(batch.span.to);
        (self.last, self.is_written) = (batch.last, false);
        self.stand();
        if self.written.elapsed() >= WRITE_EVERY {
            self.write().await;
        }
        Duration::ZERO
    }

    async fn bring(&mut self, batch: Batch) -> Duration {
        let now = (self.place.clock)();
        let Brought { came, why, rejected } =
            self.receiver.bring(&self.sink, &batch, &self.place.vault, now).await;
        let told = batch.span.told.clone();
        if rejected > 0 {
            let why = format!("the receiver has rejected {rejected} of these {}", batch.span.entries);
            if !self.give_up(told, &why, batch.is_of_gaps).await {
                return self.failed(Failed { why, wanted: None }).await;
            }
        }
        let before = self.course.kept();
        match self.course.came(&batch.span, came) {
            Then::GoOn => {
                if self.course.sent() == batch.span.to {
                    self.place.figures.brought(&self.sink.name, batch.lines.len());
                    self.last = batch.last;
                }
                if self.course.kept() == before {
                    return Duration::ZERO;
                }
                self.well().await;
                if batch.is_full { Duration::ZERO } else { self.receiver.gathers() }
            }
            Then::Wait(pause) => self.wrong(why.unwrap_or_default(), pause).await,
            Then::GiveUp(gap) => {
                let why = why.unwrap_or_default();
                if self.give_up(gap.clone(), &why, batch.is_of_gaps).await {
                    self.course.passed(gap.end);
                    self.last = None;
                    self.write().await;
                }
                self.wrong(why, LOOK_EVERY).await
            }
        }
    }

    /// Has the receiver say that it has what was written.
    async fn end(&mut self) -> Duration {
        match self.receiver.end().await {
            Ok(()) => {
                self.course.arrived();
                self.well().await;
                Duration::ZERO
            }
            Err(failed) => self.failed(failed).await,
        }
    }

    /// Goes past entries that cannot be read, once what is before them has arrived.
    async fn skip(&mut self, to: u64, why: &'static str) -> Duration {
        if self.course.sent() > self.course.kept() {
            return self.end().await;
        }
        if !self.record_gap(self.course.sent(), to, why).await {
            return LOOK_EVERY;
        }
        self.course.passed(to);
        self.last = None;
        self.write().await;
        Duration::ZERO
    }

    async fn failed(&mut self, Failed { why, wanted }: Failed) -> Duration {
        match self.course.failed(wanted) {
            Then::Wait(pause) => self.wrong(why, pause).await,
            Then::GoOn | Then::GiveUp(_) => Duration::ZERO,
        }
    }

    /// Takes note of what is wrong; it is said once.
    async fn wrong(&mut self, what: String, pause: Duration) -> Duration {
        self.receiver.drop_all();
        self.place.figures.failed(&self.sink.name);
        let since = match &self.standing.wrong {
            Some(wrong) if wrong.what == what => return pause,
            Some(wrong) => wrong.since,
            None => (self.place.clock)().micros(),
        };
        warn!(sink = &*self.sink.name, why = what, "a sink takes nothing: its entries wait in the log");
        self.standing.wrong = Some(Wrong { what, since });
        self.write().await;
        pause
    }

    /// Takes note that something has arrived.
    async fn well(&mut self) {
        if self.standing.wrong.take().is_some() {
            info!(sink = &*self.sink.name, "a sink takes entries again");
        }
        self.write().await;
    }

    /// Writes down where it is. What is not written is brought again after a start.
    async fn write(&mut self) {
        self.stand();
        (self.is_written, self.written) = (true, Instant::now());
        let (folder, name, standing) =
            (self.place.folder.clone(), self.sink.name.clone(), self.standing.clone());
        let written = tokio::task::spawn_blocking(move || position::save(&folder, &name, &standing)).await;
        match written {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(error)) => error!(sink = &*self.sink.name, %error, "it cannot be written where a sink is"),
        }
    }

    /// Whenever `kept` moves it is where `sent` is, and `last` the hash before it.
    fn stand(&mut self) {
        self.kept.store(self.course.kept(), Ordering::Relaxed);
        if self.standing.next != self.course.kept() {
            (self.standing.next, self.standing.last) = (self.course.kept(), self.last.clone());
        }
    }

    /// Brings to an end what is open.
    async fn leave(&mut self) {
        if self.course.sent() > self.course.kept() && self.receiver.end().await.is_ok() {
            self.course.arrived();
            return self.well().await;
        }
        self.write().await;
    }

    /// Records that these are not brought there. Of a gap's own entry that is said and counted alone: else a receiver that will
    /// have nothing would be reason for entries without end.
    async fn give_up(&self, told: Range<u64>, why: &str, is_of_gaps: bool) -> bool {
        if !is_of_gaps {
            return self.record_gap(told.start, told.end, why).await;
        }
        self.say_gap(told.start, told.end, why);
        true
    }

    fn say_gap(&self, from: u64, to: u64, why: &str) {
        self.place.figures.gap(&self.sink.name);
        error!(sink = &*self.sink.name, from, to, why, "entries are not brought to a sink");
    }

    async fn record_gap(&self, from: u64, to: u64, why: &str) -> bool {
        let sink = self.sink.name.clone();
        let is_recorded = self.record(Event::SinkGap { sink, from, to, why: why.into() }, None).await;
        if is_recorded {
            self.say_gap(from, to, why);
        }
        is_recorded
    }

    async fn record(&self, event: Event, client: Option<String>) -> bool {
        let now = (self.place.clock)();
        let entry = Entry::of_gateway(now, Arc::clone(&self.place.gateway), event);
        let entry = Entry { client: client.map(Into::into), ..entry };
        // Without its entry nothing is passed over: rather a sink that stands than one that leaves out.
        self.place.log.append(&entry).await.is_ok()
    }
}

fn is_no_standing(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}

/// An entry is brought within about this of being durable.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where nothing fits, it is written down this often how far that is.
const WRITE_EVERY: Duration = Duration::from_secs(1);

const BEGIN_PAUSE: Duration = Duration::from_secs(5);
