use super::*;

fn hits(table: &str, columns: &[&str], rows: &[&[&str]]) -> Vec<(u64, usize, String)> {
    let columns: Vec<Vec<u8>> = columns.iter().map(|name| name.as_bytes().to_vec()).collect();
    let mut cells = Cells::new(Classes::default(), table.as_bytes(), &columns);
    let mut hits = Vec::new();
    for (row, values) in (1..).zip(rows) {
        for (column, value) in values.iter().enumerate() {
            cells.add(row, column, value.as_bytes(), &mut hits);
        }
    }
    cells.flush(&mut hits);
    hits.into_iter().map(|it| (it.row, it.column, it.hit.masked)).collect()
}

#[test]
fn what_is_found_is_in_the_order_of_rows_and_then_columns() {
    let row: &[&str] = &["4242424242424242", "clean", "x 4111 1111 1111 1111"];
    let masked = ["************4242".to_owned(), "**** **** **** 1111".to_owned()];
    let expected: Vec<_> =
        (1..=3).flat_map(|row| [(row, 0, masked[0].clone()), (row, 2, masked[1].clone())]).collect();
    assert_eq!(hits("t", &["a", "b", "c"], &[row, row, row]), expected);
}

#[test]
fn the_cells_of_a_column_are_no_number_together() {
    let parts: &[&[&str]] = &[&["4111"], &["1111"], &["1111"], &["1111"]];
    assert_eq!(hits("", &["n"], parts), []);
    assert_eq!(hits("", &["1"], parts), []);
    assert_eq!(hits("", &[""], &[&["41111111"], &["11111111"]]), []);
}

#[test]
fn a_name_counts_for_its_own_column_and_no_other() {
    let unsure = "4222222222222";
    let row: &[&str] = &[unsure, unsure];
    assert_eq!(hits("", &["order", "card"], &[row, row]).iter().map(|it| it.1).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(hits("cards", &["order", "id"], &[row]).len(), 2);
    assert_eq!(hits("", &["order", "exp_month"], &[row]).len(), 2);
    assert_eq!(hits("", &["order", "note"], &[row]), []);
}

#[test]
fn a_long_value_is_looked_at_like_a_short_one() {
    let long = format!("{} 4111111111111111", "x ".repeat(VALUE_BYTES_MAX));
    assert_eq!(hits("", &["a"], &[&[&long], &["4111111111111111"]]).len(), 2);
}
