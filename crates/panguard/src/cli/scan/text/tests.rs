use super::*;

const CARD: &str = "4111111111111111";

fn scan(pieces: &[&[u8]], label: &[u8]) -> Vec<Hit> {
    let mut scan = TextScan::new(Classes::default(), label);
    let mut hits = Vec::new();
    for piece in pieces {
        scan.push(piece, &mut hits);
    }
    scan.finish(&mut hits);
    hits
}

fn told(hits: &[Hit]) -> Vec<(u64, u64, u64, &str, &str)> {
    hits.iter()
        .map(|it| (it.line, it.column, it.range.start, it.masked.as_str(), it.context.as_str()))
        .collect()
}

#[test]
fn what_is_told_is_the_same_however_the_text_is_cut() {
    let mut text = String::new();
    for index in 0..3000 {
        text += &match index % 7 {
            3 => format!("{index} ä {CARD} and {CARD} "),
            5 => format!("card 4111 1111 1111 1111 no {index}\n"),
            _ => format!("a line without any, number {index}\n"),
        };
    }
    let whole = scan(&[text.as_bytes()], b"");
    assert_eq!(whole.len(), 429 * 2 + 428);
    for size in [1, 7, 100, 4096, 70_000] {
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        assert!(told(&scan(&pieces, b"")) == told(&whole), "in pieces of {size}");
    }
    for hit in &whole {
        let (before, rest) = text.split_at(hit.range.start as usize);
        assert!(rest.starts_with("4111"));
        assert_eq!(hit.line, before.matches('\n').count() as u64 + 1);
        assert_eq!(hit.column, before.rsplit('\n').next().unwrap().chars().count() as u64 + 1);
    }
}

#[test]
fn a_label_is_no_part_of_the_text() {
    let hits = scan(&[CARD.as_bytes()], b"\"card\": \"");
    assert_eq!(told(&hits), [(1, 1, 0, "************1111", "************1111")]);
    let unsure = "4222222222222";
    assert_eq!(scan(&[unsure.as_bytes()], b"\"card\": \"").len(), 1);
    assert_eq!(scan(&[unsure.as_bytes()], b"\"order\": \"").len(), 0);
    assert_eq!(scan(&[b"x"], CARD.as_bytes()).len(), 0);
}

#[test]
fn nothing_is_kept_of_what_has_passed() {
    let mut scan = TextScan::new(Classes::default(), b"");
    let mut hits = Vec::new();
    let piece = format!("{} {CARD}\n", "x".repeat(1000)).repeat(1000);
    let mut most = 0;
    for _ in 0..10 {
        scan.push(piece.as_bytes(), &mut hits);
        most = most.max(scan.window.len() + scan.told.len() + scan.waiting.len());
    }
    scan.finish(&mut hits);
    assert_eq!(hits.len(), 10_000);
    assert!(most < 4 * PIECE_BYTES, "{most}");
}

#[test]
fn a_card_number_in_something_else_is_told_as_one() {
    let email = Classes { email: true, ..Classes::default() };
    let mut scan = TextScan::new(email, b"");
    let mut hits = Vec::new();
    scan.push(format!("mail {CARD}@example.com").as_bytes(), &mut hits);
    scan.finish(&mut hits);
    assert!(matches!(hits[..], [Hit { kind: FindingKind::Pan { .. }, .. }]), "{}", hits.len());
}
