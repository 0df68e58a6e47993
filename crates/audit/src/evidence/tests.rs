use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use access::{Code, SessionId, Timestamp};

use super::*;
use crate::log::tests::{options, signer};
use crate::{
    Checkpoint, ColumnNote, Command, Entry, Event, FactsNote, Log, PolicyNote, StageWord, StatusWord,
    UseNote, Who, checkpoint, entries, leaf_hash,
};

fn who(kind: &str, id: &str) -> Arc<Who> {
    Arc::new(Who {
        kind: kind.into(),
        id: id.into(),
        issuer: "https://idp.example.com".into(),
        subject: format!("s-{id}").into(),
        groups: vec!["agents".into()],
        person: None,
        token_id: "t".into(),
        on_behalf_of: None,
        lent: None,
    })
}

fn entry(second: i64, number: u32, event: Event) -> Entry {
    let session = SessionId(7);
    Entry {
        time: Timestamp::from_seconds(second),
        gateway: "gw1".into(),
        session: Some(session),
        request: Some(session.request(number)),
        principal: Some(who("agent", "reporter")),
        from: Some("10.0.0.7".into()),
        client: Some("psql".into()),
        connection: Some("payments".into()),
        lane: Some("postgres".into()),
        event,
    }
}

fn by(id: &str, entry: Entry) -> Entry {
    Entry { principal: Some(who("user", id)), request: None, session: None, ..entry }
}

fn command(statement: &str, kind: &str, columns: &[&str], action: &str) -> Box<Command> {
    let columns = columns.iter().map(|column| ColumnNote {
        column: (*column).into(),
        class: "pan".into(),
        position: "output".into(),
    });
    Box::new(Command {
        stage: StageWord::Run,
        statement: statement.into(),
        statement_bytes: statement.len() as u64,
        shortened: false,
        parameters: vec![],
        fingerprint: "00ff".into(),
        facts: Arc::new(FactsNote {
            kinds: vec![kind.into()],
            uses: vec![UseNote { action: action.into(), resource: "table public.cards".into() }],
            columns: columns.collect(),
            effect: "none".into(),
            ..FactsNote::default()
        }),
        mode: None,
        trace: None,
    })
}

fn intent(command: Box<Command>, approval: Option<&str>) -> Event {
    Event::CommandIntent {
        command,
        policies: vec![PolicyNote { id: "readers".into(), reason: None, requirement: None }],
        policy_version: "v1".into(),
        ahead: false,
        approval: approval.map(Into::into),
        reveals_max: None,
    }
}

fn outcome(masked: u64) -> Event {
    Event::Outcome {
        status: StatusWord::Completed,
        code: "SELECT 1".into(),
        rows: 1,
        masked,
        bytes: 10,
        said: None,
        answer: None,
    }
}

fn refused(statement: &str) -> Event {
    Event::CommandRefused {
        command: command(statement, "drop table", &[], "administer"),
        policies: vec![],
        policy_version: "v1".into(),
        code: Code::PolicyDenied,
        detail: "drop table".into(),
    }
}

fn select() -> Box<Command> {
    command("select pan from cards", "select", &["public.cards.pan"], "read")
}

/// Something of everything, between 100 and 200 seconds; what stands before and after is of no report.
fn day() -> Vec<Entry> {
    let asker = || Box::new((*who("agent", "reporter")).clone());
    let of = SessionId(7).request(9).to_string();
    let opened = Event::SessionOpened { policies: vec![], policy_version: "v1".into(), mode: None };
    vec![
        entry(50, 1, intent(select(), None)),
        entry(51, 1, outcome(1)),
        entry(100, 0, opened),
        entry(101, 2, intent(select(), None)),
        // One that is sent meanwhile ends before.
        entry(102, 3, intent(command("select 1", "select", &[], "read"), None)),
        entry(103, 3, outcome(0)),
        entry(104, 2, outcome(3)),
        entry(105, 4, refused("drop table cards")),
        entry(106, 5, intent(command("create table t ()", "create table", &[], "administer"), None)),
        entry(107, 5, outcome(0)),
        entry(
            108,
            9,
            Event::ApprovalAsked {
                command: command("update cards set note = ''", "update", &[], "write"),
                policies: vec![],
                policy_version: "v1".into(),
                needed: 1,
                waits: true,
                expires: 0,
            },
        ),
        by(
            "bea",
            entry(
                109,
                0,
                Event::ApprovalAnswered {
                    of: of.clone().into(),
                    approves: true,
                    comment: "as agreed".into(),
                    rows_max: None,
                    grant: None,
                    asker: asker(),
                },
            ),
        ),
        entry(110, 9, intent(command("update cards set note = ''", "update", &[], "write"), Some(&of))),
        entry(111, 9, outcome(0)),
        entry(
            112,
            0,
            Event::AuthenticationFailed { reason: "expired".into(), claimed_user: "=cmd()".into() },
        ),
        entry(113, 0, Event::PolicyChanged { version: "v2".into(), previous: "v1".into() }),
        by(
            "bea",
            entry(114, 0, Event::GlassBroken { of: "g-1".into(), reason: "fire".into(), asker: asker() }),
        ),
        // Its end stands after the period.
        entry(115, 10, intent(select(), None)),
        entry(201, 10, outcome(2)),
        entry(202, 11, refused("drop table cards")),
    ]
}

fn log_of(day: &[Entry]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    let all: Vec<_> = day.iter().map(|entry| log.append(entry)).collect();
    for one in all {
        one.wait().unwrap();
    }
    log.close(Timestamp::from_seconds(300)).unwrap();
    dir
}

fn period() -> std::ops::Range<Timestamp> {
    Timestamp::from_seconds(100)..Timestamp::from_seconds(200)
}

/// The lines of each report, each as name to cell.
fn drawn(day: &[Entry]) -> BTreeMap<&'static str, Vec<BTreeMap<&'static str, String>>> {
    let mut lines: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut sink = |report: Report, cells: &[&str]| {
        assert_eq!(cells.len(), report.columns().len(), "{}", report.name());
        let named = report.columns().iter().copied().zip(cells.iter().map(|cell| (*cell).to_owned()));
        lines.entry(report.name()).or_default().push(named.collect());
        Ok(())
    };
    let mut draw = Draw::new(period());
    for (index, entry) in (0..).zip(day) {
        draw.take(index, entry, &mut sink).unwrap();
    }
    draw.finish(&mut sink).unwrap();
    lines
}

#[test]
fn each_report_has_the_entries_of_its_kind_and_of_the_period_alone() {
    let lines = drawn(&day());
    let counts: Vec<_> = lines.iter().map(|(name, lines)| (*name, lines.len())).collect();
    assert_eq!(
        counts,
        [
            ("access", 2),
            ("access-by", 1),
            ("accounts", 2),
            ("administration", 4),
            ("approvals", 4),
            ("commands", 6),
            ("events", 9),
            ("objects", 2),
            ("paths", 1),
            ("refusals", 2),
            ("requests", 2),
            ("sessions", 2),
            ("versions", 2),
        ]
    );
}

#[test]
fn a_command_stands_with_its_own_end_wherever_that_is() {
    let lines = drawn(&day());
    let of = |request: &str| {
        let shown = SessionId(7).request(request.parse().unwrap()).to_string();
        lines["commands"].iter().find(|line| line["request"] == shown).unwrap()
    };
    assert_eq!((&*of("2")["ended"], &*of("2")["masked"], &*of("2")["ended_index"]), ("completed", "3", "6"));
    assert_eq!((&*of("3")["ended"], &*of("3")["masked"]), ("completed", "0"));
    assert_eq!((&*of("4")["ended"], &*of("4")["event"]), ("refused", "command_refused"));
    assert_eq!((&*of("10")["ended"], &*of("10")["masked"]), ("completed", "2"), "after the period");
}

#[test]
fn a_command_without_a_recorded_end_is_not_left_out() {
    let lines = drawn(&[entry(101, 2, intent(select(), None))]);
    assert_eq!(lines["commands"][0]["ended"], "not recorded");
    assert_eq!(lines["access"].len(), 1);
}

#[test]
fn what_ran_when_a_gateway_died_ended_unknown_and_the_gap_is_told() {
    let started = Event::GatewayStarted {
        version: "0.1.0".into(),
        clean: false,
        policies: "p".into(),
        configuration: "c".into(),
    };
    let started = Entry { session: None, request: None, principal: None, ..entry(160, 0, started) };
    // The same id cannot come again; if it does, that is not the end of what ran before.
    let lines = drawn(&[entry(101, 2, intent(select(), None)), started, entry(170, 2, outcome(1))]);
    assert_eq!((&*lines["commands"][0]["ended"], lines["commands"].len()), ("not recorded", 1));
    let began = lines["versions"].iter().map(|line| [&*line["kind"], &*line["version"]]);
    assert!(
        began.clone().any(|it| it == ["policies", "p"])
            && began.clone().any(|it| it == ["configuration", "c"])
    );
    let life = &lines["log-life"][0];
    assert_eq!(
        (&*life["result"], &*life["words"]),
        ("failure", "the entry before is 0, of 1970-01-01T00:01:41.000000Z")
    );
}

#[test]
fn a_request_is_one_line_from_its_asking_to_its_use() {
    let lines = drawn(&day());
    let of = SessionId(7).request(9).to_string();
    let steps = lines["approvals"].iter().filter(|step| step["of"] == of).map(|step| &*step["event"]);
    assert_eq!(steps.collect::<Vec<_>>(), ["approval_asked", "approval_answered", "command_intent"]);
    let [asked, broken] = &lines["requests"][..] else { panic!("{lines:?}") };
    assert_eq!((&*asked["asker"], &*asked["wanted"]), ("reporter", "update cards set note = ''"));
    assert!(
        asked["approved_by"].starts_with("bea (entry 11, ") && asked["approved_by"].ends_with("as agreed")
    );
    assert_eq!((&*asked["used_by"], &*asked["waits_for_review"]), ("entry 12", ""));
    assert_eq!((&*broken["request"], &*broken["waits_for_review"]), ("g-1", "yes"));
}

#[test]
fn accounts_and_paths_add_up() {
    let lines = drawn(&day());
    let account = lines["accounts"].iter().find(|line| line["principal"] == "reporter").unwrap();
    assert_eq!((&*account["commands"], &*account["refused"], &*account["values_masked"]), ("5", "1", "5"));
    let access = &lines["access-by"][0];
    assert_eq!(
        (&*access["principal"], &*access["connection"], &*access["commands"]),
        ("reporter", "payments", "2")
    );
    assert_eq!((&*access["classes"], &*access["values_masked"], &*access["rows"]), ("pan", "5", "2"));
    let path = &lines["paths"][0];
    assert_eq!((&*path["connection"], &*path["mode"], &*path["commands"]), ("payments", "filtered", "5"));
    assert_eq!((&*path["on_labelled_columns"], &*path["values_masked"]), ("2", "5"));
    let versions = lines["versions"].iter().map(|line| (&*line["version"], &*line["took_over_at_index"]));
    assert_eq!(versions.collect::<Vec<_>>(), [("v1", ""), ("v2", "15")]);
}

#[test]
fn the_same_seed_draws_the_same_and_another_one_others() {
    let draw = |seed: &str, indexes: std::ops::Range<u64>| {
        let mut sampler = Sampler::new(seed, 25);
        indexes.for_each(|index| sampler.take(index, &intent(select(), None)));
        (sampler.population(), sampler.drawn())
    };
    assert_eq!(draw("7", 0..1000), draw("7", 0..1000));
    assert_ne!(draw("7", 0..1000).1, draw("8", 0..1000).1);
    assert_eq!((draw("7", 0..1000).0, draw("7", 0..1000).1.len()), (1000, 25));
    // Lowest SHA-256 first, as anybody can do it by the description in the module.
    let mut by_hand: Vec<u64> = (0..1000).collect();
    by_hand.sort_by_key(|index| rank("7", *index));
    assert_eq!(draw("7", 0..1000).1, by_hand[..25]);
}

#[test]
fn only_commands_take_part_in_a_draw() {
    let mut sampler = Sampler::new("7", 100);
    for (index, entry) in (0..).zip(day()) {
        sampler.take(index, &entry.event);
    }
    assert_eq!(sampler.population(), 8);
}

#[test]
fn a_seed_is_a_word() {
    assert!(is_seed("2026-Q4/qsa") && is_seed("7"));
    assert!(
        !is_seed("") && !is_seed("a b") && !is_seed("a\n1") && !is_seed("é") && !is_seed(&"7".repeat(65))
    );
}

/// A small pack of the log: its samples, and a file beside them.
fn pack(log: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let note = checkpoint(log).unwrap().unwrap();
    let head: Checkpoint = signer().verifier().open(&note).unwrap();
    let mut sampler = Sampler::new("7", 3);
    for entry in entries(log, 0..head.size) {
        let (index, entry) = entry.unwrap();
        if period().contains(&entry.time) {
            sampler.take(index, &entry.event);
        }
    }
    let drawn = sampler.drawn();
    let mut files = vec![(HEAD.to_owned(), note), ("a.csv".to_owned(), "a,b\r\n".to_owned())];
    for sample in exhibits(log, &head, 0, "7", &drawn).unwrap() {
        files.push((format!("samples/{}.json", sample.index), serde_json::to_string(&sample).unwrap()));
    }
    fs::create_dir(dir.path().join("samples")).unwrap();
    let listed = files.iter().map(|(path, text)| {
        fs::write(dir.path().join(path), text).unwrap();
        let hash = crate::tree::sha256(text.as_bytes());
        Listed { path: path.as_str().into(), bytes: text.len() as u64, sha256: exhibit::hex(&hash).into() }
    });
    let manifest = Manifest {
        panguard_evidence: VERSION,
        made_by: "0.1.0".into(),
        made_at: "1970-01-01T00:05:00Z".into(),
        standard: "PCI DSS 4.0.1".into(),
        log: head.origin.clone(),
        from: "1970-01-01T00:01:40Z".into(),
        to: "1970-01-01T00:03:20Z".into(),
        size: head.size,
        entries: (0, head.size),
        draw: Drawn { seed: "7".into(), wanted: 3, population: sampler.population(), drawn },
        files: listed.collect(),
    };
    sign(dir.path(), &manifest);
    dir
}

fn sign(dir: &Path, manifest: &Manifest) {
    let text = serde_json::to_string(manifest).unwrap();
    fs::write(dir.join(NOTE), sign_manifest(&signer(), text.as_bytes())).unwrap();
    fs::write(dir.join(MANIFEST), text).unwrap();
}

fn wrong(dir: &Path, log: Option<&Path>) -> Vec<String> {
    let checked = check(dir, &signer().verifier(), log).unwrap();
    checked.wrong.into_iter().map(|it| it.file).collect()
}

#[test]
fn a_pack_as_it_was_drawn_holds_with_and_without_its_log() {
    let log = log_of(&day());
    let pack = pack(log.path());
    let checked = check(pack.path(), &signer().verifier(), Some(log.path())).unwrap();
    assert!(checked.holds(), "{checked:?}");
    assert!(checked.proven >= 3, "{}", checked.proven);
    assert_eq!(checked.manifest.unwrap().draw.population, 6);
    assert_eq!(wrong(pack.path(), None), [""; 0]);
}

#[test]
fn a_changed_byte_in_any_file_is_found() {
    let log = log_of(&day());
    let pack = pack(log.path());
    let mut files = vec![MANIFEST.to_owned(), NOTE.to_owned()];
    let manifest: Manifest = serde_json::from_slice(&fs::read(pack.path().join(MANIFEST)).unwrap()).unwrap();
    files.extend(manifest.files.iter().map(|listed| listed.path.to_string()));
    for file in files {
        let path = pack.path().join(&file);
        let bytes = fs::read(&path).unwrap();
        // In the note each byte counts; elsewhere all are under one hash.
        for at in (0..bytes.len()).step_by(if file == NOTE { 1 } else { 97 }) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            assert!(!wrong(pack.path(), None).is_empty(), "byte {at} of {file}");
        }
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(!wrong(pack.path(), None).is_empty(), "the end of {file}");
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(wrong(pack.path(), None), [""; 0]);
}

#[test]
fn nothing_stands_beside_the_signature_of_a_manifest() {
    let log = log_of(&day());
    let pack = pack(log.path());
    let note = fs::read_to_string(pack.path().join(NOTE)).unwrap();
    for line in ["approved by the board\n", "\u{2014} the-board AAAAAAAA\n", "\n"] {
        fs::write(pack.path().join(NOTE), format!("{note}{line}")).unwrap();
        assert_eq!(wrong(pack.path(), None), [MANIFEST], "{line:?}");
    }
}

#[test]
fn a_file_that_is_gone_added_or_a_link_is_found() {
    let log = log_of(&day());
    let pack = pack(log.path());
    fs::write(pack.path().join("samples/more.json"), "{}").unwrap();
    assert_eq!(wrong(pack.path(), None), ["samples/more.json"]);
    fs::remove_file(pack.path().join("samples/more.json")).unwrap();
    fs::create_dir(pack.path().join("empty")).unwrap();
    assert_eq!(wrong(pack.path(), None), ["empty"]);
    fs::remove_dir(pack.path().join("empty")).unwrap();
    fs::rename(pack.path().join("a.csv"), log.path().join("a.csv")).unwrap();
    assert_eq!(wrong(pack.path(), None), ["a.csv"]);
    std::os::unix::fs::symlink(log.path().join("a.csv"), pack.path().join("a.csv")).unwrap();
    assert_eq!(wrong(pack.path(), None), ["a.csv"]);
}

#[test]
fn another_key_checks_nothing() {
    let log = log_of(&day());
    let pack = pack(log.path());
    let other = crate::Signer::from_seed(&access::Secret::from(vec![8; 32]), "gw1").unwrap();
    assert_eq!(check(pack.path(), &other.verifier(), None).unwrap().wrong[0].file, MANIFEST);
}

/// Whoever has the key can sign what is wrong: the proofs and the log say so all the same.
#[test]
fn what_the_key_has_signed_is_still_held_against_the_log() {
    let log = log_of(&day());
    let pack = pack(log.path());
    let manifest: Manifest = serde_json::from_slice(&fs::read(pack.path().join(MANIFEST)).unwrap()).unwrap();
    let path = manifest.files.iter().find(|it| it.path.starts_with("samples/")).unwrap().path.clone();
    let text = fs::read_to_string(pack.path().join(&*path)).unwrap();
    let forged = text.replace("reporter", "somebody");
    fs::write(pack.path().join(&*path), &forged).unwrap();
    let mut signed = manifest.clone();
    for listed in &mut signed.files {
        if listed.path == path {
            listed.bytes = forged.len() as u64;
            listed.sha256 = exhibit::hex(&crate::tree::sha256(forged.as_bytes())).into();
        }
    }
    sign(pack.path(), &signed);
    assert_eq!(wrong(pack.path(), None), [&*path]);
    // What is told of the entries is held against them, too.
    let mut retold: serde_json::Value = serde_json::from_str(&text).unwrap();
    retold["told"]["approved_by"] = "the chief".into();
    let retold = retold.to_string();
    fs::write(pack.path().join(&*path), &retold).unwrap();
    for listed in &mut signed.files {
        if listed.path == path {
            listed.bytes = retold.len() as u64;
            listed.sha256 = exhibit::hex(&crate::tree::sha256(retold.as_bytes())).into();
        }
    }
    sign(pack.path(), &signed);
    assert_eq!(wrong(pack.path(), None), [&*path]);
    fs::write(pack.path().join(&*path), text).unwrap();
    let mut fewer = manifest;
    fewer.draw.population -= 1;
    sign(pack.path(), &fewer);
    assert_eq!(wrong(pack.path(), None), [""; 0]);
    assert_eq!(wrong(pack.path(), Some(log.path())), ["the log"]);
}

#[test]
fn a_manifest_is_signed_as_no_checkpoint_could_be() {
    let note = sign_manifest(&signer(), b"{}");
    assert!(signer().verifier().open(&note).is_err());
    assert!(note.starts_with("panguard evidence manifest v1\ngw1\n"));
}

#[test]
fn a_sample_tells_who_what_when_whence_and_approved_by_whom() {
    let log = log_of(&day());
    let head = signer().verifier().open(&checkpoint(log.path()).unwrap().unwrap()).unwrap();
    let used = entries(log.path(), 0..head.size)
        .map(Result::unwrap)
        .find(|(_, entry)| matches!(&entry.event, Event::CommandIntent { approval: Some(_), .. }));
    let (index, entry) = used.unwrap();
    let sample = exhibits(log.path(), &head, 0, "7", &[index]).unwrap().remove(0);
    assert_eq!(sample.told.who, "agent reporter");
    assert_eq!(sample.told.when, "1970-01-01T00:01:50.000000Z");
    assert_eq!(sample.told.whence, "10.0.0.7 psql");
    assert_eq!(sample.told.on, "connection payments (postgres)");
    assert_eq!(sample.told.outcome, "allowed, completed (SELECT 1), 1 rows, 0 values masked");
    assert!(sample.told.approved_by.starts_with("bea (entry "), "{}", sample.told.approved_by);
    let kinds: Vec<_> = sample.entries.iter().map(|it| &*it.event).collect();
    assert_eq!(kinds, ["approval_asked", "approval_answered", "command_intent", "outcome"]);
    // The leaf is the entry as the log has it.
    let own = sample.entries.iter().find(|it| it.index == index).unwrap();
    assert_eq!(Entry::from_json(own.leaf.as_bytes()).unwrap(), entry);
    assert_eq!(leaf_hash(own.leaf.as_bytes()), leaf_hash(entry.to_json().unwrap().as_bytes()));
}

/// A ticket is asked for by one command and used by another, in another session and a while later.
#[test]
fn a_sample_has_its_approval_though_another_command_asked_for_it() {
    let (asked, later) = (SessionId(7).request(9), SessionId(8).request(1));
    let day = day().into_iter().map(|mut entry| {
        let is_used = matches!(&entry.event, Event::CommandIntent { approval: Some(_), .. });
        let is_its_end = entry.request == Some(asked) && matches!(entry.event, Event::Outcome { .. });
        if is_used || is_its_end {
            (entry.session, entry.request) = (Some(later.session), Some(later));
        }
        entry
    });
    let mut day: Vec<_> = day.collect();
    // Of the same approval another command has run: it is no part of this sample.
    day.push(entry(180, 12, intent(select(), Some(&asked.to_string()))));
    let log = log_of(&day);
    let head = signer().verifier().open(&checkpoint(log.path()).unwrap().unwrap()).unwrap();
    let used =
        entries(log.path(), 0..head.size).map(Result::unwrap).find(|(_, it)| it.request == Some(later));
    let sample = exhibits(log.path(), &head, 0, "7", &[used.unwrap().0]).unwrap().remove(0);
    let kinds: Vec<_> = sample.entries.iter().map(|it| &*it.event).collect();
    assert_eq!(kinds, ["approval_asked", "approval_answered", "command_intent", "outcome"]);
    assert!(sample.told.approved_by.starts_with("bea (entry "), "{}", sample.told.approved_by);
}
