use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use access::Secret;
use anyhow::{Context, bail};
use tokio_postgres::{Client, NoTls};

use super::random;

/// A PostgreSQL server of the demo's own, on loopback, with its data in a temporary folder. It is stopped
/// and its data is gone when this is dropped.
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    owner: Option<Owner>,
    port: u16,
    password: Secret,
    server: Child,
}

/// The unprivileged user that the server runs as when the demo runs as root, which PostgreSQL refuses.
#[derive(Clone, Copy)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// Sets up and starts a server under `folder`, from the machine's own server binaries.
    ///
    /// # Errors
    /// If there are no such binaries, or the server does not come up; with what it said.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let bin = binaries()?;
        let owner = unprivileged()?;
        let home = folder.join("postgres");
        fs::create_dir(&home)?;
        let password = random::hex()?;
        let password_file = home.join("password");
        fs::write(&password_file, &password)?;
        if let Some(Owner { uid, gid }) = owner {
            // The server's user must come through the folder that holds its own.
            fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
            std::os::unix::fs::chown(&home, Some(uid), Some(gid))?;
            std::os::unix::fs::chown(&password_file, Some(uid), Some(gid))?;
        }
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
        let data = home.join("data");
        initialise(&bin, &data, &password_file, owner)?;
        fs::remove_file(&password_file)?;
        let (port, server) = launch(&bin, &home, &data, owner)?;
        let mut postgres = Self { bin, data, owner, port, password: Secret::from(password), server };
        postgres.wait(&home.join("log")).await?;
        Ok(postgres)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A connection of the server's administrator, past panguard.
    ///
    /// # Errors
    /// As tokio-postgres says.
    pub async fn administrator(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user("postgres").dbname(database);
        config.password(self.password.expose());
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn wait(&mut self, log: &Path) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            let Err(error) = self.administrator("postgres").await else { return Ok(()) };
            let stopped = self.server.try_wait()?;
            if stopped.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(log).unwrap_or_default();
                bail!("the demo's PostgreSQL does not come up: {error}\n{}", said.trim_end());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its data goes at once, so nothing is worth flushing. `pg_ctl` stops the server's children too.
        let mut stop = command(&self.bin, "pg_ctl", self.owner);
        stop.args(["-m", "immediate", "-w", "-t", "10", "stop", "-D"]).arg(&self.data);
        if !stop.status().is_ok_and(|status| status.success()) {
            _ = self.server.kill();
        }
        _ = self.server.wait();
    }
}

/// The folder of the newest server binaries: Debian's place, or the path.
fn binaries() -> anyhow::Result<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = versions.into_iter().rev().map(|(_, bin)| bin).chain(std::env::split_paths(&path));
    for bin in found {
        if ["initdb", "postgres", "pg_ctl"].iter().all(|program| bin.join(program).is_file()) {
            return Ok(bin);
        }
    }
    bail!(
        "there are no PostgreSQL server binaries here; install them, such as with `apt-get install postgresql`"
    )
}

/// Whom to run the server as: ourselves, or somebody else for root.
fn unprivileged() -> anyhow::Result<Option<Owner>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some(Owner { uid, gid: fields.next()?.parse().ok()? })
        })
    };
    let owner = find("postgres").or_else(|| find("nobody"));
    owner.map(Some).context("there is neither a user `postgres` nor `nobody` to run PostgreSQL as")
}

fn initialise(bin: &Path, data: &Path, password: &Path, owner: Option<Owner>) -> anyhow::Result<()> {
    let mut initdb = command(bin, "initdb", owner);
    initdb.args(["-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]);
    initdb.args(["--auth-host=scram-sha-256", "--auth-local=reject"]);
    initdb.arg("--pwfile").arg(password).arg("-D").arg(data);
    let done = initdb.stdout(Stdio::piped()).stderr(Stdio::piped()).output().context("cannot run initdb")?;
    if !done.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&done.stderr).trim_end());
    }
    Ok(())
}

fn launch(bin: &Path, home: &Path, data: &Path, owner: Option<Owner>) -> anyhow::Result<(u16, Child)> {
    let port = free_port()?;
    let log = fs::File::create(home.join("log"))?;
    let mut postgres = command(bin, "postgres", owner);
    postgres.arg("-D").arg(data).arg("-p").arg(port.to_string());
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "password_encryption=scram-sha-256",
        // It is thrown away at the end.
        "fsync=off",
        "full_page_writes=off",
        "max_wal_size=2GB",
        "log_min_messages=warning",
    ] {
        postgres.arg("-c").arg(setting);
    }
    let server = postgres.stdout(log.try_clone()?).stderr(log).spawn().context("cannot start PostgreSQL")?;
    Ok((port, server))
}

/// A server program, run as `owner`, that a Ctrl-C in the terminal does not reach: the demo stops it itself.
fn command(bin: &Path, program: &str, owner: Option<Owner>) -> Command {
    let mut command = Command::new(bin.join(program));
    let path: OsString = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    command.env_clear().env("PATH", path).env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    if let Some(Owner { uid, gid }) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

/// A port of loopback that is free now.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A cold start on a slow disk takes a few seconds.
const START_MAX: Duration = Duration::from_secs(60);
