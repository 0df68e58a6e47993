//! A file of psql's, cut into the statements that psql would send.

// In helpers of tests, which clippy does not see as tests.
#![allow(clippy::indexing_slicing, clippy::string_slice)]

/// The statements of `text`, without psql's own commands and the data of `COPY`.
pub fn statements(text: &str) -> Vec<String> {
    let mut cut = Cut { rest: text, ..Cut::default() };
    while cut.step() {}
    cut.end();
    cut.done
}

#[derive(Default)]
struct Cut<'a> {
    rest: &'a str,
    statement: String,
    parentheses: usize,
    /// Words of the statement so far that stand outside of quotes: the first few say what it is.
    words: Vec<String>,
    /// Open `BEGIN`s and `CASE`s of a body in SQL, within which a semicolon ends nothing.
    blocks: usize,
    done: Vec<String>,
}

impl Cut<'_> {
    /// Takes the next token; whether there was one.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            '\'' | '"' => {
                if self.statement.ends_with(':') && !self.statement.ends_with("::") {
                    // A variable, in quotes that psql would put around its value.
                    self.statement.pop();
                }
                let escapes = first == '\''
                    && self.statement.ends_with(['e', 'E'])
                    && self.words.last().is_some_and(|word| word == "e");
                self.keep(quoted(self.rest, first, escapes));
            }
            '$' => self.keep(dollar_quoted(self.rest)),
            '-' if self.rest.starts_with("--") => self.keep(line(self.rest)),
            '/' if self.rest.starts_with("/*") => self.keep(comment(self.rest)),
            '\\' => self.command(),
            '(' => {
                self.parentheses += 1;
                self.keep(1);
            }
            ')' => {
                self.parentheses = self.parentheses.saturating_sub(1);
                self.keep(1);
            }
            ';' if self.parentheses == 0 && self.blocks == 0 => {
                self.rest = &self.rest[1..];
                self.end();
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
                let length = end.unwrap_or(self.rest.len());
                self.word(self.rest[..length].to_lowercase());
                self.keep(length);
            }
            _ => self.keep(first.len_utf8()),
        }
        true
    }

    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.statement.push_str(kept);
        self.rest = rest;
    }

    fn word(&mut self, word: String) {
        let is_routine = self.words.first().is_some_and(|first| first == "create")
            && self.words.iter().take(4).any(|word| word == "function" || word == "procedure");
        match &*word {
            "begin" if is_routine => self.blocks += 1,
            "case" if self.blocks > 0 => self.blocks += 1,
            "end" => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
        self.words.push(word);
    }

    /// A command of psql's, to the end of its line.
    fn command(&mut self) {
        if self.rest.starts_with("\\;") {
            self.rest = &self.rest[1..];
            return self.keep(1);
        }
        let (command, rest) = self.rest.split_at(line(self.rest));
        self.rest = rest;
        let name = command.split_whitespace().next().unwrap_or_default();
        if ["\\g", "\\gx", "\\gset", "\\gexec", "\\gdesc", "\\crosstabview", "\\watch"].contains(&name) {
            self.end();
        } else if ["\\r", "\\reset"].contains(&name) {
            self.statement.clear();
        }
    }

    /// The statement ends here; the data of a `COPY` from the client follow it.
    fn end(&mut self) {
        let statement = std::mem::take(&mut self.statement);
        let words = std::mem::take(&mut self.words);
        (self.parentheses, self.blocks) = (0, 0);
        let copies = words.first().is_some_and(|first| first == "copy")
            && words.windows(2).any(|pair| pair == ["from", "stdin"]);
        if !words.is_empty() {
            self.done.push(statement.trim().to_owned());
        }
        if copies {
            let data = self.rest.find("\n\\.").map_or(self.rest.len(), |at| at + 3);
            self.rest = &self.rest[data..];
        }
    }
}

/// The length of the line, without its end.
fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut skips = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if skips => skips = false,
            '\\' if escapes => skips = true,
            // Of two, the second begins what is read next.
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn dollar_quoted(text: &str) -> usize {
    let Some(end) = text[1..].find('$') else { return 1 };
    let (name, tag) = (&text[1..=end], &text[..end + 2]);
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_name || name.starts_with(|c: char| c.is_ascii_digit()) {
        return 1;
    }
    text[tag.len()..].find(tag).map_or(text.len(), |at| at + 2 * tag.len())
}

fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += 1;
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[test]
fn a_file_is_cut_as_psql_cuts_it() {
    let text = r#"
-- a comment; and more
SELECT 'a;''b', E'\';', ";", $x$;$y$;$x$ /* ; /* ; */ */ FROM t;
\set x 'y;'
SELECT 1 \gset
SELECT :'x', a::text \; SELECT 2;
COPY t FROM stdin;
1;2
\.
CREATE RULE r AS ON INSERT TO t DO (DELETE FROM u; DELETE FROM v);
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
BEGIN; END;
"#;
    let expected = [
        "-- a comment; and more\nSELECT 'a;''b', E'\\';', \";\", $x$;$y$;$x$ /* ; /* ; */ */ FROM t",
        "SELECT 1",
        "SELECT 'x', a::text ; SELECT 2",
        "COPY t FROM stdin",
        "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM u; DELETE FROM v)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "BEGIN",
        "END",
    ];
    assert_eq!(statements(text), expected);
}
