//! Copies in binary (PostgreSQL's COPY, "Binary Format"): a header, rows, and an end.

use bytes::{BufMut, BytesMut};

use super::{BROKEN, ROW_BYTES_MAX, SAD, TOO_LONG, Taken};
use crate::columns::{Plan, Told, put_value};
use crate::frame::{Fields, message, put_length};

/// The rows of one copy.
#[derive(Default)]
pub(super) struct Tuples {
    /// What has come of a row, or of the header, of which the end has not come.
    begun: Vec<u8>,
    /// How many bytes of it are there at least before it is worth to look again.
    wanted: usize,
    /// The header, which goes out with what comes first after it.
    header: Vec<u8>,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    Rows,
    Over,
}

/// What a look at what has begun says.
enum Length {
    /// It is there, in so many bytes.
    Is(usize),
    /// It is not there before there are so many.
    AtLeast(usize),
}

/// What every binary copy begins with.
pub(crate) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The number of columns that says that there are no more rows.
const END: u16 = u16::MAX;

impl Tuples {
    pub(super) fn data(
        &mut self,
        bytes: &[u8],
        plan: &Plan,
        out: &mut BytesMut,
    ) -> Result<Taken, &'static str> {
        let mut taken = Taken::default();
        self.begun.extend_from_slice(bytes);
        let begun = std::mem::take(&mut self.begun);
        let mut rest = begun.as_slice();
        while rest.len() >= self.wanted && !rest.is_empty() {
            let length = match self.state {
                State::Header => header(rest)?,
                State::Rows => tuple(rest),
                State::Over => return Err(BROKEN),
            };
            let length = match length {
                Length::Is(length) => length,
                Length::AtLeast(wanted) => {
                    self.wanted = wanted;
                    break;
                }
            };
            let (piece, after) = rest.split_at_checked(length).ok_or(BROKEN)?;
            self.wanted = 0;
            self.piece(piece, plan, out, &mut taken)?;
            rest = after;
        }
        if rest.len().max(self.wanted) > ROW_BYTES_MAX {
            return Err(TOO_LONG);
        }
        self.begun = rest.to_vec();
        Ok(taken)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Over
    }

    fn piece(
        &mut self,
        piece: &[u8],
        plan: &Plan,
        out: &mut BytesMut,
        taken: &mut Taken,
    ) -> Result<(), &'static str> {
        if self.state == State::Header {
            self.header = piece.to_vec();
            self.state = State::Rows;
            return Ok(());
        }
        let header = std::mem::take(&mut self.header);
        if piece == END.to_be_bytes() {
            self.state = State::Over;
            message(out, b'd', |out| {
                out.put_slice(&header);
                out.put_slice(piece);
            });
            return Ok(());
        }
        let start = out.len();
        out.put_u8(b'd');
        out.put_u32(0);
        out.put_slice(&header);
        match told(piece, plan, out) {
            Ok(masked) => taken.masked += masked,
            Err(why) => {
                out.truncate(start);
                return Err(why);
            }
        }
        put_length(out, start);
        taken.rows += 1;
        Ok(())
    }
}

/// Writes a row but for its frame. How many of its values are masked.
fn told(tuple: &[u8], plan: &Plan, out: &mut BytesMut) -> Result<u64, &'static str> {
    let mut fields = Fields::over(tuple);
    let count = fields.u16().filter(|count| usize::from(*count) == plan.width()).ok_or(BROKEN)?;
    let (mut copied, mut masked) = (0, 0);
    for index in 0..usize::from(count) {
        let at = tuple.len() - fields.rest().len();
        let Some(value) = fields.value().ok_or(BROKEN)? else { continue };
        let told = plan.tell(index, value).ok_or(BROKEN)?;
        masked += u64::from(matches!(told, Told::Masked(_)));
        match told {
            Told::AsItCame => {}
            Told::Rewritten(told) | Told::Masked(told) => {
                out.put_slice(tuple.get(copied..at).unwrap_or_default());
                put_value(out, told.as_deref());
                copied = tuple.len() - fields.rest().len();
            }
            Told::Sad => return Err(SAD),
        }
    }
    out.put_slice(tuple.get(copied..).unwrap_or_default());
    Ok(masked)
}

/// How long the header is that `bytes` begin with.
fn header(bytes: &[u8]) -> Result<Length, &'static str> {
    let fixed = SIGNATURE.len() + 8;
    let mut fields = Fields::over(bytes);
    let (Some(signature), Some(flags), Some(extension)) =
        (fields.take(SIGNATURE.len()), fields.u32(), fields.u32())
    else {
        return Ok(Length::AtLeast(fixed));
    };
    // With a flag (there was one, for OIDs) the rows look otherwise.
    if signature != SIGNATURE || flags != 0 {
        return Err(BROKEN);
    }
    let length = usize::try_from(extension).ok().and_then(|extension| extension.checked_add(fixed));
    let length = length.filter(|length| *length <= ROW_BYTES_MAX).ok_or(BROKEN)?;
    Ok(if length <= bytes.len() { Length::Is(length) } else { Length::AtLeast(length) })
}

/// How long the row is, or the end, that `bytes` begin with.
fn tuple(bytes: &[u8]) -> Length {
    let mut fields = Fields::over(bytes);
    let Some(count) = fields.u16() else { return Length::AtLeast(2) };
    if count == END {
        return Length::Is(2);
    }
    for _ in 0..count {
        let at = bytes.len() - fields.rest().len();
        let mut ahead = fields.clone();
        let Some(length) = ahead.u32() else { return Length::AtLeast(at + 4) };
        // -1 is NULL, and nothing else is below 0: what is will be found broken when the row is read.
        let length = usize::try_from(length.cast_signed()).unwrap_or(0);
        if ahead.take(length).is_none() {
            return Length::AtLeast((at + 4).saturating_add(length));
        }
        fields = ahead;
    }
    Length::Is(bytes.len() - fields.rest().len())
}
