use super::*;

/// A session whose commands are all at the upstream (`held`: none is), as the registry sees it.
fn session(cancels: &Arc<Cancels<&'static str>>, key: &[u8], held: bool) -> Place<&'static str> {
    let place = cancels.reserve().unwrap();
    let (orders, mut taken) = mpsc::channel(1);
    place.open(key.into(), orders, Arc::new("its upstream"));
    tokio::spawn(async move {
        while let Some(order) = taken.recv().await {
            if let Order::Cancel(reply) = order {
                reply.send(held).unwrap();
            }
        }
    });
    place
}

#[tokio::test]
async fn the_right_key_reaches_its_session_and_its_upstream_is_to_be_told() {
    let cancels = Cancels::new();
    let one = session(&cancels, b"aaaa", false);
    assert_eq!(cancels.cancel(one.process_id, b"aaaa").await.as_deref(), Some(&"its upstream"));
}

#[tokio::test]
async fn a_held_command_is_cancelled_without_the_upstream() {
    let cancels = Cancels::new();
    let one = session(&cancels, b"aaaa", true);
    assert_eq!(cancels.cancel(one.process_id, b"aaaa").await, None);
}

#[tokio::test]
async fn any_other_key_reaches_nobody() {
    let cancels = Cancels::new();
    let one = session(&cancels, b"aaaa", false);
    let other = session(&cancels, b"bbbb", false);
    for key in [&b"bbbb"[..], b"aaa", b"aaaaa", b""] {
        assert_eq!(cancels.cancel(one.process_id, key).await, None);
    }
    assert_eq!(cancels.cancel(other.process_id, b"aaaa").await, None);
    assert_eq!(cancels.cancel(one.process_id ^ 1, b"aaaa").await, None);
}

#[tokio::test]
async fn a_session_that_has_ended_or_not_begun_cannot_be_cancelled() {
    let cancels: Arc<Cancels<&str>> = Cancels::new();
    let reserved = cancels.reserve().unwrap();
    assert_eq!(cancels.cancel(reserved.process_id, b"").await, None);
    let ended = session(&cancels, b"aaaa", false);
    let process_id = ended.process_id;
    drop(ended);
    assert_eq!(cancels.cancel(process_id, b"aaaa").await, None);
}

#[test]
fn process_ids_are_positive_and_keys_are_random() {
    let cancels: Arc<Cancels<()>> = Cancels::new();
    let places: Vec<_> = (0..100).map(|_| cancels.reserve().unwrap()).collect();
    assert!(places.iter().all(|place| place.process_id <= i32::MAX as u32));
    assert!(places.windows(2).all(|pair| pair[0].random != pair[1].random));
}
