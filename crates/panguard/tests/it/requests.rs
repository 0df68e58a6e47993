//! `panguard requests` as people run it, at a console that says what it is told to.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use serde_json::Value;

const ID: &str = "3f9a61c0d4e8b752-12";

/// A console for one exchange: what it was asked is what the thread gives.
struct Console {
    address: SocketAddr,
    asked: JoinHandle<String>,
}

impl Console {
    fn says(status: u16, kind: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = format!(
            "HTTP/1.1 {status} .\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let asked = thread::spawn(move || {
            let mut socket = BufReader::new(listener.accept().unwrap().0);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let mut line = String::new();
                assert!(socket.read_line(&mut line).unwrap() > 0, "{head}");
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                head += &line;
            }
            let mut body = vec![0; length];
            socket.read_exact(&mut body).unwrap();
            socket.get_mut().write_all(answer.as_bytes()).unwrap();
            head + &String::from_utf8(body).unwrap()
        });
        Self { address, asked }
    }

    fn asked(self) -> String {
        self.asked.join().unwrap()
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs `panguard requests`, with a token in the environment.
fn run(arguments: &[&str]) -> Said {
    run_with(arguments, &[("PANGUARD_TOKEN", "token-of-bea\n")])
}

fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panguard"));
    command.arg("requests").args(arguments).stdin(Stdio::null());
    for name in ["PANGUARD_CONFIG", "PANGUARD_CONSOLE", "PANGUARD_TOKEN"] {
        command.env_remove(name);
    }
    let folder = tempfile::tempdir().unwrap();
    let output = command.envs(variables.iter().copied()).current_dir(folder.path()).output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn request(state: &str) -> String {
    let request = r#"{"id":"3f9a61c0d4e8b752-12","state":"STATE","asker":{"kind":"agent","id":"claude","issuer":"https://idp.example.com","on_behalf_of":null,"groups":[]},"connection":"payments-db","labels":["cde"],"lane":"postgres","waits":true,"statement":"update cards \u001b[2J","parameters":[],"shortened":false,"facts":{"kinds":["update"],"uses":[],"columns":[],"effect":"data","functions":[],"not_understood":[]},"why":"it writes","policies":[],"needed":1,"approvals":0,"answers":[],"asked":"2026-11-22T09:00:00.000Z","expires":"2026-11-22T09:15:00.000Z","approved_until":null,"fingerprint":"0f"}"#;
    request.replace("STATE", state)
}

fn problem(status: u16, title: &str, detail: &str) -> String {
    serde_json::json!({ "type": "urn:x", "title": title, "status": status, "detail": detail }).to_string()
}

#[test]
fn list_asks_with_the_token_and_prints_what_waits() {
    let console =
        Console::says(200, "application/json", &format!("{{\"requests\":[{}]}}", request("waiting")));
    let said = run(&["list", "--console", &console.url()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(
        said.out
            .starts_with(&format!("{ID}  waiting: 0 of 1 approvals, 0 s left\n  who      agent claude\n"))
    );
    assert!(said.out.contains("what     update cards \\u{1b}[2J\n"), "{}", said.out);
    let asked = console.asked();
    assert!(asked.starts_with("GET /api/requests?all=false&limit=100 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Bearer token-of-bea\r\n"), "{asked}");
}

#[test]
fn json_is_one_request_a_line_and_harmless_to_a_terminal() {
    let both = format!("{{\"requests\":[{},{}]}}", request("waiting"), request("\u{9b}used"));
    let console = Console::says(200, "application/json", &both);
    let said = run(&["list", "--all", "--limit", "2", "--format", "json", "--console", &console.url()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let states: Vec<Value> =
        said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].clone()).collect();
    assert_eq!(states, ["waiting", "\u{9b}used"]);
    assert!(said.out.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(console.asked().starts_with("GET /api/requests?all=true&limit=2 "));
}

#[test]
fn an_answer_is_sent_with_its_comment() {
    let console = Console::says(200, "application/json", &request("approved"));
    let said = run(&["approve", ID, "--console", &console.url()]);
    assert_eq!((said.code, said.out), (0, format!("{ID}  approved: it runs now, once\n")));
    let asked = console.asked();
    assert!(asked.starts_with(&format!("POST /api/requests/{ID}/approve HTTP/1.1\r\n")), "{asked}");
    assert!(asked.contains("content-type: application/json\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\n{\"comment\":\"\"}"), "{asked}");

    let console = Console::says(200, "application/json", &request("denied"));
    let said = run(&["deny", ID, "--comment", "by its id", "--console", &console.url()]);
    assert_eq!((said.code, said.out), (0, format!("{ID}  denied\n")));
    assert!(console.asked().ends_with("{\"comment\":\"by its id\"}"));
}

#[test]
fn show_prints_everything() {
    let console = Console::says(200, "application/json", &request("waiting"));
    let said = run(&["show", ID, "--console", &console.url()]);
    assert!(said.out.contains(&format!("\nanswer   panguard requests approve {ID}")), "{}", said.out);
    assert!(console.asked().starts_with(&format!("GET /api/requests/{ID} ")));
}

#[test]
fn an_answer_that_does_not_count_exits_with_1_and_says_why() {
    let body = problem(403, "nobody answers for themselves", "it is your own request\u{1b}[2J");
    let console = Console::says(403, "application/problem+json", &body);
    let said = run(&["approve", ID, "--console", &console.url()]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert_eq!(said.err, "panguard: nobody answers for themselves\n  it is your own request\\u{1b}[2J\n");
}

#[test]
fn what_cannot_be_asked_exits_with_2_and_says_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let expired = Console::says(401, "application/problem+json", &problem(401, "no", "get a fresh one"));
    let other = Console::says(200, "text/html", "<html>");
    let (expired, other) = (expired.url(), other.url());
    for (arguments, told) in [
        (vec!["list", "--console", &format!("http://{free}")], "cannot be reached"),
        (vec!["list", "--console", &expired], "get a fresh one"),
        (vec!["list", "--console", &other], "is no console of panguard"),
        (vec!["list", "--console", "http://console.example.com"], "write `https://…`"),
        (vec!["list"], "name it with `--console URL`"),
        (vec!["show", "12", "--console", &other], "3f9a61c0d4e8b752-12"),
        (vec!["deny", ID, "--console", &other], "--comment"),
        (vec!["list", "--token", "x"], "--token"),
    ] {
        let said = run(&arguments);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}");
        assert!(said.err.contains(told), "{arguments:?}: {}", said.err);
        assert!(said.err.starts_with("error: ") || said.err.lines().count() <= 2, "{}", said.err);
    }
}

#[test]
fn the_token_comes_from_the_environment_or_a_file_and_is_never_shown() {
    let none = run_with(&["list", "--console", "http://127.0.0.1:9"], &[]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("PANGUARD_TOKEN") && none.err.contains("--token-file"), "{}", none.err);
    let broken = run_with(&["list", "--console", "http://127.0.0.1:9"], &[("PANGUARD_TOKEN", "se cret")]);
    assert_eq!(broken.code, 2);
    assert!(!broken.err.contains("cret"), "{}", broken.err);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "of-a-file\n").unwrap();
    let console = Console::says(200, "application/json", "{\"requests\":[]}");
    let url = console.url();
    let variables = [("PANGUARD_TOKEN", "of-the-environment"), ("PANGUARD_CONSOLE", &url)];
    let said = run_with(&["list", "--token-file", file.to_str().unwrap()], &variables);
    assert_eq!((said.code, said.out.as_str()), (0, "there are no requests for you\n"));
    assert!(console.asked().contains("authorization: Bearer of-a-file\r\n"));
}
