//! The scripted session: each step asks something through the gateway, and looks at what came of it from
//! outside: at the client, in the database past the gateway, in the audit log's files.

mod ask;
mod log;
mod observe;
mod people;

use super::Demo;
use super::show::Show;

use observe::Witness;

/// What was asked, and what came of it.
pub struct Step {
    /// A word for programs.
    pub name: &'static str,
    /// What it shows, for people.
    pub title: &'static str,
    /// What was asked, and by whom.
    pub asked: String,
    pub expected: String,
    /// What came back, or stands in the database or in the log.
    pub observed: String,
    /// Whether what is observed is what is promised.
    pub held: bool,
    /// The entries that it left in the audit log.
    pub recorded: Vec<String>,
}

/// Runs every step in turn and shows each. Whether all held.
///
/// # Errors
/// Something broke that is no step's business: the database is gone, a file cannot be read.
pub async fn run(demo: &Demo, show: &Show) -> anyhow::Result<bool> {
    let witness = Witness::new(demo).await?;
    let mut told = Telling { show, witness: &witness, number: 0, held: true };
    {
        let agent = witness.session(super::Who::Checkout, super::house::TOKEN_LIFETIME).await?;
        told.step(ask::masked_select(&witness, &agent).await?).await?;
        told.step(ask::masked_document(&witness, &agent).await?).await?;
        told.step(ask::allowed_write(&witness, &agent).await?).await?;
        told.step(ask::refused_drop(&witness, &agent).await?).await?;
        told.step(people::approved_change(&witness, &agent).await?).await?;
        told.step(people::bounded_change(&witness, &agent).await?).await?;
        told.step(people::denied_change(&witness, &agent).await?).await?;
        told.step(ask::card_code(&witness, &agent).await?).await?;
        told.step(ask::redacted_computation(&agent).await?).await?;
        told.step(ask::refused_computation(&agent).await?).await?;
        told.step(ask::refused_comparison(&witness, &agent).await?).await?;
        told.step(people::counted_numbers(&witness, &agent).await?).await?;
    }
    // That the agent's session is closed belongs to no step.
    witness.recorded().await?;
    told.step(ask::person_with_clearance(&witness).await?).await?;
    told.step(ask::refused_stranger(&witness).await?).await?;
    told.step(ask::expired_token(&witness).await?).await?;
    told.step(log::holds_no_card_number(&witness).await?).await?;
    told.step(log::verifies(&witness)?).await?;
    told.step(log::shows_tampering(&witness)?).await?;
    Ok(told.held)
}

/// The steps so far.
struct Telling<'a> {
    show: &'a Show,
    witness: &'a Witness<'a>,
    number: usize,
    held: bool,
}

impl Telling<'_> {
    async fn step(&mut self, mut step: Step) -> anyhow::Result<()> {
        step.recorded = self.witness.recorded().await?;
        self.number += 1;
        self.held &= step.held;
        self.show.step(self.number, &step)
    }
}
