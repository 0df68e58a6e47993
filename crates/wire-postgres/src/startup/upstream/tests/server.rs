//! A server's half of SCRAM-SHA-256 (RFC 5802), written from the specification to test ours against.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::{Engine, engine::general_purpose::STANDARD};

pub(super) struct Server {
    pub(super) password: &'static str,
    /// The channel binding data that this server sees, if it does TLS.
    pub(super) end_point: Option<&'static [u8]>,
    client_first: String,
    server_first: String,
}

const SALT: &[u8] = b"a salt";
const ITERATIONS: u32 = 64;

impl Server {
    pub(super) fn new(password: &'static str, end_point: Option<&'static [u8]>) -> Self {
        Self { password, end_point, client_first: String::new(), server_first: String::new() }
    }

    /// The server's first message.
    pub(super) fn first(&mut self, client_first: &[u8]) -> Vec<u8> {
        self.client_first = String::from_utf8(client_first.to_vec()).unwrap();
        let nonce = self.bare().strip_prefix("n=,r=").unwrap();
        self.server_first = format!("r={nonce}server,s={},i={ITERATIONS}", STANDARD.encode(SALT));
        self.server_first.clone().into_bytes()
    }

    /// The server's proof; `None` if the client's does not hold.
    pub(super) fn last(&self, client_final: &[u8]) -> Option<Vec<u8>> {
        let client_final = str::from_utf8(client_final).unwrap();
        let (without_proof, proof) = client_final.rsplit_once(",p=").unwrap();
        let header = self.client_first.strip_suffix(self.bare()).unwrap();
        let bound = if header.starts_with('p') { self.end_point.unwrap() } else { b"" };
        let expected = STANDARD.encode([header.as_bytes(), bound].concat());
        if !without_proof.starts_with(&format!("c={expected},r=")) {
            return None;
        }
        // A server that does channel binding knows by `y` that its offer was cut out on the way.
        if self.end_point.is_some() && header.starts_with('y') {
            return None;
        }
        let mut salted = [0; 32];
        let iterations = NonZeroU32::new(ITERATIONS).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, SALT, self.password.as_bytes(), &mut salted);
        let message = format!("{},{},{without_proof}", self.bare(), self.server_first);
        let client_key = mac(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, &client_key);
        let signature = mac(stored_key.as_ref(), message.as_bytes());
        let right: Vec<u8> = client_key.iter().zip(signature).map(|(key, sign)| key ^ sign).collect();
        let server_key = mac(&salted, b"Server Key");
        let verifier = STANDARD.encode(mac(&server_key, message.as_bytes()));
        (STANDARD.encode(right) == proof).then(|| format!("v={verifier}").into_bytes())
    }

    /// The client's first message without the gs2 header.
    fn bare(&self) -> &str {
        self.client_first.splitn(3, ',').nth(2).unwrap()
    }
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}
