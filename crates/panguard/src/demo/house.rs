use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use vault::MasterKey;

use super::issuer::Identity;
use super::postgres::{Postgres, free_port};

/// Who there is in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// An agent that works on payments.
    Checkout,
    /// An agent that has nothing to do with payments.
    Web,
    /// A person of the fraud team.
    Rita,
    /// A database administrator.
    Dora,
    /// A person who answers for what agents do to payments.
    Olga,
}

impl Who {
    pub const ALL: [Self; 5] = [Self::Checkout, Self::Web, Self::Rita, Self::Dora, Self::Olga];

    /// The name in policies and in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "agent-checkout",
            Self::Web => "agent-web",
            Self::Rita => "rita",
            Self::Dora => "dora",
            Self::Olga => "olga",
        }
    }

    /// What they may do, in a few words.
    pub fn may(self) -> &'static str {
        match self {
            Self::Checkout => "an agent: reads masked, writes payments",
            Self::Web => "an agent: may not connect",
            Self::Rita => "a person of the fraud team: sees card numbers",
            Self::Dora => "a database administrator: changes tables, drops none",
            Self::Olga => "an owner of payments: approves what agents ask for",
        }
    }

    /// What the issuer says of them.
    pub fn identity(self) -> Identity {
        match self {
            Self::Checkout => {
                Identity { subject: "svc-4711", client: "agent-checkout", groups: &["payments-agents"] }
            }
            Self::Web => Identity { subject: "svc-4712", client: "agent-web", groups: &["web-agents"] },
            Self::Rita => Identity { subject: "rita", client: "panguard-cli", groups: &["fraud"] },
            Self::Dora => Identity { subject: "dora", client: "panguard-cli", groups: &["dba"] },
            Self::Olga => Identity { subject: "olga", client: "panguard-cli", groups: &["payments-owners"] },
        }
    }
}

/// The files of the demo's gateway, and where it will listen.
pub struct House {
    pub config: PathBuf,
    pub policies: PathBuf,
    pub audit: PathBuf,
    pub log: PathBuf,
    pub postgres: SocketAddr,
    pub console: SocketAddr,
}

impl House {
    /// Writes configuration, policies and vault key into `folder`.
    pub fn build(folder: &Path, upstream: SocketAddr, issuer: &str, once: bool) -> anyhow::Result<Self> {
        let (postgres, console) =
            if once { (port_near(0)?, port_near(0)?) } else { (port_near(6432)?, port_near(8443)?) };
        let house = Self {
            config: folder.join("panguard.yaml"),
            policies: folder.join("policies"),
            audit: crate::folder::audit(&folder.join("data")),
            log: folder.join("gateway.log"),
            postgres,
            console,
        };
        fs::write(&house.config, configuration(postgres, console, upstream, issuer))?;
        fs::create_dir(&house.policies)?;
        for (name, text) in POLICIES {
            fs::write(house.policies.join(name), text)?;
        }
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| anyhow::anyhow!("the system has no randomness"))?;
        let key = MasterKey::generate(random).to_text();
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(folder.join("vault.key"))?.write_all(key.expose())?;
        Ok(house)
    }

    /// Puts the database's password into the vault, as a user would: `panguard secrets set`.
    pub fn store_password(&self, password: &str) -> anyhow::Result<()> {
        let mut set = self.panguard(["secrets", "set", "payments-db"])?;
        let mut set = set.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut value) = set.stdin.take() {
            value.write_all(password.as_bytes())?;
        }
        let done = set.wait_with_output()?;
        if !done.status.success() {
            bail!("`panguard secrets set` failed: {}", String::from_utf8_lossy(&done.stderr).trim_end());
        }
        Ok(())
    }

    /// This program with this configuration and these arguments.
    pub fn panguard<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Command> {
        // By this name it is found even when a newer build has taken its place meanwhile.
        let mut command = match Path::new(SELF).exists() {
            true => Command::new(SELF),
            false => Command::new(std::env::current_exe().context("where is this program?")?),
        };
        command.arg0("panguard").arg("--config").arg(&self.config).args(arguments);
        Ok(command)
    }
}

/// Makes the database, its tables and the role that panguard signs in as.
pub async fn furnish_database(postgres: &Postgres, password: &str) -> anyhow::Result<()> {
    let administrator = postgres.administrator("postgres").await?;
    // The password is hex, so it needs no quoting.
    administrator.batch_execute(&format!("CREATE ROLE app_rw LOGIN PASSWORD '{password}'")).await?;
    administrator.batch_execute("CREATE DATABASE payments").await?;
    let payments = postgres.administrator("payments").await?;
    payments.batch_execute("GRANT CREATE ON SCHEMA public TO app_rw").await?;
    payments.batch_execute(include_str!("data.sql")).await?;
    Ok(())
}

fn configuration(postgres: SocketAddr, console: SocketAddr, upstream: SocketAddr, issuer: &str) -> String {
    format!(
        "\
# The demo's configuration, as you would write your own. `panguard check --config FILE` checks it.
data_dir: ./data
policies: ./policies
listen:
  postgres: {postgres}
  console: {console}
vault: {{ key: {{ file: ./vault.key }} }}
masking: {{ pan: last4 }}
identity:
  issuers:
    - issuer: {issuer}
      audience: {AUDIENCE}
      groups_claim: groups
      agents: {{ claim: azp, prefix: agent- }}
      clock_skew_seconds: 0            # issuer and gateway share a clock here
connections:
  payments-db:
    type: postgres
    address: {upstream}
    database: payments
    tls: disable                       # allowed on loopback only
    credential: {{ user: app_rw, password: {{ secret: payments-db }} }}
    labels: [cde]
    data:
      public.cards.pan: pan
      public.cards.pan_number: pan
      public.cards.cvv: sad
      public.cards.holder: cardholder_name
      public.payments.document: {{ json: {{ $.card.number: pan }} }}
"
    )
}

/// `wanted` on loopback if it is free, else any port that is.
fn port_near(wanted: u16) -> std::io::Result<SocketAddr> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, wanted));
    if wanted != 0 && TcpListener::bind(address).is_ok() {
        return Ok(address);
    }
    Ok((Ipv4Addr::LOCALHOST, free_port()?).into())
}

/// The example policies `policies/payments`, with the questions that `panguard policy test` asks them.
const POLICIES: [(&str, &str); 4] = [
    ("agents.cedar", include_str!("../../../../policies/payments/agents.cedar")),
    ("guardrails.cedar", include_str!("../../../../policies/payments/guardrails.cedar")),
    ("people.cedar", include_str!("../../../../policies/payments/people.cedar")),
    ("questions.yaml", include_str!("../../../../policies/payments/questions.yaml")),
];

/// This program (proc(5)).
const SELF: &str = "/proc/self/exe";
/// The audience of the demo's tokens.
pub const AUDIENCE: &str = "panguard";
/// A working day.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(8 * 3600);
