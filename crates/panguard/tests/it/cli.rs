//! Each command as a user runs it: what it prints, where, and its exit code.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a configuration, policies and a vault key, and the binary run on them.
struct House {
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        house.write("panguard.yaml", &CONFIG.replace("PORT", &port.to_string()));
        fs::create_dir(house.path("policies")).unwrap();
        house.write("policies/all.cedar", "@id(\"all\") permit (principal, action, resource);");
        let mut key = fs::OpenOptions::new();
        let mut key = key.write(true).create_new(true).mode(0o600).open(house.path("vault.key")).unwrap();
        key.write_all(b"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\n").unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_panguard"));
        command.current_dir(self.folder.path()).args(arguments).env_remove("PANGUARD_CONFIG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::from(self.command(arguments).output().unwrap())
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A command that is refused before it reads has hung up.
        _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Said::from(child.wait_with_output().unwrap())
    }
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

const CONFIG: &str = "\
data_dir: ./data
policies: ./policies
listen: { postgres: 127.0.0.1:PORT }
vault: { key: { file: ./vault.key } }
identity:
  issuers:
    - { issuer: http://127.0.0.1:9, audience: panguard, agents: { claim: agent_id } }
connections:
  payments-db:
    type: postgres
    address: 127.0.0.1:9
    database: payments
    tls: disable
    credential: { user: app_rw, password: { secret: payments-db } }
";

#[test]
fn check_says_that_a_good_configuration_is_fine() {
    let said = House::new().run(&["check"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(said.out, "./panguard.yaml: fine, 1 connections, 1 policies\n");
}

#[test]
fn check_names_file_line_and_what_to_write_for_configuration_and_policies() {
    let house = House::new();
    house.write("panguard.yaml", &CONFIG.replace("PORT", "1").replace("audience", "audiance"));
    let said = house.run(&["check"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert_eq!(said.err, "./panguard.yaml:7: unknown key `audiance`; write `audience`\n");

    house.write("panguard.yaml", &CONFIG.replace("PORT", "1"));
    house.write("policies/all.cedar", "permit (principal, action, resource)\nwhen { context.nonsense };");
    let said = house.run(&["check"]);
    assert_eq!(said.code, 2);
    assert!(said.err.starts_with("./policies/all.cedar:2: "), "{}", said.err);

    let said = house.run(&["check", "--format", "json"]);
    assert_eq!(said.code, 2);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&json["ok"], &json["problems"][0]["line"]), (&Value::Bool(false), &Value::from(2)));
}

#[test]
fn check_prints_the_schema_without_a_configuration() {
    let said = House::new().run(&["check", "--schema", "--config", "nowhere.yaml"]);
    assert_eq!(said.code, 0);
    let schema: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(schema["title"], "panguard.yaml");
}

#[test]
fn wrong_usage_and_a_missing_configuration_exit_with_2() {
    let house = House::new();
    assert_eq!(house.run(&["frobnicate"]).code, 2);
    let said = house.run(&["serve", "--config", "nowhere.yaml"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.starts_with("nowhere.yaml: there is no such file"), "{}", said.err);
}

#[test]
fn secrets_come_from_standard_input_and_are_never_shown() {
    let house = House::new();
    let said = house.run_with_input(&["secrets", "set", "payments-db"], "hunter2-hunter2\n");
    assert_eq!((said.code, said.out.as_str()), (0, "stored `payments-db`, version 1\n"));
    let said = house.run_with_input(&["secrets", "rotate", "payments-db"], "hunter3-hunter3");
    assert_eq!((said.code, said.out.as_str()), (0, "stored `payments-db`, version 2\n"));
    let said = house.run(&["secrets", "list", "--format", "json"]);
    let listed: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&listed["name"], &listed["version"]), (&Value::from("payments-db"), &Value::from(2)));
    let file = fs::read_to_string(house.path("data/vault.json")).unwrap();
    for text in [said.out, said.err, file] {
        assert!(!text.contains("hunter"), "{text}");
    }
    assert_eq!(house.run(&["secrets", "remove", "payments-db"]).code, 0);
    assert_eq!(house.run(&["secrets", "remove", "payments-db"]).code, 1);
}

#[test]
fn an_empty_secret_an_unknown_one_and_a_bad_name_are_refused() {
    let house = House::new();
    let said = house.run_with_input(&["secrets", "set", "payments-db"], "\n");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("there is no value on standard input"), "{}", said.err);
    assert_eq!(house.run_with_input(&["secrets", "rotate", "payments-db"], "x").code, 2);
    assert_eq!(house.run_with_input(&["secrets", "set", "internal/audit-signing"], "x").code, 2);
}

#[test]
fn a_vault_key_that_everybody_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    fs::set_permissions(house.path("vault.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = house.run(&["secrets", "list"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("chmod 600"), "{}", said.err);
}

#[test]
fn the_vault_key_may_be_the_first_line_of_standard_input() {
    let house = House::new();
    house.write(
        "panguard.yaml",
        &CONFIG.replace("PORT", "1").replace("{ file: ./vault.key }", "{ stdin: true }"),
    );
    let key = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\n";
    assert_eq!(house.run_with_input(&["secrets", "set", "payments-db"], &format!("{key}value\n")).code, 0);
    assert!(house.run_with_input(&["secrets", "list"], key).out.starts_with("payments-db "));
    assert_eq!(house.run(&["secrets", "list"]).code, 2);
}

#[test]
fn env_prints_what_a_client_needs_and_run_sets_it() {
    let house = House::new();
    house.write("panguard.yaml", &CONFIG.replace("PORT", "6432"));
    let said = house.run(&["env", "payments-db"]);
    assert_eq!(said.code, 0);
    assert!(said.out.starts_with(
        "export PGHOST=127.0.0.1\nexport PGPORT=6432\nexport PGUSER=agent\nexport PGDATABASE=payments-db\n"
    ));
    let script = "echo $PGUSER@$PGHOST:$PGPORT/$PGDATABASE $PGPASSWORD; exit 7";
    let mut run = house.command(&["run", "--", "sh", "-c", script]);
    let said = Said::from(run.env("PANGUARD_TOKEN", "token").env_remove("PGPASSWORD").output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (7, "agent@127.0.0.1:6432/payments-db token\n"));
    let said = house.run(&["env", "nowhere"]);
    assert_eq!(said.code, 2);
    assert_eq!(said.err, "panguard: there is no connection `nowhere`; the configuration has: payments-db\n");
}

#[test]
fn scan_finds_card_numbers_and_never_prints_them() {
    let house = House::new();
    fs::create_dir(house.path("in")).unwrap();
    house.write("in/clean.txt", "nothing here, order 12345678\n");
    house.write("in/dirty.txt", "first line\ncard 4111 1111 1111 1111 of somebody\n");
    assert_eq!(house.run(&["scan", "in/clean.txt"]).code, 0);
    let said = house.run(&["scan", "in"]);
    assert_eq!(said.code, 1);
    let line = said.out.lines().next().unwrap();
    assert_eq!(line, "in/dirty.txt:2: card number (visa) **** **** **** 1111");
    let said = house.run_with_input(&["scan", "--format", "json"], "4111111111111111");
    assert_eq!(said.code, 1);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&json["masked"], &json["line"]), (&Value::from("************1111"), &Value::from(1)));
    assert_eq!(house.run(&["scan", "nowhere"]).code, 2);
}

#[test]
fn scan_finds_a_number_once_wherever_the_pieces_of_a_long_file_are_cut() {
    let house = House::new();
    let piece = 1 << 20;
    for around in [piece - 20, piece - 8, piece, piece - 4096 - 8, piece - 4096, piece - 8192 - 8] {
        let mut text = "x\n".repeat(piece);
        text.insert_str(around, " 4111 1111 1111 1111 ");
        house.write("long.txt", &text);
        let said = house.run(&["scan", "long.txt", "--format", "json"]);
        let found: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(found.len(), 1, "around {around}: {}", said.out);
        assert_eq!(found[0]["offset"], around + 1, "around {around}");
        assert_eq!(found[0]["line"], around / 2 + 1, "around {around}");
    }
}

#[test]
fn policy_test_asks_the_examples_and_says_which_answer_is_wrong() {
    let house = House::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/payments");
    let said = house.run(&["policy", "test", example.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    house.write(
        "policies/questions.yaml",
        "- { question: nobody may read, by: { agent: a }, on: db, may: read, verdict: deny }\n",
    );
    let said = house.run(&["policy", "test"]);
    assert_eq!(said.code, 1);
    assert!(said.out.starts_with("WRONG  allow  nobody may read\n"), "{}", said.out);
    house.write(
        "policies/questions.yaml",
        "- { question: x, by: { agent: a }, on: db, may: fly, verdict: deny }\n",
    );
    assert_eq!(house.run(&["policy", "test"]).code, 2);
}

#[test]
fn audit_of_no_log_exits_with_2() {
    let house = House::new();
    let said = house.run(&["audit", "verify"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("there is no audit log at"), "{}", said.err);
}

/// A gateway that is killed if a test fails.
struct Serving(Child);

impl Serving {
    fn start(house: &House) -> Self {
        let mut child = house.command(&["serve"]).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("panguard is ready: postgres 127.0.0.1:"), "{ready}");
        Self(child)
    }

    fn stop(mut self) -> i32 {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.0.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn a_gateway_says_when_it_is_ready_stops_at_sigterm_and_leaves_a_log_that_verifies() {
    let house = House::new();
    assert_eq!(Serving::start(&house).stop(), 0);
    let said = house.run(&["audit", "verify"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.starts_with("verified: "), "{}", said.out);
    let said = house.run(&["audit", "list", "--format", "json"]);
    // That there is no issuer is told if it was asked by then.
    let types: Vec<String> = said.out.lines().map(event).filter(|it| it != "control_failed").collect();
    assert_eq!(types, ["log_created", "gateway_started", "gateway_stopped"]);
    let said = house.run(&["audit", "list", "--event", "gateway_started", "--since", "1h", "--limit", "5"]);
    assert_eq!(said.out.lines().count(), 1);
    assert_eq!(house.run(&["audit", "show", "1"]).code, 0);
    assert_eq!(house.run(&["audit", "show", "99"]).code, 1);
}

#[test]
fn verify_names_the_entry_that_was_changed() {
    let house = House::new();
    assert_eq!(Serving::start(&house).stop(), 0);
    let mut changed = 0;
    for file in files_under(&house.path("data/audit")) {
        let mut content = fs::read(&file).unwrap();
        if let Some(at) = content.windows(15).position(|window| window == b"gateway_started") {
            content[at..at + 15].copy_from_slice(b"gateway_stirred");
            fs::write(&file, content).unwrap();
            changed += 1;
        }
    }
    assert!(changed > 0);
    let said = house.run(&["audit", "verify"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.starts_with("NOT VERIFIED: the first that is wrong is entry 1"), "{}", said.err);
}

#[test]
fn a_second_gateway_on_the_same_data_is_refused() {
    let house = House::new();
    let first = Serving::start(&house);
    let config = fs::read_to_string(house.path("panguard.yaml")).unwrap();
    house.write("second.yaml", &config.replace("postgres: 127.0.0.1:", "postgres: 127.0.0.2:"));
    let said = house.run(&["serve", "--config", "second.yaml"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("is in use by another gateway"), "{}", said.err);
    assert_eq!(first.stop(), 0);
}

fn event(line: &str) -> String {
    let entry: Value = serde_json::from_str(line).unwrap();
    entry["entry"]["event"]["type"].as_str().unwrap().to_owned()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}
