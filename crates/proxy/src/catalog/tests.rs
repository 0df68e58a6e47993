use std::sync::atomic::AtomicUsize;

use tokio::net::TcpStream;

use super::*;
use crate::stand_in::{StandInVault, message, read_message, sign_in, upstream};

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
        let target = upstream(move |socket| {
            counted.fetch_add(1, Ordering::Relaxed);
            answer(socket, shown.lock().unwrap().clone())
        })
        .await;
        let labels = Arc::new([]);
        let connection = Connection { name: "payments".into(), target, labels, data: Labels::default() };
        Self { tables, reads, connection: Arc::new(connection) }
    }

    fn watch(&self, vault: &StandInVault) -> CatalogWatch {
        CatalogWatch::start(self.connection.clone(), vault.vault.clone())
    }
}

/// Answers one query with the rows that [`Catalog::QUERY`] gives for `tables`.
async fn answer(mut socket: TcpStream, tables: Vec<&str>) {
    sign_in(&mut socket).await;
    read_message(&mut socket).await.unwrap();
    let mut answer = message(b'T', &6u16.to_be_bytes());
    for (index, table) in tables.iter().enumerate() {
        let oid = (20_000 + index).to_string();
        answer.extend(row(["relation", &oid, "", "r", "public", table]));
    }
    answer.extend(message(b'C', b"SELECT 1\0"));
    answer.extend(message(b'Z', b"I"));
    socket.write_all(&answer).await.unwrap();
    assert_eq!(read_message(&mut socket).await, Some((b'X', Vec::new())), "it says goodbye");
}

fn row(columns: [&str; 6]) -> Vec<u8> {
    let mut body = 6u16.to_be_bytes().to_vec();
    for column in columns {
        match column {
            "" => body.extend((-1i32).to_be_bytes()),
            text => {
                body.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
                body.extend(text.as_bytes());
            }
        }
    }
    message(b'D', &body)
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
    (0..100).for_each(|_| watch.stale());
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
async fn without_an_upstream_there_is_no_snapshot_and_no_session() {
    let (vault, mut database) = (StandInVault::new(), Database::start(&[]).await);
    Arc::get_mut(&mut database.connection).unwrap().target.password = crate::stand_in::name("missing");
    let watch = database.watch(&vault);
    assert!(watch.snapshot().await.is_none());
    assert!(!watch.is_ready());
}
