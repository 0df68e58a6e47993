//! A new password of a database's role: made, set there, tried, and put in the vault.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::Duration;

use access::Secret;
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postgres_protocol::password::scram_sha_256;
use proxy::{Inspection, Target};
use vault::{Name, Vault, fresh_key};

use super::now;
use crate::cli::upstream;
use crate::config::Config;
use crate::serve;

/// Changes the password under `name` at the database whose credential it is, and then in the vault. What it takes is there before it is
/// set, so that a crash at any moment leaves nobody without: who signs in meanwhile tries both.
///
/// # Errors
/// It is no database's, or of several roles; or the database does not take the new one, which is then taken back.
pub fn renew(config: &Config, vault: Vault, name: &Name) -> anyhow::Result<()> {
    let target = target(config, name)?;
    // Two at once would each put its own in the vault, and one of them in the database.
    let turn = config.data_dir.join("renew.lock");
    let mut options = File::options();
    let turn = options.write(true).create(true).truncate(false).mode(0o600).open(&turn);
    let turn = turn.context("no turn can be taken in the data folder")?;
    turn.try_lock().context("another `secrets renew` is under way: run it again when that has ended")?;
    let next = name.next()?;
    let vault = Arc::new(vault);
    upstream::block_on(async {
        finish(&target, &vault, name, &next).await?;
        let before = vault.get(name)?;
        let before = before.with_context(|| format!("there is no secret `{name}` in the vault"))?;
        let fresh = Secret::from(URL_SAFE_NO_PAD.encode(fresh_key()?.expose()));
        let mut session =
            Inspection::open(&target, &vault).await.context("the database cannot be reached")?;
        vault.set(&next, &fresh, now())?;
        if let Err(error) = set(&mut session, &fresh).await {
            // Its answer may have been lost: which of the two holds is seen by trying.
            finish(&target, &vault, name, &next).await?;
            return Err(error);
        }
        if let Err(error) = works(&target, &vault, &next).await {
            // By the session that is open still.
            let back = set(&mut session, &before).await;
            back.context("the new password does not work, and the old one could not be set again: run this again, it tries both")?;
            vault.remove(&next)?;
            return Err(error).context("the new password does not work, and the old one is set again");
        }
        vault.set(name, &fresh, now())?;
        vault.remove(&next)?;
        session.close().await;
        Ok(())
    })?
}

/// Ends a change that was broken off, if one was: whichever of the two the database takes is the one.
async fn finish(target: &Target, vault: &Arc<Vault>, name: &Name, next: &Name) -> anyhow::Result<()> {
    let Some(begun) = vault.get(next)? else { return Ok(()) };
    match works(target, vault, next).await {
        Ok(()) => _ = vault.set(name, &begun, now())?,
        // Nothing is forgotten before the other was seen to work.
        Err(_) => works(target, vault, name).await.context("neither of two passwords works")?,
    }
    vault.remove(next)?;
    Ok(())
}

/// The database whose credential it is.
fn target(config: &Config, name: &Name) -> anyhow::Result<Target> {
    let mut of_it = config.connections.values().filter(|it| it.password == *name);
    let first = of_it.next();
    let first = first.with_context(|| {
        format!("no database signs in with `{name}`; a password of something else is changed there, and then by `panguard secrets rotate {name}`")
    })?;
    if of_it.any(|it| (&it.host, it.port, &it.user) != (&first.host, first.port, &first.user)) {
        bail!("several roles sign in with `{name}`: give each a secret of its own");
    }
    serve::target(first)
}

/// Sets the role's own password as its verifier (SCRAM-SHA-256, RFC 5802), so that no log of the server holds it.
async fn set(session: &mut Inspection, password: &Secret) -> anyhow::Result<()> {
    // A verifier has no quotes in it.
    let verifier = scram_sha_256(password.expose());
    let sql = format!("ALTER ROLE CURRENT_USER PASSWORD '{verifier}'; SELECT 1");
    session.rows(&sql, TIME_MAX).await.context("the role may not change its password")?;
    Ok(())
}

async fn works(target: &Target, vault: &Arc<Vault>, name: &Name) -> anyhow::Result<()> {
    let target = Target { password: name.clone(), ..target.clone() };
    Inspection::open(&target, vault).await?.close().await;
    Ok(())
}

const TIME_MAX: Duration = Duration::from_secs(10);
