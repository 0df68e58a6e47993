//! `panguard scan` on real archives, databases, tables and repositories, made as the tests run.

mod archive;
mod baseline;
mod database;
mod history;
mod report;
mod table;
mod walk;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A published test number, as a text has it.
const CARD: &str = "4111111111111111";
/// One that counts only where something speaks of cards: there are too many of its kind.
const UNSURE: &str = "4222222222222";

/// A folder, and the binary run in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_panguard"));
        command.current_dir(self.0.path()).arg("scan").args(arguments).env_remove("PANGUARD_CONFIG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn scan(&self, arguments: &[&str]) -> Said {
        Said::new(self.command(arguments).output().unwrap())
    }

    fn scan_input(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Said::new(child.wait_with_output().unwrap())
    }

    /// Scans, and says what was found where, each as `path:line` or `path row N`.
    fn places(&self, arguments: &[&str]) -> Vec<String> {
        let said = self.scan(&[&["--format", "json"], arguments].concat());
        assert!(said.err.is_empty(), "{}", said.err);
        said.json().iter().map(place).collect()
    }
}

/// What a scan said. Nothing that it says ever holds a number of these tests.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn new(output: Output) -> Self {
        let said = Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        for number in [CARD, UNSURE, "4111 1111 1111 1111", "5555555555554444", "4242424242424242"] {
            assert!(!said.out.contains(number) && !said.err.contains(number), "it shows a number");
        }
        said
    }

    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn place(found: &Value) -> String {
    let path = found["path"].as_str().unwrap();
    match (&found["row"], &found["line"]) {
        (Value::Null, Value::Null) => format!("{path} itself"),
        (Value::Null, line) => format!("{path}:{line}"),
        (row, _) => format!("{path} row {row}"),
    }
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tarred(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, Path::new(name), *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}
