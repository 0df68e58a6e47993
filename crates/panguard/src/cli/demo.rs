use clap::Args;

use super::output::{Exit, Format};
use crate::demo::{self, Show};

/// See it work: a private PostgreSQL, an OIDC issuer, card data that is made up, and an agent's session.
#[derive(Args)]
pub struct Arguments {
    /// Run the script, print what happened, and exit with 0 only if every promise shown has held.
    #[arg(long)]
    once: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let show = match arguments.format {
        Format::Text => Show::text(),
        Format::Json => Show::Json,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let held = runtime.block_on(demo::run(arguments.once, &show))?;
    Ok(if held { Exit::Fine } else { Exit::No })
}
