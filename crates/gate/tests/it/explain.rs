//! What the gate explains is what it does.

use access::{Code, DataClass, Facts, Position};
use gate::{Asking, explain};
use mask::Classes;
use policy::Scope;

use crate::desk::{ALL, Desk, policies, read, using, write};

/// Asks both, and gives the code of the refusal that they agree upon.
fn both(text: &str, facts: Facts) -> Option<Code> {
    let mut desk = Desk::new(text);
    let explained = explained(text, &desk, &facts, 0);
    let refused = match desk.admit() {
        Err(refusal) => Some(refusal),
        Ok(admitted) => match desk.ask(&admitted, facts).verdict {
            Err(refusal) => Some(refusal),
            Ok(permit) => {
                assert_eq!(permit.terms(), &explained.as_ref().unwrap().terms);
                None
            }
        },
    };
    let said = explained.as_ref().err().map(|denied| (denied.code, &*denied.detail, &denied.columns));
    assert_eq!(said, refused.as_ref().map(|it| (it.code, &*it.detail, &it.columns)));
    refused.map(|refusal| refusal.code)
}

fn explained(text: &str, desk: &Desk, facts: &Facts, approvals: u32) -> Result<gate::Allowed, gate::Denied> {
    let (principal, labels) = (&desk.admission.principal, &desk.admission.labels);
    let scope = Scope { connection: &desk.admission.connection, labels, mode: access::Mode::Filtered };
    explain(&policies(text), Asking { principal, scope, classes: Classes::default(), approvals }, facts)
}

const READ: &str = r#"permit (principal, action in [Action::"connect", Action::"read"], resource);"#;
const TWO_PEOPLE: &str = r#"permit (principal, action, resource);
    forbid (principal, action == Action::"write", resource) unless { context.approvals >= 2 };"#;

#[test]
fn what_is_explained_is_what_the_gate_does() {
    let computed = |class| using(read(), class, Position::Computed);
    assert_eq!(both("", read()), Some(Code::ConnectDenied));
    assert_eq!(both(READ, read()), None);
    assert_eq!(both(READ, write()), Some(Code::PolicyDenied));
    assert_eq!(both(READ, computed(DataClass::Pan)), Some(Code::RevealDenied));
    assert_eq!(both(ALL, computed(DataClass::Pan)), None);
    assert_eq!(both(ALL, computed(DataClass::Sad)), Some(Code::RevealDenied));
    assert_eq!(both(TWO_PEOPLE, write()), Some(Code::NeedsApproval));
    let unclear = Facts { not_understood: vec!["do block".into()], ..read() };
    assert_eq!(both(ALL, unclear), Some(Code::NotUnderstood));
}

#[test]
fn a_refusal_to_reveal_names_the_columns_of_that_class_alone() {
    let text =
        format!("{READ} permit (principal, action == Action::\"reveal\", resource in DataClass::\"pan\");");
    let mut facts = using(read(), DataClass::Pan, Position::Computed);
    facts.columns.extend(using(read(), DataClass::Secret, Position::Computed).columns);
    let denied = explained(&text, &Desk::new(&text), &facts, 0).unwrap_err();
    assert_eq!(denied.columns, ["public.cards.secret".into()]);
    assert_eq!(both(&text, facts), Some(Code::RevealDenied));
}

#[test]
fn approvals_that_were_given_count() {
    let desk = Desk::new(TWO_PEOPLE);
    let code = |approvals| explained(TWO_PEOPLE, &desk, &write(), approvals).err().map(|denied| denied.code);
    assert_eq!([code(0), code(1), code(2)], [Some(Code::NeedsApproval), Some(Code::NeedsApproval), None]);
}

#[test]
fn to_explain_leaves_nothing_behind() {
    let desk = Desk::new(ALL);
    assert!(explained(ALL, &desk, &write(), 0).is_ok());
    assert!(desk.log.events().is_empty());
}
