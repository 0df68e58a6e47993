use std::time::{Duration, Instant};

use access::Code;
use anyhow::{Context, bail};
use serde_json::Value;
use tokio_postgres::Client;

use super::Step;
use super::observe::{Witness, outcome, refused_as, rows, said, table};
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

/// The person lets it change one row, and it would change more.
pub async fn bounded_change(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let reopen = "UPDATE payments SET status = 'open'";
    let open = "SELECT count(*) FROM payments WHERE status = 'open'";
    let (answer, answered) = tokio::join!(rows(agent, reopen), async {
        let request = waiting(witness).await?;
        terminal(witness, ["approve", &request, "--rows-max", "1", "--comment", "the one of today"])
    });
    answered?;
    let after = witness.truth(open).await?;
    Ok(Step {
        name: "bounded-change",
        title: "What touches more rows than were approved is rolled back",
        asked: format!("agent-checkout: {reopen}\nolga: panguard requests approve … --rows-max 1"),
        expected: "PGD-0022, and no payment is open".into(),
        observed: format!("{}\nopen now: {after}", outcome(&answer)),
        held: after == "0" && answer.is_err_and(|error| refused_as(&error, Code::MoreThanApproved)),
        recorded: Vec::new(),
    })
}

/// An agent asks for access for a time, and sees as many card numbers as it was given.
pub async fn counted_numbers(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let sql = "SELECT pan FROM cards ORDER BY id LIMIT 3";
    let truth = rows(&witness.database, sql).await?;
    let wish = [
        "requests",
        "ask",
        "payments-db",
        "--action",
        "read",
        "--action",
        "reveal",
        "--object",
        "public.cards",
        "--class",
        "pan",
        "--reveals",
        "5",
        "--for",
        "15m",
        "--reason",
        "chargeback CB-207",
    ];
    let (asked, said) = witness.as_who(Who::Checkout, wish)?;
    if !asked {
        bail!("`panguard requests ask` failed: {said}");
    }
    let grant = said.split_whitespace().next().context("no request is named")?.to_owned();
    let before = rows(agent, sql).await;
    terminal(witness, ["approve", &grant, "--reveals", "2", "--comment", "two are enough"])?;
    let answer = rows(agent, sql).await;
    let spent = rows(agent, sql).await;
    let clear = |answer: &Result<Vec<Vec<Option<String>>>, _>| {
        let Ok(answer) = answer else { return usize::MAX };
        answer.iter().zip(&truth).filter(|(shown, truth)| shown == truth).count()
    };
    let (before, then, after) = (clear(&before), clear(&answer), clear(&spent));
    Ok(Step {
        name: "counted-numbers",
        title: "Leave to see card numbers is for so many, and each is recorded",
        asked: format!(
            "agent-checkout: panguard requests ask payments-db … --reveals 5\nolga: panguard requests approve … --reveals 2\nagent-checkout: {sql}"
        ),
        expected: "masked before; then two as they are and the third masked; then all masked again".into(),
        observed: format!(
            "in clear before: {before}; then: {then}; then: {after}\n{}",
            answer.as_ref().map_or_else(|_| outcome(&answer), |answer| table(answer))
        ),
        held: (before, then, after) == (0, 2, 0),
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
