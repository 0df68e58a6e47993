//! What is revoked at one gateway is at all that share its store, within seconds. Each keeps all of it in its own folder, so that it
//! holds while the store is down; and none believes the store what no gateway has said.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use access::Secret;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use gate::Revocation;
use store::{Revocations, Revoked};
use tokio::time::sleep;
use tracing::{info, warn};

use super::now;
use crate::revocations::Folder;

/// The other gateways.
#[derive(Clone)]
pub struct Others {
    store: Arc<dyn Revocations>,
    key: hmac::Key,
    /// What the store said the last time of how much has changed there.
    heard: Arc<AtomicU64>,
}

impl Others {
    /// Those that share `store` and know `key`.
    pub fn new(store: Arc<dyn Revocations>, key: &Secret) -> Self {
        Self { store, key: hmac::Key::new(hmac::HMAC_SHA256, key.expose()), heard: Arc::default() }
    }

    /// Tells them what is in the folder, and takes into it what they say, for as long as it is polled.
    pub async fn run(self, folder: Folder) {
        let mut was_reached = true;
        let (mut seen, mut looks) = (None, 0_u32);
        loop {
            let changed = folder.changed();
            let is_due = looks.is_multiple_of(LOOKS_MAX) || changed != seen || !was_reached;
            looks = looks.wrapping_add(1);
            seen = changed;
            let told = match is_due {
                true => self.exchange(&folder).await,
                false => self.hear(&folder).await,
            };
            match &told {
                Ok(()) if !was_reached => info!("other gateways are told what is revoked again"),
                Err(error) if was_reached => {
                    warn!(%error, "other gateways are not told what is revoked, nor heard; it is tried again");
                }
                _ => {}
            }
            was_reached = told.is_ok();
            sleep(TELL_EVERY).await;
        }
    }

    /// Takes what they say if that is other than the last time.
    async fn hear(&self, folder: &Folder) -> io::Result<()> {
        let count = self.store.count().await.map_err(|down| io::Error::other(down.to_string()))?;
        match self.heard.swap(count, Ordering::Relaxed) == count {
            true => Ok(()),
            false => self.exchange(folder).await,
        }
    }

    async fn exchange(&self, folder: &Folder) -> io::Result<()> {
        let own = folder.read()?;
        // What has another name was put there by hand, for this gateway alone.
        let mine = own.all.iter().filter(|it| is_id(&it.id) && !own.unreadable.contains(&it.id));
        let mut mine: Vec<Revoked> = mine.map(|it| self.revoked(it)).collect::<io::Result<_>>()?;
        for (id, by) in &own.lifted {
            match is_id(id) {
                true => mine.push(self.lifted(id, by)),
                false => folder.forget(id)?,
            }
        }
        let all = self.store.exchange(&mine).await.map_err(|down| io::Error::other(down.to_string()))?;
        let known: HashSet<_> = own.all.iter().map(|it| it.id.clone()).collect();
        let told_of = folder.told_of();
        let (mut over, mut forged) = (Vec::new(), Vec::new());
        for it in all {
            if !self.is_ours(&it) {
                warn!(
                    id = &*it.id,
                    "the store says of a revocation what no gateway has said; it is passed over"
                );
                forged.push(it.id);
                continue;
            }
            if it.is_lifted {
                // Who lifted it is kept until that is recorded here.
                if known.contains(&it.id) {
                    folder.lift(&it.id, &it.document)?;
                } else if !told_of.contains(&it.id) {
                    folder.forget(&it.id)?;
                }
                continue;
            }
            let Ok(revocation) = serde_json::from_str::<Revocation>(&it.document) else {
                warn!(id = &*it.id, "another gateway has revoked what this panguard does not know of");
                continue;
            };
            if revocation.is_over(now()) {
                over.push(self.lifted(&it.id, "time"));
            } else if revocation.id == it.id && !known.contains(&it.id) && !own.lifted.contains_key(&it.id) {
                folder.put(&revocation)?;
            }
        }
        // What somebody else wrote over ours keeps it from those who have not heard of it.
        let own: Vec<Revoked> = mine.into_iter().filter(|it| forged.contains(&it.id)).collect();
        if !own.is_empty() {
            self.store.put_right(&own).await.map_err(|down| io::Error::other(down.to_string()))?;
        }
        if !over.is_empty() {
            self.store.exchange(&over).await.map_err(|down| io::Error::other(down.to_string()))?;
        }
        Ok(())
    }

    fn revoked(&self, it: &Revocation) -> io::Result<Revoked> {
        Ok(self.tagged(&it.id, false, serde_json::to_string(it)?))
    }

    fn lifted(&self, id: &str, by: &str) -> Revoked {
        self.tagged(id, true, by.to_owned())
    }

    fn tagged(&self, id: &str, is_lifted: bool, document: String) -> Revoked {
        let tag = hmac::sign(&self.key, &said(id, is_lifted, &document));
        let tag = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Revoked { id: id.into(), is_lifted, document, tag }
    }

    /// Whether a gateway that knows the key has said so.
    fn is_ours(&self, it: &Revoked) -> bool {
        let own = self.tagged(&it.id, it.is_lifted, it.document.clone());
        let is_same = verify_slices_are_equal(own.tag.as_bytes(), it.tag.as_bytes()).is_ok();
        is_same && is_id(&it.id)
    }
}

fn said(id: &str, is_lifted: bool, document: &str) -> Vec<u8> {
    format!("{id}\n{is_lifted}\n{document}").into_bytes()
}

/// What names a file and nothing else.
fn is_id(id: &str) -> bool {
    id.strip_prefix("r-")
        .is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|it| it.is_ascii_hexdigit()))
}

/// Every how many times all of it is told again, whether or not something has changed: once in ten seconds.
const LOOKS_MAX: u32 = 20;

/// How soon others hear of it.
const TELL_EVERY: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use audit::Signer;
    use gate::{Storing, What};

    use super::*;
    use crate::revocations::Found;

    /// A store that can be written to past the gateways.
    #[derive(Default)]
    struct Table(Mutex<Vec<Revoked>>);

    impl Revocations for Table {
        fn exchange(&self, mine: &[Revoked]) -> Storing<Vec<Revoked>> {
            let mut all = self.0.lock().unwrap();
            for it in mine {
                match all.iter_mut().find(|old| old.id == it.id) {
                    Some(old) if it.is_lifted && !old.is_lifted => *old = it.clone(),
                    Some(_) => {}
                    None => all.push(it.clone()),
                }
            }
            let all = all.clone();
            Box::pin(async move { Ok(all) })
        }

        fn put_right(&self, mine: &[Revoked]) -> Storing<()> {
            let mut all = self.0.lock().unwrap();
            all.retain(|it| !mine.iter().any(|mine| mine.id == it.id));
            all.extend(mine.iter().cloned());
            Box::pin(async { Ok(()) })
        }

        fn count(&self) -> Storing<u64> {
            let count = self.0.lock().unwrap().len() as u64;
            Box::pin(async move { Ok(count) })
        }
    }

    struct Site {
        _data: tempfile::TempDir,
        folder: Folder,
        others: Others,
    }

    fn site(table: &Arc<Table>, key: u8) -> Site {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::of(data.path());
        Site { folder, _data: data, others: Others::new(table.clone(), &Secret::from(vec![key; 32])) }
    }

    impl Site {
        async fn looks(&self) -> Vec<Box<str>> {
            self.others.exchange(&self.folder).await.unwrap();
            self.folder.read().unwrap().all.into_iter().map(|it| it.id).collect()
        }
    }

    fn revocation(number: u8) -> Revocation {
        let it = Revocation::new(&format!("r-{number:016x}"), What::Agent, "ci-bot");
        Revocation { since: number.into(), ..it }
    }

    #[tokio::test]
    async fn all_have_what_one_has_revoked_until_one_lifts_it() {
        let table = Arc::new(Table::default());
        let (one, other) = (site(&table, 1), site(&table, 1));
        one.folder.put(&revocation(1)).unwrap();
        assert_eq!(one.looks().await, [revocation(1).id]);
        assert_eq!(other.looks().await, [revocation(1).id]);
        assert_eq!(other.folder.read().unwrap().all, [revocation(1)]);
        assert!(other.folder.lift(&revocation(1).id, "me").unwrap());
        assert_eq!(other.looks().await, []);
        assert_eq!(one.looks().await, []);
        assert_eq!(one.looks().await, [], "and it does not come back");
    }

    #[tokio::test]
    async fn who_has_lifted_it_is_known_everywhere_until_it_is_recorded() {
        let table = Arc::new(Table::default());
        let (one, other) = (site(&table, 1), site(&table, 1));
        let signer = Signer::from_seed(&Secret::from(vec![7; 32]), "gw1").unwrap();
        one.folder.put(&revocation(1)).unwrap();
        for site in [&one, &other] {
            site.looks().await;
            site.folder.took(&[revocation(1)], &[revocation(1)], &signer).unwrap();
        }
        other.folder.lift(&revocation(1).id, "me").unwrap();
        let lifted = [(revocation(1).id, "me".into())].into();
        for site in [&other, &one, &other, &one] {
            assert_eq!(site.looks().await, []);
            assert_eq!(site.folder.read().unwrap().lifted, lifted);
        }
        for site in [&other, &one] {
            site.folder.took(&[], &[revocation(1)], &signer).unwrap();
            site.looks().await;
            assert_eq!(site.folder.read().unwrap().lifted, lifted, "it is not recorded yet");
            site.folder.took(&[], &[], &signer).unwrap();
            site.looks().await;
            assert_eq!(site.folder.read().unwrap(), Found::default());
        }
    }

    #[tokio::test]
    async fn what_was_over_is_not_heard_of_again() {
        let table = Arc::new(Table::default());
        let (one, other) = (site(&table, 1), site(&table, 1));
        one.folder.put(&Revocation { until: Some(5), ..revocation(1) }).unwrap();
        one.looks().await;
        assert_eq!(other.looks().await, []);
        assert!(table.0.lock().unwrap().iter().all(|it| it.is_lifted));
    }

    /// Whoever can write in the store can neither give access back nor put files elsewhere.
    #[tokio::test]
    async fn the_store_alone_is_not_believed() {
        let table = Arc::new(Table::default());
        let (one, other) = (site(&table, 1), site(&table, 1));
        one.folder.put(&revocation(1)).unwrap();
        one.looks().await;
        other.looks().await;
        let stranger = site(&table, 2).others;
        let own = one.others.revoked(&revocation(1)).unwrap();
        let forged = [
            stranger.lifted(&own.id, "me"),
            Revoked { is_lifted: true, ..own.clone() },
            Revoked { document: String::new(), is_lifted: true, ..own.clone() },
            one.others.revoked(&Revocation { id: "../../x".into(), ..revocation(1) }).unwrap(),
        ];
        for it in forged {
            *table.0.lock().unwrap() = vec![it];
            assert_eq!(other.looks().await, [revocation(1).id]);
        }
        *table.0.lock().unwrap() = vec![Revoked { tag: "x".into(), ..own.clone() }];
        other.looks().await;
        assert_eq!(*table.0.lock().unwrap(), [own], "it is put right, for those who have not heard of it");
        table.0.lock().unwrap().clear();
        assert_eq!(other.looks().await, [revocation(1).id], "nor is it taken away by what the store forgets");
        assert_eq!(table.0.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_read_here_is_of_this_gateway_alone() {
        let table = Arc::new(Table::default());
        let (one, other) = (site(&table, 1), site(&table, 1));
        one.folder.put(&revocation(1)).unwrap();
        std::fs::write(one._data.path().join("revocations/r-broken.json"), "{").unwrap();
        assert_eq!(one.looks().await.len(), 2);
        assert_eq!(other.looks().await, [revocation(1).id]);
    }
}
