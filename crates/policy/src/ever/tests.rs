use super::*;

const DB: Scope<'static> = Scope { connection: "db", labels: &[] };

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
    let cde = Scope { connection: "db", labels: &["cde".into()] };
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
