/// Puts variables of the environment in the place of `${NAME}`; `$${` stands for a plain `${`.
///
/// # Errors
/// What is wrong, naming the variable and never a value.
pub fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err("`${` without `}`; write `${NAME}`, or `$${` for a plain `${`".to_owned());
        };
        if !is_name(name) {
            return Err("a variable is written `${NAME}`, with letters, digits and `_` only".to_owned());
        }
        let Some(value) = env(name) else {
            return Err(format!(
                "the variable `{name}` is not set in the environment; set it, or write the value here"
            ));
        };
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
