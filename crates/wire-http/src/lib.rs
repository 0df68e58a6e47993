//! The HTTP lane: one exchange as a state machine, and bodies rewritten as they pass.
//!
//! HTTP's own framing (RFC 9112, RFC 9113) is hyper's; what comes here is a head, a body in pieces and its end, in both
//! directions. What goes through, in this order:
//!
//! 1. `guard`: is the framing of an HTTP/1 stream beyond doubt? Whatever two readers could read in two ways is refused.
//! 2. `target`: the path in the one form in which it is decided upon and sent.
//! 3. `document`: which operation of the connection's OpenAPI document that is, and what it says of bodies.
//! 4. `exchange`: what is asked, the verdict, and what may then pass.
//! 5. `body`: what a body is, its codings undone and done again, and what is masked in it.
//! 6. `llm`: what model providers' answers and prompts are made of; each text in a stream of events is one text.
//! 7. `before`: what a request that waits for people would change.
//! 8. `ws`: what an exchange becomes that opened a WebSocket.

mod before;
mod body;
mod boundary;
mod connection;
pub mod document;
mod echo;
mod exchange;
mod fuzz;
mod guard;
mod header;
mod kept;
pub mod llm;
mod problem;
pub mod rehearsal;
mod sse;
mod target;
mod ws;

pub use before::{Change, Difference, Reading};
#[doc(hidden)]
pub use body::fuzz_json;
pub use body::{Care, Coded, Opaque, Rewrite, Withheld, open};
pub use connection::{Bounds, Connection, Holds, NotAnOrigin, Origin, Outgoing, Rule, Settings, TurnedAway};
pub use echo::Echo;
pub use exchange::{Effect, Exchange, HELD_BYTES_MAX};
#[doc(hidden)]
pub use fuzz::{fuzz_body, fuzz_coding, fuzz_document, fuzz_hides, fuzz_text_body};
#[doc(hidden)]
pub use guard::fuzz_guard;
pub use guard::{Broken, Guard, HEAD_BYTES_MAX, names_websocket};
pub use header::drop_like;
pub use problem::{malformed, of_proxy as proxy_refusal, response as refusal, status};
#[doc(hidden)]
pub use target::fuzz_target;
pub use target::{Malformed, Target, field_name};
#[doc(hidden)]
pub use ws::fuzz_socket;
pub use ws::{Keys, Opening, Relay};
