//! Which commands of a period are looked at, drawn so that an assessor can draw them again.
//!
//! Every command that was decided in the period takes part: the entries `command_intent` and `command_refused`. An
//! entry's rank is SHA-256 over the lines `panguard sample`, the seed, and its index in decimal, each with its line's
//! end; the lowest ranks are drawn. So whoever has the entries and the seed needs no program of ours to redo it, and
//! nobody can have a command left out but by choosing another seed, which is why the assessor chooses it.

use std::collections::BTreeSet;

use crate::Event;
use crate::tree::{Hash, sha256};

/// Draws commands from a stream of entries, holding no more than it draws.
#[derive(Debug)]
pub struct Sampler {
    seed: Box<str>,
    count: usize,
    kept: BTreeSet<(Hash, u64)>,
    population: u64,
}

impl Sampler {
    /// Draws `count` commands by `seed`.
    pub fn new(seed: &str, count: usize) -> Self {
        Self { seed: seed.into(), count, kept: BTreeSet::new(), population: 0 }
    }

    /// Lets an entry of the period take part, if it is a command.
    pub fn take(&mut self, index: u64, event: &Event) {
        if !takes_part(event) {
            return;
        }
        self.population = self.population.saturating_add(1);
        self.kept.insert((rank(&self.seed, index), index));
        if self.kept.len() > self.count {
            self.kept.pop_last();
        }
    }

    /// How many commands took part.
    pub fn population(&self) -> u64 {
        self.population
    }

    /// The indexes drawn, lowest rank first.
    pub fn drawn(&self) -> Vec<u64> {
        self.kept.iter().map(|(_, index)| *index).collect()
    }
}

fn takes_part(event: &Event) -> bool {
    matches!(event, Event::CommandIntent { .. } | Event::CommandRefused { .. })
}

/// An entry's place in the draw by `seed`.
pub fn rank(seed: &str, index: u64) -> Hash {
    sha256(format!("panguard sample\n{seed}\n{index}\n").as_bytes())
}

/// Whether a text can be a seed: of printable ASCII, so that it is written the same everywhere.
pub fn is_seed(text: &str) -> bool {
    !text.is_empty() && text.len() <= SEED_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// More is no better seed, and does not fit on a line of a report.
const SEED_BYTES_MAX: usize = 64;

/// Most commands that are drawn: each is a file, and a person is to look at it.
pub const SAMPLES_MAX: usize = 10_000;
