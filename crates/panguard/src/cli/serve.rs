use std::path::Path;

use clap::Args;

use super::output::Exit;
use crate::serve::{self, LogFormat};

/// Run the gateway.
#[derive(Args)]
pub struct Arguments {
    /// In which form to write the log, on standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log: LogFormat,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    serve::run(path, arguments.log)?;
    Ok(Exit::Fine)
}
