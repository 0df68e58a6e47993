//! Whether the clock shows the time that servers tell (PCI DSS 4.0.1, 10.6.2). Each is asked by SNTP (RFC 5905, 14).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use audit::Closes;
use gate::Found;
use rsntp::AsyncSntpClient;
use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Word, fails};
use crate::config::{Controls, TimeServer};

/// The servers, which are asked for as long as this is there.
pub struct Servers {
    words: Vec<(Box<str>, Word)>,
    _asking: JoinSet<()>,
}

impl Servers {
    /// Begins to ask them.
    pub fn ask(controls: &Controls) -> Self {
        let (mut words, mut asking) = (Vec::new(), JoinSet::new());
        for server in &controls.time_servers {
            let word = Word::default();
            words.push((server.to_string().into(), word.clone()));
            asking.spawn(again_and_again(server.clone(), controls.clock_offset, controls.time, word));
        }
        Self { words, _asking: asking }
    }

    /// What is known of each by now.
    pub fn found(&self) -> impl Iterator<Item = (Box<str>, Found)> {
        self.words.iter().map(|(name, word)| (name.clone(), word.found()))
    }
}

async fn again_and_again(server: TimeServer, offset_max: Duration, every: Duration, word: Word) {
    let mut missed = 0;
    loop {
        let told = told(&server).await;
        missed = if told.is_ok() { 0 } else { missed + 1 };
        match judge(told, offset_max) {
            Found::Fails { .. } if (1..MISSED_MAX).contains(&missed) => {}
            found => word.say(found),
        }
        sleep(every).await;
    }
}

/// How far the clock is behind what a server tells, and how long the way there and back took; in seconds.
struct Told {
    behind: f64,
    way: f64,
}

/// # Errors
/// It tells no time, in words.
async fn told(server: &TimeServer) -> Result<Told, String> {
    let found = timeout(ANSWER_TIME_MAX, lookup_host((&*server.host, server.port))).await;
    let mut addresses = found
        .map_err(|_| "its name is not looked up in time".to_owned())?
        .map_err(|error| format!("its name is not found: {}", error.kind()))?;
    let address = addresses.next().ok_or("its name has no address")?;
    let from = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let client =
        AsyncSntpClient::with_config(rsntp::Config::default().bind_address(from).timeout(ANSWER_TIME_MAX));
    let told = client.synchronize(address).await.map_err(|error| error.to_string())?;
    Ok(Told { behind: told.clock_offset().as_secs_f64(), way: told.round_trip_delay().as_secs_f64() })
}

/// What it means for the clock. A long way makes it uncertain by half of it.
fn judge(told: Result<Told, String>, offset_max: Duration) -> Found {
    let Told { behind, way } = match told {
        Ok(told) => told,
        Err(why) => return fails(format!("nobody tells it the time: {why}"), Closes::Nothing),
    };
    if behind.abs() <= offset_max.as_secs_f64() + way.max(0.0) / 2.0 {
        return Found::Works;
    }
    let sort = if behind > 0.0 { "behind" } else { "ahead" };
    fails(format!("it is {sort} by {:.3} s", behind.abs()), Closes::Nothing)
}

const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// Datagrams are lost; when so many in a row are, the server is away.
const MISSED_MAX: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_by_more_than_may_be_fails_whichever_way() {
        let judged = |behind, way| judge(Ok(Told { behind, way }), Duration::from_secs(1));
        let off = |cause: &str| fails(cause, Closes::Nothing);
        assert_eq!(judged(0.9, 0.0), Found::Works);
        assert_eq!(judged(-0.9, 0.0), Found::Works);
        assert_eq!(judged(1.5, 0.0), off("it is behind by 1.500 s"));
        assert_eq!(judged(-1.5, 0.2), off("it is ahead by 1.500 s"));
        assert_eq!(judged(-1.5, 1.2), Found::Works, "as far as one can tell over such a way");
        assert_eq!(judged(-1.5, -5.0), off("it is ahead by 1.500 s"), "no way takes less than no time");
    }
}
