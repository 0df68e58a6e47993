"""A small card database, what is known of it, and policies for it."""

# Published test numbers, never issued to anyone.
VISA = "4111111111111111"
MASTERCARD = "5555555555554444"
AMEX = "378282246310005"
DISCOVER = "6011111111111117"
PANS = (VISA, MASTERCARD, AMEX, DISCOVER)

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
permit (principal in Group::"fraud", action == Action::"reveal", resource == DataClass::"pan");

// A running command for those tests that need one.
@id("agents-sleep")
permit (principal in Group::"agents", action == Action::"call", resource == Function::"payments/pg_sleep");

@id("no-drop")
@reason("tables are dropped by the migration tool only")
@requirement("6.5.1")
forbid (principal, action, resource)
when { context.kinds.containsAny(["drop table", "truncate"]) };

@id("staff-is-private")
@reason("who works here is no business of an agent's")
forbid (principal, action, resource == Table::"payments/public.staff");
"""
