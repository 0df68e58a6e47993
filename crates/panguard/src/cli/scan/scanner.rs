//! Looks into one file and all that is in it.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use mask::Classes;

use super::budget::{Budget, DEPTH_MAX, HELD_BYTES_MAX};
use super::content::{Content, HEAD_BYTES};
use super::found::{Event, Found, Place, Unread};
use super::name::{MASKER, Name, plain, safe};
use super::text::{PIECE_BYTES, TextScan, apart};
use super::{csv, parquet, sqlite, tar, zip};

/// Looks into one file. What it has to say goes to `say` in the order of the file.
pub struct Scanner<'s> {
    pub classes: Classes,
    pub budget: Budget,
    /// All bytes looked at, by every scanner together.
    pub bytes: &'s AtomicU64,
    pub say: &'s mut dyn FnMut(Event),
}

/// Where bytes come from.
pub enum Source<'a> {
    /// A regular file: it can be read anywhere. `path` is there for those who open files themselves.
    File { file: File, path: &'a Path },
    /// What comes once, from its start to its end.
    Stream(&'a mut dyn Read),
}

impl Scanner<'_> {
    /// Looks into what `source` holds, at `depth` layers below the file. What cannot be read is said, and the
    /// rest goes on.
    pub fn source(&mut self, name: &Name, source: Source<'_>, depth: usize) {
        let opened = match source {
            Source::File { file, path } => self.file(name, file, path, depth),
            Source::Stream(stream) => self.stream(name, stream, depth),
        };
        if let Err(error) = opened {
            self.unread(name, &error);
        }
    }

    fn file(&mut self, name: &Name, mut file: File, path: &Path, depth: usize) -> io::Result<()> {
        let head = Stream::begin(&mut file).head;
        file.rewind()?;
        let opened = match Content::of(&head, name.bytes()) {
            Content::Zip => zip::scan(self, name, file.try_clone()?, depth),
            Content::Sqlite => sqlite::scan_file(self, name, path, depth),
            Content::Parquet => parquet::scan_file(self, name, file.try_clone()?, depth),
            content @ (Content::Gzip | Content::Zstd) => self.layer(name, content, &mut file, depth),
            content => return self.layer(name, content, &mut file, depth),
        };
        // What cannot be opened as what it says it is, is still bytes.
        if let Err(error) = opened {
            self.unread(name, &error);
            file.rewind()?;
            self.text(name, &mut file)?;
        }
        Ok(())
    }

    fn stream(&mut self, name: &Name, stream: &mut dyn Read, depth: usize) -> io::Result<()> {
        let mut stream = Stream::begin(stream);
        let content = Content::of(&stream.head, name.bytes());
        if !matches!(content, Content::Zip | Content::Sqlite | Content::Parquet) {
            return self.layer(name, content, &mut stream, depth);
        }
        let mut held = Vec::new();
        let read = (&mut stream).take(HELD_BYTES_MAX as u64 + 1).read_to_end(&mut held);
        let held = Bytes::from(held);
        let opened = if let Err(error) = read {
            Err(error)
        } else if held.len() > HELD_BYTES_MAX {
            Err(io::Error::other(format!(
                "it is not a file of its own and larger than {HELD_BYTES_MAX} bytes"
            )))
        } else if depth >= DEPTH_MAX {
            Err(too_deep())
        } else {
            match content {
                Content::Zip => zip::scan(self, name, Cursor::new(&held), depth),
                Content::Sqlite => sqlite::scan_held(self, name, &held, depth),
                _ => parquet::scan_held(self, name, held.clone(), depth),
            }
        };
        if let Err(error) = opened {
            self.unread(name, &error);
            self.text(name, &mut held.as_ref().chain(stream))?;
        }
        Ok(())
    }

    /// Reads what needs only be read from its start to its end.
    fn layer(
        &mut self,
        name: &Name,
        content: Content,
        stream: &mut dyn Read,
        depth: usize,
    ) -> io::Result<()> {
        if depth >= DEPTH_MAX && matches!(content, Content::Gzip | Content::Zstd | Content::Tar) {
            self.unread(name, &too_deep());
            return self.text(name, stream);
        }
        match content {
            Content::Gzip => {
                let unpacked = MultiGzDecoder::new(BufReader::new(stream));
                let mut unpacked = self.budget.reader(unpacked);
                self.stream(name, &mut unpacked, depth + 1)
            }
            Content::Zstd => {
                let unpacked = zstd::stream::read::Decoder::new(stream)?;
                let mut unpacked = self.budget.reader(unpacked);
                self.stream(name, &mut unpacked, depth + 1)
            }
            Content::Tar => tar::scan(self, name, stream, depth),
            Content::Table(delimiter) => csv::scan(self, name, stream, delimiter),
            Content::Closed(what) => Err(io::Error::other(format!("{what} is not opened"))),
            Content::Text | Content::Zip | Content::Sqlite | Content::Parquet => self.text(name, stream),
        }
    }

    /// Looks at bytes as they are. What came before an error is looked at too.
    pub fn text(&mut self, name: &Name, stream: &mut dyn Read) -> io::Result<()> {
        let mut scan = TextScan::new(self.classes, b"");
        let mut hits = Vec::new();
        let read = self.pieces(stream, &mut |scanner, piece| {
            scan.push(piece, &mut hits);
            hits.drain(..).for_each(|hit| scanner.found(Found::in_text(name, hit)));
        });
        scan.finish(&mut hits);
        hits.drain(..).for_each(|hit| self.found(Found::in_text(name, hit)));
        read
    }

    /// Reads a stream piece by piece.
    pub fn pieces(
        &mut self,
        stream: &mut dyn Read,
        each: &mut dyn FnMut(&mut Self, &[u8]),
    ) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    self.passed(read);
                    each(self, piece.get(..read).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks at what a file or something in it is called: from `from` on, what is before has been looked at.
    pub fn name(&mut self, name: &Name, from: usize) {
        let found = apart(mask::find_all(name.bytes(), self.classes));
        if found.is_empty() {
            return;
        }
        let masked = MASKER.text(name.bytes()).map(|masked| masked.bytes).unwrap_or_default();
        for finding in found.into_iter().filter(|it| it.range.end > from) {
            let masked = plain(masked.get(finding.range).unwrap_or(b"****"));
            let place = Place::Name;
            self.found(Found {
                name: name.clone(),
                place,
                kind: finding.kind,
                masked,
                context: name.shown(),
            });
        }
    }

    /// So many more bytes have been looked at.
    pub fn passed(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn found(&mut self, found: Found) {
        (self.say)(Event::Found(found));
    }

    pub fn unread(&mut self, name: &Name, why: &dyn std::fmt::Display) {
        (self.say)(Event::Unread(Unread { name: name.clone(), why: safe(why.to_string().as_bytes()) }));
    }
}

fn too_deep() -> io::Error {
    io::Error::other(format!("it is {DEPTH_MAX} layers deep in others; what is in it is not looked at"))
}

/// A stream whose beginning has been looked at to know what it is. It is read from its start all the same, and
/// fails where it failed.
struct Stream<'a> {
    head: Vec<u8>,
    passed: usize,
    failed: Option<io::Error>,
    rest: &'a mut dyn Read,
}

impl<'a> Stream<'a> {
    fn begin(rest: &'a mut dyn Read) -> Self {
        let mut head = Vec::new();
        let failed = (&mut *rest).take(HEAD_BYTES as u64).read_to_end(&mut head).err();
        Self { head, passed: 0, failed, rest }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut head = self.head.get(self.passed..).unwrap_or_default();
        match (head, self.failed.take_if(|_| head.is_empty())) {
            ([], Some(error)) => Err(error),
            ([], None) => self.rest.read(buffer),
            _ => {
                let read = head.read(buffer)?;
                self.passed += read;
                Ok(read)
            }
        }
    }
}
