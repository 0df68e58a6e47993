use access::SessionId;

use super::*;

fn refusal() -> Refusal {
    Refusal {
        code: Code::PolicyDenied,
        request: SessionId(0x3f9a_61c0_d4e8_b752).request(12),
        detail: "drop table on public.cards".into(),
        columns: Vec::new(),
        policies: vec![PolicyNote {
            id: "no-drop".into(),
            reason: Some("tables are dropped by people only".into()),
            requirement: Some("7.2.5".into()),
            waits: None,
        }],
    }
}

/// The fields of an ErrorResponse, one a line.
fn fields(response: &Bytes) -> String {
    assert_eq!(response[0], b'E');
    assert_eq!(response[1..5], u32::try_from(response.len() - 1).unwrap().to_be_bytes());
    assert!(response.ends_with(b"\0\0"));
    String::from_utf8(response[5..response.len() - 2].to_vec()).unwrap().replace('\0', "\n")
}

#[test]
fn a_refusal_says_what_happened_why_and_what_to_do_instead() {
    assert_eq!(
        fields(&response(&refusal(), Severity::Error)),
        "SERROR\n\
         VERROR\n\
         C42501\n\
         MPGD-0005: policy does not allow this command (drop table on public.cards)\n\
         DPolicy no-drop: tables are dropped by people only (PCI DSS 7.2.5).\n\
         Request 3f9a61c0d4e8b752-12.\n\
         HDo not retry the same command, choose one that policy allows or ask for access."
    );
}

#[test]
fn a_refusal_for_a_column_says_where_it_is_and_what_to_write_there() {
    let sql = "select 'é' from public.cards order by pan";
    let mention = Mention {
        column: "public.cards.pan".into(),
        class: None,
        offset: sql.find("pan"),
        place: sql::Place::OrderBy,
    };
    let refused = Refusal { code: Code::RevealDenied, policies: Vec::new(), ..refusal() };
    let told = fields(&response_at(&refused, &mention, sql));
    assert!(told.contains("\nDpublic.cards.pan is used to order by, at character 39.\nRequest "), "{told}");
    assert!(told.contains(" or sort by them. Order by another column than public.cards.pan.\nP39"), "{told}");
    let nowhere = fields(&response_at(&refused, &Mention { offset: None, ..mention }, sql));
    assert!(nowhere.contains("is used to order by.\n") && !nowhere.contains("\nP"), "{nowhere}");
}

#[test]
fn every_code_has_a_sqlstate_of_five_characters_and_a_hint() {
    for code in Code::ALL {
        let told = fields(&response(&Refusal { code, ..refusal() }, Severity::Fatal));
        let sqlstate = sqlstate(code);
        assert!(sqlstate.len() == 5 && told.contains(&format!("\nC{sqlstate}\nM{code}: ")), "{told}");
        assert!(told.starts_with("SFATAL\nVFATAL\n") && told.contains("\nH"), "{told}");
    }
}

#[test]
fn a_nul_in_a_detail_does_not_end_its_field() {
    let refusal = Refusal { detail: "a\0Mb".into(), policies: Vec::new(), ..refusal() };
    assert!(fields(&response(&refusal, Severity::Error)).contains("(aMb)"));
}

#[test]
fn a_violation_names_the_rule_and_the_request() {
    let told = fields(&violation("message length below 4", refusal().request));
    assert!(
        told.contains("C08P01\nMthe client broke the PostgreSQL protocol: message length below 4\n"),
        "{told}"
    );
    assert!(told.contains("3f9a61c0d4e8b752-12"), "{told}");
}
