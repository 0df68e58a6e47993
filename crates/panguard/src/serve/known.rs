//! What the audit log was told last of policies, configuration and secrets. It outlives the process: what was changed while no gateway
//! ran is recorded by the next, before it serves (PCI DSS 4.0.1, 10.2.1.5 and 10.2.1.7).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use audit::{Change, Entry, Event, Log, Signer, attest, is_attested};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};
use vault::{Listed, Vault, VaultError};

use super::{gateway_name, now};

/// The file `data_dir/known`: a line of JSON, and below it the note by which the log's key vouches for it.
pub struct Known {
    path: PathBuf,
    signer: Signer,
    facts: Facts,
}

/// What was recorded.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    /// The version of the policies; empty if nothing is known of it.
    policies: String,
    configuration: String,
    secrets: Secrets,
}

/// By name, the version, and when it was changed, in microseconds.
type Secrets = BTreeMap<String, (u32, i64)>;

impl Known {
    /// What is in the file. What the key does not vouch for is not known.
    pub fn resume(data_dir: &Path, signer: Signer) -> Self {
        let path = data_dir.join("known");
        let facts = match read(&path, &signer) {
            Ok(facts) => facts.unwrap_or_default(),
            Err(why) => {
                warn!(file = %path.display(), %why, "what was recorded of secrets is not known; all of them are recorded as new");
                Facts::default()
            }
        };
        Self { path, signer, facts }
    }

    /// Records what is other than it was when a gateway ran last, and comes back when that is durable.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub fn begin(
        &mut self,
        log: &Log,
        policies: &str,
        configuration: &str,
        listed: &[Listed],
    ) -> anyhow::Result<()> {
        let found = Facts {
            policies: policies.into(),
            configuration: configuration.into(),
            secrets: secrets(listed),
        };
        let waiting: Vec<_> = since(&self.facts, &found)
            .into_iter()
            .map(|event| log.append(&Entry::of_gateway(now(), gateway_name().into(), event)))
            .collect();
        let count = waiting.len();
        for receipt in waiting {
            receipt.wait().context("what was changed before the start cannot be recorded")?;
        }
        if count > 0 {
            info!(count, "changes that were made while no gateway ran are recorded");
        }
        self.take(found);
        Ok(())
    }

    /// That another configuration is in force has been recorded.
    pub fn configuration(&mut self, version: &str) {
        self.take(Facts { configuration: version.into(), ..self.facts.clone() });
    }

    /// As [`Known::configuration`], of policies.
    pub fn policies(&mut self, version: &str) {
        self.take(Facts { policies: version.into(), ..self.facts.clone() });
    }

    /// Records what `panguard secrets` has changed since it was looked at last (PCI DSS 4.0.1, 10.2.1.5): each change is known once its
    /// entry is durable. The change has happened already, so that what cannot be recorded is tried again the next time.
    pub async fn secrets(&mut self, log: &Log, listed: &[Listed]) {
        let found = Facts { secrets: secrets(listed), ..self.facts.clone() };
        for event in since(&self.facts.clone(), &found) {
            let Event::SecretChanged { name, change } = &event else { continue };
            let (name, change) = (name.to_string(), *change);
            let entry = Entry::of_gateway(now(), gateway_name().into(), event);
            if let Err(error) = log.append(&entry).await {
                warn!(%error, name, "that a secret was changed is not recorded yet");
                return;
            }
            info!(name, ?change, "secret changed");
            let mut facts = self.facts.clone();
            match found.secrets.get(&name) {
                Some(value) => facts.secrets.insert(name, *value),
                None => facts.secrets.remove(&name),
            };
            self.take(facts);
        }
    }

    fn take(&mut self, facts: Facts) {
        if self.facts == facts {
            return;
        }
        self.facts = facts;
        if let Err(error) = self.keep() {
            warn!(file = %self.path.display(), %error, "what is recorded cannot be kept; the next start records it again");
        }
    }

    fn keep(&self) -> io::Result<()> {
        let facts = serde_json::to_string(&self.facts)?;
        let note = attest(&self.signer, WHAT, facts.as_bytes());
        let new = self.path.with_extension("new");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(format!("{facts}\n{note}").as_bytes())?;
        file.sync_all()?;
        fs::rename(new, &self.path)
    }
}

/// Nothing if there is no such file.
fn read(path: &Path, signer: &Signer) -> Result<Option<Facts>, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let (facts, note) = text.split_once('\n').unwrap_or_default();
    if !is_attested(&signer.verifier(), WHAT, note, facts.as_bytes()) {
        return Err("the log's key does not vouch for it: it was changed, or is another gateway's".into());
    }
    serde_json::from_str(facts).map(Some).map_err(|error| error.to_string())
}

/// The secrets, and the keys under which they are.
///
/// # Errors
/// [`VaultError`].
pub fn listed(vault: &Vault) -> Result<Vec<Listed>, VaultError> {
    let mut listed = vault.list()?;
    listed.extend(vault.keys()?);
    Ok(listed)
}

fn secrets(listed: &[Listed]) -> Secrets {
    listed.iter().map(|it| (it.name.as_str().to_owned(), (it.version, it.changed_at.0))).collect()
}

/// What happened between two moments.
fn since(before: &Facts, after: &Facts) -> Vec<Event> {
    let mut events = Vec::new();
    let differs = |before: &str, after: &str| !before.is_empty() && before != after;
    if differs(&before.configuration, &after.configuration) {
        let (version, previous) = (after.configuration.as_str().into(), before.configuration.as_str().into());
        events.push(Event::ConfigurationChanged { version, previous });
    }
    if differs(&before.policies, &after.policies) {
        let (version, previous) = (after.policies.as_str().into(), before.policies.as_str().into());
        events.push(Event::PolicyChanged { version, previous });
    }
    let mut secret = |name: &str, change| events.push(Event::SecretChanged { name: name.into(), change });
    for (name, now) in &after.secrets {
        match before.secrets.get(name) {
            // A vault comes with its own keys.
            None if name.starts_with("internal/") => {}
            None => secret(name, Change::Created),
            Some(old) if old != now => secret(name, Change::Rotated),
            Some(_) => {}
        }
    }
    let gone = before.secrets.keys().filter(|name| !after.secrets.contains_key(*name));
    gone.for_each(|name| secret(name, Change::Removed));
    events
}

/// What the log's key says that the file is.
const WHAT: &str = "known v1";

#[cfg(test)]
mod tests {
    use access::Secret;

    use super::*;

    fn facts(policies: &str, configuration: &str, secrets: &[(&str, u32, i64)]) -> Facts {
        let secrets = secrets.iter().map(|(name, version, at)| ((*name).into(), (*version, *at))).collect();
        Facts { policies: policies.into(), configuration: configuration.into(), secrets }
    }

    #[test]
    fn what_is_other_is_a_change_and_what_was_not_known_of_versions_is_none() {
        let before = facts("p1", "c1", &[("same", 1, 5), ("again", 1, 5), ("next", 1, 5), ("gone", 3, 5)]);
        let after = facts("p2", "c2", &[("same", 1, 5), ("again", 1, 6), ("next", 2, 5), ("new", 1, 5)]);
        let secret = |name: &str, change| Event::SecretChanged { name: name.into(), change };
        let secrets = [
            secret("again", Change::Rotated),
            secret("new", Change::Created),
            secret("next", Change::Rotated),
            secret("gone", Change::Removed),
        ];
        let versions = [
            Event::ConfigurationChanged { version: "c2".into(), previous: "c1".into() },
            Event::PolicyChanged { version: "p2".into(), previous: "p1".into() },
        ];
        assert_eq!(since(&before, &after), [&versions[..], &secrets[..]].concat());
        assert_eq!(since(&before, &before), []);
        let one = facts("p1", "c1", &[("one", 1, 5)]);
        assert_eq!(since(&Facts::default(), &one), [secret("one", Change::Created)]);
    }

    #[test]
    fn what_is_kept_is_known_again_and_nobody_else_s_is() {
        let folder = tempfile::tempdir().unwrap();
        let signer = |seed| Signer::from_seed(&Secret::from(vec![seed; 32]), "gw1").unwrap();
        let mut known = Known::resume(folder.path(), signer(7));
        assert_eq!(known.facts, Facts::default());
        known.take(facts("p1", "c1", &[("one", 1, 5)]));
        known.policies("p2");
        let again = |seed| Known::resume(folder.path(), signer(seed)).facts;
        assert_eq!(again(7), facts("p2", "c1", &[("one", 1, 5)]));
        assert_eq!(again(8), Facts::default());
        let path = folder.path().join("known");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("p2", "p3", 1)).unwrap();
        assert_eq!(again(7), Facts::default());
    }
}
