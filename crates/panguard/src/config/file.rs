//! The file as it is written: its keys, and nothing decided yet.
//!
//! Keys that DESIGN.md names and this build does not serve are known here, so that they are refused by
//! name (see `resolve.rs`) and not as a slip of the pen; they are left out of the JSON Schema.

mod values;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::place::At;
use super::sinks::WrittenSink;

pub use values::{FileOrSecret, Holds, HoldsAt, NotPan, OneOrMore, SECRET_ADVICE, SecretName, TextOrSecret};

/// panguard's configuration, `panguard.yaml`.
///
/// In text values `${NAME}` stands for that variable of the environment. Relative paths count from the
/// folder of the file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "panguard.yaml")]
pub struct File {
    /// Folder of the embedded store: the audit log and the vault.
    pub data_dir: At<String>,
    /// Where requests for approval are kept, if several gateways share them: `postgres://USER@HOST:5432/DATABASE`, with
    /// `?sslmode=verify-full` (the default), `verify-ca` or `disable` (on loopback), and `&sslrootcert=FILE`. The password is
    /// the secret `store` in the vault. Without it they are in `data_dir`.
    pub store: Option<At<String>>,
    /// Folder of the `*.cedar` policies. An empty folder means that nothing is allowed.
    pub policies: At<String>,
    /// Where panguard listens.
    pub listen: At<Listen>,
    /// The certificate shown to agents. Without it panguard listens on loopback only.
    pub tls: Option<Tls>,
    /// Where upstream credentials are sealed.
    pub vault: Vault,
    /// How card data is masked.
    #[serde(default)]
    pub masking: Masking,
    /// Who is believed about who asks.
    pub identity: Identity,
    /// The upstreams by name. An agent names one as its database.
    pub connections: BTreeMap<String, At<Connection>>,
    /// Where people are told of requests for approval, and answer them.
    pub notify: Option<At<Notify>>,
    /// How long the audit log is kept, where else, and where it is brought.
    pub audit: Option<At<Audit>>,
    /// Bounds on what clients may use up.
    #[serde(default)]
    pub limits: Limits,
    /// How often panguard looks at controls of its own.
    #[serde(default)]
    pub controls: Controls,
}

/// How long the audit log is kept, where else, and where it is brought.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The collectors to which entries are brought while the gateway runs, by name.
    #[serde(default)]
    pub sinks: BTreeMap<String, At<WrittenSink>>,
    /// How long entries are kept.
    pub retention: Option<At<Retention>>,
    /// What of answers is kept in it, masked and sealed. Nothing, unless given.
    pub answers: Option<At<Answers>>,
    /// Where the log is copied to. Without it entries stay in `data_dir` until they are older than `all`.
    pub archive: Option<At<Archive>>,
    /// Witnesses that sign the log's heads (C2SP tlog-witness).
    #[serde(default)]
    pub witnesses: Vec<At<Witness>>,
    /// How many of them have to sign a head, for it to be kept as witnessed: all, unless given.
    pub quorum: Option<At<u64>>,
    /// Length of the files in which the newest entries are: they leave `data_dir` only file by file. 67108864 unless given.
    pub segment_bytes: Option<At<u64>>,
}

/// What of answers is kept in the audit log.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// How many bytes of each: at most 32768.
    pub bytes: Option<At<u64>>,
}

/// A witness of the audit log. It has to know the log by its name and key, which are in `data_dir/audit.vkey`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Its submission prefix: `https://witness.example.com/submit`.
    pub url: At<String>,
    /// Its verifier key for cosignatures by Ed25519, `name+id+key`.
    pub key: At<String>,
    /// A PEM file of the authorities that its certificate is checked against, instead of the system's.
    pub ca: Option<At<String>>,
}

/// How long entries of the audit log are kept, as `400d`, `36h`, `90m` or `30s`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// In `data_dir`, where they are at hand, once the archive has them too. `95d` unless given.
    pub hot: Option<At<String>>,
    /// In all: so long an archive's locks hold. `400d` unless given.
    pub all: Option<At<String>>,
}

/// Where the audit log is copied to: exactly one of `directory` and `s3`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// A folder, on another disk than `data_dir`.
    pub directory: Option<At<String>>,
    /// A bucket of a store that speaks S3.
    pub s3: Option<At<S3>>,
    /// How often what is new is copied: `1m` unless given.
    pub every: Option<At<String>>,
}

/// A bucket of a store that speaks S3.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The store's address, `https://s3.eu-central-1.amazonaws.com`. The bucket is named in the path.
    pub endpoint: At<String>,
    /// The bucket.
    pub bucket: At<String>,
    /// What names in the bucket begin with, such as `gateway-1/`. One log has one.
    pub prefix: Option<At<String>>,
    /// The region that requests are signed for: `eu-central-1`.
    pub region: At<String>,
    /// As whom panguard signs. It has to read, list and put objects, and to put their retention; not to delete any.
    pub credential: At<S3Credential>,
    /// `compliance`, `governance` or `off` (the default): how each object is locked until it is as old as `all`. The bucket
    /// must have object lock enabled.
    #[schemars(extend("enum" = ["compliance", "governance", "off"]))]
    pub object_lock: Option<At<String>>,
    /// A PEM file of the authorities that the store's certificate is checked against, instead of the system's.
    pub ca: Option<At<String>>,
}

/// Keys for S3.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Credential {
    /// The access key's id.
    pub access_key_id: At<String>,
    /// The secret access key, by its name in the vault.
    pub secret_access_key: At<SecretName>,
    /// The token of temporary keys, by its name in the vault.
    pub session_token: Option<At<SecretName>>,
}

/// Where people are told of requests for approval, and answer them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Where people find the console: `https://panguard.example.com`. It stands in messages.
    pub url: Option<At<String>>,
    /// The channels by name. Answers come in at `/api/hooks/NAME` of the console.
    pub channels: BTreeMap<String, At<Channel>>,
}

/// One place where people are told.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// `slack`, `teams`, `webhook` or `mail`.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["slack", "teams", "webhook", "mail"]))]
    pub kind: At<String>,
    /// The connections of which it is told; all, unless given.
    #[serde(default)]
    pub connections: Vec<At<String>>,
    /// A PEM file of the authorities that its certificate is checked against, instead of the system's.
    pub ca: Option<At<String>>,
    /// Who answers in `slack` (by their ids there) or by `webhook` (by names of your choosing).
    #[serde(default)]
    pub people: BTreeMap<String, At<Person>>,
    /// `slack`: the app's bot token, by its name in the vault.
    pub token: Option<At<SecretName>>,
    /// `slack`: the channel's id, such as `C0123ABCD`.
    pub channel: Option<At<String>>,
    /// `slack`: by what the app's messages are signed, by its name in the vault. Needed where `people` answer.
    pub signing_secret: Option<At<SecretName>>,
    /// `slack`: the id of the one workspace whose members answer, such as `T0123ABCD`.
    pub team: Option<At<String>>,
    /// `slack`: the Web API. `https://slack.com/api` unless given.
    pub api: Option<At<String>>,
    /// `webhook`: where it is. `teams`: the workflow's address, by its name in the vault, since whoever has it can post.
    pub url: Option<At<TextOrSecret>>,
    /// `webhook`: the key by which both sides sign (`whsec_…`), by its name in the vault.
    pub key: Option<At<SecretName>>,
    /// `mail`: the server that takes it, `HOST:PORT`.
    pub server: Option<At<String>>,
    /// `mail`: `starttls` (the default); `implicit`, from the first byte; or `disable`, for a server on loopback.
    #[schemars(extend("enum" = ["starttls", "implicit", "disable"]))]
    pub tls: Option<At<String>>,
    /// `mail`: as whom panguard signs in at the server.
    pub user: Option<At<String>>,
    /// `mail`: the password, by its name in the vault.
    pub password: Option<At<SecretName>>,
    /// `mail`: the address that it comes from.
    pub from: Option<At<String>>,
    /// `mail`: the addresses that it goes to.
    #[serde(default)]
    pub to: Vec<At<String>>,
}

/// Somebody who answers, as a token of theirs would say.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The issuer of their tokens. Needed where there are several.
    pub issuer: Option<String>,
    /// Their `sub`.
    pub subject: String,
    /// Their groups, as policies know them.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What their `person_claim` would say. Needed where the issuer has one: nobody answers by one identity what they asked
    /// for by another.
    pub person: Option<String>,
}

/// Where panguard listens, as `IP:PORT`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// For PostgreSQL clients: `127.0.0.1:6432`.
    pub postgres: Option<At<String>>,
    /// For HTTP clients, at `/CONNECTION/…`: `127.0.0.1:8080`.
    pub http: Option<At<String>>,
    /// For people and their tools: `/healthz`, `/readyz` and `/metrics`. Loopback only.
    pub console: Option<At<String>>,
}

/// A certificate and its key, both PEM files.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, leaf first.
    pub cert: At<String>,
    /// The private key.
    pub key: At<String>,
    /// Whether clients are asked for certificates of their own, for tokens that are bound to one (RFC 8705).
    #[serde(default)]
    pub client_certificates: bool,
}

/// The vault of upstream credentials, kept under `data_dir`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// The key that seals it: exactly one of `file`, `env`, `stdin`, `transit` and `pkcs11`.
    pub key: At<VaultKey>,
}

/// A source of the vault's key: 32 random bytes, in base64 or hex (`openssl rand -base64 32`), or something that keeps a key to itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultKey {
    /// A file that holds it, readable by panguard's user alone.
    pub file: Option<At<String>>,
    /// The name of a variable of the environment that holds it.
    pub env: Option<At<String>>,
    /// `true`: the first line of standard input.
    pub stdin: Option<At<bool>>,
    /// A key of the transit engine of OpenBao or HashiCorp Vault.
    pub transit: Option<At<Transit>>,
    /// A key in an HSM.
    pub pkcs11: Option<At<Pkcs11>>,
}

/// A key of the transit engine of OpenBao or HashiCorp Vault, of a type for encryption (`aes256-gcm96`).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transit {
    /// Where the server is: `https://bao.internal:8200`.
    pub address: At<String>,
    /// The name of the key.
    pub key: At<String>,
    /// The file of a token that may encrypt and decrypt with it, as an agent of the server keeps it; read at each use.
    pub token_file: At<String>,
    /// Where the engine is mounted; `transit` unless given.
    pub mount: Option<At<String>>,
    /// The namespace, where there are any.
    pub namespace: Option<At<String>>,
    /// The authorities (PEM) that the server's certificate must come from, instead of the machine's.
    pub ca: Option<At<String>>,
}

/// An AES key in an HSM, by PKCS #11, which may encrypt and decrypt (CKM_AES_GCM).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11 {
    /// The HSM's library: `/usr/lib/softhsm/libsofthsm2.so`.
    pub module: At<String>,
    /// The label of the token.
    pub token: At<String>,
    /// The label of the key.
    pub key: At<String>,
    /// The file of the user's PIN.
    pub pin_file: At<String>,
}

/// How card data is masked in all answers.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Masking {
    /// What stays of a card number: `last4` (the default), `first6last4`, or `tokenise` for a surrogate that keeps
    /// the last four. One for the whole deployment.
    #[schemars(with = "Option<String>", extend("enum" = ["last4", "first6last4", "tokenise"]))]
    pub pan: Option<At<OneOrMore>>,
    /// What is found by scan and masked beside card data: `secret` (alone, where nothing is written), `email`,
    /// `phone`, `iban`, `us_ssn`.
    pub classes: Option<At<Vec<String>>>,
}

/// Who is believed about who asks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The OpenID Connect issuers whose tokens are accepted.
    pub issuers: At<Vec<At<Issuer>>>,
}

/// One OpenID Connect issuer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its `iss`, character for character; discovery and keys are fetched from there.
    pub issuer: At<String>,
    /// What a token's `aud` must name: one or a list.
    pub audience: At<OneOrMore>,
    /// The claim that lists groups, such as `groups` or `realm_access.roles`.
    pub groups_claim: Option<At<String>>,
    /// The claim by which all identities of one person are known, such as `email`: nobody approves by one what they asked
    /// for by another.
    pub person_claim: Option<At<String>>,
    /// How an agent's token is told from a person's.
    pub agents: At<Agents>,
    /// How far clocks may be apart. 30 unless given, at most 120.
    pub clock_skew_seconds: Option<At<u32>>,
    /// A PEM file of the authorities that the issuer's certificate is checked against, instead of the
    /// system's.
    pub ca: Option<At<String>>,
    /// How `panguard login` and `panguard token` ask for tokens.
    pub login: Option<Login>,
}

/// How the command line asks an issuer for tokens.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The public client that is registered for it, with the device flow.
    pub client_id: Option<At<String>>,
    /// What is asked for: `openid offline_access` unless given.
    pub scope: Option<At<String>>,
    /// What tokens are for, where the issuer asks for it by `audience`.
    pub audience: Option<At<String>>,
    /// The same, by `resource` (RFC 8707).
    pub resource: Option<At<String>>,
}

/// An agent's token is one whose `claim` is there, and is as `values`, `equals` or `prefix` say.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// The claim that tells an agent from a person: `azp`, `client_id`, `agent_id`.
    pub claim: String,
    /// The claim is one of these.
    pub values: Option<Vec<String>>,
    /// The claim is this.
    pub equals: Option<String>,
    /// The claim begins with this.
    pub prefix: Option<String>,
    /// The claim that names the agent, if it is not `claim`.
    pub id: Option<String>,
}

/// One upstream.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The protocol: `postgres`, `http`, or `llm` for an HTTP system that answers for models.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["postgres", "http", "llm"]))]
    pub kind: At<String>,
    /// `HOST:PORT`.
    pub address: Option<At<String>>,
    /// The database there.
    pub database: Option<At<String>>,
    /// `verify-full` (the default); `verify-ca`, which needs `ca`; or `disable`, for an upstream on loopback.
    #[schemars(extend("enum" = ["verify-full", "verify-ca", "disable"]))]
    pub tls: Option<At<String>>,
    /// A PEM file of the authorities that the upstream's certificate is checked against, instead of the
    /// system's.
    pub ca: Option<At<String>>,
    /// As whom panguard signs in.
    pub credential: Option<At<Credential>>,
    /// Free words that policies can ask about: `cde`, `production`.
    #[serde(default)]
    pub labels: Vec<At<String>>,
    /// What is known to be sensitive: `schema.table.column`, or for `http` and `llm` the path of a member of a JSON answer
    /// (`$.card.number`), and its data class.
    #[serde(default)]
    pub data: BTreeMap<String, At<Holds>>,
    /// Folder of registered statements, `*.sql` with one statement in each, named as its file.
    pub templates: Option<At<String>>,
    /// Who may query in which way: the first that names a principal counts. Whoever is named by none is `filtered`.
    #[serde(default)]
    pub modes: Vec<At<ModeOf>>,
    /// Where an HTTP system is: `https://api.example.com/v2`. Paths count from there.
    pub base_url: Option<At<String>>,
    /// Host names by which agents may ask for an HTTP system beside its path at panguard, and which it is, beside the host of
    /// its `base_url`, for clients of the forward proxy.
    #[serde(default)]
    pub hosts: Vec<At<String>>,
    /// What becomes of bodies that cannot be understood (images, archives, unknown encodings): `refuse` (the default on a
    /// connection labelled `cde`), `scan` as bytes (the default elsewhere) or `pass`.
    #[schemars(extend("enum" = ["refuse", "scan", "pass"]))]
    pub opaque: Option<At<String>>,
    /// What becomes of card data in requests of those who may not reveal it there: `refuse` (the default of `http`), `mask`
    /// by the deployment's profile, or `tokenise` (the default of `llm`).
    #[schemars(extend("enum" = ["refuse", "mask", "tokenise"]))]
    pub requests: Option<At<String>>,
    /// Whether what might be card data in disguise (taken apart over fields, packed, reversed) is taken for it. The default
    /// is `true` on a connection labelled `cde`, where card data is expected; it costs mistakes.
    pub disguises: Option<bool>,
    /// The OpenAPI document of an HTTP system: by it requests are known as operations, and what its schemas label is masked.
    pub openapi: Option<At<Openapi>>,
    /// The certificate that is shown to an HTTP system that asks for one (mutual TLS).
    pub client_certificate: Option<At<ClientCertificate>>,
    /// What each principal may ask of an HTTP system.
    pub limits: Option<At<ConnectionLimits>>,
    /// How long an HTTP system may take to begin an answer, and to go on with it. 300 unless given.
    pub timeout_seconds: Option<At<u64>>,
    /// How commands come to the approval that policies want for them.
    pub approvals: Option<At<Approvals>>,
}

/// How commands of a connection come to their approval.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    /// Whether the client waits until people have answered (the default). If not, it is refused with the request's id, and
    /// sends the command again once that is approved.
    pub wait: Option<bool>,
    /// How long a request can be answered. 900 unless given.
    pub answer_seconds: Option<At<u64>>,
    /// How long an approval can be used. 600 unless given.
    pub use_seconds: Option<At<u64>>,
}

/// An OpenAPI document, of version 3.0 or 3.1.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Openapi {
    /// The file, JSON or YAML.
    pub document: At<String>,
    /// What becomes of operations, fields of the query and types of bodies that it does not know: `refuse` (the default), but
    /// for those that policy allows by name, or `allow`.
    #[schemars(extend("enum" = ["refuse", "allow"]))]
    pub unknown: Option<At<String>>,
}

/// Whose way of querying is which (PCI DSS 4.0.1, 7.2.6).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeOf {
    /// `templates`: registered statements alone; `filtered`: any, as policy allows; `admin`: also what is not
    /// understood, where policy allows that. An administrator is a person who is named.
    #[schemars(extend("enum" = ["templates", "filtered", "admin"]))]
    pub mode: String,
    /// The issuer of their tokens. Needed where there are several: two may use the same name or group.
    pub issuer: Option<String>,
    /// Groups of the token.
    #[serde(default)]
    pub groups: Vec<String>,
    /// People by their names in policies (`sub`).
    #[serde(default)]
    pub users: Vec<String>,
    /// Agents by their names in policies.
    #[serde(default)]
    pub agents: Vec<String>,
}

/// How panguard signs in: `user` and `password` (for `http` by Basic authentication), or for `http` and `llm` also
/// `bearer`, `header` with `value`, `query` with `value`, `aws` or `oauth2`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The user's name.
    pub user: Option<At<String>>,
    /// The password, by its name in the vault.
    pub password: Option<At<SecretName>>,
    /// A token for `Authorization: Bearer`, by its name in the vault.
    pub bearer: Option<At<SecretName>>,
    /// A header's name, such as `X-Api-Key`, which is given `value`.
    pub header: Option<At<String>>,
    /// The name of a field of the query, which is given `value`.
    pub query: Option<At<String>>,
    /// What the header or the field of the query holds, by its name in the vault.
    pub value: Option<At<SecretName>>,
    /// Each request is signed for AWS (Signature Version 4).
    pub aws: Option<At<Aws>>,
    /// An access token that panguard fetches and renews.
    pub oauth2: Option<At<OAuth2>>,
}

/// What each principal may ask of one HTTP system. A limit that is not given is none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionLimits {
    /// Requests a minute, which come back evenly; after a minute's pause as many at once.
    pub requests_per_minute: Option<At<u64>>,
    /// Requests at a time.
    pub concurrent: Option<At<u64>>,
    /// Bytes of a request's body.
    pub request_bytes: Option<At<u64>>,
    /// Bytes of an answer's body, as the upstream sends it.
    pub response_bytes: Option<At<u64>>,
}

/// A certificate of panguard's own, and its key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// A PEM file of the certificate chain, leaf first.
    pub cert: At<String>,
    /// The private key: a PEM file, or by its name in the vault.
    pub key: At<FileOrSecret>,
}

/// As whom requests are signed for AWS.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// The region: `eu-central-1`.
    pub region: At<String>,
    /// The service's name for signing: `bedrock`, `s3`.
    pub service: At<String>,
    /// The access key's id, by its name in the vault.
    pub access_key: At<SecretName>,
    /// The secret access key, by its name in the vault.
    pub secret_key: At<SecretName>,
    /// The token of temporary keys, by its name in the vault.
    pub session_token: Option<At<SecretName>>,
}

/// A client of an authorization server (RFC 6749). With `refresh_token` it asks for tokens by that (§6), and else as
/// itself (§4.4).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The token endpoint. Its certificate is checked against `ca` of the connection, if that is there.
    pub token_url: At<String>,
    /// The client's id.
    pub client_id: At<String>,
    /// The client's secret, by its name in the vault. A public client with a `refresh_token` has none.
    pub client_secret: Option<At<SecretName>>,
    /// The refresh token, by its name in the vault. One that the server gives in its place is stored there.
    pub refresh_token: Option<At<SecretName>>,
    /// What is asked for, as the server names it.
    pub scope: Option<At<String>>,
    /// For whom, where the server wants to know.
    pub audience: Option<At<String>>,
    /// How the client's secret is shown: `basic` (the default) or `post`, in the body.
    #[schemars(extend("enum" = ["basic", "post"]))]
    pub auth: Option<At<String>>,
}

/// Bounds on what clients may use up. A limit that is not given has its default.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Sessions at a time.
    pub connections: Option<At<u64>>,
    /// Longest message of an agent.
    pub message_bytes: Option<At<u64>>,
    /// Until a client must have signed in.
    pub startup_seconds: Option<At<u64>>,
    /// For running commands to end when panguard stops.
    pub shutdown_grace_seconds: Option<At<u64>>,
    /// For a person's session in which nothing is asked: 900 unless given.
    pub idle_seconds: Option<At<u64>>,
    /// For any session: without end unless given.
    pub session_seconds: Option<At<u64>>,
}

/// How often panguard looks at controls of its own that cost something to look at. The others are looked at every second.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// For every lane to be rehearsed with made-up card numbers: 180 unless given.
    pub rehearsal_seconds: Option<At<u64>>,
    /// From one verification of the whole audit log to the next: 600 unless given.
    pub verification_seconds: Option<At<u64>>,
    /// Servers that tell the time by NTP, HOST or HOST:PORT, which the clock is held against: none unless given.
    pub time_servers: Option<Vec<At<String>>>,
    /// From one time that each of them is asked to the next: 64 unless given.
    pub time_seconds: Option<At<u64>>,
    /// By how many milliseconds the clock may be off: 1000 unless given.
    pub clock_offset_ms: Option<At<u64>>,
}
