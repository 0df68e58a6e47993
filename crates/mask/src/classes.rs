/// What is looked for beside card numbers and tracks, which always are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    /// Private keys, cloud keys, providers' tokens, connection strings with passwords, JWTs.
    pub secret: bool,
    /// E-mail addresses (RFC 5321 §4.1.2).
    pub email: bool,
    /// Telephone numbers in international form (ITU-T E.164).
    pub phone: bool,
    /// International bank account numbers (ISO 13616).
    pub iban: bool,
    /// Social Security numbers of the United States.
    pub us_ssn: bool,
}
