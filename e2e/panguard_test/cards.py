"""A small card database, what is known of it, and policies for it."""

import base64
import struct

# Published test numbers, never issued to anyone.
VISA = "4111111111111111"
MASTERCARD = "5555555555554444"
AMEX = "378282246310005"
DISCOVER = "6011111111111117"
PANS = (VISA, MASTERCARD, AMEX, DISCOVER)


def last4(pan):
    """A card number under the profile `last4`."""
    return "*" * (len(pan) - 4) + pan[-4:]


def first6last4(pan):
    """A card number under the profile `first6last4`."""
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def encodings(pan):
    """The forms in which a card number might lie in a file: text, with separators, hex, base64, UTF-16, and
    as PostgreSQL's binary numbers."""
    groups = [pan[i:i + 4] for i in range(0, len(pan), 4)]
    number = int(pan)
    padded = pan.rjust(-(-len(pan) // 4) * 4, "0")
    numeric = struct.pack(f"!{len(padded) // 4}H", *(int(padded[i:i + 4]) for i in range(0, len(padded), 4)))
    yield from (pan.encode(), "-".join(groups).encode(), " ".join(groups).encode())
    yield from (pan.encode().hex().encode(), pan.encode().hex().upper().encode(), pan.encode("utf-16-le"))
    yield from (base64.b64encode(b"\0" * shift + pan.encode())[4:-4] for shift in range(3))
    yield from (struct.pack("!q", number), struct.pack("<q", number), f"{number:x}".encode(), numeric)


def found_in(folder, pans=PANS):
    """Every (file, encoding) below `folder` in which one of `pans` stands."""
    hits = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        hits += [(path, form) for pan in pans for form in encodings(pan) if form in content]
    return hits


SEED = f"""
create table cards (
  id int primary key, pan text, pan_number int8, pan_numeric numeric, holder text, cvv text, cvv_number int,
  doc jsonb, note text, amount numeric(10, 2)
);
insert into cards values
  (1, '{VISA}', {VISA}, {VISA}, 'Ada Byrne', '737', 737,
   '{{"card": {{"number": "{VISA}"}}, "ok": true}}', 'fine', 10.50),
  (2, '{MASTERCARD}', {MASTERCARD}, {MASTERCARD}, 'Bo Chen', '123', 123,
   '{{"card": {{"number": {MASTERCARD}}}, "ok": false}}', 'paid with {MASTERCARD} by phone', 20.00),
  (3, '{AMEX}', {AMEX}, {AMEX}, 'Cy Diaz', '1234', 1234,
   '{{"card": {{"number": "{AMEX}"}}}}', null, 30.00);
create table payments (id int primary key generated always as identity, card int, amount numeric(10, 2), memo text);
insert into payments (card, amount, memo) select 1 + i % 3, i, 'order ' || i from generate_series(1, 50) i;
create table staff (id int primary key, name text);
insert into staff values (1, 'Eve');
"""

DATA = {
    "public.cards.pan": "pan",
    "public.cards.pan_number": "pan",
    "public.cards.pan_numeric": "pan",
    "public.cards.holder": "cardholder_name",
    "public.cards.cvv": "sad",
    "public.cards.cvv_number": "sad",
    "public.cards.doc": {"json": {"$.card.number": "pan"}},
}

POLICIES = """
@id("agents-work")
permit (
  principal in Group::"agents",
  action in [Action::"connect", Action::"read", Action::"write", Action::"session"],
  resource
);

@id("admins-administer")
permit (
  principal in Group::"admins",
  action in [Action::"connect", Action::"read", Action::"write", Action::"session", Action::"administer", Action::"call"],
  resource
);

@id("fraud-reveals-pan")
permit (principal in Group::"fraud", action == Action::"reveal", resource in DataClass::"pan");

@id("no-drop")
@reason("tables are dropped by the migration tool only")
@requirement("6.5.1")
forbid (principal, action, resource)
when { context.kinds.containsAny(["drop table", "truncate"]) };

@id("staff-is-private")
@reason("who works here is no business of an agent's")
forbid (principal, action, resource == Table::"payments/public.staff");
"""
