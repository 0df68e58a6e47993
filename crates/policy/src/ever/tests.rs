use std::collections::BTreeSet;

use access::{Facts, Kind, Principal, Stage, Timestamp};

use super::*;
use crate::Subject;

const DB: Scope<'static> = Scope { connection: "db", labels: &[], mode: access::Mode::Filtered };

fn load(text: &str) -> Policies {
    Policies::parse(&[("p.cedar".into(), text.into())]).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Whether the table could ever be read.
fn check(text: &str, table: &str) -> bool {
    load(text).could_ever(DB, Action::Read, &Resource::Table(table.into()), None)
}

#[test]
fn what_no_policy_permits_could_never_be() {
    assert!(!check("", "public.cards"));
    assert!(!check(r#"permit (principal, action == Action::"write", resource);"#, "public.cards"));
    assert!(!check(r#"permit (principal, action, resource == Table::"db/public.staff");"#, "public.cards"));
    assert!(!check(r#"permit (principal, action, resource in Schema::"db/sales");"#, "public.cards"));
    assert!(!check(r#"permit (principal, action, resource in Connection::"other");"#, "public.cards"));
}

#[test]
fn what_hangs_on_who_asks_or_what_is_asked_could_be() {
    assert!(check(
        r#"permit (principal in Group::"a", action, resource in Schema::"db/public");"#,
        "public.cards"
    ));
    assert!(check(
        r#"permit (principal, action == Action::"read", resource) when { context.has_where };"#,
        "public.cards"
    ));
    assert!(check(
        r#"permit (principal, action == Action::"read", resource); forbid (principal is Agent, action, resource);"#,
        "public.cards"
    ));
}

#[test]
fn conditions_on_the_resource_are_read() {
    let catalogs = r#"permit (principal in Group::"a", action == Action::"read", resource)
        when { resource in Schema::"db/pg_catalog" || resource in Schema::"db/information_schema" };"#;
    assert!(!check(catalogs, "public.cards"));
    assert!(check(catalogs, "pg_catalog.pg_class"));
    let named = r#"permit (principal, action == Action::"read", resource is Table)
        when { ["cards", "notes"].contains(resource.name) } unless { resource.schema == "hr" };"#;
    assert!(check(named, "public.cards") && !check(named, "public.staff") && !check(named, "hr.notes"));
}

#[test]
fn a_forbid_counts_where_it_always_applies() {
    let all = r#"permit (principal, action, resource);"#;
    let staff = r#"forbid (principal, action, resource == Table::"db/public.staff");"#;
    assert!(
        !check(&format!("{all}{staff}"), "public.staff") && check(&format!("{all}{staff}"), "public.cards")
    );
    let labelled =
        format!(r#"{all} forbid (principal, action, resource) when {{ context.labels.contains("cde") }};"#);
    assert!(check(&labelled, "public.cards"));
    let cde = Scope { connection: "db", labels: &["cde".into()], mode: access::Mode::Filtered };
    let table = Resource::Table("public.cards".into());
    assert!(!load(&labelled).could_ever(cde, Action::Read, &table, None));
}

#[test]
fn commands_with_one_kind_of_statement_can_be_asked_about() {
    let policies = load(
        r#"permit (principal, action, resource);
           forbid (principal, action, resource) when { context.kinds.containsAny(["drop table", "truncate"]) };
           forbid (principal, action, resource) when { context.kinds.contains("select") };
           forbid (principal, action, resource) when { context.kinds == ["alter table"] };"#,
    );
    let table = Resource::Table("public.cards".into());
    let could = |kind| policies.could_ever(DB, Action::Administer, &table, kind);
    assert!(!could(Some("truncate")) && could(Some("alter table")) && could(None));
}

#[test]
fn a_function_is_known_by_its_name() {
    let text = r#"permit (principal, action == Action::"call", resource)
        when { resource in Connection::"db" && ["pg_get_expr"].contains(resource.name) };"#;
    let call = |name: &str| load(text).could_ever(DB, Action::Call, &Resource::Function(name.into()), None);
    assert!(call("pg_get_expr") && !call("public.refund"));
}

/// Conditions of all sorts on a table that is read, each of which holds for some question.
const CONDITIONS: &[&str] = &[
    r#"context.has_where"#,
    r#"context.labels.contains("cde")"#,
    r#"context.labels.containsAny(["cde", "x"]) || context.approvals > 0"#,
    r#"context.labels == ["y", "cde"]"#,
    r#"context.kinds.contains("truncate")"#,
    r#"context.kinds.containsAll(["select", "truncate"])"#,
    r#"context.kinds == ["truncate"]"#,
    r#"context.kinds != ["select"]"#,
    r#"!(context.effect == "data")"#,
    r#"resource.name == "cards""#,
    r#"resource.name like "car*""#,
    r#"resource in Schema::"db/public""#,
    r#"resource is Table && ["cards", "x"].contains(resource.name)"#,
    r#"principal in Group::"agents""#,
    r#"principal is User && principal.subject == "ada""#,
    r#"if context.has_where then resource.schema == "public" else resource.name == "staff""#,
    r#"action == Action::"read" && resource has name"#,
];

/// Questions: who asks, of which facts.
fn questions() -> Vec<(Subject, Facts)> {
    let principal = |kind, id: &str| Principal {
        kind,
        id: id.into(),
        issuer: "https://idp.example.com".into(),
        subject: id.into(),
        groups: BTreeSet::from(["agents".into()]),
        delegation: None,
        person: None,
        authentication: access::Authentication::default(),
        token_id: "t".into(),
        valid_from: Timestamp(0),
        valid_until: Timestamp(i64::MAX),
    };
    let kinds: [&[&str]; 3] = [&["select"], &["truncate"], &["select", "truncate"]];
    let mut questions = Vec::new();
    for (kind, id) in [(Kind::Agent, "bot"), (Kind::User, "ada")] {
        for kinds in kinds {
            for has_where in [false, true] {
                let kinds = kinds.iter().map(|kind| (*kind).into()).collect();
                let facts = Facts { kinds, has_where, ..Facts::default() };
                questions.push((Subject::new(&principal(kind, id)), facts));
            }
        }
    }
    questions
}

#[test]
fn what_is_allowed_to_somebody_could_be() {
    let questions = questions();
    let labels: [&[Box<str>]; 2] = [&[], &["cde".into(), "y".into()]];
    let (mut allowed, mut impossible) = (0, 0);
    for permitted in CONDITIONS {
        // A third of all pairs, and each condition in many.
        for (at, forbidden) in CONDITIONS.iter().enumerate().skip(permitted.len() % 3).step_by(3) {
            let word = if at % 2 == 0 { "when" } else { "unless" };
            let text = format!(
                r#"permit (principal, action == Action::"read", resource is Table) {word} {{ {permitted} }};
                   forbid (principal, action == Action::"read", resource is Table) when {{ {forbidden} }};"#
            );
            let policies = load(&text);
            for labels in labels {
                for table in ["public.cards", "hr.staff"] {
                    let (scope, table) = (
                        Scope { connection: "db", labels, mode: access::Mode::Filtered },
                        Resource::Table(table.into()),
                    );
                    let could = |kind| policies.could_ever(scope, Action::Read, &table, kind);
                    let could = [None, Some("select"), Some("truncate")].map(|kind| (kind, could(kind)));
                    impossible += could.iter().filter(|(_, could)| !could).count();
                    for (subject, facts) in &questions {
                        let decision =
                            policies.decide(subject, scope, Action::Read, &table, facts, Stage::Run, 0);
                        allowed += usize::from(decision.allowed);
                        let is_of = |kind: &str| facts.kinds.iter().any(|it| **it == *kind);
                        let wrong = could.iter().find(|(kind, could)| !could && kind.is_none_or(is_of));
                        assert!(!decision.allowed || wrong.is_none(), "{text} {wrong:?}");
                    }
                }
            }
        }
    }
    assert!(allowed > 500 && impossible > 300, "{allowed} {impossible}");
}
