//! What is said of masking: one profile for card numbers, and what else is masked.

use mask::Classes;

use super::PanProfile;

/// The profile that `names` name; one for the whole deployment.
///
/// # Errors
/// What is wrong, and what to write: two profiles of one number show more of it, together, than either may
/// (PCI DSS 4.0.1, 3.5.1).
pub fn profile(names: &[String]) -> Result<PanProfile, String> {
    const WRITE: &str = "write `last4`, `first6last4` or `tokenise`";
    match names {
        [] => Err(format!("a masking profile is missing; {WRITE}")),
        [name] => match name.as_str() {
            "last4" => Ok(PanProfile::Last4),
            "first6last4" => Ok(PanProfile::First6Last4),
            "tokenise" | "tokenize" => Ok(PanProfile::Tokenise),
            other => Err(format!("`{other}` is no masking profile; {WRITE}")),
        },
        _ => Err(format!(
            "a deployment has one masking profile: who sees a card number masked in two ways learns more of it than by either (PCI DSS 3.5.1); {WRITE}"
        )),
    }
}

/// The classes that `names` name; where nothing is written, secrets.
///
/// # Errors
/// What is wrong, and what to write.
pub fn classes(names: Option<&[String]>) -> Result<Classes, String> {
    let mut classes = Classes::default();
    let Some(names) = names else { return Ok(Classes { secret: true, ..classes }) };
    for name in names {
        let flag = name.parse().ok().and_then(|class| classes.flag(&class));
        *flag.ok_or_else(|| {
            format!("`{name}` is nothing that a scan finds; write some of `secret`, `email`, `phone`, `iban`, `us_ssn`")
        })? = true;
    }
    Ok(classes)
}
