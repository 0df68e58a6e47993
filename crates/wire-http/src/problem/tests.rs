use access::{Code, PolicyNote, Refusal, SessionId};
use serde_json::Value;

use super::response;

fn refusal(code: Code) -> Refusal {
    let policy = PolicyNote {
        id: "no-refunds".into(),
        reason: Some("people refund".into()),
        requirement: None,
        waits: None,
    };
    Refusal {
        code,
        request: SessionId(7).request(3),
        detail: "post needs `write`".into(),
        columns: Vec::new(),
        policies: vec![policy],
    }
}

#[test]
fn a_refusal_says_what_happened_by_which_policy_and_what_to_do_instead() {
    let response = response(&refusal(Code::PolicyDenied));
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["code"], "PGD-0005");
    assert_eq!(body["status"], 403);
    assert_eq!(body["request_id"], "0000000000000007-3");
    assert_eq!(body["policies"][0]["reason"], "people refund");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("post needs `write`") && message.contains("do not retry"), "{message}");
}

#[test]
fn an_sdk_is_told_whether_to_try_again() {
    for code in Code::ALL {
        let response = response(&refusal(code));
        let again = response.headers()["x-should-retry"] == "true";
        let transient = matches!(response.status().as_u16(), 429 | 502 | 503);
        assert!(transient || !again, "{code} is not to be sent again");
    }
    assert_eq!(response(&refusal(Code::AnswerWithheld)).headers()["x-should-retry"], "false");
}

#[test]
fn who_is_not_identified_is_told_by_which_scheme_to_be() {
    assert_eq!(
        response(&refusal(Code::NotIdentified)).headers()["www-authenticate"],
        "Bearer realm=\"panguard\""
    );
}
