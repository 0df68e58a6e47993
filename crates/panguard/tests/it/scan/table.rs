use super::*;

#[test]
fn a_finding_in_a_table_of_text_is_named_by_row_and_column() {
    let folder = Folder::new();
    folder.write("a.csv", format!("id,card number,note\n1,{CARD},x\n2,,\"said\n{CARD}\"\n"));
    folder.write("b.tsv", format!("id\tpan\n1\t{CARD}\n"));
    folder.write("c.csv", format!("1;{CARD}\n"));
    folder.write("d.csv.gz", gzipped(format!("a,b\r\n1,{CARD}\r\n").as_bytes()));
    let expected = [
        "a.csv!card number row 2",
        "a.csv!note row 3",
        "b.tsv!pan row 2",
        "c.csv!column 2 row 1",
        "d.csv.gz!b row 2",
    ];
    assert_eq!(folder.places(&["."]), expected);
    let said = folder.scan(&["--format", "json", "a.csv"]).json();
    assert_eq!(
        (&said[0]["line"], &said[0]["column"], &said[0]["offset"]),
        (&2.into(), &3.into(), &22.into())
    );
    assert_eq!(said[1]["line"], 4);
}

#[test]
fn the_name_of_a_column_counts_for_all_of_its_rows() {
    let folder = Folder::new();
    let rows = |name: &str| format!("id,{name}\n{}", "1,none\n".repeat(30_000) + &format!("2,{UNSURE}\n"));
    folder.write("a.csv", rows("card_number"));
    folder.write("b.csv", rows("order"));
    folder.write("c.csv", rows("order,expiry"));
    folder.write("d.txt", rows("card_number"));
    assert_eq!(folder.places(&["."]), ["a.csv!card_number row 30002", "c.csv!order row 30002"]);
}

#[test]
fn each_finding_is_told_once_and_in_order_however_many_there_are() {
    let folder = Folder::new();
    // Every other value counts by the name of its column alone.
    let row = |index: usize| format!("{index},{}\n", if index.is_multiple_of(2) { CARD } else { UNSURE });
    let rows: String = (0..20_000).map(row).collect();
    folder.write("a.csv", format!("id,card\n{rows}"));
    let expected: Vec<String> = (0..20_000).map(|index| format!("a.csv!card row {}", index + 2)).collect();
    assert!(folder.places(&["a.csv"]) == expected);
}

#[test]
fn what_spans_the_cells_of_a_table_is_found_as_in_any_text() {
    let folder = Folder::new();
    let open =
        format!("id,note\n1,\"never closed {}\n{CARD}\n{}", "x".repeat(200_000), "y\n".repeat(100_000));
    folder.write("a.csv", open);
    assert_eq!(folder.places(&["a.csv"]).len(), 1);
}
