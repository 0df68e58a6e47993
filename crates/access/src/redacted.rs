use std::fmt;

use zeroize::Zeroize;

/// A value that may hold card data or the like: it can be used, and cannot be printed by accident.
///
/// `Debug` prints `[redacted]`, and there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for masking or for sending to where it belongs. Not for printing.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A credential: a password, a key, a token. Zeroed when dropped; implements no way of printing it.
///
/// ```compile_fail,E0277
/// println!("{:?}", access::Secret::from(String::from("hunter2")));
/// ```
/// ```compile_fail,E0277
/// println!("{}", access::Secret::from(String::from("hunter2")));
/// ```
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// The bytes, for the one call that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as UTF-8, if they are.
    pub fn expose_str(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<Vec<u8>> for Secret {
    fn from(mut bytes: Vec<u8>) -> Self {
        // `into_boxed_slice` may reallocate and leave the old copy behind, so it is copied and wiped here.
        let secret = Self(bytes.as_slice().into());
        bytes.zeroize();
        secret
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
