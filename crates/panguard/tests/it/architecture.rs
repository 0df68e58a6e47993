//! What ARCHITECTURE.md and the documents say of the house, held against the house.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use access::Code;

#[test]
fn crates_import_what_the_table_says_and_nothing_else() {
    let drawn = table();
    let built: BTreeMap<String, BTreeSet<String>> =
        crates().into_iter().map(|name| (name.clone(), imports(&name))).collect();
    let drawn_imports: BTreeMap<String, BTreeSet<String>> =
        drawn.iter().map(|(name, row)| (name.clone(), row.imports.clone())).collect();
    assert_eq!(drawn_imports, built);
}

#[test]
fn pure_crates_have_no_runtime_and_no_socket() {
    for (name, row) in table() {
        if row.kind.starts_with("pure") {
            for moving in ["tokio", "hyper", "hyper-util", "tokio-rustls", "rustls", "socket2", "reqwest"] {
                assert!(!dependencies(&name).contains(moving), "{name} is pure and imports {moving}");
            }
        }
    }
}

#[test]
fn a_wire_crate_knows_nothing_of_those_who_decide() {
    for name in crates().into_iter().filter(|name| name.starts_with("wire")) {
        for other in ["gate", "policy", "audit", "identity"] {
            assert!(!imports(&name).contains(other), "{name} imports {other}");
        }
        let wires = imports(&name).into_iter().filter(|other| other.starts_with("wire-")).count();
        assert_eq!(wires, 0, "{name} imports another lane");
    }
}

#[test]
fn permits_are_made_in_one_line_of_one_crate() {
    let mut minted = Vec::new();
    for file in product_files() {
        let text = fs::read_to_string(&file).unwrap();
        let shown = file.display();
        assert!(
            !text.contains("Mint::for_tests") || shown.to_string().ends_with("access/src/permit.rs"),
            "{shown}"
        );
        if text.contains("Mint::take") {
            assert!(shown.to_string().contains("/panguard/src/"), "{shown} takes the mint");
        }
        if text.contains("Permit::of_rehearsal") {
            assert!(shown.to_string().ends_with("/src/rehearsal.rs"), "{shown} rehearses");
        }
        minted.extend(text.matches("mint.permit(").map(|_| shown.to_string()));
    }
    assert_eq!(minted.len(), 1, "{minted:?}");
    assert!(minted[0].contains("/gate/src/"), "{minted:?}");
}

#[test]
fn nothing_in_the_product_is_left_for_later() {
    for file in product_files() {
        let text = fs::read_to_string(&file).unwrap();
        for word in ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
}

#[test]
fn the_architecture_names_every_crate_and_fits_in_an_hour() {
    let text = read("ARCHITECTURE.md");
    assert!(text.lines().count() <= 200, "{} lines", text.lines().count());
    for name in crates() {
        assert!(text.contains(&format!("**{name}**")), "the code map does not speak of {name}");
    }
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let text = read("ARCHITECTURE.md");
    let tests = sources_of_tests();
    let rows = text.lines().filter(|line| line.starts_with("| P"));
    let mut promises = 0;
    for row in rows {
        let named: Vec<&str> = row.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for test in named {
            let exists = tests.contains(&format!("fn {test}(")) || tests.contains(&format!("def {test}("));
            assert!(exists, "no test is called {test}");
        }
        promises += 1;
    }
    assert!(promises >= 8, "{promises} promises");
    let quoted = text.split('`').skip(1).step_by(2);
    for talk in quoted.filter(|word| !word.contains(' ') && word.split('-').count() > 4) {
        let file = root().join("corpora/postgres").join(format!("{talk}.talk"));
        assert!(file.exists(), "no conversation {talk}");
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    let mut files: Vec<PathBuf> = documents.iter().map(|name| root().join(name)).collect();
    files.push(root().join("policies/README.md"));
    files.extend(fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    for file in files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let target = file.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(target.exists(), "{} links to {link}", file.display());
        }
    }
}

#[test]
fn the_catalogue_of_refusals_is_the_one_in_the_documents() {
    let text = read("docs/refusals.md");
    for code in Code::ALL {
        let row = format!(
            "| {} | {} | {} | {} |",
            code.as_str(),
            wire_postgres::error::sqlstate(code),
            code.what(),
            code.instead()
        );
        assert!(text.contains(&row), "docs/refusals.md lacks: {row}");
    }
}

struct Row {
    kind: String,
    imports: BTreeSet<String>,
}

/// The table "Who imports whom".
fn table() -> BTreeMap<String, Row> {
    let text = read("ARCHITECTURE.md");
    let section = text.split("## Who imports whom").nth(1).unwrap();
    section
        .lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let imports = cells[3].split_whitespace().map(str::to_owned).collect();
            (cells[1].to_owned(), Row { kind: cells[2].to_owned(), imports })
        })
        .collect()
}

fn crates() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("crates")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn imports(name: &str) -> BTreeSet<String> {
    dependencies(name).intersection(&crates()).cloned().collect()
}

/// The names under `[dependencies]` of a crate's manifest.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = read(&format!("crates/{name}/Cargo.toml"));
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['=', '.', ' ']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The sources of the product: not those of its tests.
fn product_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in crates() {
        walk(&root().join("crates").join(name).join("src"), &mut files);
    }
    files.retain(|file| {
        let shown = file.to_string_lossy();
        shown.ends_with(".rs") && !shown.contains("/tests/") && !shown.ends_with("/tests.rs")
    });
    files
}

fn sources_of_tests() -> String {
    let mut files = Vec::new();
    walk(&root().join("crates"), &mut files);
    walk(&root().join("e2e"), &mut files);
    let is_source =
        |file: &PathBuf| file.extension().is_some_and(|extension| extension == "rs" || extension == "py");
    files.iter().filter(|file| is_source(file)).map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "node_modules" && !name.starts_with('.') {
            walk(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
