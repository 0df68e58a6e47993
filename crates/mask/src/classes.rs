use access::DataClass;

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

impl Classes {
    /// What `class` is called here, if a scan finds it: whether it is looked for.
    pub fn flag(&mut self, class: &DataClass) -> Option<&mut bool> {
        match class {
            DataClass::Secret => Some(&mut self.secret),
            DataClass::Own(name) => match &**name {
                "email" => Some(&mut self.email),
                "phone" => Some(&mut self.phone),
                "iban" => Some(&mut self.iban),
                "us_ssn" => Some(&mut self.us_ssn),
                _ => None,
            },
            DataClass::Pan | DataClass::Sad | DataClass::CardholderName | DataClass::Expiry => None,
        }
    }

    /// The data classes that are looked for, as policies call them.
    pub fn names(self) -> impl Iterator<Item = DataClass> {
        let own =
            [(self.email, "email"), (self.phone, "phone"), (self.iban, "iban"), (self.us_ssn, "us_ssn")];
        let own = own.into_iter().filter(|(on, _)| *on).map(|(_, name)| DataClass::Own(name.into()));
        self.secret.then_some(DataClass::Secret).into_iter().chain(own)
    }

    /// Whether any of what is personal is looked for.
    pub(crate) fn has_personal(self) -> bool {
        self.email || self.phone || self.iban || self.us_ssn
    }
}
