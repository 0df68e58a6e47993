"""Strict readers of what `panguard audit export` writes, made from the specifications and not from panguard."""

import re


class Malformed(Exception):
    """What no collector should have to guess at."""


def syslog(line):
    """One message of RFC 5424 §6, without framing: its header fields, structured data and text."""
    head = re.match(r"<(0|[1-9]\d{0,2})>([1-9]\d{0,2}) (\S+) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) ", line)
    if not head or int(head[1]) > 191:
        raise Malformed(f"header: {line[:80]!r}")
    if head[3] != "-" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", head[3]):
        raise Malformed(f"timestamp: {head[3]!r}")
    at, elements = head.end(), {}
    if line[at] == "-":
        at += 1
    else:
        while at < len(line) and line[at] == "[":
            at, name, parameters = element(line, at)
            if name in elements:
                raise Malformed(f"element {name} twice")
            elements[name] = parameters
    text = ""
    if at < len(line):
        if line[at] != " ":
            raise Malformed(f"after the elements: {line[at:at + 20]!r}")
        text = line[at + 1:]
    if text.startswith("\ufeff"):
        text = text[1:]
    return {"facility": int(head[1]) // 8, "severity": int(head[1]) % 8, "version": head[2], "time": head[3], "host": head[4],
            "app": head[5], "process": head[6], "message_id": head[7], "elements": elements, "text": text}


def element(line, at):
    """An SD-ELEMENT that begins at `at`: where it ends, its name and its parameters."""
    name = re.compile(r"\[([!#-<>-\\^-~]{1,32})").match(line, at)
    if not name:
        raise Malformed(f"element: {line[at:at + 20]!r}")
    at, parameters = name.end(), {}
    while line[at:at + 1] == " ":
        key = re.compile(r' ([!#-<>-\\^-~]{1,32})="').match(line, at)
        if not key:
            raise Malformed(f"parameter: {line[at:at + 20]!r}")
        at, value = key.end(), []
        while line[at:at + 1] != '"':
            if at >= len(line) or line[at] == "]":
                raise Malformed("a value has an end that is not escaped")
            if line[at] == "\\" and line[at + 1:at + 2] in ('"', "\\", "]"):
                at += 1
            elif line[at] == "\\":
                raise Malformed("a backslash before what needs none")
            value.append(line[at])
            at += 1
        at += 1
        if key[1] in parameters:
            raise Malformed(f"parameter {key[1]} twice")
        parameters[key[1]] = "".join(value)
    if line[at:at + 1] != "]":
        raise Malformed(f"end of element: {line[at:at + 20]!r}")
    return at + 1, name[1], parameters


def cef(line):
    """One line of Common Event Format 0: the seven fields of its header, and its pairs."""
    if not line.startswith("CEF:0|"):
        raise Malformed(f"beginning: {line[:20]!r}")
    fields, field, at = [], [], len("CEF:0|")
    while len(fields) < 6:
        if at >= len(line):
            raise Malformed("the header is cut short")
        if line[at] == "\\":
            if line[at + 1:at + 2] not in ("\\", "|"):
                raise Malformed("a backslash before what needs none, in the header")
            field.append(line[at + 1])
            at += 2
        elif line[at] == "|":
            fields.append("".join(field))
            field, at = [], at + 1
        else:
            field.append(line[at])
            at += 1
    if not re.fullmatch(r"\d|10", fields[5]):
        raise Malformed(f"severity: {fields[5]!r}")
    # An `=` that no backslash is before ends a key, which begins after the last space.
    pairs, key, text, escaped = {}, None, [], False
    for c in line[at:]:
        if escaped:
            if c not in "\\=nr":
                raise Malformed("a backslash before what needs none")
            text.append({"n": "\n", "r": "\r"}.get(c, c))
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == "=":
            before, space, name = "".join(text).rpartition(" ")
            if bool(space) != bool(key) or not re.fullmatch(r"[A-Za-z0-9_.]+", name):
                raise Malformed(f"key: {name!r}")
            if key:
                pairs[key] = before
            if name in pairs:
                raise Malformed(f"key {name} twice")
            key, text = name, []
        else:
            text.append(c)
    if escaped or key is None:
        raise Malformed("the pairs are cut short")
    pairs[key] = "".join(text)
    names = ("vendor", "product", "version", "signature", "name", "severity")
    return dict(zip(names, fields)), pairs
