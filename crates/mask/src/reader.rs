use crate::finding::Finding;
use crate::text::Text;

/// One way of reading a text from its start to its end, for one kind of thing that it may hold.
///
/// What a reader finds at a place depends on a bounded stretch of text around it: [`BEHIND`] bytes before, as
/// they came, and some hundred bytes after. So it comes to the same in a stream.
pub(crate) trait Reader {
    /// The next finding, in the order of where they start; `None` once it has made up its mind `until` there, at
    /// the end of what is known, or where what is known does not suffice.
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding>;

    /// What it finds where it is, and nowhere else: it goes on behind that place, unless what is known does not suffice.
    /// A reader that cannot look at one place alone reads on to `until`.
    fn here(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        self.next(text, until)
    }

    /// Up to where it has made up its mind: it will find nothing more that starts before.
    fn at(&self) -> usize;

    /// Goes on at `at`, if it is not beyond: what is before has been masked.
    fn skip_to(&mut self, at: usize);

    /// The first `bytes` of the text have been dropped: every place is that much nearer.
    fn forget(&mut self, bytes: usize);
}

/// How far back a reader may look from where a finding starts.
pub(crate) const BEHIND: usize = 256;
