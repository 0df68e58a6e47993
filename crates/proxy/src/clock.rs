use std::time::{SystemTime, UNIX_EPOCH};

use access::Timestamp;

/// The time now. The one place where the gateway asks: everything that decides takes it as an argument.
pub(crate) fn now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Timestamp(micros)
}
