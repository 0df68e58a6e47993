use std::time::{Duration, Instant};

use access::Code;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::Step;
use super::observe::{Witness, digits, outcome, refused_as, rows, said, table};
use crate::demo::house::{TOKEN_LIFETIME, Who};

pub async fn masked_select(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let sql = "SELECT id, holder, pan, pan_number, expiry FROM cards ORDER BY id LIMIT 3";
    let truth = rows(&witness.database, "SELECT pan, holder FROM cards ORDER BY id LIMIT 3").await?;
    let answer = agent.query(sql, &[]).await;
    let (observed, held) = match &answer {
        Err(_) => (outcome(&answer), false),
        Ok(answer) => {
            // A number that is masked is no number any more, so it must be described as text.
            let typed =
                answer.first().and_then(|row| row.columns().get(3)).is_some_and(|c| *c.type_() == Type::TEXT);
            let shown: Vec<Vec<Option<String>>> = answer
                .iter()
                .map(|row| {
                    let id =
                        row.try_get::<_, i64>(0).map_or_else(|error| error.to_string(), |id| id.to_string());
                    let text = |column| row.try_get::<_, Option<String>>(column).ok().flatten();
                    vec![Some(id), text(1), text(2), text(3), text(4)]
                })
                .collect();
            let masked =
                shown.len() == 3 && shown.iter().zip(&truth).all(|(shown, truth)| is_masked(shown, truth));
            (table(&shown), masked && typed)
        }
    };
    Ok(Step {
        name: "masked-select",
        title: "A SELECT of cards comes back masked",
        asked: format!("agent-checkout: {sql}"),
        expected: "3 rows; of each card number its last 4 digits and no more, as text; no holder's name"
            .into(),
        observed,
        held,
        recorded: Vec::new(),
    })
}

/// Whether a row `id, holder, pan, pan_number, …` shows the last four digits of the card and no name.
fn is_masked(shown: &[Option<String>], truth: &[Option<String>]) -> bool {
    let (Some(Some(pan)), Some(Some(holder))) = (truth.first(), truth.get(1)) else { return false };
    let last4 = pan.get(12..).unwrap_or_default();
    let [_, shown_holder, Some(text), Some(number), ..] = shown else { return false };
    let card = |cell: &String| digits(cell) == last4;
    card(text) && card(number) && shown_holder.as_ref().is_none_or(|shown| !shown.contains(holder.as_str()))
}

pub async fn masked_document(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let sql = "SELECT note, document FROM payments WHERE id = 10";
    let pan = witness.truth("SELECT document->'card'->>'number' FROM payments WHERE id = 10").await?;
    let answer = rows(agent, sql).await;
    let (observed, held) = match &answer {
        Err(_) => (outcome(&answer), false),
        Ok(answer) => {
            let note = answer.first().and_then(|row| row.first().cloned().flatten()).unwrap_or_default();
            let document = answer.first().and_then(|row| row.get(1).cloned().flatten()).unwrap_or_default();
            let json: serde_json::Value = serde_json::from_str(&document).unwrap_or_default();
            let last4 = pan.get(12..).unwrap_or_default();
            let number = json.pointer("/card/number").and_then(serde_json::Value::as_str).unwrap_or_default();
            let masked =
                digits(&note) == last4 && digits(number) == last4 && !digits(&document).contains(&pan);
            (table(answer), masked && json.pointer("/basket/0/sku").is_some())
        }
    };
    Ok(Step {
        name: "masked-document",
        title: "So do numbers inside JSON, and in text that nobody labelled",
        asked: format!("agent-checkout: {sql}"),
        expected: "valid JSON; the card number in it, and the one in the note, with their last 4 digits only"
            .into(),
        observed,
        held,
        recorded: Vec::new(),
    })
}

pub async fn allowed_write(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let sql = "UPDATE payments SET status = 'refunded' WHERE id = $1";
    let updated = agent.execute(sql, &[&20_i64]).await;
    let refunded =
        "SELECT coalesce(string_agg(id::text, ','), 'none') FROM payments WHERE status = 'refunded'";
    let in_database = witness.truth(refunded).await?;
    let told = match &updated {
        Ok(count) => format!("UPDATE {count}"),
        Err(_) => outcome(&updated),
    };
    Ok(Step {
        name: "allowed-write",
        title: "A write that policy allows is done",
        asked: format!("agent-checkout: {sql}   ($1 = 20)"),
        expected: "1 row changed; in the database payment 20 is refunded, and no other".into(),
        observed: format!("{told}; refunded in the database: {in_database}"),
        held: updated.is_ok_and(|count| count == 1) && in_database == "20",
        recorded: Vec::new(),
    })
}

pub async fn refused_drop(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let sql = "DROP TABLE cards CASCADE";
    let dropped = rows(agent, sql).await;
    let left = witness.truth("SELECT count(*) FROM cards").await.unwrap_or_else(|_| "no".into());
    let after = rows(agent, "SELECT 1").await;
    let goes_on = after.is_ok();
    Ok(Step {
        name: "refused-drop",
        title: "DROP TABLE is refused, though the database itself would allow it",
        asked: format!("agent-checkout: {sql}"),
        expected: "refused with PGD-0005; 30000 cards still in the database; the session goes on".into(),
        observed: format!(
            "{}\n{left} cards in the database; then SELECT 1: {}",
            outcome(&dropped),
            if goes_on { "answered" } else { "NOT answered" }
        ),
        held: dropped.is_err_and(|error| refused_as(&error, Code::PolicyDenied))
            && left == "30000"
            && goes_on,
        recorded: Vec::new(),
    })
}

pub async fn card_code(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    let sql = "SELECT id, brand, cvv FROM cards WHERE id = 1";
    let truth = witness.truth("SELECT cvv FROM cards WHERE id = 1").await?;
    let answer = rows(agent, sql).await;
    let (observed, held) = match &answer {
        Err(_) => (outcome(&answer), false),
        Ok(answer) => {
            let value = answer.first().and_then(|row| row.get(2)).cloned();
            (
                format!("{}\n(the database holds {} digits there)", table(answer), truth.len()),
                value == Some(None),
            )
        }
    };
    Ok(Step {
        name: "no-card-code",
        title: "A card code is NULL, whoever asks",
        asked: format!("agent-checkout: {sql}"),
        expected: "one row, its cvv NULL".into(),
        observed,
        held,
        recorded: Vec::new(),
    })
}

pub async fn redacted_computation(agent: &Client) -> anyhow::Result<Step> {
    let sql = "SELECT id, substr(pan, 1, 8), right(pan, 4) FROM cards WHERE id = 1";
    let answer = rows(agent, sql).await;
    let row = answer.as_ref().ok().and_then(|rows| rows.first()).map(Vec::as_slice).unwrap_or_default();
    let held = match row {
        [_, Some(made), Some(last)] => made == "****" && last.len() == 4,
        _ => false,
    };
    Ok(Step {
        name: "redacted-computation",
        title: "What is made of a card number comes back redacted, but for what its mask shows",
        asked: format!("agent-checkout: {sql}"),
        expected: "the slice as ****, the last four digits as they are".into(),
        observed: answer.as_ref().map_or_else(|_| outcome(&answer), |rows| table(rows)),
        held,
        recorded: Vec::new(),
    })
}

pub async fn refused_computation(agent: &Client) -> anyhow::Result<Step> {
    let sql = "SELECT substr(pan, 1, 8)::int % 10 FROM cards WHERE id = 1";
    let answer = rows(agent, sql).await;
    Ok(reveal_step("refused-computation", "Computing on a column without clearance is refused", sql, &answer))
}

pub async fn refused_comparison(witness: &Witness<'_>, agent: &Client) -> anyhow::Result<Step> {
    // A guess that is right: the answer must not say so.
    let pan = witness.truth("SELECT pan FROM cards WHERE id = 1").await?;
    let answer = rows(agent, &format!("SELECT id FROM cards WHERE pan = '{pan}'")).await;
    let asked = "SELECT id FROM cards WHERE pan = '…'   (a card number that is there)";
    Ok(reveal_step("refused-comparison", "So is asking whether a card number is there", asked, &answer))
}

fn reveal_step(
    name: &'static str,
    title: &'static str,
    asked: &str,
    answer: &Result<Vec<Vec<Option<String>>>, tokio_postgres::Error>,
) -> Step {
    Step {
        name,
        title,
        asked: format!("agent-checkout: {asked}"),
        expected: "refused with PGD-0006".into(),
        observed: match answer {
            Ok(rows) => format!("{} rows", rows.len()),
            Err(_) => outcome(answer),
        },
        held: answer.as_ref().is_err_and(|error| refused_as(error, Code::RevealDenied)),
        recorded: Vec::new(),
    }
}

pub async fn person_with_clearance(witness: &Witness<'_>) -> anyhow::Result<Step> {
    let sql = "SELECT id, pan, cvv FROM cards WHERE id = 1";
    let truth = witness.truth("SELECT pan FROM cards WHERE id = 1").await?;
    let rita = witness.session(Who::Rita, TOKEN_LIFETIME).await?;
    let answer = rows(&rita, sql).await;
    let (observed, held) = match &answer {
        Err(_) => (outcome(&answer), false),
        Ok(answer) => {
            let row = answer.first().cloned().unwrap_or_default();
            let sees = row.get(1).cloned().flatten().as_ref() == Some(&truth);
            let what = if sees {
                "her pan is the one in the database"
            } else {
                "her pan is NOT the one in the database"
            };
            (
                format!("{what}; cvv {}", if row.get(2) == Some(&None) { "NULL" } else { "SHOWN" }),
                sees && row.get(2) == Some(&None),
            )
        }
    };
    Ok(Step {
        name: "person-with-clearance",
        title: "A person of the fraud team sees the number, and no card code either",
        asked: format!("rita: {sql}"),
        expected: "the whole card number, as in the database; cvv NULL".into(),
        observed,
        held,
        recorded: Vec::new(),
    })
}

pub async fn refused_stranger(witness: &Witness<'_>) -> anyhow::Result<Step> {
    let session = witness.try_session(&witness.token(Who::Web, TOKEN_LIFETIME)?).await;
    let refused = |error: &tokio_postgres::Error| {
        refused_as(error, Code::ConnectDenied) || refused_as(error, Code::UnknownConnection)
    };
    Ok(Step {
        name: "refused-stranger",
        title: "An agent that no policy lets in gets no session",
        asked: "agent-web: to connect to payments-db".into(),
        expected: "no session; PGD-0004, or PGD-0003 which does not tell that there is such a connection"
            .into(),
        observed: outcome(&session),
        held: session.is_err_and(|error| refused(&error)),
        recorded: Vec::new(),
    })
}

pub async fn expired_token(witness: &Witness<'_>) -> anyhow::Result<Step> {
    let started = Instant::now();
    let session = witness.session(Who::Checkout, SHORT_LIFETIME).await?;
    let first = rows(&session, "SELECT 1").await;
    let mut asked = 1;
    let refused = loop {
        tokio::time::sleep(ASK_EVERY).await;
        asked += 1;
        match rows(&session, "SELECT 1").await {
            Ok(_) if started.elapsed() < GIVE_UP => {}
            Ok(_) => break None,
            Err(error) => break Some(error),
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    // The issuer counts whole seconds, so the token may expire up to one second early.
    let in_time = seconds > SHORT_LIFETIME.as_secs_f64() - 1.5;
    let over = rows(&session, "SELECT 1").await.is_err();
    let observed = match &refused {
        None => format!("still answered after {seconds:.1} s"),
        Some(error) => format!(
            "answered {} times, then after {seconds:.1} s: {}\nthe session {}",
            asked - 1,
            said(error).unwrap_or_else(|| error.to_string()),
            if over { "is over" } else { "GOES ON" }
        ),
    };
    let expired = refused.is_some_and(|error| refused_as(&error, Code::TokenExpired));
    Ok(Step {
        name: "expired-token",
        title: "A token that expires ends the session at the next command",
        asked: format!(
            "agent-checkout, with a token for {} s: SELECT 1, again and again",
            SHORT_LIFETIME.as_secs()
        ),
        expected: "answers until the token expires, then PGD-0002 and the end of the session".into(),
        observed,
        held: first.is_ok() && in_time && expired && over,
        recorded: Vec::new(),
    })
}

const SHORT_LIFETIME: Duration = Duration::from_secs(4);
const ASK_EVERY: Duration = Duration::from_millis(500);
/// A token that is still good then did not expire.
const GIVE_UP: Duration = Duration::from_secs(15);
