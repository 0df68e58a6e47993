//! The policies of `policies/`, asked the questions beside them.

#[cfg(test)]
mod examples;
