use super::Origin;

fn origin(url: &str) -> Origin {
    Origin::parse(url).unwrap_or_else(|error| panic!("{url}: {}", error.0))
}

#[test]
fn a_base_url_is_a_scheme_a_host_a_port_and_a_path() {
    for (url, authority, base) in [
        ("https://api.example.com", "api.example.com", ""),
        ("HTTPS://API.example.com/v2/", "api.example.com", "/v2"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", ""),
        ("https://api.example.com:443/a/b", "api.example.com", "/a/b"),
        ("http://[::1]:8080/x", "[::1]:8080", "/x"),
    ] {
        let origin = origin(url);
        assert_eq!((origin.authority().as_str(), &*origin.base), (authority, base), "{url}");
    }
    for url in [
        "api.example.com",
        "ftp://a",
        "https://",
        "https://u:p@a",
        "https://a?x",
        "https://a:x",
        "https://a/../b",
    ] {
        assert!(Origin::parse(url).is_err(), "{url}");
    }
}

#[test]
fn where_an_answer_points_stays_inside() {
    let api = origin("https://api.example.com/v2");
    for (place, inside) in [
        ("https://api.example.com/v2/a?b#c", Some("/billing/a?b#c")),
        ("https://API.example.com:443/v2", Some("/billing")),
        ("//api.example.com/v2/a", Some("/billing/a")),
        ("/v2/a?b", Some("/billing/a?b")),
        ("/v2?x", Some("/billing?x")),
        ("a/b", Some("a/b")),
        ("?page=2", Some("?page=2")),
        ("/elsewhere", None),
        ("/v20", None),
        ("https://api.example.com/admin", None),
        ("https://other.example.com/x", Some("https://other.example.com/x")),
        ("http://10.0.0.5:9000/x", None),
        ("http://169.254.169.254/latest", None),
        ("http://[::1]/x", None),
        ("http://billing.internal/x", None),
        ("http://billing/x", None),
        ("javascript:alert(1)", None),
        ("../b", Some("../b")),
        ("c/../../b?x=../..", Some("c/../../b?x=../..")),
        ("../../b", None),
        (".%2e/%2E%2e/b", None),
        ("..\\..\\b", None),
        ("/v2/../b", None),
        ("/v2/a/../b", Some("/billing/a/../b")),
        ("http://127.1/", None),
        ("http://0x7f.0.0.1/", None),
        ("http://10.0.0.1./", None),
        ("http://billing.internal./", None),
        ("http://[::ffff:10.0.0.1]/", None),
        ("http://[64:ff9b::a00:1]/", None),
        ("http://[2002:a00:1::]/", None),
        ("http://[2001:db8::1]/", Some("http://[2001:db8::1]/")),
    ] {
        assert_eq!(api.inside(place, "/billing", "/a/b").as_deref(), inside, "{place}");
    }
}
