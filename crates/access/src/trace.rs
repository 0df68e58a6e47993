use std::fmt;

/// Where a command stands in what its client does, as the client says ([W3C Trace Context] §3.2.2). It proves nothing.
///
/// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trace {
    id: u128,
    parent: u64,
}

impl Trace {
    /// The trace that a `traceparent` names: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    pub fn read(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_whole = [(version, 2), (id, 32), (parent, 16), (flags, 2)]
            .into_iter()
            .all(|(part, length)| part.len() == length && is_hex(part));
        // What versions to come add stands behind.
        if !is_whole || version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let (id, parent) = (u128::from_str_radix(id, 16).ok()?, u64::from_str_radix(parent, 16).ok()?);
        (id != 0 && parent != 0).then_some(Self { id, parent })
    }

    /// The trace that a text names in passing, as `traceparent=00-…`, in quotes or not: a comment by sqlcommenter, the name of
    /// a client.
    pub fn named_in(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once("traceparent=")?;
        let rest = rest.trim_start_matches('\'');
        let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == '-')).unwrap_or(rest.len());
        Self::read(rest.get(..end)?)
    }

    /// The trace's id, as 32 hex digits.
    pub fn id(self) -> String {
        format!("{:032x}", self.id)
    }

    /// The id of the span by which the command was sent, as 16 hex digits.
    pub fn parent(self) -> String {
        format!("{:016x}", self.parent)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{:016x}", self.id, self.parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_names_a_trace_and_a_span() {
        let trace = Trace::read(ONE).unwrap();
        assert_eq!(
            (trace.id(), trace.parent()),
            ("4bf92f3577b34da6a3ce929d0e0e4736".into(), "00f067aa0ba902b7".into())
        );
        assert_eq!(Trace::read(&format!("{}-more", ONE.replace("00-4", "01-4"))), Some(trace));
    }

    #[test]
    fn what_is_no_traceparent_names_nothing() {
        for other in [
            "",
            "00",
            &ONE.to_uppercase(),
            &ONE.replace("00-4b", "ff-4b"),
            &format!("{ONE}-more"),
            &ONE.replace('4', "g"),
            ONE.strip_suffix("1").unwrap(),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::read(other), None, "{other}");
        }
    }

    #[test]
    fn it_is_found_where_clients_put_it() {
        let trace = Trace::read(ONE);
        for text in [
            format!("claude traceparent={ONE}"),
            format!("/*application='x',traceparent='{ONE}',tracestate='a=1'*/"),
        ] {
            assert_eq!(Trace::named_in(&text), trace, "{text}");
        }
        assert_eq!(Trace::named_in("traceparent='"), None);
        assert_eq!(Trace::named_in("nothing"), None);
    }
}
