use std::sync::Arc;

use mask::{Masker, Profile};
use serde_json::Value;

use super::{Json, Layout};
use crate::body::{Care, Opaque, Rewrite, Withheld};

/// Masks any bytes as JSON, cut by what the first byte says, and asserts that it comes to the same as the whole, that
/// JSON stays JSON, and that no card number is found in it again.
pub fn fuzz_json(data: &[u8]) {
    let Some((width, data)) = data.split_first() else { return };
    for (layout, bound, strict) in [
        (Layout::Documents, 256, false),
        (Layout::Documents, 1 << 16, true),
        (Layout::Lines, 256, true),
        (Layout::Lines, 1 << 16, false),
    ] {
        let care = Care {
            masker: Masker::new(Profile::Last4),
            rules: Arc::from([]),
            strict,
            opaque: Opaque::Refuse,
            refuses: false,
            echo: crate::echo::Echo::default(),
            seen: None,
            is_json_alone: false,
        };
        let masked = |data: &[u8], width: usize| masked(&mut Json::new(&care, layout, bound), data, width);
        let whole = masked(data, data.len().max(1));
        assert!(masked(data, usize::from(*width).max(1)) == whole, "however it is cut, it comes to the same");
        let Ok(told) = whole else { continue };
        let is_json = |text: &[u8]| serde_json::from_slice::<Value>(text).is_ok();
        assert!(!is_json(data) || is_json(&told), "JSON stays JSON");
        let fits = data.len() <= bound && is_json(data);
        assert!(!fits || care.masker.json(&told, &[]).is_none(), "nothing is found again");
    }
}

fn masked(json: &mut Json, data: &[u8], width: usize) -> Result<Vec<u8>, Withheld> {
    let mut out = Vec::new();
    for piece in data.chunks(width) {
        json.push(piece, &mut out)?;
    }
    json.finish(&mut out)?;
    Ok(out)
}
