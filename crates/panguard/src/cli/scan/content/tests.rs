use super::*;

#[test]
fn a_container_is_known_by_its_first_bytes() {
    for (head, content) in [
        (b"\x1f\x8b\x08\0\0".as_slice(), Content::Gzip),
        (b"\x28\xb5\x2f\xfd\0", Content::Zstd),
        (b"\x5a\x2a\x4d\x18\0", Content::Zstd),
        (b"PK\x03\x04", Content::Zip),
        (b"SQLite format 3\0", Content::Sqlite),
        (b"PAR1", Content::Parquet),
        (b"BZh91AY&SY", Content::Closed("bzip2")),
        (b"BZh is how this text begins", Content::Text),
        (b"\x1f\x8b", Content::Text),
        (b"", Content::Text),
    ] {
        assert_eq!(Content::of(head, b"a.txt"), content, "{head:?}");
    }
}

#[test]
fn a_tar_archive_is_known_by_its_check_sum_also_without_a_mark() {
    let mut header = tar::Header::new_old();
    header.set_path("a").unwrap();
    header.set_size(3);
    header.set_cksum();
    let head = header.as_bytes().to_vec();
    assert_eq!(Content::of(&head, b""), Content::Tar);
    let mut wrong = head.clone();
    wrong[0] = b'b';
    assert_eq!(Content::of(&wrong, b""), Content::Text);
    assert_eq!(Content::of(&[0; 512], b""), Content::Text);
    assert_eq!(Content::of(&head[..511], b""), Content::Text);
}

#[test]
fn a_table_of_text_is_known_by_its_name_and_its_separator_by_its_first_line() {
    for (name, head, content) in [
        ("a.csv", "a,b\n1;2;3;4", Content::Table(b',')),
        ("a.CSV", "a;b;c,d", Content::Table(b';')),
        ("a.tsv", "a\tb", Content::Table(b'\t')),
        ("a.csv.gz", "a|b", Content::Table(b'|')),
        ("a.csv", "a", Content::Table(b',')),
        ("a.txt", "a,b", Content::Text),
    ] {
        assert_eq!(Content::of(head.as_bytes(), name.as_bytes()), content, "{name} {head}");
    }
}
