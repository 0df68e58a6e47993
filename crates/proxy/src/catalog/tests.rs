use std::sync::atomic::AtomicUsize;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::stand_in::{StandInVault, catalog_answer, read_message, sign_in, upstream};

/// A database with one schema and `tables`, read as often as `reads` says.
struct Database {
    tables: Arc<Mutex<Vec<&'static str>>>,
    reads: Arc<AtomicUsize>,
    connection: Arc<Connection>,
}

impl Database {
    async fn start(tables: &[&'static str]) -> Self {
        let tables = Arc::new(Mutex::new(tables.to_vec()));
        let reads = Arc::new(AtomicUsize::new(0));
        let (shown, counted) = (tables.clone(), reads.clone());
        let target = upstream(move |mut socket| {
            counted.fetch_add(1, Ordering::Relaxed);
            let tables = shown.lock().unwrap().clone();
            async move {
                sign_in(&mut socket).await;
                read_message(&mut socket).await.unwrap();
                socket.write_all(&catalog_answer(&tables)).await.unwrap();
                assert_eq!(read_message(&mut socket).await, Some((b'X', Vec::new())), "it says goodbye");
            }
        })
        .await;
        let labels = Arc::new([]);
        let connection = Connection {
            name: "payments".into(),
            target,
            labels,
            data: Labels::default(),
            modes: Arc::default(),
            approval: access::Approving::default(),
        };
        Self { tables, reads, connection: Arc::new(connection) }
    }

    fn watch(&self, vault: &StandInVault) -> CatalogWatch {
        CatalogWatch::start(self.connection.clone(), vault.vault.clone())
    }
}

#[tokio::test]
async fn a_session_gets_a_snapshot_once_there_is_one() {
    let (vault, database) = (StandInVault::new(), Database::start(&["cards"]).await);
    let watch = database.watch(&vault);
    let snapshot = watch.snapshot().await.expect("a snapshot");
    assert!(snapshot.load().knows(20_000));
    assert!(!snapshot.load().knows(20_001));
}

#[tokio::test]
async fn a_stale_snapshot_is_read_again_and_one_that_did_not_change_keeps_its_version() {
    let (vault, database) = (StandInVault::new(), Database::start(&["cards"]).await);
    let watch = database.watch(&vault);
    let snapshot = watch.snapshot().await.unwrap();
    let version = snapshot.load().version();
    let mut attempts = watch.shared.attempts.subscribe();

    // Many wishes are one.
    for _ in 0..100 {
        watch.stale();
    }
    attempts.changed().await.unwrap();
    assert_eq!(snapshot.load().version(), version);
    assert_eq!(database.reads.load(Ordering::Relaxed), 2);

    database.tables.lock().unwrap().push("payments");
    watch.stale();
    attempts.changed().await.unwrap();
    assert_ne!(snapshot.load().version(), version);
    assert!(snapshot.load().knows(20_001));
}

#[tokio::test]
async fn what_is_vouched_for_ends_on_its_day_in_the_sessions_that_are_open() {
    let (vault, database) = (StandInVault::new(), Database::start(&["cards"]).await);
    let watch = database.watch(&vault);
    let snapshot = watch.snapshot().await.unwrap();
    let day = Timestamp::from_seconds(20_000 * 86_400);
    let not_pan = sql::NotPan { path: None, until: day };
    let labels = Labels::default().with_not_pan([("public.orders.id", not_pan)]).unwrap();
    let cell = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let rows = [["relation", "1", "", "r", "public", "orders"], ["column", "1", "1", "0", "id", ""]];
    let rows: Vec<Row> = rows.iter().map(|row| row.iter().map(|text| cell(text)).collect()).collect();

    let before = day.plus_seconds(-1);
    watch.shared.snapshot.store(Arc::new(super::snapshot(&rows, &labels, 7, before).unwrap()));
    super::expire(&database.connection, &watch.shared, before);
    assert_eq!(snapshot.load().not_pan(1, 1).len(), 1);
    super::expire(&database.connection, &watch.shared, day);
    assert!(snapshot.load().not_pan(1, 1).is_empty() && snapshot.load().version() == 7);

    // A catalog that is read from then on does not hold it at all.
    assert!(super::snapshot(&rows, &labels, 8, day).unwrap().not_pan(1, 1).is_empty());
}

#[tokio::test]
async fn without_an_upstream_there_is_no_snapshot_and_no_session() {
    let (vault, mut database) = (StandInVault::new(), Database::start(&[]).await);
    Arc::get_mut(&mut database.connection).unwrap().target.password = crate::stand_in::name("missing");
    let watch = database.watch(&vault);
    assert!(watch.snapshot().await.is_none());
    assert!(!watch.is_ready());
}

#[test]
fn card_numbers_in_texts_are_found_however_they_are_spelled() {
    for text in [
        "as for 4111111111111111",
        "CHECK ((pan <> '4111 1111 1111 1111'::text))",
        "'378282246310005'::character varying",
        "4111-1111-1111-1111 and others",
        "4111111111111111::bigint",
        // In base64 and in hexadecimal digits.
        "NDExMTExMTExMTExMTExMQ==",
        "34313131313131313131313131313131",
        "\u{ff14}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}\u{ff11}",
    ] {
        assert!(holds_card(text), "{text}");
    }
}

#[test]
fn texts_that_databases_are_full_of_hold_none() {
    for text in [
        "nextval('public.orders_id_seq'::regclass)",
        "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00')",
        "'00000000-0000-0000-0000-000000000000'::uuid",
        "CHECK ((amount < '9223372036854775807'::bigint))",
        "9223372036854775807 1 -9223372036854775808",
        "CREATE INDEX orders_cheap ON public.orders USING btree (lower(note)) WHERE (placed_at > '2020-01-01 00:00:00'::timestamp)",
        "people who buy",
        "autovacuum_vacuum_scale_factor=0.02 fillfactor=70",
    ] {
        assert!(!holds_card(text), "{text}");
    }
}
