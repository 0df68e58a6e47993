use access::DataClass;
use mask::JsonPath;
use sql::Label;

use super::file::Holds;

/// Reads what a column holds: a class, or `{ json: { $.path: class } }`.
///
/// # Errors
/// What is wrong and what to write.
pub fn label(holds: &Holds) -> Result<Label, String> {
    match holds {
        Holds::Class(name) => class(name).map(Label::Class),
        Holds::Json { json } => {
            json.iter().map(|(path, name)| at_path(path, name)).collect::<Result<_, _>>().map(Label::Json)
        }
    }
}

fn class(name: &str) -> Result<DataClass, String> {
    name.parse().map_err(|_| {
        format!(
            "`{name}` is not a data class; write `pan`, `sad`, `cardholder_name`, `expiry`, `secret`, or a name of your own in lower-case letters, digits and `_`"
        )
    })
}

fn at_path(path: &str, name: &str) -> Result<(String, DataClass), String> {
    match JsonPath::parse(path) {
        Ok(_) => Ok((path.to_owned(), class(name)?)),
        Err(advice) => Err(format!("`{path}` is not a path into JSON; {advice}")),
    }
}
