use access::{Bound, Parameter, Question, Secret};
use audit::Who;
use aws_lc_rs::hmac;

/// Makes the digest of all that an approval binds.
pub(crate) struct Binder(hmac::Key);

impl Binder {
    pub(crate) fn new(key: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// HMAC-SHA-256 over who asks, on whose behalf, where, under which policies, what is done to what, the command in its
    /// canonical form, and each parameter, in hex.
    ///
    /// # Errors
    /// Why the command cannot be approved, since not all of it is known.
    pub(crate) fn bind(
        &self,
        who: &Who,
        connection: &str,
        policy_version: &str,
        question: &Question,
    ) -> Result<Box<str>, &'static str> {
        let mut digest = hmac::Context::with_key(&self.0);
        // Each part with its length before it, so that no two run together.
        let mut part = |kind: u8, bytes: &[u8]| {
            digest.update(&[kind]);
            digest.update(&(bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        let lent = who.on_behalf_of.as_deref().unwrap_or_default();
        for text in [&*who.kind, &who.id, &who.issuer, &who.subject, lent, connection, policy_version] {
            part(b'w', text.as_bytes());
        }
        // Who hands access on calls the next as they like.
        if let Some(lent) = &who.lent {
            for text in [&lent.by_kind, &lent.by].into_iter().chain(&lent.through) {
                part(b'l', text.as_bytes());
            }
        }
        // The same text may name other tables by another search path.
        for it in &question.facts.uses {
            part(b'u', format!("{it:?}").as_bytes());
        }
        let text = question.command.expose();
        match &question.bound {
            Bound::Text(form, beside) => {
                match form(text) {
                    Some(form) => part(b'c', form.as_bytes()),
                    None => part(b't', text.as_bytes()),
                }
                part(b'm', beside);
            }
            Bound::Once(_) => part(b'i', question.request.to_string().as_bytes()),
            Bound::Bytes(bytes, _) => part(b'b', bytes.expose()),
            Bound::Nothing(why) => return Err(why),
        }
        for parameter in &question.parameters {
            match parameter.expose() {
                Parameter::Null => part(b'n', b""),
                Parameter::Text(bytes) => part(b'p', bytes),
                Parameter::Binary(bytes, oid) => {
                    part(b'o', &oid.to_be_bytes());
                    part(b'q', bytes);
                }
            }
        }
        Ok(digest.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }
}
