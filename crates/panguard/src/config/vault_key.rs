//! Where the key comes from that seals the vault.

use hyper::Uri;

use super::file;
use super::place::At;
use super::resolve::{Reading, is_loopback};
use super::{Pkcs11, Transit, VaultKey};

impl Reading<'_> {
    pub(super) fn vault_key(&mut self, at: &At<file::VaultKey>) -> Option<VaultKey> {
        let key = &at.value;
        if let Some(At { value: false, line }) = &key.stdin {
            return self.wrong(
                *line,
                "`stdin` can only be `true`; write `{ stdin: true }`, `{ file: … }` or `{ env: … }`",
            );
        }
        let mut found = Vec::new();
        found.extend(key.file.as_ref().map(|file| self.path(file).map(VaultKey::File)));
        found.extend(key.env.as_ref().map(|name| self.text(name).map(VaultKey::Env)));
        found.extend(key.stdin.as_ref().map(|_| Some(VaultKey::Stdin)));
        found.extend(key.transit.as_ref().map(|it| self.transit(&it.value)));
        found.extend(key.pkcs11.as_ref().map(|it| self.pkcs11(&it.value)));
        match (found.pop(), found.is_empty()) {
            (Some(found), true) => found,
            _ => self.wrong(
                at.line,
                "the vault's key comes from exactly one place; write `{ file: … }`, `{ env: … }`, `{ stdin: true }`, `{ transit: … }` or `{ pkcs11: … }`",
            ),
        }
    }

    fn transit(&mut self, it: &file::Transit) -> Option<VaultKey> {
        let address = self.text(&it.address).map(|address| address.trim_end_matches('/').to_owned());
        let address = address.and_then(|address| match is_safe(&address) {
            true => Some(address),
            false => self.wrong(
                it.address.line,
                "the address is to be `https://HOST:PORT`, or `http://…` on loopback: keys pass there",
            ),
        });
        let named = |it: &mut Self, at: &At<String>| {
            let name = it.text(at)?;
            let is_name = name.split('/').all(|part| {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                !part.is_empty() && !part.starts_with('.') && part.chars().all(is_plain)
            });
            match is_name {
                true => Some(name),
                false => it.wrong(at.line, "write a name of letters, digits, `-`, `_` and `.`"),
            }
        };
        let mount = it.mount.as_ref().map_or_else(|| Some("transit".into()), |mount| named(self, mount));
        let key = named(self, &it.key);
        let token_file = self.path(&it.token_file);
        let namespace = it.namespace.as_ref().map(|namespace| self.text(namespace));
        let ca = it.ca.as_ref().map(|ca| self.path(ca));
        Some(VaultKey::Transit(Transit {
            address: address?,
            mount: mount?,
            key: key?,
            token_file: token_file?,
            namespace: match namespace {
                None => None,
                Some(namespace) => Some(namespace?),
            },
            ca: match ca {
                None => None,
                Some(ca) => Some(ca?),
            },
        }))
    }

    fn pkcs11(&mut self, it: &file::Pkcs11) -> Option<VaultKey> {
        let (module, pin_file) = (self.path(&it.module), self.path(&it.pin_file));
        let (token, key) = (self.text(&it.token), self.text(&it.key));
        Some(VaultKey::Pkcs11(Pkcs11 { module: module?, token: token?, key: key?, pin_file: pin_file? }))
    }
}

/// Whether what is sent there is read by nobody on the way.
fn is_safe(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_plain = uri.query().is_none() && !address.contains(['#', '@']);
    let scheme = uri.scheme_str();
    is_plain && !host.is_empty() && (scheme == Some("https") || scheme == Some("http") && is_loopback(host))
}
