use std::collections::BTreeSet;

use access::{
    Action, Call, ColumnUse, DataClass, Delegation, Endpoint, Facts, Field, Kind, Mode, Part, Position,
    Principal, Resource, Stage, Timestamp,
};

use crate::{Decision, Policies, Problem, Scope, Subject};

fn agent() -> Principal {
    Principal {
        kind: Kind::Agent,
        id: "claude".into(),
        issuer: "https://idp.example.com".into(),
        subject: "sub-1".into(),
        groups: BTreeSet::from(["agents".into()]),
        delegation: None,
        person: None,
        authentication: access::Authentication::default(),
        token_id: "t".into(),
        valid_from: Timestamp(0),
        valid_until: Timestamp(i64::MAX),
    }
}

fn load(text: &str) -> Policies {
    Policies::parse(&[("p.cedar".into(), text.into())]).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn problems(text: &str) -> Vec<Problem> {
    Policies::parse(&[("p.cedar".into(), text.into())]).err().unwrap_or_default()
}

const DB: Scope<'static> = Scope { connection: "db", labels: &[], mode: access::Mode::Filtered };

fn ask(policies: &Policies, action: Action, resource: Resource, facts: &Facts) -> Decision {
    policies.decide(&Subject::new(&agent()), DB, action, &resource, facts, Stage::Run, 0)
}

/// Whether `action` is allowed on a resource that it can meet.
fn ask_any(policies: &Policies, action: Action) -> Decision {
    let resource = match action {
        Action::Reveal => Resource::Class(DataClass::Pan),
        _ => Resource::Connection,
    };
    ask(policies, action, resource, &Facts::default())
}

fn ask_read(policies: &Policies, table: &str) -> Decision {
    ask(policies, Action::Read, Resource::Table(table.into()), &Facts::default())
}

#[test]
fn an_empty_set_allows_nothing() {
    for action in Action::ALL {
        let decision = ask_any(&Policies::empty(), action);
        assert!(!decision.allowed);
        assert_eq!(decision.why(), "no policy allows it");
    }
}

#[test]
fn every_action_of_the_vocabulary_is_in_the_schema_and_takes_every_resource_it_can_meet() {
    let all = load(
        r#"permit (principal, action, resource); permit (principal, action == Action::"match", resource);"#,
    );
    let table = || Resource::Table("public.cards".into());
    let function = || Resource::Function("public.f".into());
    let schema = || Resource::Schema("public".into());
    let endpoint = || Resource::Endpoint(Box::new(charges()));
    for (action, resources) in [
        (Action::Connect, vec![Resource::Connection]),
        (Action::Read, vec![Resource::Connection, schema(), table(), endpoint()]),
        (Action::Write, vec![Resource::Connection, schema(), table(), endpoint()]),
        (Action::Administer, vec![Resource::Connection, schema(), table(), function()]),
        (Action::Call, vec![Resource::Connection, function(), endpoint(), Resource::Model("gpt-4o".into())]),
        (Action::Session, vec![Resource::Connection]),
        (
            Action::Reveal,
            vec![Resource::Class(DataClass::Pan), Resource::Class(DataClass::Own("iban".into()))],
        ),
        (
            Action::Match,
            vec![Resource::Class(DataClass::Pan), Resource::Class(DataClass::Own("iban".into()))],
        ),
    ] {
        for resource in resources {
            let decision = ask(&all, action, resource.clone(), &Facts::default());
            assert!(decision.allowed, "{action} {resource:?}: {:?}", decision.errors);
        }
    }
}

#[test]
fn an_action_on_a_resource_that_the_schema_does_not_foresee_is_refused_as_an_error() {
    let all = load("permit (principal, action, resource);");
    let decision = ask(&all, Action::Connect, Resource::Table("public.cards".into()), &Facts::default());
    assert!(!decision.allowed && !decision.errors.is_empty());
}

#[test]
fn a_table_is_in_its_schema_and_in_its_connection() {
    for scope in [
        r#"resource in Schema::"db/public""#,
        r#"resource in Connection::"db""#,
        r#"resource == Table::"db/public.cards""#,
    ] {
        let policies = load(&format!(r#"permit (principal, action == Action::"read", {scope});"#));
        assert!(ask_read(&policies, "public.cards").allowed, "{scope}");
        assert!(ask_read(&policies, "other.cards").allowed == scope.contains("Connection"), "{scope}");
    }
}

#[test]
fn a_class_is_in_the_class_of_that_name_and_in_its_connection() {
    for scope in [
        r#"resource in DataClass::"pan""#,
        r#"resource == DataClass::"pan""#,
        r#"resource == DataClass::"db/pan""#,
        r#"resource in Connection::"db""#,
    ] {
        let policies = load(&format!(r#"permit (principal, action == Action::"reveal", {scope});"#));
        assert!(ask(&policies, Action::Reveal, Resource::Class(DataClass::Pan), &Facts::default()).allowed);
    }
}

#[test]
fn sad_is_never_revealed() {
    let policies = load("permit (principal, action, resource);");
    assert!(!ask(&policies, Action::Reveal, Resource::Class(DataClass::Sad), &Facts::default()).allowed);
}

#[test]
fn a_policy_on_reveal_sees_the_columns_of_that_class_that_would_be_told_of() {
    let policies = load(
        r#"permit (principal, action == Action::"reveal", resource in DataClass::"pan")
           when { context.columns.contains("public.cards.pan") };"#,
    );
    let used = |column: &str, class, position| ColumnUse { column: column.into(), class, position };
    let reveal = |columns: Vec<ColumnUse>| {
        let facts = Facts { columns, ..Facts::default() };
        ask(&policies, Action::Reveal, Resource::Class(DataClass::Pan), &facts).allowed
    };
    assert!(reveal(vec![used("public.cards.pan", DataClass::Pan, Position::Output)]));
    assert!(reveal(vec![used("public.cards.pan", DataClass::Pan, Position::Computed)]));
    assert!(!reveal(vec![used("public.cards.pan", DataClass::Pan, Position::Assigned)]));
    assert!(!reveal(vec![used("public.cards.pan", DataClass::Expiry, Position::Output)]));
    assert!(!reveal(vec![]));
}

#[test]
fn ids_may_hold_any_character() {
    let nasty = "a\"b\\\u{0}\n::\"} permit(principal, action, resource);";
    let policies = load(r#"permit (principal in Group::"agents", action, resource);"#);
    let principal = Principal { id: nasty.into(), subject: nasty.into(), issuer: nasty.into(), ..agent() };
    let labels = [Box::from(nasty)];
    let connection = nasty.replace('/', "");
    let decide = |principal: &Principal| {
        policies.decide(
            &Subject::new(principal),
            Scope { connection: &connection, labels: &labels, mode: access::Mode::Filtered },
            Action::Call,
            &Resource::Function(nasty.into()),
            &Facts { kinds: vec![nasty.into()], functions: vec![nasty.into()], ..Facts::default() },
            Stage::Prepare,
            0,
        )
    };
    assert!(decide(&principal).allowed);
    let stranger = Principal { groups: BTreeSet::from([nasty.into()]), ..principal };
    assert!(!decide(&stranger).allowed);
}

#[test]
fn an_agent_and_a_user_of_the_same_name_are_two() {
    let policies = load(r#"permit (principal == User::"claude", action, resource);"#);
    assert!(!ask(&policies, Action::Connect, Resource::Connection, &Facts::default()).allowed);
}

#[test]
fn who_lent_an_agent_its_access_is_known_to_policies() {
    let policies = load(
        r#"permit (principal is Agent, action, resource)
           when { principal has on_behalf_of && principal.on_behalf_of == "rita" };"#,
    );
    let connect = |principal: &Principal| {
        let subject = Subject::new(principal);
        policies
            .decide(&subject, DB, Action::Connect, &Resource::Connection, &Facts::default(), Stage::Run, 0)
            .allowed
    };
    assert!(!connect(&agent()));
    assert!(connect(&Principal { delegation: Some(Delegation::from("rita")), ..agent() }));
}

#[test]
fn a_forbid_outweighs_every_permit_and_says_why() {
    let policies = load(
        r#"permit (principal, action, resource);
           @id("no-drop") @reason("never drop") @requirement("6.5.1")
           forbid (principal, action, resource) when { context.kinds.contains("drop table") };"#,
    );
    let facts = Facts { kinds: vec!["drop table".into()], ..Facts::default() };
    let decision = ask(&policies, Action::Administer, Resource::Table("public.cards".into()), &facts);
    assert!(!decision.allowed);
    assert_eq!(decision.why(), "policy `no-drop`: never drop");
    assert_eq!(decision.policies.len(), 1);
    assert_eq!(decision.policies[0].requirement.as_deref(), Some("6.5.1"));
}

#[test]
fn a_policy_that_fails_refuses_even_where_cedar_would_skip_it() {
    let policies = load(
        r#"permit (principal, action, resource);
           @id("overflows")
           forbid (principal, action, resource) when { 9223372036854775807 + context.statements < 0 };"#,
    );
    assert!(ask_read(&policies, "public.cards").allowed, "nothing overflows yet");
    let facts = Facts { kinds: vec!["select".into()], ..Facts::default() };
    let decision = ask(&policies, Action::Read, Resource::Table("public.cards".into()), &facts);
    assert!(!decision.allowed);
    assert!(decision.errors[0].contains("overflows"), "{:?}", decision.errors);
    assert_eq!(decision.policies, vec![]);
}

#[test]
fn a_group_of_actions_reaches_its_actions_and_no_other() {
    let policies = load(r#"permit (principal, action in Action::"change", resource);"#);
    let on = |action| ask_any(&policies, action).allowed;
    assert_eq!(Action::ALL.map(on), [false, false, true, true, true, false, false, false]);
    let policies = load(r#"permit (principal, action in [Action::"command", Action::"connect"], resource);"#);
    let on = |action| ask_any(&policies, action).allowed;
    assert_eq!(Action::ALL.map(on), [true, true, true, true, true, true, false, false]);
}

mod what_is_not_understood {
    use super::*;

    fn may_use(text: &str, feature: &str) -> bool {
        let facts = Facts { not_understood: vec![feature.into()], ..Facts::default() };
        load(text).about(&Subject::new(&agent()), DB, &facts, Stage::Run, 0).may_use(feature).allowed
    }

    #[test]
    fn is_let_through_by_a_permit_that_names_it() {
        let named =
            r#"permit (principal, action == Action::"use_feature", resource == Feature::"do block");"#;
        assert!(may_use(named, "do block"));
        assert!(!may_use(named, "create extension"));
        assert!(may_use(r#"permit (principal, action, resource == Feature::"do block");"#, "do block"));
    }

    #[test]
    fn is_not_let_through_by_a_permit_of_more() {
        for blanket in [
            "permit (principal, action, resource);",
            "permit (principal, action, resource is Feature);",
            r#"permit (principal, action, resource in Connection::"db");"#,
            r#"permit (principal, action, resource in Feature::"do block");"#,
            r#"permit (principal, action, resource) when { context.not_understood.contains("do block") };"#,
            r#"permit (principal, action, resource is Feature) when { resource == Feature::"do block" };"#,
        ] {
            assert!(!may_use(blanket, "do block"), "{blanket}");
        }
    }

    #[test]
    fn is_not_let_through_by_a_permit_that_names_another_beside_a_blanket_one() {
        let both = r#"permit (principal, action, resource);
                      permit (principal, action, resource == Feature::"do block");"#;
        assert!(!may_use(both, "create extension"));
    }

    #[test]
    fn is_forbidden_by_any_forbid() {
        let permit = r#"permit (principal, action, resource == Feature::"do block");"#;
        assert!(may_use(permit, "do block"));
        assert!(!may_use(
            &format!(r#"{permit} forbid (principal, action, resource in Connection::"db");"#),
            "do block"
        ));
        assert!(!may_use(&format!("{permit} forbid (principal is Agent, action, resource);"), "do block"));
    }

    #[test]
    fn a_permit_that_could_never_count_is_refused_at_load() {
        let found = problems(r#"permit (principal, action == Action::"use_feature", resource);"#);
        assert_eq!(found.len(), 1);
        assert!(found[0].instead.as_ref().unwrap().contains("resource == Feature"), "{found:?}");
    }
}

mod loading {
    use super::*;

    /// `LINE:COLUMN` of the problems of a text.
    fn places(text: &str) -> Vec<String> {
        problems(text).iter().map(|problem| format!("{}:{}", problem.line, problem.column)).collect()
    }

    #[test]
    fn names_the_place_of_a_syntax_error() {
        assert_eq!(
            places("permit (principal, action, resource);\npermit (principal, acton, resource);"),
            ["2:20"]
        );
    }

    #[test]
    fn names_the_place_of_every_word_the_schema_does_not_have() {
        let text = "permit (principal, action == Action::\"raed\", resource);\n\
                    // ü\n\
                    permit (principal in Grupp::\"x\", action, resource)\n  when { context.kind == \"select\" };";
        assert_eq!(places(text), ["1:30", "3:22", "4:10"]);
        let found = problems(&text.replace("Grupp", "Group"));
        assert_eq!((found[1].line, found[1].column), (4, 10), "{found:?}");
        assert!(found[1].instead.as_ref().unwrap().contains("kinds"), "{found:?}");
    }

    #[test]
    fn reports_every_file() {
        let bad = |name: &str| (name.to_owned(), "permit (principal, action, nothing);".to_owned());
        let found = Policies::parse(&[bad("b.cedar"), bad("a.cedar")]).err().unwrap();
        assert_eq!(found.iter().map(|p| p.file.as_str()).collect::<Vec<_>>(), ["a.cedar", "b.cedar"]);
    }

    #[test]
    fn refuses_an_attribute_that_may_be_missing() {
        assert_eq!(
            problems(
                r#"forbid (principal is Agent, action, resource) when { principal.on_behalf_of == "x" };"#
            )
            .len(),
            1
        );
    }

    #[test]
    fn refuses_a_policy_that_can_never_apply() {
        assert_eq!(
            problems(r#"forbid (principal, action == Action::"connect", resource is Table);"#).len(),
            1
        );
        assert_eq!(problems("forbid (principal, action, resource) when { false };").len(), 1);
    }

    #[test]
    fn refuses_letters_that_look_like_others() {
        assert!(!problems("forbid (principal in Group::\"аdmins\", action, resource);").is_empty());
    }

    #[test]
    fn refuses_templates() {
        assert_eq!(places("permit (principal == ?principal, action, resource);"), ["1:22"]);
    }

    #[test]
    fn refuses_two_policies_of_one_id() {
        let found = problems(
            "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") forbid (principal is User, action, resource);",
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("p.cedar:1"), "{found:?}");
    }

    #[test]
    fn a_policy_without_an_id_is_known_by_its_place() {
        let policies = load("\n// why\npermit (principal, action, resource);");
        assert_eq!(&*ask_read(&policies, "public.cards").policies[0].id, "p.cedar:3:1");
    }

    #[test]
    fn a_version_is_of_the_text_and_the_names_in_any_order() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let (a, b) = (file("a", "// 1"), file("b", "// 2"));
        let version = |files: &[(String, String)]| Policies::parse(files).ok().unwrap().version().to_owned();
        assert_eq!(version(&[a.clone(), b.clone()]), version(&[b.clone(), a.clone()]));
        assert_ne!(version(std::slice::from_ref(&a)), version(&[file("a", "// 2")]));
        assert_ne!(version(std::slice::from_ref(&a)), version(&[file("b", "// 1")]));
        assert_ne!(version(&[file("a", "// 1//")]), version(&[file("a", "//"), file(" 1", "//")]));
        assert_eq!(version(&[]), Policies::empty().version());
        assert_eq!(version(&[]).len(), 64);
    }
}

#[test]
fn a_name_that_could_mean_two_things_is_refused() {
    let all = load("permit (principal, action, resource);");
    for table in ["cards", "a.b.c", "\"a.b\".c"] {
        let decision = ask_read(&all, table);
        assert!(!decision.allowed && decision.errors.len() == 1, "{table}");
    }
    let scope = Scope { connection: "a/b", labels: &[], mode: access::Mode::Filtered };
    let connect = all.decide(
        &Subject::new(&agent()),
        scope,
        Action::Connect,
        &Resource::Connection,
        &Facts::default(),
        Stage::Run,
        0,
    );
    assert!(!connect.allowed && connect.errors.len() == 1);
}

#[test]
fn how_many_values_are_compared_is_for_policy_to_say() {
    let text = r#"permit (principal, action == Action::"match", resource == DataClass::"pan")
                  when { context.columns.contains("public.cards.pan") && context.matches <= 3 };"#;
    let policies = load(text);
    let matched = |column: &str| ColumnUse {
        column: column.into(),
        class: DataClass::Pan,
        position: Position::Matched,
    };
    let facts =
        Facts { columns: vec![matched("public.cards.pan"), matched("public.old.pan")], ..Facts::default() };
    let subject = Subject::new(&agent());
    let inquiry = policies.about(&subject, DB, &facts, Stage::Run, 0);
    let may = |class, column, values| inquiry.may_match(&class, column, values).allowed;
    assert!(may(DataClass::Pan, "public.cards.pan", 3));
    assert!(!may(DataClass::Pan, "public.cards.pan", 4));
    assert!(!may(DataClass::Pan, "public.old.pan", 1), "each column is asked about apart");
    assert!(!may(DataClass::Secret, "public.cards.pan", 1));
    assert!(!may(DataClass::Pan, "public.cards.pan", u64::MAX));
}

#[test]
fn a_permit_of_every_action_is_not_about_comparisons_and_a_forbid_is() {
    let facts = Facts::default();
    let subject = Subject::new(&agent());
    let may = |text: &str, class| {
        let policies = load(text);
        policies.about(&subject, DB, &facts, Stage::Run, 0).may_match(&class, "c", 1).allowed
    };
    assert!(!may("permit (principal, action, resource);", DataClass::Pan));
    let named = r#"permit (principal, action in [Action::"read", Action::"match"], resource);"#;
    assert!(may(named, DataClass::Pan));
    assert!(!may(named, DataClass::Sad));
    assert!(!may(&format!("{named} forbid (principal, action, resource);"), DataClass::Pan));
}

#[test]
fn to_an_administrator_a_permit_of_every_feature_counts_and_to_nobody_else() {
    let facts = Facts { not_understood: vec!["do block".into()], ..Facts::default() };
    let subject = Subject::new(&agent());
    let may = |text: &str, mode| {
        load(text).about(&subject, Scope { mode, ..DB }, &facts, Stage::Run, 0).may_use("do block").allowed
    };
    let broad =
        r#"permit (principal, action == Action::"use_feature", resource) when { context.mode == "admin" };"#;
    assert!(may(broad, Mode::Admin) && !may(broad, Mode::Filtered) && !may(broad, Mode::Templates));
    assert!(!may("permit (principal, action, resource);", Mode::Admin), "the action has to be named");
    let but = format!(r#"{broad} forbid (principal, action, resource == Feature::"do block");"#);
    assert!(!may(&but, Mode::Admin));
}

#[test]
fn a_policy_may_ask_in_which_way_and_by_which_registered_statement() {
    let text = r#"permit (principal, action == Action::"read", resource)
                  when { context.mode == "templates" && context.template == "by-id" };"#;
    let (policies, subject) = (load(text), Subject::new(&agent()));
    let table = Resource::Table("public.cards".into());
    let may = |mode, template: Option<&str>| {
        let facts = Facts { template: template.map(Box::from), ..Facts::default() };
        let scope = Scope { mode, ..DB };
        policies.about(&subject, scope, &facts, Stage::Run, 0).may(Action::Read, &table).allowed
    };
    assert!(may(Mode::Templates, Some("by-id")));
    assert!(!may(Mode::Templates, Some("other")) && !may(Mode::Templates, None));
    assert!(!may(Mode::Filtered, Some("by-id")));
}

/// `GET /v1/charges/ch_7`, as a document names it.
fn charges() -> Endpoint {
    Endpoint {
        method: "GET".into(),
        path: "/v1/charges/ch_7".into(),
        route: "/v1/charges/{id}".into(),
        operation: "getCharge".into(),
    }
}

/// A request with these fields, as facts.
fn request(fields: &[(Part, &str, &[&str])]) -> Facts {
    let fields = fields.iter().map(|&(part, name, values)| Field {
        part,
        name: name.into(),
        values: values.iter().map(|&value| value.into()).collect(),
    });
    let call = Call { endpoint: charges(), fields: fields.collect(), ..Call::default() };
    Facts { call: Some(Box::new(call)), ..Facts::default() }
}

#[test]
fn an_endpoint_is_known_by_its_path_its_route_and_its_operation() {
    let endpoint = || Resource::Endpoint(Box::new(charges()));
    for (condition, allowed) in [
        (r#"resource.path like "/v1/charges/*""#, true),
        (r#"resource.path like "/v1/refunds/*""#, false),
        (r#"resource.route == "/v1/charges/{id}""#, true),
        (r#"resource.operation == "getCharge" && context.operation == resource.operation"#, true),
        (r#"context.method == "GET""#, true),
        (r#"resource == Endpoint::"db/GET /v1/charges/{id}""#, true),
        (r#"resource == Endpoint::"db/GET /v1/charges/ch_7""#, false),
    ] {
        let text = format!(
            r#"permit (principal, action == Action::"read", resource is Endpoint) when {{ {condition} }};"#
        );
        assert_eq!(
            ask(&load(&text), Action::Read, endpoint(), &request(&[])).allowed,
            allowed,
            "{condition}"
        );
    }
}

#[test]
fn a_policy_asks_for_fields_of_a_request_by_name() {
    let facts = request(&[
        (Part::Query, "status", &["open", "held"]),
        (Part::Header, "x-tenant", &["acme"]),
        (Part::Body, "$.amount", &["500"]),
    ]);
    let endpoint = || Resource::Endpoint(Box::new(charges()));
    for (condition, allowed) in [
        (r#"context.query.hasTag("status") && context.query.getTag("status").contains("open")"#, true),
        (r#"context.query.hasTag("status") && context.query.getTag("status").contains("paid")"#, false),
        (r#"context.headers.hasTag("x-tenant") && context.headers.getTag("x-tenant") == ["acme"]"#, true),
        (
            r#"context.numbers.hasTag("body.$.amount") && context.numbers.getTag("body.$.amount") <= 500"#,
            true,
        ),
        (
            r#"context.numbers.hasTag("body.$.amount") && context.numbers.getTag("body.$.amount") < 500"#,
            false,
        ),
        (r#"context.numbers.hasTag("query.status")"#, false),
        (r#"context.body.hasTag("$.other")"#, false),
    ] {
        let text =
            format!(r#"permit (principal, action == Action::"write", resource) when {{ {condition} }};"#);
        let policies = load(&text);
        assert_eq!(ask(&policies, Action::Write, endpoint(), &facts).allowed, allowed, "{condition}");
        assert!(!ask(&policies, Action::Write, endpoint(), &request(&[])).allowed, "nothing is there");
    }
}

#[test]
fn the_fields_that_policies_ask_for_are_known_at_load() {
    let policies = load(
        r#"permit (principal, action == Action::"read", resource)
           when { context.query.hasTag("status") && context.headers.hasTag("X-Tenant") };
           forbid (principal, action, resource)
           when { context.numbers.hasTag("body.$.amount") && context.numbers.getTag("body.$.amount") > 9 };"#,
    );
    let wanted = policies.wanted();
    assert_eq!(wanted.query, BTreeSet::from(["status".into()]));
    assert_eq!(wanted.headers, BTreeSet::from(["x-tenant".into()]));
    assert_eq!(wanted.body, BTreeSet::from(["$.amount".into()]));
}

#[test]
fn a_field_that_is_not_named_by_a_text_is_refused_at_load() {
    for condition in [
        r"context.query.hasTag(context.path)",
        r#"context.numbers.hasTag("amount")"#,
        r#"context.numbers.hasTag("cookies.a")"#,
    ] {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let found = problems(&text);
        assert!(found.iter().any(|problem| problem.what.contains("it cannot be told which")), "{condition}");
    }
}

#[test]
fn a_policy_knows_which_model_is_asked_and_what_it_may_do() {
    let policies = load(
        r#"permit (principal, action == Action::"call", resource == Model::"db/small")
           when { context.max_tokens != -1 && context.max_tokens <= 100 && !context.tools.contains("shell") };"#,
    );
    let asks = |model: &str, max_tokens, tools: &[&str]| {
        let tools = tools.iter().map(|&tool| tool.into()).collect();
        let call = Call { model: Some(model.into()), max_tokens, tools, ..Call::default() };
        let facts = Facts { call: Some(Box::new(call)), ..Facts::default() };
        ask(&policies, Action::Call, Resource::Model(model.into()), &facts).allowed
    };
    assert!(asks("small", Some(100), &["search"]));
    assert!(!asks("large", Some(100), &[]), "another model");
    assert!(!asks("small", None, &[]), "no bound is no small one");
    assert!(!asks("small", Some(100), &["search", "shell"]));
}

#[test]
fn tokens_that_were_used_count_in_policies_that_ask_for_them() {
    let policies = load(
        r#"permit (principal, action == Action::"call", resource is Model) when { context.tokens_today < 1000 };"#,
    );
    assert!(policies.wanted().tokens);
    assert!(!load("permit (principal, action, resource);").wanted().tokens);
    let (subject, facts) = (Subject::new(&agent()), Facts::default());
    let may = |tokens| {
        let inquiry = policies.about(&subject, DB, &facts, Stage::Run, 0).having_used(tokens);
        inquiry.may(Action::Call, &Resource::Model("small".into())).allowed
    };
    assert!(may(999) && !may(1000));
}

#[test]
fn a_policy_of_answers_asks_for_what_is_known_of_a_command_that_waits() {
    let answers = |condition: &str| {
        problems(&format!(
            r#"forbid (principal, action == Action::"approve", resource) when {{ {condition} }};"#
        ))
    };
    for known in [
        "context.path like \"/payroll/*\"",
        "context.kinds.contains(\"delete\")",
        "context.has_where",
        "context.acr != \"mfa\"",
    ] {
        assert_eq!(answers(known), [], "{known}");
    }
    for unknown in [
        "context.query.hasTag(\"all\")",
        "context.numbers.hasTag(\"body.$.amount\")",
        "context.tokens_today > 5",
    ] {
        let found = answers(unknown);
        assert!(
            found.iter().any(|it| it.what.contains("not recorded of a command that waits")),
            "{unknown}: {found:?}"
        );
    }
    let any = r#"forbid (principal, action, resource) when { context.query.hasTag("all") };"#;
    assert_eq!(problems(any), [], "it is about other actions");
}

#[test]
fn a_policy_says_how_approval_is_waited_for_in_one_of_two_words() {
    let asks = |how: &str| {
        format!(
            r#"@id("ask") {how} forbid (principal, action, resource) unless {{ context.approvals >= 1 }}; permit (principal, action, resource);"#
        )
    };
    for (how, waits) in
        [("", None), (r#"@approvals("wait")"#, Some(true)), (r#"@approvals("ticket")"#, Some(false))]
    {
        let policies = load(&asks(how));
        let (subject, facts) = (Subject::new(&agent()), Facts::default());
        let decision =
            policies.about(&subject, DB, &facts, Stage::Run, 0).may(Action::Read, &Resource::Connection);
        assert_eq!(decision.policies[0].waits, waits, "{how}");
    }
    for wrong in [r#"@approvals("no")"#, r#"@approvals("")"#, "@approvals"] {
        let found = problems(&asks(wrong));
        assert!(found.iter().any(|it| it.what.contains("@approvals")), "{wrong}: {found:?}");
    }
}

#[test]
fn policies_that_ask_for_approvals_which_nobody_may_give_say_so() {
    let asks = r#"@id("ask-first") forbid (principal, action, resource) unless { context.approvals >= 1 };"#;
    let all = "permit (principal, action, resource);";
    let owners = r#"permit (principal in Group::"owners", action == Action::"approve", resource);"#;
    assert_eq!(load(&format!("{asks} {all}")).asks_nobody(), Some("ask-first"));
    assert_eq!(load(&format!("{asks} {all} {owners}")).asks_nobody(), None);
    assert_eq!(load(all).asks_nobody(), None);
}
