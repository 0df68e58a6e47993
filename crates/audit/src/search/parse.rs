use std::fmt;

use access::Timestamp;

use super::{Field, Search};

/// An expression that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misunderstood {
    /// Where, in bytes from the beginning: before it all is well.
    pub at: usize,
    /// What is wrong there, and what to write.
    pub what: String,
}

impl fmt::Display for Misunderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.what)
    }
}

impl std::error::Error for Misunderstood {}

/// Reads `text` to its end.
pub(super) fn expression(text: &str, now: Timestamp) -> Result<Search, Misunderstood> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let what = format!("an expression has at most {EXPRESSION_BYTES_MAX} bytes");
        return Err(Misunderstood { at: EXPRESSION_BYTES_MAX, what });
    }
    let mut reader = Reader { text, at: 0, now };
    let search = reader.any(0)?;
    match reader.peek() {
        None => Ok(search),
        Some(')') => Err(reader.wrong("this `)` closes nothing")),
        Some(_) => Err(reader.wrong("`and` or `or` is missing here")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    now: Timestamp,
}

impl<'a> Reader<'a> {
    fn any(&mut self, depth: usize) -> Result<Search, Misunderstood> {
        let first = self.all(depth)?;
        let mut any = vec![first];
        while self.takes_word("or") {
            any.push(self.all(depth)?);
        }
        Ok(one_or(any, Search::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Search, Misunderstood> {
        let first = self.term(depth)?;
        let mut all = vec![first];
        while self.takes_word("and") {
            all.push(self.term(depth)?);
        }
        Ok(one_or(all, Search::All))
    }

    fn term(&mut self, depth: usize) -> Result<Search, Misunderstood> {
        if depth >= DEPTH_MAX {
            return Err(self.wrong(format!("more than {DEPTH_MAX} `(` and `not` within each other")));
        }
        if self.peek() == Some('(') {
            let opened = self.at;
            self.at += 1;
            let inner = self.any(depth + 1)?;
            if self.peek() != Some(')') {
                let what = match self.peek() {
                    None => format!("the `(` at byte {opened} is not closed"),
                    Some(_) => "`and`, `or` or `)` is missing here".to_owned(),
                };
                return Err(self.wrong(what));
            }
            self.at += 1;
            return Ok(inner);
        }
        // A field has no such name, so that `not` in this place is never one.
        if self.takes_word("not") {
            return Ok(Search::Not(Box::new(self.term(depth + 1)?)));
        }
        self.condition()
    }

    /// `field operator value`.
    fn condition(&mut self) -> Result<Search, Misunderstood> {
        self.peek();
        let began = self.at;
        let name = self.word();
        let wrong = |what: String| Misunderstood { at: began, what };
        let field = Field::ALL.into_iter().find(|field| field.name() == name);
        if name.is_empty() {
            return Err(wrong("a field is missing here, such as `principal = ci-bot`".into()));
        }
        if field.is_none() && name != TIME {
            let names: Vec<&str> = Field::ALL.into_iter().map(Field::name).collect();
            return Err(wrong(format!("there is no such field; there are {} and {TIME}", names.join(", "))));
        }
        self.peek();
        let stands = self.at;
        let operator = self.operator();
        let wrong = |what: String| Misunderstood { at: stands, what };
        let Some(field) = field else {
            let Some(compared) = operator.filter(|operator| matches!(*operator, "<" | "<=" | ">" | ">="))
            else {
                return Err(wrong("a time is compared by `<`, `<=`, `>` or `>=`".into()));
            };
            return self.time(compared);
        };
        match operator {
            Some("=") => Ok(Search::Is(field, self.value()?)),
            Some("!=") => Ok(Search::Not(Box::new(Search::Is(field, self.value()?)))),
            Some("~") => Ok(Search::Holds(field, self.value()?)),
            Some(_) => Err(wrong(format!("only `{TIME}` is compared so; write `=`, `!=` or `~` (holds)"))),
            None => Err(wrong("`=`, `!=` or `~` (holds) is missing here".into())),
        }
    }

    fn time(&mut self, compared: &str) -> Result<Search, Misunderstood> {
        self.peek();
        let at = self.at;
        let value = self.value()?;
        let Some(time) = moment(&value, self.now) else {
            let what = "not a time; write a moment such as `2026-11-22T09:00:00Z`, a day such as `2026-11-22`, \
                or a while ago such as `15m`, `2h` or `3d`";
            return Err(Misunderstood { at, what: what.into() });
        };
        let after = Timestamp(time.micros().saturating_add(1));
        let not = |search| Search::Not(Box::new(search));
        Ok(match compared {
            "<" => not(Search::Since(time)),
            "<=" => not(Search::Since(after)),
            ">" => Search::Since(after),
            _ => Search::Since(time),
        })
    }

    fn operator(&mut self) -> Option<&'static str> {
        let rest = self.rest();
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator))?;
        self.at += operator.len();
        Some(operator)
    }

    fn value(&mut self) -> Result<Box<str>, Misunderstood> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => match self.word() {
                "" => Err(self.wrong("a value is missing here; quote one that is empty or has spaces, parentheses or operators in it")),
                word => Ok(word.into()),
            },
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Box<str>, Misunderstood> {
        let opened = self.at;
        let mut value = String::new();
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => {
                    value.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                _ if c == quote => {
                    self.at = opened + at + 1;
                    return Ok(value.into());
                }
                _ => value.push(c),
            }
        }
        Err(Misunderstood { at: opened, what: format!("this {quote} is not closed") })
    }

    /// The longest run of characters that mean nothing else.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let ends =
            |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'' | '=' | '!' | '~' | '<' | '>');
        let (word, _) = rest.split_at_checked(rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        word
    }

    /// Goes past `word` if it is the next one.
    fn takes_word(&mut self, word: &str) -> bool {
        self.peek();
        let before = self.at;
        let taken = self.word().eq_ignore_ascii_case(word);
        if !taken {
            self.at = before;
        }
        taken
    }

    /// The next character after white space, which is passed over.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, what: impl Into<String>) -> Misunderstood {
        Misunderstood { at: self.at, what: what.into() }
    }
}

/// A moment, the beginning of a day (UTC), or a while before `now`.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(moment.as_microsecond()));
    }
    // With more behind it, it would be read as a day as well, and be another time than whoever wrote it meant.
    if text.len() == "2026-11-22".len()
        && let Ok(day) = text.parse::<jiff::civil::Date>()
    {
        let begins = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(Timestamp(begins.timestamp().as_microsecond()));
    }
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        's' => number,
        'm' => number.saturating_mul(60),
        'h' => number.saturating_mul(3600),
        'd' => number.saturating_mul(86_400),
        _ => return None,
    };
    Some(Timestamp(now.micros().saturating_sub(seconds.saturating_mul(1_000_000))))
}

fn one_or(mut list: Vec<Search>, many: fn(Vec<Search>) -> Search) -> Search {
    match list.pop() {
        Some(one) if list.is_empty() => one,
        Some(last) => {
            list.push(last);
            many(list)
        }
        None => many(list),
    }
}

/// The longer ones first, since they begin like shorter ones.
const OPERATORS: [&str; 7] = ["!=", "<=", ">=", "=", "~", "<", ">"];

const TIME: &str = "time";

/// Some hundred conditions; a search takes time by their number.
const EXPRESSION_BYTES_MAX: usize = 8 << 10;

/// Nobody writes more, and each takes stack where it is read and where it is judged.
const DEPTH_MAX: usize = 64;
