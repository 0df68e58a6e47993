//! Access that is lent: the key of its tokens, and what gateways tell each other of those who lent it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use access::Secret;
use arc_swap::ArcSwapOption;
use aws_lc_rs::{digest, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gate::{Down, Gate, Seen};
use identity::Lending;
use store::{KeptLender, Loans};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};
use vault::{DataKey, KeySeal, MasterKey};

use super::now;

/// What the tokens are made and known by, once it can be had.
pub type Known = Arc<ArcSwapOption<Lending>>;

/// Where it is had from.
pub enum Source {
    /// This gateway's vault.
    Own(Secret),
    /// The store that gateways share: sealed under its password, and made by the first of them.
    Common {
        /// The store's password.
        password: Secret,
    },
}

/// Access that is lent, at this gateway.
pub struct Lent {
    /// Where it is kept.
    pub loans: Arc<dyn Loans>,
    /// What makes and knows the tokens; nothing before the store has been read.
    pub known: Known,
    source: Source,
}

impl Lent {
    pub fn new(loans: Arc<dyn Loans>, source: Source) -> Self {
        Self { loans, known: Known::default(), source }
    }

    /// Tells other gateways of lenders, and hears of them, for as long as it is polled. Until the store has been read once, nothing that
    /// was lent is believed: whoever lent it may be in other groups since.
    pub async fn run(self, gate: Arc<Gate>) {
        let mut every = interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut lending, mut refused) = (None, None);
        let mut was_down = false;
        let mut looks = 0_u32;
        loop {
            every.tick().await;
            looks = looks.wrapping_add(1);
            let mut looked = tell(&gate, &*self.loans, lending.as_deref()).await;
            if looks % LOOKS_TO_HEAR == 1 {
                looked = looked.and(self.hear(&gate, &mut lending, &mut refused).await);
            }
            match &looked {
                Ok(()) if was_down => info!("what is lent is looked after again"),
                Err(down) if !was_down => {
                    warn!(%down, "what is known of those who lent access is not exchanged until it is back");
                }
                Ok(()) | Err(_) => {}
            }
            was_down = looked.is_err();
            if looks % LOOKS_TO_FORGET == 1 && looked.is_ok() {
                // What is not forgotten now is the next time.
                _ = self.loans.forget_loans(now().micros()).await;
            }
        }
    }

    /// Hears of lenders from others. `refused` is a key that could not be opened.
    async fn hear(
        &self,
        gate: &Gate,
        lending: &mut Option<Arc<Lending>>,
        refused: &mut Option<String>,
    ) -> Result<(), Down> {
        let made = match lending {
            Some(lending) => Arc::clone(lending),
            None => Arc::new(Lending::new(&self.key(refused).await?)),
        };
        let there = self.loans.lenders(now().micros()).await?;
        let read: Vec<_> = there.iter().filter_map(|row| seen_of(row, &made)).collect();
        if read.len() < there.len() {
            warn!(rows = there.len() - read.len(), "something that no gateway wrote is among the lenders");
        }
        gate.learn(read, now());
        if lending.is_none() {
            self.known.store(Some(Arc::clone(&made)));
            *lending = Some(made);
        }
        Ok(())
    }

    async fn key(&self, refused: &mut Option<String>) -> Result<Secret, Down> {
        match &self.source {
            Source::Own(own) => {
                let key = [b"panguard lending".as_slice(), own.expose()].concat();
                Ok(Secret::from(digest::digest(&digest::SHA256, &key).as_ref().to_vec()))
            }
            Source::Common { password } => {
                let there = match self.loans.common_key(NAME, None).await? {
                    Some(there) => there,
                    None => {
                        let fresh = sealed(password.clone()).await?;
                        let there = self.loans.common_key(NAME, Some(&fresh)).await?;
                        there.ok_or_else(|| Down("it keeps no key".into()))?
                    }
                };
                if refused.as_ref() == Some(&there) {
                    return Err(Down(OTHER_PASSWORD.into()));
                }
                let opened = opened(password.clone(), there.clone()).await;
                *refused = opened.is_none().then_some(there);
                opened.ok_or_else(|| Down(OTHER_PASSWORD.into()))
            }
        }
    }
}

/// Tells others of the lenders that have been seen anew here. Those of whom they cannot be told are told of the next time.
pub async fn tell(gate: &Gate, loans: &dyn Loans, lending: Option<&Lending>) -> Result<(), Down> {
    let Some(lending) = lending else { return Ok(()) };
    let mut told = Ok(());
    for seen in gate.seen_anew() {
        let kept = kept(&seen, lending);
        let done = match &kept {
            Some(kept) => loans.see(kept).await,
            None => continue,
        };
        if let Err(down) = done {
            gate.see_anew(seen);
            told = Err(down);
        }
    }
    told
}

/// What is known of a lender, with a tag by the key of what is lent: whoever writes to the store and has not that puts nobody in a group.
pub fn kept(seen: &Seen, lending: &Lending) -> Option<KeptLender> {
    let (lender, groups) =
        (serde_json::to_string(&seen.lender).ok()?, serde_json::to_string(&seen.groups).ok()?);
    let tag = lending.tag(&tagged(&lender, seen.issued_at, &groups));
    Some(KeptLender { lender, issued_at: seen.issued_at, until: seen.until, groups, tag })
}

fn seen_of(row: &KeptLender, lending: &Lending) -> Option<Seen> {
    let KeptLender { lender, issued_at, until, groups, tag } = row;
    if !lending.is_tagged(&tagged(lender, *issued_at, groups), tag) {
        return None;
    }
    let (lender, groups) = (serde_json::from_str(lender).ok()?, serde_json::from_str(groups).ok()?);
    Some(Seen { lender, issued_at: *issued_at, groups, until: *until })
}

/// Each part after its length, so that no two are the same.
fn tagged(lender: &str, issued_at: i64, groups: &str) -> String {
    format!("{}:{lender}{issued_at}:{groups}", lender.len())
}

/// A new key, sealed under a password, with the salt before it.
async fn sealed(password: Secret) -> Result<String, Down> {
    let failed = || Down("the system's cryptography failed".into());
    let sealed = spawn_blocking(move || {
        let (mut salt, mut key) = ([0; SALT_BYTES], [0; 32]);
        rand::fill(&mut salt).ok()?;
        rand::fill(&mut key).ok()?;
        let sealed = stretched(&password, &salt)?.seal(&DataKey::from(key), NAME.as_bytes()).ok()?;
        Some(STANDARD.encode([&salt[..], &sealed].concat()))
    });
    sealed.await.ok().flatten().ok_or_else(failed)
}

/// The key that was; `None` if it was sealed with another password.
async fn opened(password: Secret, there: String) -> Option<Secret> {
    let opened = spawn_blocking(move || {
        let there = STANDARD.decode(there).ok()?;
        let (salt, sealed) = there.split_first_chunk::<SALT_BYTES>()?;
        let key = stretched(&password, salt)?.unseal(sealed, NAME.as_bytes()).ok()?;
        Some(Secret::from(key.expose().to_vec()))
    });
    opened.await.ok().flatten()
}

/// Slowly, so that whoever has the store's content tries few passwords.
fn stretched(password: &Secret, salt: &[u8]) -> Option<MasterKey> {
    let mut key = [0; 32];
    let turns = NonZeroU32::new(TURNS)?;
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, turns, salt, password.expose(), &mut key);
    Some(MasterKey::generate(key))
}

/// The name of the key in the store.
const NAME: &str = "lending";
const SALT_BYTES: usize = 16;
/// As OWASP has it for PBKDF2 with SHA-256: a fraction of a second, once at the start.
const TURNS: u32 = 600_000;

const OTHER_PASSWORD: &str = "the key of what is lent in it was sealed with another password of the store; delete it there (panguard.common_keys) to end all that is lent, and begin anew";

/// What is seen of a lender here is written within this.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Every how many looks others are heard: once a second.
const LOOKS_TO_HEAR: u32 = 10;
/// Every how many looks what is over is forgotten: once in five minutes.
const LOOKS_TO_FORGET: u32 = 3000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_common_key_opens_with_the_password_that_sealed_it_alone() {
        let password = || Secret::from("the store's".to_owned());
        let there = sealed(password()).await.unwrap();
        let again = sealed(password()).await.unwrap();
        assert_ne!(there, again);
        let key = opened(password(), there.clone()).await.unwrap();
        assert_eq!(key.expose(), opened(password(), there.clone()).await.unwrap().expose());
        assert!(opened(Secret::from("another".to_owned()), there).await.is_none());
        assert!(opened(password(), "no key".into()).await.is_none());
    }

    #[test]
    fn of_a_lender_is_believed_what_a_gateway_wrote_and_nothing_else() {
        let lending = Lending::new(&Secret::from(vec![7; 32]));
        let lender = serde_json::json!({
            "kind": "user", "id": "alice", "issuer": "i", "subject": "alice", "on_behalf_of": null, "client": null,
        });
        let lender = serde_json::from_value(lender).unwrap();
        let seen = Seen { lender, issued_at: 5, groups: ["a".into()].into(), until: 9 };
        let row = kept(&seen, &lending).unwrap();
        assert_eq!(seen_of(&row, &lending), Some(seen));
        let forged = [
            KeptLender { groups: "[\"a\", \"admins\"]".into(), ..row.clone() },
            KeptLender { issued_at: 6, ..row.clone() },
            KeptLender { lender: row.lender.replace("alice", "bob"), ..row.clone() },
            KeptLender { tag: String::new(), ..row.clone() },
        ];
        for row in forged {
            assert_eq!(seen_of(&row, &lending), None, "{row:?}");
        }
        assert_eq!(seen_of(&row, &Lending::new(&Secret::from(vec![8; 32]))), None);
    }
}
