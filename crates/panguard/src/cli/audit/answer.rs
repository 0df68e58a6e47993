//! What was answered, out of the entry that tells how a command ended, where its key is to be had.

use std::cell::OnceCell;
use std::path::Path;

use audit::{AnswerKey, Entry, Event};
use vault::{Name, Vault};

use crate::config::{Config, process_env};
use crate::folder;

/// Reads answers by the keys in the vault, which is opened when there is one to read.
pub struct Answers<'a> {
    config: &'a Path,
    vault: OnceCell<Result<Vault, String>>,
}

impl<'a> Answers<'a> {
    pub fn new(config: &'a Path) -> Self {
        Self { config, vault: OnceCell::new() }
    }

    /// The lines of what was answered, and how much of it that is; or why they cannot be read. `None`: none was kept.
    pub fn of(&self, entry: &Entry) -> Option<Result<(String, bool), String>> {
        let Event::Outcome { answer: Some(sealed), .. } = &entry.event else { return None };
        let key = self.key(&sealed.key);
        let opened = key.and_then(|key| {
            let request = entry.request.ok_or("its entry names no command")?;
            key.open(request, sealed).map_err(|why| why.to_string())
        });
        Some(opened.map(|text| (text, !sealed.cut)))
    }

    fn key(&self, name: &str) -> Result<AnswerKey, String> {
        let open = || {
            let config = Config::load(self.config, &process_env).map_err(|_| NO_VAULT.to_owned())?;
            folder::open_vault(&config).map_err(|error| format!("{error:#}"))
        };
        let vault = self.vault.get_or_init(open).as_ref().map_err(Clone::clone)?;
        let month = name.strip_prefix("internal/").unwrap_or(name);
        let secret = Name::internal(month).map_err(|error| error.to_string())?;
        let secret = vault.get(&secret).map_err(|error| error.to_string())?;
        let secret =
            secret.ok_or_else(|| format!("the key `{name}` is not in the vault: its time is over"))?;
        AnswerKey::new(name, &secret).ok_or_else(|| "the key is of no use".to_owned())
    }
}

const NO_VAULT: &str = "the vault that has its key is the gateway's: give its configuration with `--config`";
