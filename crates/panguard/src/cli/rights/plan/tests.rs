use policy::{Policies, Scope};

use super::super::held::{Column, Membership, Role};
use super::*;

const OWN: u32 = 100;
const OTHER: u32 = 200;
const TEAM: u32 = 300;

/// A role, a table of somebody else's and the policies about it.
struct World {
    roles: Roles,
    objects: Vec<Object>,
    sad: BTreeMap<u32, BTreeSet<i16>>,
    owner: Option<&'static str>,
}

impl World {
    fn new(grants: &[(u32, &str)]) -> Self {
        let all = [(OWN, "gate"), (OTHER, "boss"), (TEAM, "team")];
        let all = all.map(|(oid, name)| {
            (oid, Role { name: name.into(), is_superuser: false, attributes: Vec::new() })
        });
        let column = |number, name: &str| Column { number, name: name.into(), grants: Vec::new() };
        let table = Object {
            kind: Kind::Relation,
            oid: 1,
            schema: "public".into(),
            name: "cards".into(),
            arguments: String::new(),
            owner: OTHER,
            grants: grants
                .iter()
                .map(|(grantee, privilege)| Grant { grantee: *grantee, privilege: (*privilege).into() })
                .collect(),
            columns: vec![column(1, "pan"), column(2, "cvv")],
            part_of: 0,
            is_used: false,
        };
        let roles = Roles { all: all.into(), own: OWN, members: Vec::new() };
        Self { roles, objects: vec![table], sad: BTreeMap::new(), owner: None }
    }

    fn own(&mut self) -> &mut Role {
        self.roles.all.get_mut(&OWN).unwrap()
    }

    /// The statements under a policy that lets some read the table; what a person has to do is `by hand`.
    fn check(&self, expected: &[&str]) {
        let policies =
            r#"permit (principal in Group::"a", action in [Action::"connect", Action::"read"], resource);"#;
        let policies = Policies::parse(&[("p.cedar".into(), policies.into())]).unwrap();
        let need =
            Need::new(&policies, Scope { connection: "db", labels: &[], mode: access::Mode::Filtered });
        let question = Question {
            roles: &self.roles,
            objects: &self.objects,
            need: &need,
            sad: &self.sad,
            owner: self.owner,
        };
        let plan = plan(&question);
        let statements: Vec<&str> =
            plan.statements.iter().map(|statement| statement.sql.as_deref().unwrap_or("by hand")).collect();
        assert_eq!(statements, expected);
    }
}

#[test]
fn a_role_with_what_is_needed_is_left_alone() {
    World::new(&[(OWN, "SELECT"), (OTHER, "DELETE")]).check(&[]);
}

#[test]
fn what_no_policy_allows_is_revoked_from_whom_it_was_given() {
    World::new(&[(OWN, "SELECT"), (OWN, "DELETE"), (PUBLIC, "INSERT"), (TEAM, "UPDATE")]).check(&[
        r#"REVOKE INSERT ON TABLE "public"."cards" FROM PUBLIC"#,
        r#"REVOKE DELETE ON TABLE "public"."cards" FROM "gate""#,
    ]);
    let mut member = World::new(&[(TEAM, "UPDATE")]);
    member.roles.members.push(Membership { role: TEAM, member: OWN });
    member.check(&[r#"REVOKE UPDATE ON TABLE "public"."cards" FROM "team""#]);
}

#[test]
fn an_owner_is_replaced_and_gets_what_policy_allows() {
    let mut world = World::new(&[(OWN, "SELECT"), (OWN, "DELETE")]);
    world.objects[0].owner = OWN;
    world.check(&["by hand", r#"GRANT SELECT ON TABLE "public"."cards" TO "gate""#]);
    world.owner = Some("the boss");
    world.check(&[
        r#"ALTER TABLE "public"."cards" OWNER TO "the boss""#,
        r#"GRANT SELECT ON TABLE "public"."cards" TO "gate""#,
    ]);
}

#[test]
fn a_superuser_becomes_a_role_with_grants() {
    let mut world = World::new(&[(OTHER, "SELECT"), (OTHER, "DELETE")]);
    world.own().is_superuser = true;
    world.own().attributes.push("CREATEDB");
    world.check(&[
        r#"ALTER ROLE "gate" NOSUPERUSER"#,
        r#"ALTER ROLE "gate" NOCREATEDB"#,
        r#"GRANT SELECT ON TABLE "public"."cards" TO "gate""#,
    ]);
}

#[test]
fn columns_that_nobody_may_see_are_left_out() {
    let mut world = World::new(&[(OWN, "SELECT")]);
    world.sad.insert(1, BTreeSet::from([2]));
    world.check(&[
        r#"REVOKE SELECT ON TABLE "public"."cards" FROM "gate""#,
        r#"GRANT SELECT ("pan") ON TABLE "public"."cards" TO "gate""#,
    ]);
    world.objects[0].grants.clear();
    let select = || Grant { grantee: OWN, privilege: "SELECT".into() };
    world.objects[0].columns[0].grants.push(select());
    world.check(&[]);
    world.objects[0].columns[1].grants.push(select());
    world.check(&[r#"REVOKE SELECT ("cvv") ON TABLE "public"."cards" FROM "gate""#]);
}

#[test]
fn a_predefined_role_goes_and_what_it_gave_is_granted_by_itself() {
    let mut world = World::new(&[(OTHER, "SELECT"), (OTHER, "DELETE")]);
    world.roles.all.get_mut(&TEAM).unwrap().name = "pg_read_all_data".into();
    world.roles.members.push(Membership { role: TEAM, member: OWN });
    world.check(&[
        r#"REVOKE "pg_read_all_data" FROM "gate""#,
        r#"GRANT SELECT ON TABLE "public"."cards" TO "gate""#,
    ]);
}
