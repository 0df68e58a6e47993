//! A resource as it is, read on panguard's own account for those who answer for a change of it.

use access::Before;
use gate::{Change, Difference, Line, Read};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use mask::Masker;
use wire_http::Reading;

use super::Https;
use super::body::Sent;
use crate::clock::now;
use crate::sample::clipped;

impl Https {
    /// What a request on a connection would change of what is there now. Nothing of it is sent but a GET, with the
    /// connection's own credential.
    ///
    /// # Errors
    /// Why that is not known: nothing of what is there.
    pub(crate) async fn read(
        &self,
        connection: &str,
        before: &Before,
        masker: Masker,
    ) -> Result<Difference, &'static str> {
        let reachable = self.named(connection).ok_or("its connection is gone")?;
        let reading = Reading::of(&reachable.connection.lane, before).ok_or(NO_REQUEST)?;
        let parts = reading.request().ok_or(NO_REQUEST)?;
        let lent = reachable.client.lend().await.map_err(|_| "panguard has no credential for it")?;
        let echo = lent.echo.clone();
        let answered = reachable.client.send(parts, lent, Sent::Whole(None)).await;
        let answered = answered.map_err(|_| "the protected system cannot be reached")?;
        let echo = answered.echo.map_or_else(|| echo.clone(), |other| echo.and(&other));
        let (parts, body) = answered.response.into_parts();
        let body = whole(body).await?;
        let (differences, more) = reading.differences(&parts, &body, masker, now(), &echo)?;
        Ok(Difference {
            read: before.facts.call.as_deref().map(Read::of).unwrap_or_default(),
            lines: differences.into_iter().map(|it| line(it, masker)).collect(),
            left_out: u32::try_from(more).unwrap_or(u32::MAX),
        })
    }
}

fn line(it: wire_http::Difference, masker: Masker) -> Line {
    let told = |text: &str| clipped(text, masker, VALUE_CHARS_MAX).unwrap_or_else(|| WITHHELD.into());
    Line {
        at: told(&it.at),
        change: match it.change {
            wire_http::Change::Added => Change::Added,
            wire_http::Change::Removed => Change::Removed,
            wire_http::Change::Changed => Change::Changed,
            wire_http::Change::Set => Change::Set,
        },
        was: it.was.as_deref().map(told),
        becomes: it.becomes.as_deref().map(told),
    }
}

/// All of a body, if it is not too long.
async fn whole(mut body: Incoming) -> Result<Vec<u8>, &'static str> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "the protected system broke off")?;
        // Trailers are no part of it.
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > BODY_BYTES_MAX {
            return Err("what is there is too long");
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

const NO_REQUEST: &str = "it is not known how it is read";
const WITHHELD: &str = "<withheld>";
/// Characters of a value.
const VALUE_CHARS_MAX: usize = 100;
/// Bytes of a resource that is compared.
const BODY_BYTES_MAX: usize = 256 << 10;
