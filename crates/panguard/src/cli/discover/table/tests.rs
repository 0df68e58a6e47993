use super::*;

fn row(oid: &str, table: &str, rows: &str, kind: &str, partition: &str, column: [&str; 4]) -> Row {
    let [number, name, type_name, category] = column;
    let cells = [oid, "public", table, rows, kind, partition, number, name, type_name, category, "true"];
    cells.map(|cell| Some(cell.to_owned())).to_vec()
}

#[test]
fn columns_are_gathered_by_table_and_partitions_left_to_their_table() {
    let rows = [
        row("1", "cards", "9", "p", "false", ["1", "pan", "text", "S"]),
        row("1", "cards", "9", "p", "false", ["2", "doc", "jsonb", "U"]),
        row("2", "cards_1", "9", "r", "true", ["1", "pan", "text", "S"]),
    ];
    let tables = tables(&rows).unwrap();
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].columns.len(), 2);
    assert!(tables[0].columns[1].is_json());
}

#[test]
fn names_are_quoted_and_large_tables_drawn_at_random() {
    let rows = [row("1", "a\"b", "1000000", "r", "false", ["1", "Pan", "text", "S"])];
    let tables = tables(&rows).unwrap();
    let columns: Vec<&Column> = tables[0].columns.iter().collect();
    assert!(tables[0].is_large(1000) && !tables[0].is_large(500_000));
    assert_eq!(
        tables[0].sample(&columns, 1000, 64, true),
        "SELECT pg_catalog.left(x.\"Pan\"::pg_catalog.text, 64) FROM \"public\".\"a\"\"b\" AS x TABLESAMPLE SYSTEM (0.2000) LIMIT 1000"
    );
}

#[test]
fn an_answer_of_another_shape_is_none() {
    assert!(tables(&[vec![Some("1".into())]]).is_none());
}
