use thiserror::Error;

/// Why a token was not accepted.
///
/// `Display` is for operators; neither it nor [`Untrusted::user_message`] holds anything of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Untrusted {
    /// Longer than a token may be (16 KiB).
    #[error("the token is longer than 16 KiB")]
    TooLong,
    /// Not three parts of base64url, or a header or payload that is not an unambiguous JSON object.
    #[error("the token is not a signed JWT")]
    Malformed,
    /// The header's `alg` is none of RS256, PS256, ES256, ES384 and EdDSA, or is not what the key is for.
    #[error("the token's algorithm is not accepted, or does not fit the key that it names")]
    Algorithm,
    /// The header asks for what is not understood (`crit`, `b64`), or says that it is something else than
    /// an access token (`typ`).
    #[error("the token's header has a `{0}` that is not accepted")]
    Header(&'static str),
    /// No configured issuer has this `iss`.
    #[error("the token's issuer is not configured")]
    UnknownIssuer,
    /// The issuer publishes no key by the name that the header gives, or none at all that fits. The key
    /// may be new: see [`crate::Refresh::unknown_key`].
    #[error("the issuer publishes no such key")]
    UnknownKey,
    /// The header's `kid`, or its absence, leaves more than one key to choose from.
    #[error("the token does not say which of the issuer's keys signed it")]
    AmbiguousKey,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// The token is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// It held once.
    #[error("the token has expired")]
    Expired,
    /// It does not hold yet (`nbf`, `iat`).
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A claim is missing, or not of the shape that it must have.
    #[error("the token's `{0}` claim is missing or malformed")]
    Claim(&'static str),
    /// It does not say which person it is of, and the issuer's `person_claim` has to.
    #[error("the token has no claim by which the person is known (`person_claim`)")]
    Person,
    /// The issuer left the groups out because there are too many, and says where to ask for them.
    #[error(
        "the issuer left the groups out of the token, let it send fewer (groups of the application only)"
    )]
    GroupsElsewhere,
    /// The token is bound to a key (`cnf`), and nobody has shown here that they hold it.
    #[error("the token is bound to a key, and it was not shown that whoever presents it holds that")]
    Unbound,
    /// The proof that somebody holds the key is none for this request.
    #[error("the DPoP proof does not hold for this request: `{0}`")]
    Proof(&'static str),
    /// The token lends access to someone who is no agent by the configured rule.
    #[error("the token's actor is not an agent by the rule of this issuer")]
    Actor,
}

impl Untrusted {
    /// What the client is told. A forger learns nothing from it that a holder of a good token needs.
    pub fn user_message(self) -> &'static str {
        match self {
            Self::TooLong | Self::Malformed => "the password is not an access token",
            Self::Algorithm
            | Self::Header(_)
            | Self::UnknownIssuer
            | Self::UnknownKey
            | Self::AmbiguousKey
            | Self::Signature => "the token is not from an issuer that is trusted here",
            Self::Unbound => {
                "the token is bound to a key: send a DPoP proof with each request over HTTP, or ask for a token that is not"
            }
            Self::Proof(_) => "the DPoP proof does not hold for this request",
            Self::Audience => "the token is not meant for panguard",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::Person => {
                "the token does not say which person it is of, ask for one with that claim (such as `email`)"
            }
            Self::Claim(_) | Self::Actor => "the token lacks what panguard needs to know who asks",
            Self::GroupsElsewhere => "the token does not hold your groups, ask the operator of the issuer",
        }
    }

    /// A short word for metrics and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Header(_) => "header",
            Self::UnknownIssuer => "unknown_issuer",
            Self::UnknownKey => "unknown_key",
            Self::AmbiguousKey => "ambiguous_key",
            Self::Signature => "signature",
            Self::Audience => "audience",
            Self::Unbound => "unbound",
            Self::Proof(_) => "proof",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Claim(_) => "claim",
            Self::GroupsElsewhere => "groups_elsewhere",
            Self::Actor => "actor",
            Self::Person => "person",
        }
    }
}
