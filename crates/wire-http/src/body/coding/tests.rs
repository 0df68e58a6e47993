use super::{Broken, Coding, PIECE_BYTES, Undo, packed_as, unpacked_as};

/// What `bytes` unpack to, in pieces of `width`.
fn undone(coding: Coding, bytes: &[u8], width: usize) -> Result<Vec<u8>, Broken> {
    let mut undo = Undo::new(coding)?;
    let mut out = Vec::new();
    for mut piece in bytes.chunks(width) {
        while undo.step(&mut piece, &mut out)? {}
        assert!(piece.is_empty(), "all is taken");
    }
    undo.finish(&mut out)?;
    Ok(out)
}

#[test]
fn codings_are_listed_in_any_case_and_with_spaces() {
    let all = [Coding::Gzip, Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    assert_eq!(Coding::list("gzip,X-GZip , deflate,, identity,BR,\tzstd"), Ok(all.to_vec()));
    assert_eq!(Coding::list(""), Ok(Vec::new()));
    assert_eq!(Coding::list("gzip, compress"), Err(Broken));
    assert_eq!(Coding::list("gzip;q=1"), Err(Broken));
    assert_eq!(Coding::of_part(" Base64 "), Ok(Some(Coding::Base64)));
    assert_eq!(Coding::of_part("8BIT"), Ok(None));
    assert_eq!(Coding::of_part("x-uuencode"), Err(Broken));
}

#[test]
fn what_is_packed_again_unpacks_to_the_same_in_any_pieces() {
    let long: Vec<u8> = (0..200_000_u32).flat_map(|it| (it % 1000).to_string().into_bytes()).collect();
    for name in ["gzip", "deflate", "br", "zstd"] {
        for bytes in [&b""[..], b"a", &[0; 300], &long] {
            let packed = packed_as(name, bytes).unwrap();
            assert_eq!(unpacked_as(name, &packed).as_deref(), Some(bytes), "{name}");
            let coding = Coding::list(name).unwrap()[0];
            for width in [1, 3, 1000] {
                assert_eq!(
                    undone(coding, &packed, width).as_deref(),
                    Ok(bytes),
                    "{name} in pieces of {width}"
                );
            }
            for cut in 1..packed.len().min(40) {
                assert_eq!(
                    undone(coding, &packed[..packed.len() - cut], 7),
                    Err(Broken),
                    "{name}, {cut} bytes less"
                );
            }
        }
    }
}

#[test]
fn no_piece_is_larger_than_the_bound() {
    for (name, coding) in
        [("gzip", Coding::Gzip), ("deflate", Coding::Deflate), ("br", Coding::Brotli), ("zstd", Coding::Zstd)]
    {
        let packed = packed_as(name, &vec![b' '; 4 << 20]).unwrap();
        let mut undo = Undo::new(coding).unwrap_or_else(|_| panic!());
        let (mut input, mut given) = (packed.as_slice(), 0);
        loop {
            let mut out = Vec::new();
            let more = undo.step(&mut input, &mut out).unwrap();
            assert!(out.len() <= PIECE_BYTES + 64, "{name}: {}", out.len());
            given += out.len();
            if !more {
                break;
            }
        }
        assert_eq!(given, 4 << 20, "{name}");
    }
}

#[test]
fn base64_is_read_over_line_ends_and_up_to_its_padding() {
    for width in [1, 2, 5, 100] {
        assert_eq!(
            undone(Coding::Base64, b"SGVs\r\nbG8g\n d29 ybGQ=\r\n", width).as_deref(),
            Ok(&b"Hello world"[..])
        );
        assert_eq!(undone(Coding::Base64, b"SGVsbG8", width).as_deref(), Ok(&b"Hello"[..]));
        assert!(undone(Coding::Base64, b"SGVsbG8=SGVs", width).is_err());
        assert!(undone(Coding::Base64, b"SGV*", width).is_err());
        assert!(undone(Coding::Base64, b"SGVsb", width).is_err());
    }
}

#[test]
fn quoted_printable_is_read_as_lenient_readers_do_and_written_in_lines() {
    for width in [1, 2, 100] {
        let read = |text: &[u8]| undone(Coding::Quoted, text, width).unwrap();
        assert_eq!(read(b"a=3Db=\r\nc=\nd=3d"), b"a=bcd=");
        assert_eq!(read(b"=zz=4==41=\rx="), b"=zz=4=A=\rx=");
    }
    let text = [b"caf\xc3\xa9 = ", &[b'x'; 100][..], b" \r\nend \t\n \r ", b"."].concat();
    let mut redo = Undo::new(Coding::Quoted).unwrap_or_else(|_| panic!()).redo().unwrap_or_else(|_| panic!());
    for piece in text.chunks(3) {
        redo.push(piece).unwrap();
    }
    let written = redo.finish().unwrap();
    assert!(written.split(|byte| *byte == b'\n').all(|line| line.trim_ascii_end().len() <= 76));
    assert_eq!(
        undone(Coding::Quoted, &written, 100).unwrap(),
        [b"caf\xc3\xa9 = ", &[b'x'; 100][..], b" \r\nend \t\r\n \r ."].concat()
    );
}
