//! Sealed upstream credentials.
