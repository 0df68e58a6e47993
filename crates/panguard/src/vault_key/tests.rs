//! A key that is elsewhere seals what opens for its own place alone.

use access::Secret;
use vault::{DataKey, NotUnsealed};

use super::{of_place, placed};

#[test]
fn what_is_sealed_elsewhere_is_for_one_place() {
    let key = DataKey::from([7; 32]);
    let both = placed(&key, b"this vault");
    assert_eq!(of_place(&both, b"this vault").unwrap().expose(), key.expose());
    assert_eq!(of_place(&both, b"another").err(), Some(NotUnsealed::WrongKey));
    for end in 0..both.expose().len() {
        let cut = Secret::from(both.expose()[..end].to_vec());
        assert_eq!(of_place(&cut, b"this vault").err(), Some(NotUnsealed::WrongKey), "cut at {end}");
    }
}
