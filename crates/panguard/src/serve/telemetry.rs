use std::io;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// In which form the gateway's own log is written, on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Starts to write the log. What it says is chosen by `PANGUARD_LOG`, such as `debug` or `proxy=debug`;
/// without it, `info`.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("PANGUARD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A line that cannot be written (a full disk) is lost: telling so on the same standard error would panic.
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
