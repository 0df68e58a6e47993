use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::house::House;

/// `panguard serve` as a process of its own. It is told to stop, and stops, when this is dropped.
pub struct Gateway {
    process: Child,
    log: std::path::PathBuf,
}

impl Gateway {
    /// Starts the gateway of `house` and waits until it says that it is ready.
    ///
    /// # Errors
    /// It does not become ready; with the end of its log.
    pub async fn start(house: &House) -> anyhow::Result<Self> {
        let log = fs::File::create(&house.log)?;
        let mut serve = house.panguard(["serve", "--log", "json"])?;
        serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        // A Ctrl-C in the terminal is for the demo, which then stops the gateway itself.
        serve.process_group(0);
        let mut process =
            Command::from(serve).kill_on_drop(true).spawn().context("cannot start the gateway")?;
        let stdout = process.stdout.take().context("the gateway has no standard output")?;
        let gateway = Self { process, log: house.log.clone() };
        let mut ready = String::new();
        let read = tokio::time::timeout(START_MAX, BufReader::new(stdout).read_line(&mut ready)).await;
        match read {
            Ok(Ok(length)) if length > 0 => {}
            Ok(_) | Err(_) => bail!("the gateway does not start:\n{}", gateway.said()),
        }
        // It listens; its issuer's keys and its upstream's catalog may still be on their way.
        let deadline = Instant::now() + START_MAX;
        while !is_ready(house.console).await.unwrap_or(false) {
            if Instant::now() > deadline {
                bail!("the gateway does not become ready:\n{}", gateway.said());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(gateway)
    }

    /// Waits for the gateway to end by itself, which it should not.
    ///
    /// # Errors
    /// Always: with the end of its log.
    pub async fn gone(&mut self) -> anyhow::Result<()> {
        let status = self.process.wait().await?;
        bail!("the gateway ended ({status}):\n{}", self.said())
    }

    fn said(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let pid = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + STOP_MAX;
        while matches!(self.process.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                _ = self.process.start_kill();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What `/readyz` on the console says.
async fn is_ready(console: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(console).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200 "))
}

const START_MAX: Duration = Duration::from_secs(30);
/// Nothing is running when the demo ends.
const STOP_MAX: Duration = Duration::from_secs(5);
