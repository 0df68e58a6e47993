//! Text and tables as a PDF, in the fonts that every reader has (ISO 32000-1, 9.6.2.2).

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};

/// A document while it is written, A4 on its side. Lengths are in points.
pub struct Paper {
    pages: Vec<Content>,
    /// How far the page is filled, from its lower edge.
    y: f32,
}

impl Paper {
    pub fn new(title: &str) -> Self {
        let mut paper = Self { pages: Vec::new(), y: 0.0 };
        paper.turn();
        paper.y -= 12.0;
        paper.line(MARGIN, BOLD, 18.0, title);
        paper.y -= 14.0;
        paper
    }

    /// A smaller heading, with room for something below it.
    pub fn heading(&mut self, text: &str) {
        self.y -= 22.0;
        self.room(60.0);
        self.line(MARGIN, BOLD, 12.0, text);
        self.y -= 8.0;
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) {
        for line in wrapped(text, SIZE, 560.0) {
            self.room(LEADING);
            self.y -= LEADING;
            self.line(MARGIN, PLAIN, SIZE, &line);
        }
        self.y -= 4.0;
    }

    /// Names, and what is said of each.
    pub fn facts(&mut self, facts: Vec<(&str, String)>) {
        for (name, said) in facts {
            for (number, line) in wrapped(&said, SIZE, WIDTH - 2.0 * MARGIN - 130.0).iter().enumerate() {
                self.room(LEADING);
                self.y -= LEADING;
                if number == 0 {
                    self.line(MARGIN, PLAIN, SIZE, name);
                }
                self.line(MARGIN + 130.0, PLAIN, SIZE, line);
            }
        }
        self.y -= 8.0;
    }

    /// A table with columns of these widths; its head stands on each page again.
    pub fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        widths: [f32; N],
        rows: impl Iterator<Item = [String; N]>,
    ) {
        self.head(&head, &widths);
        for row in rows {
            let cells: Vec<Vec<String>> =
                row.iter().zip(widths).map(|(cell, width)| wrapped(cell, SMALL, width - GAP)).collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or_default();
            let height = lines as f32 * SMALL_LEADING + 5.0;
            if self.y - height < MARGIN {
                self.turn();
                self.head(&head, &widths);
            }
            let top = self.y;
            let mut x = MARGIN;
            for (cell, width) in cells.iter().zip(widths) {
                self.y = top;
                for line in cell {
                    self.y -= SMALL_LEADING;
                    self.line(x, PLAIN, SMALL, line);
                }
                x += width;
            }
            self.y = top - height;
            self.rule(0.4, 0.8);
        }
    }

    fn head<const N: usize>(&mut self, head: &[&str; N], widths: &[f32; N]) {
        self.room(4.0 * SMALL_LEADING);
        self.y -= SMALL_LEADING;
        let mut x = MARGIN;
        for (name, width) in head.iter().zip(widths) {
            self.line(x, BOLD, SMALL, name);
            x += width;
        }
        self.y -= 4.0;
        self.rule(0.8, 0.0);
    }

    /// The document, with a line at the foot of each page.
    pub fn end(self, foot: &str) -> Vec<u8> {
        let mut pdf = Pdf::new();
        let (catalog, tree, plain, bold) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4));
        let count = self.pages.len();
        // Two objects a page.
        let page_of = |number: usize| Ref::new(5 + 2 * i32::try_from(number).unwrap_or_default());
        let content_of = |number: usize| Ref::new(6 + 2 * i32::try_from(number).unwrap_or_default());
        pdf.catalog(catalog).pages(tree);
        pdf.pages(tree).kids((0..count).map(page_of)).count(i32::try_from(count).unwrap_or_default());
        for (font, name) in [(plain, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (number, mut content) in self.pages.into_iter().enumerate() {
            show(
                &mut content,
                (MARGIN, 20.0),
                PLAIN,
                7.0,
                &format!("{foot}, page {} of {count}", number + 1),
            );
            let mut page = pdf.page(page_of(number));
            page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(content_of(number));
            let mut resources = page.resources();
            resources.fonts().pair(PLAIN, plain).pair(BOLD, bold);
            resources.finish();
            page.finish();
            pdf.stream(content_of(number), &content.finish());
        }
        pdf.finish()
    }

    /// Goes on on a new page where there is less room than this.
    fn room(&mut self, height: f32) {
        if self.y - height < MARGIN {
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.pages.push(Content::new());
        self.y = HEIGHT - MARGIN;
    }

    fn line(&mut self, x: f32, font: Name<'static>, size: f32, text: &str) {
        let y = self.y;
        if let Some(content) = self.pages.last_mut() {
            show(content, (x, y), font, size, text);
        }
    }

    fn rule(&mut self, width: f32, gray: f32) {
        let y = self.y;
        if let Some(content) = self.pages.last_mut() {
            content.set_line_width(width).set_stroke_gray(gray);
            content.move_to(MARGIN, y).line_to(WIDTH - MARGIN, y).stroke();
        }
    }
}

fn show(content: &mut Content, (x, y): (f32, f32), font: Name<'static>, size: f32, text: &str) {
    let text: Vec<u8> = text.chars().map(winansi).collect();
    content.begin_text().set_font(font, size).next_line(x, y).show(Str(&text)).end_text();
}

/// A character in the fonts' encoding, as far as it is ASCII or Latin-1.
fn winansi(c: char) -> u8 {
    match c {
        ' '..='~' | '\u{a1}'..='\u{ff}' => u8::try_from(u32::from(c)).unwrap_or(b'?'),
        _ => b'?',
    }
}

/// `text` in lines no longer than `width`, broken between words, and within those that are longer.
fn wrapped(text: &str, size: f32, width: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if length(&joined, size) <= width {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if length(&line, size) > width && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    lines.push(line);
    lines
}

fn length(text: &str, size: f32) -> f32 {
    let of =
        |c: char| usize::try_from(u32::from(c)).ok()?.checked_sub(32).and_then(|at| WIDTHS.get(at)).copied();
    text.chars().map(|c| f32::from(of(c).unwrap_or(WIDTH_OF_OTHERS))).sum::<f32>() * size / 1000.0
}

/// Of Helvetica's characters from the space to `~`, in thousandths of its size (Adobe's Core 14 AFM files).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The widest of letters beyond ASCII are about as wide.
const WIDTH_OF_OTHERS: u16 = 1000;

const PLAIN: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

const WIDTH: f32 = 842.0;
const HEIGHT: f32 = 595.0;
const MARGIN: f32 = 40.0;
const GAP: f32 = 10.0;
const SIZE: f32 = 9.0;
const LEADING: f32 = 13.0;
const SMALL: f32 = 7.5;
const SMALL_LEADING: f32 = 10.0;

#[cfg(test)]
mod tests;
