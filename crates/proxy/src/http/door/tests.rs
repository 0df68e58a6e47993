use http::HeaderValue;

use super::*;

const HERE: u16 = 8080;

fn asked(method: Method, target: &str, version: Version, host: &str) -> Request<()> {
    let mut request = Request::builder().method(method).uri(target).version(version).body(()).unwrap();
    request.headers_mut().insert(HOST, HeaderValue::from_str(host).unwrap());
    request
}

fn place(method: Method, target: &str, host: &str) -> Place {
    let request = asked(method, target, Version::HTTP_11, host);
    super::place(&request, |host| host == "api.test", |server| server.port == HERE)
}

fn server(host: &str, port: u16, tls: Option<bool>) -> Server {
    Server { host: host.into(), port, tls }
}

#[test]
fn a_path_names_a_connection_unless_the_host_does() {
    assert_eq!(place(Method::GET, "/api/x?y", "gw:8080"), Place::Named("api".into(), "/x?y".into()));
    assert_eq!(place(Method::GET, "/x?y", "API.test:8080"), Place::Host("api.test".into(), "/x?y".into()));
    assert!(matches!(place(Method::GET, "/", "gw"), Place::Nowhere(_)));
}

#[test]
fn a_whole_url_names_a_server_whatever_the_host_field_says() {
    let forward = |host: &str, port, tls| Place::Forward(server(host, port, Some(tls)), "/x".into());
    assert_eq!(place(Method::GET, "http://UP.test/x", "api.test"), forward("up.test", 80, false));
    assert_eq!(place(Method::GET, "https://up.test./x", "api.test"), forward("up.test", 443, true));
    assert_eq!(place(Method::GET, "http://[::1]:81/x", "api.test"), forward("::1", 81, false));
    for none in ["http://a:b@up.test/x", "http://up.test:0/x", "ftp://up.test/x"] {
        assert!(matches!(place(Method::GET, none, "api.test"), Place::Nowhere(_)), "{none}");
    }
}

#[test]
fn a_whole_url_of_the_gateway_itself_is_an_ordinary_request() {
    let target = format!("http://127.0.0.1:{HERE}/api/x");
    assert_eq!(place(Method::GET, &target, "x"), Place::Named("api".into(), "/x".into()));
}

#[test]
fn a_tunnel_is_asked_for_by_a_host_and_a_port_in_http_1() {
    assert_eq!(place(Method::CONNECT, "up.test:443", "x"), Place::Tunnel(server("up.test", 443, None)));
    assert_eq!(place(Method::CONNECT, "[::1]:80", "x"), Place::Tunnel(server("::1", 80, None)));
    assert!(matches!(place(Method::CONNECT, "up.test", "x"), Place::Nowhere(_)));
    let h2 = asked(Method::CONNECT, "up.test:443", Version::HTTP_2, "up.test:443");
    assert!(matches!(super::place(&h2, |_| true, |_| false), Place::Nowhere(_)));
}

#[test]
fn within_a_tunnel_its_server_is_asked_for_and_no_other() {
    let is_asked = |server: &Server, target: &str, host: &str| {
        server.is_asked(&asked(Method::GET, target, Version::HTTP_11, host))
    };
    let usual = server("up.test", 443, Some(true));
    for host in ["up.test", "UP.test:443", "up.test."] {
        assert!(is_asked(&usual, "/x", host), "{host}");
    }
    for host in ["up.test:80", "other.test", "up.test.evil.test", "a@up.test", "up.test:", ""] {
        assert!(!is_asked(&usual, "/x", host), "{host}");
    }
    assert!(is_asked(&usual, "https://up.test/x", "up.test"));
    assert!(!is_asked(&usual, "https://other.test/x", "up.test"), "two hosts are none");
    assert!(!is_asked(&usual, "https://up.test/x", "other.test"));
    let other = server("127.0.0.1", 8443, Some(true));
    assert!(is_asked(&other, "/x", "127.0.0.1:8443") && !is_asked(&other, "/x", "127.0.0.1"));
}

#[test]
fn a_token_for_the_proxy_comes_in_one_field_once() {
    let mut headers = HeaderMap::new();
    let token = |headers: &HeaderMap| proxy_token(headers).map(|it| it.expose_str().unwrap().to_owned());
    assert_eq!(token(&headers), None);
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer other"));
    assert_eq!(token(&headers), None);
    headers.insert(PROXY_AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
    assert_eq!(token(&headers).as_deref(), Some("abc"));
    headers.insert(PROXY_AUTHORIZATION, HeaderValue::from_static("Basic YWdlbnQ6YWJj"));
    assert_eq!(token(&headers).as_deref(), Some("abc"));
    headers.append(PROXY_AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
    assert_eq!(token(&headers), None);
}
