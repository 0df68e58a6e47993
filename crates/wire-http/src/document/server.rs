//! Where the paths of a document are (OpenAPI 3.1 §4.8.5).

use serde_json::Value;

/// The paths that servers stand for: what comes before each path of the document. Without servers it is nothing.
pub(super) fn bases(servers: Option<&Value>) -> Vec<String> {
    let servers = servers.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut bases: Vec<String> = servers.iter().flat_map(of_server).collect();
    if bases.is_empty() {
        bases.push(String::new());
    }
    bases.sort();
    bases.dedup();
    bases
}

/// The path of one server, for each of the values that its variables may have.
fn of_server(server: &Value) -> Vec<String> {
    let Some(url) = server.get("url").and_then(Value::as_str) else { return Vec::new() };
    let mut urls = vec![url.to_owned()];
    let variables = server.get("variables").and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        let of_enum = variable.get("enum").and_then(Value::as_array).into_iter().flatten();
        let mut values: Vec<&str> =
            variable.get("default").into_iter().chain(of_enum).filter_map(Value::as_str).collect();
        values.sort_unstable();
        values.dedup();
        let written = format!("{{{name}}}");
        urls = urls
            .iter()
            .flat_map(|url| values.iter().map(|value| url.replace(&written, value)).collect::<Vec<_>>())
            .take(URLS_MAX)
            .collect();
    }
    urls.iter().map(|url| path(url)).collect()
}

/// The path of a URL, without a slash at its end.
fn path(url: &str) -> String {
    let rest = url.split(['?', '#']).next().unwrap_or_default();
    let path = match rest.split_once("://").map(|(_, rest)| rest).or_else(|| rest.strip_prefix("//")) {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => rest,
    };
    let path = path.trim_start_matches("./").trim_end_matches('/');
    if path.is_empty() || path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// URLs that one server may stand for.
const URLS_MAX: usize = 64;
