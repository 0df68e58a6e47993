//! The command line: one file per command.

mod access;
mod audit;
mod ca;
mod check;
mod console;
mod delegate;
mod demo;
mod discover;
mod env;
mod evidence;
mod explain;
mod explained;
mod login;
pub mod output;
pub mod plain;
mod policy;
mod proxy;
mod question;
mod requests;
mod rights;
mod run;
mod scan;
mod secrets;
mod serve;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Exit;

/// The only way from AI coding agents to the systems that hold card data.
#[derive(Parser)]
#[command(name = "panguard", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    /// The configuration.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "./panguard.yaml",
        env = "PANGUARD_CONFIG"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Serve(serve::Arguments),
    Check(check::Arguments),
    Audit(audit::Arguments),
    Trace(audit::Trace),
    Evidence(evidence::Arguments),
    Ca(ca::Arguments),
    Env(env::Arguments),
    Run(run::Arguments),
    Login(login::Arguments),
    Token(login::Token),
    Logout(login::Logout),
    Requests(requests::Arguments),
    Policy(policy::Arguments),
    Secrets(secrets::Arguments),
    Access(access::Arguments),
    Delegate(delegate::Arguments),
    Scan(scan::Arguments),
    Discover(discover::Arguments),
}

/// Runs the command that the arguments name. Exits with 0 if all is fine, 1 if the answer is no, 2 if usage
/// or configuration is wrong.
pub fn main() -> ExitCode {
    let Cli { config, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let done = match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) => serve::run(&config, &arguments),
        Command::Check(arguments) => check::run(&config, &arguments),
        Command::Audit(arguments) => audit::run(&config, &arguments),
        Command::Trace(arguments) => audit::follow(&config, &arguments),
        Command::Evidence(arguments) => evidence::run(&config, &arguments),
        Command::Ca(arguments) => ca::run(&config, &arguments),
        Command::Env(arguments) => env::run(&config, &arguments),
        Command::Run(arguments) => run::run(&config, &arguments),
        Command::Login(arguments) => login::login(&config, &arguments),
        Command::Token(arguments) => login::token(&config, &arguments),
        Command::Logout(arguments) => login::logout(&config, &arguments),
        Command::Requests(arguments) => requests::run(&config, &arguments),
        Command::Policy(arguments) => policy::run(&config, &arguments),
        Command::Secrets(arguments) => secrets::run(&config, &arguments),
        Command::Access(arguments) => access::run(&config, &arguments),
        Command::Delegate(arguments) => delegate::run(&config, &arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Discover(arguments) => discover::run(&config, &arguments),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("{}", output::two_lines(&error));
            Exit::Wrong.into()
        }
    }
}
