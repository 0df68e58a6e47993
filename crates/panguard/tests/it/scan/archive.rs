use super::*;

#[test]
fn what_is_in_an_archive_in_an_archive_is_named_by_all_of_them() {
    let folder = Folder::new();
    let text = format!("first\ncard {CARD}\n");
    let inner = zipped(&[("clean.txt", b"nothing"), ("in/dirty.txt", text.as_bytes())]);
    folder.write("a.tgz", gzipped(&tarred(&[("top.txt", text.as_bytes()), ("b.zip", &inner)])));
    folder.write("c.zst", zstd(&tarred(&[("d.tar", &tarred(&[("e", text.as_bytes())]))])));
    let expected = ["a.tgz!top.txt:2", "a.tgz!b.zip!in/dirty.txt:2", "c.zst!d.tar!e:2"];
    assert_eq!(folder.places(&["."]), expected);
}

#[test]
fn what_a_file_is_called_does_not_say_what_it_is() {
    let folder = Folder::new();
    let text = format!("card {CARD}\n");
    folder.write("archive.txt", zipped(&[("a", text.as_bytes())]));
    folder.write("text.zip", &text);
    folder.write("text.gz", &text);
    assert_eq!(folder.places(&["."]), ["archive.txt!a:1", "text.gz:1", "text.zip:1"]);
}

#[test]
fn an_archive_may_come_through_a_pipe() {
    let folder = Folder::new();
    let archive = zipped(&[("a", format!("card {CARD}\n").as_bytes())]);
    for packed in [archive.clone(), gzipped(&archive), zstd(&archive), tarred(&[("b", &archive)])] {
        let said = folder.scan_input(&["--format", "json"], &packed);
        assert_eq!((said.code, said.json().len()), (1, 1), "{}", said.err);
    }
}

#[test]
fn a_number_is_found_once_wherever_the_reads_of_an_archive_are_cut() {
    let folder = Folder::new();
    let read = 64 << 10;
    let lengths =
        [4096 - 8, 8192 - 8, (32 << 10) - 8, read - 20, read - 8, read - 1, read, 2 * read - 8, 3 * read];
    let texts: Vec<(String, String)> = lengths
        .iter()
        .map(|before| (format!("at-{before}"), format!("{} 4111 1111 1111 1111 x", "y\n".repeat(before / 2))))
        .collect();
    let entries: Vec<(&str, &[u8])> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    folder.write("a.zip", zipped(&entries));
    folder.write("b.tar.gz", gzipped(&tarred(&entries)));
    folder.write("c.tar.zst", zstd(&tarred(&entries)));
    let expected: Vec<String> = ["a.zip", "b.tar.gz", "c.tar.zst"]
        .iter()
        .flat_map(|archive| {
            lengths.iter().map(move |before| format!("{archive}!at-{before}:{}", before / 2 + 1))
        })
        .collect();
    assert_eq!(folder.places(&["."]), expected);
}

#[test]
fn a_bomb_is_given_up_and_does_not_look_clean() {
    let folder = Folder::new();
    let zeroes = vec![0; 8 << 20];
    folder.write("bomb.gz", gzipped(&gzipped(&zeroes)));
    folder.write("bomb.zst", zstd(&zeroes));
    let inner = zipped(&[("zeroes", &zeroes)]);
    folder.write("bomb.zip", zipped(&[("a.zip", &inner), ("b.zip", &inner)]));
    for name in ["bomb.gz", "bomb.zst", "bomb.zip"] {
        let said = folder.scan(&["--unpack-max", "1M", name]);
        assert_eq!(said.code, 2, "{name}: {}", said.err);
        assert!(said.err.contains("more than 1048576 bytes come out of it"), "{name}: {}", said.err);
        assert_eq!(folder.scan(&[name]).code, 0, "{name}");
    }
}

#[test]
fn a_name_that_claims_to_be_longer_than_memory_is_given_up() {
    let folder = Folder::new();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(200 << 20);
    header.set_cksum();
    let mut archive = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    archive.write_all(header.as_bytes()).unwrap();
    archive.write_all(&vec![b'a'; 100 << 20]).unwrap();
    folder.write("a.tgz", archive.finish().unwrap());
    let said = folder.scan(&["a.tgz"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("a header in it is longer than"), "{}", said.err);
}

#[test]
fn layers_are_opened_to_a_depth_and_below_it_does_not_look_clean() {
    let folder = Folder::new();
    let mut archive = format!("card {CARD}").into_bytes();
    for layer in 0..7 {
        archive = gzipped(&tarred(&[(&format!("layer-{layer}"), &archive)]));
    }
    folder.write("deep.tgz", &archive);
    let said = folder.scan(&["deep.tgz"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
    assert!(said.err.contains("8 layers deep"), "{}", said.err);
}

#[test]
fn what_comes_before_the_end_of_a_truncated_archive_is_looked_at() {
    let folder = Folder::new();
    let text = format!("card {CARD}\n{}", "more\n".repeat(20_000));
    let tar = tarred(&[("a", text.as_bytes()), ("b", text.as_bytes())]);
    let cut = |bytes: &[u8], part: usize| bytes[..bytes.len() * part / 10].to_vec();
    folder.write("a.tar", cut(&tar, 9));
    folder.write("b.tar.gz", cut(&gzipped(&tar), 9));
    folder.write("c.gz", cut(&gzipped(text.as_bytes()), 9));
    folder.write("d.zst", cut(&zstd(&text.as_bytes().repeat(20)), 9));
    for (name, first) in
        [("a.tar", "a.tar!a:1"), ("b.tar.gz", "b.tar.gz!a:1"), ("c.gz", "c.gz:1"), ("d.zst", "d.zst:1")]
    {
        let said = folder.scan(&["--format", "json", name]);
        assert_eq!(said.code, 2, "{name}");
        assert_eq!(said.json().first().map(place).as_deref(), Some(first), "{name}: {}", said.err);
    }
}

#[test]
fn what_cannot_be_opened_is_said_and_looked_at_as_it_is() {
    let folder = Folder::new();
    let text = format!("card {CARD}\n");
    let zip = zipped(&[("a", &[7; 5000])]);
    folder.write("cut.zip", [&zip[..zip.len() - 30], text.as_bytes()].concat());
    folder.write("lie.gz", [b"\x1f\x8b\x08\0", text.as_bytes()].concat());
    folder.write("lie.zst", [b"\x28\xb5\x2f\xfd", text.as_bytes()].concat());
    folder.write("lie.db", [b"SQLite format 3\0", text.as_bytes()].concat());
    folder.write("lie.parquet", [b"PAR1", text.as_bytes()].concat());
    for name in ["cut.zip", "lie.gz", "lie.zst", "lie.db", "lie.parquet"] {
        let said = folder.scan(&["--format", "json", name]);
        assert_eq!((said.code, said.json().len()), (2, 1), "{name}: {}", said.err);
        assert!(said.err.starts_with(&format!("panguard: cannot read all of `{name}`")), "{}", said.err);
    }
}

#[test]
fn what_is_packed_in_a_way_that_is_not_opened_does_not_look_clean() {
    let folder = Folder::new();
    folder.write("a.xz", b"\xfd7zXZ\0\0\x04rest");
    folder.write("b.bz2", b"BZh91AY&SYrest");
    folder.write("c.7z", b"7z\xbc\xaf\x27\x1crest");
    let mut locked = zipped(&[("a", b"text")]);
    // The bit of the flags that says that an entry is encrypted (APPNOTE 4.4.4), in its header and the directory.
    let directory = locked.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    locked[6] |= 1;
    locked[directory + 8] |= 1;
    folder.write("d.zip", locked);
    let mut doubled = zipped(&[("aa", b"one"), ("ab", b"two")]);
    while let Some(at) = doubled.windows(2).position(|at| at == b"ab") {
        doubled[at + 1] = b'a';
    }
    folder.write("e.zip", doubled);
    for name in ["a.xz", "b.bz2", "c.7z", "d.zip", "e.zip"] {
        let said = folder.scan(&[name]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{name}: {}", said.err);
    }
}

#[test]
fn what_is_hidden_behind_the_end_of_an_archive_is_looked_at() {
    let folder = Folder::new();
    let text = format!("card {CARD}\n");
    let first = tarred(&[("a", b"clean")]);
    folder.write("two.tar", [first, tarred(&[("b", text.as_bytes())])].concat());
    folder.write("two.gz", [gzipped(b"clean\n"), gzipped(text.as_bytes())].concat());
    folder.write("two.zst", [zstd(b"clean\n"), zstd(text.as_bytes())].concat());
    assert_eq!(folder.places(&["."]), ["two.gz:2", "two.tar!b:1", "two.zst:2"]);
}

#[test]
fn the_name_of_an_entry_is_looked_at_once_for_each_folder() {
    let folder = Folder::new();
    let in_folder = format!("{CARD}/a");
    let other = format!("{CARD}/b");
    folder.write("a.zip", zipped(&[(&in_folder, b"x"), (&other, b"y"), ("4242424242424242.txt", b"z")]));
    let expected = ["a.zip!************1111/a itself", "a.zip!************4242.txt itself"];
    assert_eq!(folder.places(&["a.zip"]), expected);
}
