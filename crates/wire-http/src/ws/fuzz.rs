use access::SessionId;
use mask::{Masker, Profile};
use wire::Side;

use super::deflate::Agreed;
use super::{Opening, Relay};
use crate::body::{Care, Opaque};

/// Relays any bytes of both sides, whole and cut, and asserts that it comes to the same, and that no frame that goes to the
/// agent holds a card number.
#[doc(hidden)]
pub fn fuzz_socket(data: &[u8]) {
    let Some(([flags, width], bytes)) = data.split_first_chunk::<2>() else { return };
    let side = if flags & 1 == 0 { Side::Agent } else { Side::Upstream };
    let (mut whole, mut cut) = (relay(*flags), relay(*flags));
    whole.push(side, bytes);
    bytes.chunks(usize::from(*width % 17) + 1).for_each(|piece| cut.push(side, piece));
    assert_eq!(whole.take(Side::Agent), cut.take(Side::Agent));
    assert_eq!(whole.take(Side::Upstream), cut.take(Side::Upstream));
    assert_eq!(whole.outcome(), cut.outcome());
}

fn relay(flags: u8) -> Relay {
    let care = |refuses| Care {
        masker: Masker::new(Profile::Last4),
        rules: [].into(),
        strict: flags & 2 != 0,
        opaque: if flags & 4 != 0 { Opaque::Scan } else { Opaque::Refuse },
        refuses,
        echo: crate::Echo::default(),
        seen: None,
        is_json_alone: false,
    };
    let agreed = (flags & 8 != 0).then_some(Agreed {
        server_takes_over: flags & 16 != 0,
        client_takes_over: flags & 32 != 0,
        server_window_bits: 15,
    });
    let opening = Opening {
        request: SessionId(1).request(1),
        answers: care(false),
        requests: care(flags & 64 != 0),
        with_agent: agreed,
        with_upstream: agreed,
        in_head: 0,
        bytes_max: (None, None),
        kept_bytes_max: 64,
    };
    opening.begin(Box::new(|| Some([1, 2, 3, 4])))
}
