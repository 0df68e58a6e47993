use std::ops::Range;

use super::string;
use crate::masker::Masker;
use crate::stream::Stream;

/// Masks text that comes in pieces, each in a JSON string of its own: the `delta.content` of server-sent events,
/// or the arguments of a tool call in parts.
///
/// The pieces are one text: a number that begins in one frame and ends in another is masked, as [`Masker::text`]
/// masks the whole of it. Nothing of a frame changes but the string, and not that either while nothing is found
/// or held back. There is one for each text: for each choice, and for each content block.
pub struct JsonStream {
    stream: Stream,
    /// The first half of a surrogate pair that was cut, as written.
    half: Vec<u8>,
    /// What has been released of a character whose other bytes are held back.
    begun: Vec<u8>,
}

/// There is no such JSON string in the frame; nothing of it may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAString;

impl JsonStream {
    /// A masker for one text.
    pub fn new(masker: Masker) -> Self {
        Self { stream: Stream::new(masker), half: Vec::new(), begun: Vec::new() }
    }

    /// Goes on with what is between the quotes of a JSON string at `content` of `frame`, and gives the frame to
    /// send in its place. What is held back comes with a later one, or with [`JsonStream::finish`].
    ///
    /// # Errors
    /// [`NotAString`] when `content` is not the whole of what stands between two quotes (RFC 8259 §7).
    pub fn push(&mut self, frame: &[u8], content: Range<usize>) -> Result<Vec<u8>, NotAString> {
        let quote = content.start.checked_sub(1).and_then(|at| frame.get(at));
        let rest = frame.get(content.start..).ok_or(NotAString)?;
        if quote != Some(&b'"') || string::length(rest) != Some(content.len()) {
            return Err(NotAString);
        }
        let (Some(before), Some(written), Some(after)) =
            (frame.get(..content.start), frame.get(content.clone()), frame.get(content.end..))
        else {
            return Err(NotAString);
        };
        let clear = self.stream.held() == 0 && self.half.is_empty() && self.begun.is_empty();
        let mut written = [self.half.as_slice(), written].concat();
        self.half = written.split_off(written.len() - string::half_pair(&written));
        let text = string::unescape(&written);
        let told = self.released(|stream, out| stream.push(&text, out));
        let same = clear && self.stream.held() == 0 && self.half.is_empty() && told == text;
        let told = if same { written } else { string::escape(&told) };
        Ok([before, told.as_slice(), after].concat())
    }

    /// Ends the text: what was held back, masked, as it stands between the quotes of a JSON string. It is to be
    /// sent in a frame like the last one when it is not empty.
    pub fn finish(&mut self) -> Vec<u8> {
        let half = string::unescape(&std::mem::take(&mut self.half));
        let mut told = self.released(|stream, out| {
            stream.push(&half, out);
            stream.finish(out);
        });
        told.append(&mut self.begun);
        string::escape(&told)
    }

    /// How many bytes of text are held back.
    pub fn held(&self) -> usize {
        self.stream.held() + self.half.len() + self.begun.len()
    }

    /// How many things were found and masked so far.
    pub fn found(&self) -> u64 {
        self.stream.found()
    }

    /// Whether sensitive authentication data was among them: what follows is to be withheld.
    pub fn sad(&self) -> bool {
        self.stream.sad()
    }

    /// What the stream releases, up to its last whole character.
    fn released(&mut self, run: impl FnOnce(&mut Stream, &mut Vec<u8>)) -> Vec<u8> {
        let mut told = std::mem::take(&mut self.begun);
        run(&mut self.stream, &mut told);
        if let Err(cut) = str::from_utf8(&told)
            && cut.error_len().is_none()
        {
            self.begun = told.split_off(cut.valid_up_to());
        }
        told
    }
}

impl std::fmt::Debug for JsonStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JsonStream {{ held: {} }}", self.held())
    }
}

impl std::fmt::Display for NotAString {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no JSON string where the frame's text should be")
    }
}

impl std::error::Error for NotAString {}
