use std::time::{Duration, Instant};

use access::Code;
use anyhow::{Context, bail};
use serde_json::Value;
use tokio_postgres::Client;

use super::Step;
use super::observe::{Witness, outcome, refused_as, rows, said};
use crate::demo::house::Who;

const WIDE: &str = "UPDATE payments SET status = 'settled'";

/// An agent asks for something that waits for a person, who lets it run.
pub async fn approved_change(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let settled = "SELECT count(*) FILTER (WHERE status = 'settled') || ' of ' || count(*) FROM payments";
    let (answer, answered) = tokio::join!(agent.execute(WIDE, &[]), async {
        let request = waiting(witness).await?;
        let before = witness.truth(settled).await?;
        let shown = terminal(witness, ["show", &request])?;
        let touches =
            shown.lines().find(|line| line.starts_with("touches")).unwrap_or("touches ?").to_owned();
        let heard = terminal(witness, ["approve", &request, "--comment", "month end, CHG-1812"])?;
        anyhow::Ok((before, touches, heard))
    });
    let (before, touches, heard) = answered?;
    let after = witness.truth(settled).await?;
    let told = match &answer {
        Ok(count) => format!("UPDATE {count}"),
        Err(_) => outcome(&answer),
    };
    let all = after.split(" of ").nth(1).unwrap_or_default().to_owned();
    Ok(Step {
        name: "approved-change",
        title: "A change of every row waits until a person approves it, on the wire",
        asked: format!("agent-checkout: {WIDE}\nolga: panguard requests show …, approve …"),
        expected: "nothing is changed while it waits; olga sees how many rows; then all are, and once".into(),
        observed: format!(
            "settled while it waited: {before}\n{touches}\n{}\nthe agent: {told}; settled now: {after}",
            heard.trim_end()
        ),
        held: answer.is_ok_and(|count| count.to_string() == all)
            && before.starts_with("0 of ")
            && touches.contains(&format!("{all} rows of public.payments"))
            && after == format!("{all} of {all}"),
        recorded: Vec::new(),
    })
}

/// The same, and the person says no.
pub async fn denied_change(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let delete = "DELETE FROM payments";
    let before = witness.truth("SELECT count(*) FROM payments").await?;
    let (answer, answered) = tokio::join!(rows(agent, delete), async {
        let request = waiting(witness).await?;
        let own = witness.as_who(Who::Checkout, ["requests", "approve", &*request])?;
        terminal(witness, ["deny", &request, "--comment", "archive them by month instead"])?;
        anyhow::Ok(own)
    });
    let own = answered?;
    let after = witness.truth("SELECT count(*) FROM payments").await?;
    Ok(Step {
        name: "denied-change",
        title: "The agent cannot approve it itself; and who says no tells it why",
        asked: format!(
            "agent-checkout: {delete}; then: panguard requests approve …\nolga: panguard requests deny …"
        ),
        expected: "the agent's approval does not count; PGD-0021 with olga's reason; nothing is deleted"
            .into(),
        observed: format!(
            "the agent approves: {}\n{}\n{after} of {before} payments left",
            own.1,
            outcome(&answer)
        ),
        held: !own.0
            && after == before
            && answer.is_err_and(|error| {
                let told = said(&error).unwrap_or_default();
                refused_as(&error, Code::ApprovalDenied) && told.contains("archive them by month")
            }),
        recorded: Vec::new(),
    })
}

/// The id of the one request that waits, once there is one.
async fn waiting(witness: &Witness<'_>) -> anyhow::Result<String> {
    let deadline = Instant::now() + WAITING_MAX;
    loop {
        let listed = terminal(witness, ["list", "--format", "json"])?;
        if let Some(line) = listed.lines().next() {
            let request: Value = serde_json::from_str(line).context("a request is no JSON")?;
            return Ok(request.get("id").and_then(Value::as_str).context("a request has no id")?.to_owned());
        }
        if Instant::now() > deadline {
            bail!("no command waits for approval");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What `panguard requests` says to olga.
fn terminal<const N: usize>(witness: &Witness<'_>, arguments: [&str; N]) -> anyhow::Result<String> {
    let (done, said) = witness.as_who(Who::Olga, ["requests"].into_iter().chain(arguments))?;
    if !done {
        bail!("`panguard requests {}` failed: {said}", arguments.join(" "));
    }
    Ok(said)
}

const WAITING_MAX: Duration = Duration::from_secs(10);
