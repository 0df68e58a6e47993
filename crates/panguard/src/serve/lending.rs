//! Access that is lent: the key of its tokens, and what gateways tell each other of those who lent it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use access::Secret;
use arc_swap::ArcSwapOption;
use aws_lc_rs::{digest, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gate::{Down, Gate};
use identity::Lending;
use store::Loans;
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
        let mut lending = None;
        let mut was_down = false;
        let mut looks = 0_u32;
        loop {
            every.tick().await;
            let looked = self.look(&gate, &mut lending).await;
            match &looked {
                Ok(()) if was_down => info!("what is lent is looked after again"),
                Err(down) if !was_down => {
                    warn!(%down, "what is known of those who lent access is not exchanged until it is back");
                }
                Ok(()) | Err(_) => {}
            }
            was_down = looked.is_err();
            looks = looks.wrapping_add(1);
            if looks % LOOKS_TO_FORGET == 1 && looked.is_ok() {
                // What is not forgotten now is the next time.
                _ = self.loans.forget_loans(now().micros()).await;
            }
        }
    }

    async fn look(&self, gate: &Gate, lending: &mut Option<Arc<Lending>>) -> Result<(), Down> {
        for seen in gate.seen_anew() {
            if let Err(down) = self.loans.see(&seen).await {
                // To be told the next time.
                gate.see_anew(seen);
                return Err(down);
            }
        }
        gate.learn(self.loans.seen(now().micros()).await?, now());
        if lending.is_none() {
            let key = self.key().await?;
            let made = Arc::new(Lending::new(&key));
            self.known.store(Some(Arc::clone(&made)));
            *lending = Some(made);
        }
        Ok(())
    }

    async fn key(&self) -> Result<Secret, Down> {
        match &self.source {
            Source::Own(own) => {
                let key = [b"panguard lending".as_slice(), own.expose()].concat();
                Ok(Secret::from(digest::digest(&digest::SHA256, &key).as_ref().to_vec()))
            }
            Source::Common { password } => {
                let fresh = sealed(password.clone()).await?;
                let there = self.loans.common_key(NAME, &fresh).await?;
                opened(password.clone(), there).await
            }
        }
    }
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

/// The key that was.
async fn opened(password: Secret, there: String) -> Result<Secret, Down> {
    let wrong = || {
        Down("the key of what is lent in it was sealed with another password of the store; delete it there (panguard.common_keys) to end all that is lent and begin anew".into())
    };
    let opened = spawn_blocking(move || {
        let there = STANDARD.decode(there).ok()?;
        let (salt, sealed) = there.split_first_chunk::<SALT_BYTES>()?;
        let key = stretched(&password, salt)?.unseal(sealed, NAME.as_bytes()).ok()?;
        Some(Secret::from(key.expose().to_vec()))
    });
    opened.await.ok().flatten().ok_or_else(wrong)
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

/// What was seen of a lender at another gateway is known here within this.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every how many looks what is over is forgotten: once in five minutes.
const LOOKS_TO_FORGET: u32 = 300;

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
        assert!(opened(Secret::from("another".to_owned()), there).await.is_err());
        assert!(opened(password(), "no key".into()).await.is_err());
    }
}
