//! Pages that are read without a network and without scripts, and print well.

use std::fmt::Write;

use notify::is_unseen;

/// A page while it is written.
pub struct Page {
    html: String,
}

impl Page {
    /// A page with this heading; `up` is the way to the folder of the index.
    pub fn new(title: &str, up: &str) -> Self {
        let title = escaped(title);
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n"
        );
        match up {
            "" => html.push_str("<nav>panguard evidence</nav>\n"),
            up => _ = writeln!(html, "<nav><a href=\"{up}index.html\">panguard evidence</a></nav>"),
        }
        _ = writeln!(html, "<h1>{title}</h1>");
        Self { html }
    }

    /// A smaller heading.
    pub fn heading(&mut self, text: &str) {
        _ = writeln!(self.html, "<h2>{}</h2>", escaped(text));
    }

    /// A paragraph of ours.
    pub fn text(&mut self, text: &str) {
        _ = writeln!(self.html, "<p>{}</p>", marked(text));
    }

    /// What is to be typed.
    pub fn code(&mut self, text: &str) {
        _ = writeln!(self.html, "<pre>{}</pre>", escaped(text));
    }

    /// Names, and what is said of each.
    pub fn facts<'a>(&mut self, facts: impl IntoIterator<Item = (&'a str, String)>) {
        self.html.push_str("<dl>\n");
        for (name, said) in facts {
            _ = writeln!(self.html, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(&said));
        }
        self.html.push_str("</dl>\n");
    }

    /// A table.
    pub fn table<'a>(
        &mut self,
        head: impl IntoIterator<Item = &'a str>,
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) {
        self.html.push_str("<table>\n<thead><tr>");
        for name in head {
            _ = write!(self.html, "<th>{}</th>", escaped(&name.replace('_', " ")));
        }
        self.html.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.html.push_str("<tr>");
            for cell in row {
                _ = write!(self.html, "<td>{}</td>", cell.0);
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</tbody>\n</table>\n");
    }

    /// The page.
    pub fn end(mut self) -> String {
        self.html.push_str("</body>\n</html>\n");
        self.html
    }
}

/// What stands in a cell of a table: escaped already.
pub struct Cell(String);

impl Cell {
    /// Text from anywhere, shortened to what a page has room for.
    pub fn text(text: &str) -> Self {
        if let Some((day, hour)) = moment(text) {
            return Self(format!("<time>{day}</time> <time>{hour}</time>"));
        }
        let (shown, rest) = match text.char_indices().nth(CELL_CHARS_MAX) {
            Some((end, _)) => (text.get(..end).unwrap_or_default(), "…"),
            None => (text, ""),
        };
        Self(breakable(shown) + rest)
    }

    /// Text of ours.
    pub fn ours(text: &str) -> Self {
        Self(marked(text))
    }

    /// Links to files of the pack, which are of our naming.
    pub fn links<'a>(links: impl IntoIterator<Item = (String, &'a str)>) -> Self {
        let links = links.into_iter();
        let links = links.map(|(path, text)| format!("<a href=\"{}\">{}</a>", escaped(&path), escaped(text)));
        Self(links.collect::<Vec<_>>().join(" "))
    }
}

/// Text from anywhere as HTML's own: no markup, and nothing that is not seen.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' => html.push('\n'),
            '\t' => html.push(' '),
            c if is_unseen(c) => html.extend(c.escape_unicode()),
            c => html.push(c),
        }
    }
    html
}

/// Text of ours, in which what stands between backticks is code.
fn marked(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 1 { format!("<code>{}</code>", escaped(part)) } else { escaped(part) })
        .collect()
}

/// The same as `escaped`, and words so long that no column holds them may be broken.
fn breakable(text: &str) -> String {
    let long = |word: &str| word.chars().count() > WORD_CHARS_MAX;
    let words = text.split_inclusive(char::is_whitespace);
    let broken = words.map(|word| match long(word) {
        true => {
            let chars: Vec<char> = word.chars().collect();
            let parts = chars.chunks(PART_CHARS).map(|part| escaped(&part.iter().collect::<String>()));
            parts.collect::<Vec<_>>().join("<wbr>")
        }
        false => escaped(word),
    });
    broken.collect()
}

/// A moment as entries have it, in its two parts.
fn moment(text: &str) -> Option<(&str, &str)> {
    let (day, hour) = text.split_once('T').filter(|_| text.len() == MOMENT_BYTES)?;
    let is_of =
        |text: &str, more: &[u8]| text.bytes().all(|byte| byte.is_ascii_digit() || more.contains(&byte));
    (is_of(day, b"-") && is_of(hour, b":.Z")).then_some((day, hour))
}

/// `2026-01-01T00:00:00.000000Z`.
const MOMENT_BYTES: usize = 27;

/// Longer words are broken, such as digests.
const WORD_CHARS_MAX: usize = 24;

/// Into parts of so many characters.
const PART_CHARS: usize = 16;

/// Characters of a cell that a page shows; the table beside it has them all.
pub const CELL_CHARS_MAX: usize = 400;

const STYLE: &str = "\
body { font: 14px/1.45 system-ui, 'Helvetica Neue', Arial, sans-serif; color: #1b1f24; background: #fff; margin: 2.5rem auto; max-width: 82rem; padding: 0 1.5rem; }
nav { font-size: 12px; letter-spacing: .06em; text-transform: uppercase; color: #57606a; border-bottom: 2px solid #1b1f24; padding-bottom: .4rem; }
nav a { color: inherit; text-decoration: none; }
h1 { font-size: 24px; line-height: 1.2; margin: 1.4rem 0 .8rem; }
h2 { font-size: 16px; margin: 2.2rem 0 .6rem; }
p { max-width: 52rem; margin: .5rem 0; }
a { color: #0b4f9e; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.4rem; margin: 1rem 0; }
dt { color: #57606a; }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
pre { background: #f4f5f7; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; margin: .8rem 0; }
th { text-align: left; font-weight: 600; color: #57606a; border-bottom: 1.5px solid #1b1f24; padding: .35rem .8rem .35rem 0; vertical-align: bottom; }
td { border-bottom: 1px solid #d8dce1; padding: .4rem .8rem .4rem 0; vertical-align: top; white-space: pre-wrap; overflow-wrap: break-word; font-variant-numeric: tabular-nums; }
time, td:first-child { white-space: nowrap; }
code { font: .93em ui-monospace, Menlo, Consolas, monospace; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 10.5px; } table { font-size: 9px; } thead { display: table-header-group; } tr { break-inside: avoid; } a { color: inherit; text-decoration: none; } }
@page { size: A4 landscape; margin: 14mm; }
";
