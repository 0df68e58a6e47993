use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Request, Requests, Storing};

/// Requests in memory: for tests, and for what the others must behave like. Nothing of it survives the process.
#[derive(Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// By the order in which they came, with when they changed last.
    requests: BTreeMap<u64, (Request, u64)>,
    changes: u64,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requests for Memory {
    fn insert(&self, request: &Request) -> Storing<()> {
        let mut kept = self.kept();
        kept.changes += 1;
        let change = kept.changes;
        kept.requests.insert(change, (request.clone(), change));
        Box::pin(ready(Ok(())))
    }

    fn replace(&self, request: &Request) -> Storing<bool> {
        let mut kept = self.kept();
        let change = kept.changes + 1;
        let found = kept
            .requests
            .values_mut()
            .find(|(it, _)| it.id == request.id && it.revision + 1 == request.revision);
        let replaced = found.map(|slot| *slot = (request.clone(), change)).is_some();
        kept.changes += u64::from(replaced);
        Box::pin(ready(Ok(replaced)))
    }

    fn get(&self, id: &str) -> Storing<Option<Request>> {
        let found = self.kept().requests.values().find(|(it, _)| &*it.id == id).map(|(it, _)| it.clone());
        Box::pin(ready(Ok(found)))
    }

    fn bound(&self, binding: &str) -> Storing<Vec<Request>> {
        let kept = self.kept();
        let open =
            kept.requests.values().map(|(it, _)| it).filter(|it| &*it.binding == binding && it.is_open());
        Box::pin(ready(Ok(open.cloned().collect())))
    }

    fn list(&self, open: bool, limit: u32) -> Storing<Vec<Request>> {
        let kept = self.kept();
        let all = kept.requests.values().rev().map(|(it, _)| it).filter(|it| !open || it.is_open());
        Box::pin(ready(Ok(all.take(limit as usize).cloned().collect())))
    }

    fn forget(&self, asked: i64) -> Storing<u64> {
        let mut kept = self.kept();
        let before = kept.requests.len();
        kept.requests.retain(|_, (it, _)| it.is_open() || it.asked >= asked);
        let forgotten = (before - kept.requests.len()) as u64;
        Box::pin(ready(Ok(forgotten)))
    }

    fn changed(&self, change: Option<u64>) -> Storing<(Vec<Box<str>>, u64)> {
        let kept = self.kept();
        let is_one = |(it, at): &&(Request, u64)| change.map_or_else(|| it.is_open(), |change| *at > change);
        let changed = kept.requests.values().filter(is_one);
        let ids = changed.map(|(it, _)| it.id.clone()).collect();
        Box::pin(ready(Ok((ids, kept.changes))))
    }
}
