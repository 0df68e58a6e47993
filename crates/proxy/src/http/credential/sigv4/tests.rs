use access::{Secret, Timestamp};
use http::Method;

use super::{NotSigned, Payload, Request, Signer, query_written, sha256};

/// 2015-08-30T12:36:00Z, when all of AWS's examples were signed.
const THEN: Timestamp = Timestamp(1_440_938_160_000_000);
const TIME: &str = "20150830T123600Z";
const HOST: (&str, &str) = ("host", "example.amazonaws.com");
const DATE: (&str, &str) = ("x-amz-date", TIME);

/// The keys that AWS has published for examples.
fn signer(service: &str) -> Signer {
    Signer {
        region: "us-east-1".into(),
        service: service.into(),
        access_key: Secret::from("AKIDEXAMPLE".to_owned()),
        secret_key: Secret::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
        session_token: None,
    }
}

/// Checks the signature of a request of aws-sig-v4-test-suite, whose name is given.
#[track_caller]
fn vector(name: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &str, signature: &str) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (query, payload) = (query_written(query), sha256(body.as_bytes()));
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), super::trimmed(value.as_bytes()))).collect();
    let request = Request { method, path, query: &query, headers: &headers, payload: &payload };
    let value = String::from_utf8(signer("service").authorization(&request, TIME)).unwrap();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={}, Signature={signature}",
        names.join(";")
    );
    assert_eq!(value, expected, "{name}");
}

#[test]
fn targets_of_the_published_suite_have_their_signatures() {
    let plain = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let cases = [
        ("get-vanilla", "/", plain),
        ("normalize-path/get-slash-dot-slash", "/./", plain),
        ("normalize-path/get-slash", "//", plain),
        ("normalize-path/get-relative", "/example/..", plain),
        ("normalize-path/get-relative-relative", "/example1/example2/../..", plain),
        (
            "normalize-path/get-slashes",
            "//example//",
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        ),
        (
            "normalize-path/get-space",
            "/example space/",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        ),
        ("get-utf8", "/\u{1234}", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "get-vanilla-empty-query-key",
            "/?Param1=value1",
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        (
            "get-vanilla-query-order-key-case",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-utf8-query",
            "/?\u{1234}=bar",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
    ];
    for (name, target, signature) in cases {
        vector(name, "GET", target, &[HOST, DATE], "", signature);
    }
    let signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f";
    vector("get-unreserved", "GET", &format!("/{unreserved}"), &[HOST, DATE], "", signature);
    let signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197";
    let target = format!("/?{unreserved}={unreserved}");
    vector("get-vanilla-query-unreserved", "GET", &target, &[HOST, DATE], "", signature);
    let signature = "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e";
    let target = "/?@%23$%25^=&%2B=/,?><`\";:\\|][{}";
    vector("post-vanilla-query-nonunreserved", "POST", target, &[HOST, DATE], "", signature);
}

#[test]
fn headers_and_bodies_of_the_published_suite_have_their_signatures() {
    let header = |value: &'static str| [HOST, ("my-header1", value), DATE];
    let cases = [
        (
            "get-header-key-duplicate",
            "GET",
            header("value2,value2,value1"),
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "get-header-value-order",
            "GET",
            header("value4,value1,value3,value2"),
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ),
        (
            "post-header-key-sort",
            "POST",
            header("value1"),
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            "post-header-value-case",
            "POST",
            header("VALUE1"),
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
    ];
    for (name, method, headers, signature) in cases {
        vector(name, method, "/", &headers, "", signature);
    }
    let headers = [HOST, ("my-header1", " value1"), ("my-header2", " \"a   b   c\""), DATE];
    let signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736";
    vector("get-header-value-trim", "GET", "/", &headers, "", signature);
    let signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
    let headers = [("content-type", "application/x-www-form-urlencoded"), HOST, DATE];
    vector("post-x-www-form-urlencoded", "POST", "/", &headers, "Param1=value1", signature);
}

/// A request to `url` as it is sent when it has been signed.
fn signed(
    service: &str,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    payload: Payload<'_>,
) -> http::request::Parts {
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let session_token = Some(Secret::from("session-token-1".to_owned()));
    Signer { session_token, ..signer(service) }.sign(&mut parts, payload, THEN).unwrap();
    parts
}

fn signature(parts: &http::request::Parts) -> &str {
    let value = parts.headers["authorization"].to_str().unwrap();
    value.split("Signature=").nth(1).unwrap()
}

/// The signatures here are botocore 1.44.8's, of the same requests.
#[test]
fn requests_to_bedrock_have_the_signature_that_botocore_gives_them() {
    let host = "https://bedrock-runtime.us-east-1.amazonaws.com";
    let body = br#"{"max_tokens":16}"#;
    let json = [("content-type", "application/json")];
    // However an agent writes the colon of a model's version, it is sent and signed in one way.
    for colon in [":", "%3A", "%3a"] {
        let url = format!("{host}/model/anthropic.claude-3-5-sonnet-20241022-v2{colon}0/invoke");
        let parts = signed("bedrock", Method::POST, &url, &json, Payload::Whole(body));
        assert_eq!(parts.uri.path(), "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/invoke");
        assert_eq!(signature(&parts), "3d958cc06795d6f68b98f8d2ed8903d4b798e7e63beb4a491086d813016f1012");
    }
    for written in ["maxResults=5&nameContains=a%20b%2Fc", "maxResults=5&nameContains=a+b/c"] {
        let url = format!("https://bedrock.us-east-1.amazonaws.com/model-customization-jobs?{written}");
        let parts = signed("bedrock", Method::GET, &url, &[], Payload::Whole(b""));
        assert_eq!(signature(&parts), "1dbe1a91b3deefa437161f5b8b5d7d368164e6d75cc4c7eac3481853169dba30");
    }
}

#[test]
fn a_path_of_s3_is_signed_as_it_is_sent_with_its_empty_segments() {
    let url = "https://bucket.s3.us-east-1.amazonaws.com/a%20b//c+(d).txt?list-type=2&prefix=x/y&acl=";
    let parts = signed("s3", Method::GET, url, &[], Payload::Whole(b""));
    assert_eq!(parts.uri.path(), "/a%20b//c%2B%28d%29.txt");
    assert_eq!(signature(&parts), "f7d388faefa76078c9685a511150977c635ca6d402520540a94e9a3c8da53b7c");
}

#[test]
fn what_an_agent_sends_of_a_signature_of_its_own_does_not_stand_beside_panguards() {
    let own = [
        ("authorization", "AWS4-HMAC-SHA256 Credential=AGENT"),
        ("x-amz-date", "20200101T000000Z"),
        ("x-amz-security-token", "agents"),
    ];
    let url = "https://bedrock.us-east-1.amazonaws.com/models?X-Amz-Signature=abc&x-amz-credential=AGENT&a=1";
    let parts = signed("bedrock", Method::GET, url, &own, Payload::Whole(b""));
    assert_eq!(parts.uri.query(), Some("a=1"));
    assert_eq!(parts.headers["x-amz-date"], TIME);
    assert_eq!(parts.headers["x-amz-security-token"], "session-token-1");
    assert_eq!(parts.headers.get_all("authorization").iter().count(), 1);
    assert!(
        parts.headers["authorization"].is_sensitive() && parts.headers["x-amz-security-token"].is_sensitive()
    );
}

#[test]
fn a_body_that_is_not_known_yet_is_left_unsigned_for_s3_and_refused_for_others() {
    let url = "https://bucket.s3.us-east-1.amazonaws.com/key";
    let parts = signed("s3", Method::PUT, url, &[], Payload::Streamed);
    assert_eq!(parts.headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    let (mut parts, ()) =
        http::Request::post("https://bedrock.us-east-1.amazonaws.com/").body(()).unwrap().into_parts();
    let refused = signer("bedrock").sign(&mut parts, Payload::Streamed, THEN);
    assert!(matches!(refused, Err(NotSigned::Streamed(service)) if &*service == "bedrock"));
}

#[test]
fn a_key_with_a_line_end_is_refused_and_not_shown() {
    let access_key = Secret::from("AKID\nEXAMPLE".to_owned());
    let (mut parts, ()) = http::Request::get("https://s3.amazonaws.com/").body(()).unwrap().into_parts();
    let refused =
        Signer { access_key, ..signer("s3") }.sign(&mut parts, Payload::Whole(b""), THEN).unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("AKID"));
}
