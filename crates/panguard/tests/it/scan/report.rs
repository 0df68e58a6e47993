use super::*;

#[test]
fn a_finding_is_shown_in_its_line_with_all_that_is_in_it_masked() {
    let folder = Folder::new();
    folder.write("a.txt", format!("first\nname; {CARD}; 5555 5555 5555 4444; last\r\n"));
    let said = folder.scan(&["a.txt"]);
    let expected = "\
a.txt:2: card number (visa) ************1111
    name; ************1111; **** **** **** 4444; last
a.txt:2: card number (mastercard) **** **** **** 4444
    name; ************1111; **** **** **** 4444; last
";
    assert_eq!((said.code, said.out.as_str()), (1, expected));
    assert_eq!(said.err, "1 file, 57 bytes: 2 findings\n");
}

#[test]
fn a_long_line_is_shown_in_part_and_cut_nowhere_in_a_number() {
    let folder = Folder::new();
    // Numbers as close as can be, so that any cut of the line is in one.
    let line = format!("{CARD} ").repeat(40_000);
    folder.write("a.txt", &line);
    let said = folder.scan(&["--format", "json", "a.txt"]);
    let found = said.json();
    assert_eq!(found.len(), 40_000);
    for it in &found {
        let context = it["context"].as_str().unwrap();
        assert!((17..300).contains(&context.len()), "{context}");
        let digits: Vec<&str> =
            context.split(|c: char| !c.is_ascii_digit()).filter(|it| it.len() > 4).collect();
        assert!(digits.is_empty(), "{context}");
    }
}

#[test]
fn json_says_all_that_is_known_of_a_finding() {
    let folder = Folder::new();
    folder.write("ä.txt", format!("ä {CARD}\n"));
    let said = folder.scan(&["--format", "json", "ä.txt"]);
    let mut found = said.json();
    assert_eq!((said.code, found.len(), said.err.as_str()), (1, 1, ""));
    let fingerprint = found[0]["fingerprint"].take();
    assert_eq!(fingerprint.as_str().unwrap().len(), 32);
    let expected = serde_json::json!({
        "path": "ä.txt", "file": "ä.txt", "commit": null, "line": 1, "column": 3, "offset": 3, "row": null,
        "rule": "card-number", "what": "card number (visa)",
        "masked": "************1111", "context": "ä ************1111", "fingerprint": null,
    });
    assert_eq!(found[0], expected);
}

#[test]
fn sarif_is_one_document_with_rules_results_and_what_was_not_read() {
    let folder = Folder::new();
    folder.write("a b.txt", format!("x\ncard {CARD}\n"));
    folder.write("c.zip", zipped(&[("in", format!("card {CARD}").as_bytes())]));
    let said = folder.scan(&["--format", "sarif", ".", "nowhere"]);
    assert_eq!(said.code, 2);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let run = &document["runs"][0];
    assert_eq!(document["version"], "2.1.0");
    let results = run["results"].as_array().unwrap();
    let places: Vec<&Value> = results.iter().map(|it| &it["locations"][0]).collect();
    assert_eq!(places[0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b.txt");
    assert_eq!(
        places[0]["physicalLocation"]["region"],
        serde_json::json!({ "startLine": 2, "startColumn": 6 })
    );
    assert_eq!(places[1]["physicalLocation"]["artifactLocation"]["uri"], "c.zip");
    assert_eq!(places[1]["physicalLocation"]["region"], Value::Null);
    assert_eq!(places[1]["logicalLocations"][0]["fullyQualifiedName"], "c.zip!in");
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    for result in results {
        assert!(rules.contains(&result["ruleId"].as_str().unwrap()));
        assert_eq!(result["partialFingerprints"]["panguard/v1"].as_str().unwrap().len(), 32);
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let told = invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(told.contains("`nowhere`"), "{told}");
    let said = folder.scan(&["--format", "sarif", "/dev/null"]);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &document["runs"][0]["results"]), (0, &serde_json::json!([])));
}

#[test]
fn the_classes_and_sizes_of_the_command_line_are_checked() {
    let folder = Folder::new();
    folder.write("a.txt", "clean");
    assert_eq!(
        folder.scan(&["--class", "secret,email,phone,iban,us_ssn", "--unpack-max", "3k", "a.txt"]).code,
        0
    );
    for wrong in
        [["--class", "cards"], ["--unpack-max", "much"], ["--unpack-max", "99999999T"], ["--format", "xml"]]
    {
        assert_eq!(folder.scan(&[wrong[0], wrong[1], "a.txt"]).code, 2, "{wrong:?}");
    }
    assert_eq!(folder.scan(&["--git", "--staged"]).code, 2);
}
