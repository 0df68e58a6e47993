use std::sync::atomic::Ordering;

use tokio::net::TcpListener;

use super::*;
use crate::stand_in::Idp;

impl Idp {
    fn watch(&self) -> Issuers {
        Issuers::watch(vec![(self.issuer(), Trust::Platform)], None).unwrap()
    }
}

#[tokio::test]
async fn a_token_is_verified_as_soon_as_the_keys_are_there() {
    let idp = Idp::start(&["old"]).await;
    let issuers = idp.watch();
    let principal = issuers.identify(&idp.token("old")).await.unwrap();
    assert_eq!(&*principal.id, "agent-1");
    assert!(issuers.not_ready().is_empty());
}

#[tokio::test]
async fn a_key_published_since_is_fetched_when_a_token_names_it() {
    let idp = Idp::start(&["old"]).await;
    let issuers = idp.watch();
    issuers.identify(&idp.token("old")).await.unwrap();
    idp.published.lock().unwrap().push("new");
    issuers.identify(&idp.token("new")).await.unwrap();
}

#[tokio::test]
async fn made_up_key_names_do_not_make_the_issuer_be_asked_each_time() {
    let idp = Idp::start(&["old"]).await;
    let issuers = idp.watch();
    issuers.identify(&idp.token("old")).await.unwrap();
    for n in 0..50 {
        let refused = issuers.identify(&idp.token(&format!("made-up-{n}"))).await;
        assert_eq!(refused, Err(Unidentified::Untrusted(Untrusted::UnknownKey)));
    }
    // The first, and the allowance for unknown keys.
    assert_eq!(idp.fetches.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn an_issuer_that_is_not_configured_is_not_believed() {
    let (ours, theirs) = (Idp::start(&["old"]).await, Idp::start(&["old"]).await);
    let refused = ours.watch().identify(&theirs.token("old")).await;
    assert_eq!(refused, Err(Unidentified::Untrusted(Untrusted::UnknownIssuer)));
}

#[tokio::test]
async fn an_issuer_that_is_down_is_named_as_not_ready_and_lets_nobody_in() {
    let mut idp = Idp::start(&["old"]).await;
    // A port that was free a moment ago, and on which nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    idp.address = format!("http://{free}");
    let issuers = idp.watch();
    assert_eq!(issuers.identify(&idp.token("old")).await, Err(Unidentified::NoKeys));
    assert_eq!(issuers.not_ready(), [idp.address.as_str().into()]);
}

#[tokio::test]
async fn a_reload_keeps_the_keys_of_an_issuer_that_stays() {
    let idp = Idp::start(&["old"]).await;
    let before = idp.watch();
    before.identify(&idp.token("old")).await.unwrap();
    let after = Issuers::watch(vec![(idp.issuer(), Trust::Platform)], Some(&before)).unwrap();
    drop(before);
    assert!(after.not_ready().is_empty());
    idp.published.lock().unwrap().push("new");
    after.identify(&idp.token("new")).await.unwrap();
    assert_eq!(idp.fetches.load(Ordering::Relaxed), 2);
}
