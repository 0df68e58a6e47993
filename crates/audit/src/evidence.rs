//! Evidence for an assessor, drawn from the log: reports of a period, samples with proofs, and what signs them.
//!
//! [`Draw`] makes the reports from the entries as they come; [`Sampler`] draws commands, and [`exhibits`] puts to each
//! what the log holds of it, with proofs; a [`Manifest`] names the files of the pack and is signed; [`check`] needs
//! only the pack and the log's public key. [`map`] says which report is for which requirement.

mod check;
mod draw;
mod exhibit;
mod manifest;
pub mod map;
mod report;
mod row;
mod sample;
mod tally;

pub use check::{Amiss, Checked, check};
pub use draw::{Draw, Sink};
pub(crate) use exhibit::hex;
pub use exhibit::{Exhibit, Proven, Told, exhibits};
pub use manifest::{
    Draw as Drawn, HEAD, Listed, MANIFEST, Manifest, NOTE, SAMPLES, VERSION, sign as sign_manifest,
};
pub use report::Report;
pub use sample::{SAMPLES_MAX, Sampler, is_seed, rank};

#[cfg(test)]
mod tests;
