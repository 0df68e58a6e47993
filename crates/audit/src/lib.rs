//! Entry, Merkle tree, checkpoint; append to receipt; verify; evidence.
//!
//! The audit log is a Merkle tree (RFC 6962) of entries, one JSON line each. An entry is durable in a
//! *segment*, a preallocated file that one thread writes and flushes for everybody who waits (group
//! commit), before its [`access::Receipt`] exists. From the segments a second thread publishes the tree
//! as the C2SP specifications tlog-tiles, tlog-checkpoint and signed-note have it, so that other people's
//! tools can read and check it. The segments are the truth until their tiles are safe; then they go.
//!
//! ```text
//! DIR/lock            held by the gateway that writes
//! DIR/segments/…      the newest entries, to the last durable one
//! DIR/tile/entries/…  every entry up to the checkpoint, 256 a file
//! DIR/tile/0/… 1/…    the hashes of the tree
//! DIR/checkpoint      the newest signed head
//! DIR/checkpoints     earlier ones, at most one a minute
//! DIR/witnessed       the newest head that witnesses signed, if there are any
//! DIR/pruned          up to which entry the log was pruned, if it was
//! ```
//!
//! What is full never changes, and is copied to an [`archive`], a log by the same form; then [`plan`] says which entries may go.
//!
//! Beside it may lie an index ([`Index`]), from which entries are found quickly. It is no part of the log.

pub mod archive;
mod attested;
mod commit;
mod control;
mod encode;
mod entry;
mod event;
pub mod evidence;
mod gather;
mod history;
mod index;
mod log;
mod note;
mod plain;
mod prove;
mod prune;
mod pruned;
mod publish;
mod read;
mod recover;
mod sealed;
mod search;
mod segment;
mod tile;
mod tree;
mod unfinished;
mod verify;
pub mod witness;

pub use attested::{attest, is_attested};
pub use control::{Closes, Control};
pub use encode::{ENTRY_BYTES_MAX, Unreadable};
pub use entry::{Entry, Indication, LentNote, Who};
pub use event::{
    Change, ColumnNote, Command, Ended, Event, FactsNote, Leave, MatchNote, PolicyNote, SaidNote, StageWord,
    StatusWord, TraceNote, UseNote,
};
pub use index::{Index, NotIndexed, Order};
pub use log::{Appending, Log, LogError, NotAppended, Options, State};
pub use note::{BadKey, Checkpoint, NotSigned, Signer, Verifier};
pub use prove::{checkpoint, prove, prove_consistency};
pub use prune::{NotPruned, Pruning, plan};
pub use pruned::{Pruned, first, pruned};
pub use read::{Entries, Lines, ReadError, Signed, entries, lines, resumes, signed, since, size};
pub use sealed::{AnswerKey, NotOpened, Sealed};
pub use search::{Field, Misunderstood, Search};
#[doc(hidden)]
pub use segment::fuzz_record;
pub use tree::{
    Hash, consistency_proof, inclusion_proof, leaf_hash, root_of, verify_consistency, verify_inclusion,
};
pub use unfinished::Unfinished;
pub use verify::{NotVerifiable, Report, Wrong, verify};
