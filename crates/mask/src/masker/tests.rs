use super::*;

#[test]
fn no_profile_leaves_fewer_than_four_digits_hidden_and_of_15_five() {
    for profile in [Profile::Last4, Profile::First6Last4] {
        for digits in 12..=19 {
            let (first, last) = profile.kept(digits);
            let floor = if digits == 15 { 5 } else { 4 };
            assert!(digits - first - last >= floor, "{profile:?} {digits}");
            assert!(first <= 6 && last <= 4);
            assert!(digits >= 14 || first == 0);
        }
    }
}
