-- The demo's database: 110,000 rows of people, cards and payments that do not exist. Card numbers are
-- made up, with issuer numbers that payment companies publish for tests and a right Luhn digit.
--
-- app_rw owns the tables, so the database itself would let it drop them: what stops an agent is panguard.
SET ROLE app_rw;

-- The digit that makes a number of 15 digits one of 16 (ISO/IEC 7812-1, annex B).
CREATE FUNCTION pg_temp.luhn_digit(body text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ((10 - sum(CASE WHEN place % 2 = 0 THEN digit
                         WHEN digit > 4 THEN digit * 2 - 9
                         ELSE digit * 2 END) % 10) % 10)::text
  FROM (SELECT place, substr(body, place, 1)::int AS digit FROM generate_series(1, 15) AS place) AS digits
$$;

CREATE TABLE customers (
  id    bigint PRIMARY KEY,
  name  text NOT NULL,
  email text NOT NULL,
  city  text NOT NULL
);

CREATE TABLE cards (
  id          bigint PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  pan         text NOT NULL,
  pan_number  bigint NOT NULL,
  cvv         text NOT NULL,
  holder      text NOT NULL,
  expiry      text NOT NULL,
  brand       text NOT NULL
);

CREATE TABLE payments (
  id         bigint PRIMARY KEY,
  card_id    bigint NOT NULL REFERENCES cards,
  amount     numeric(12, 2) NOT NULL,
  currency   text NOT NULL,
  status     text NOT NULL,
  note       text NOT NULL,
  document   jsonb NOT NULL,
  created_at timestamptz NOT NULL
);

INSERT INTO customers
SELECT i,
       first || ' ' || last,
       lower(first || '.' || last || i) || '@example.com',
       (ARRAY['Bergen', 'Porto', 'Lyon', 'Graz', 'Tartu', 'Cork', 'Brno'])[1 + i % 7]
FROM generate_series(1, 20000) AS i,
     LATERAL (SELECT (ARRAY['Ada', 'Grace', 'Linus', 'Edsger', 'Barbara', 'Alan', 'Radia', 'Ken'])[1 + i % 8] AS first,
                     (ARRAY['Moss', 'Rivera', 'Okafor', 'Lindqvist', 'Tanaka', 'Novak', 'Byrne', 'Costa', 'Weber', 'Silva', 'Haas'])[1 + i % 11] AS last) AS names;

INSERT INTO cards
SELECT i,
       1 + i % 20000,
       pan,
       pan::bigint,
       lpad((i * 7 % 1000)::text, 3, '0'),
       (SELECT upper(name) FROM customers WHERE customers.id = 1 + i % 20000),
       lpad((1 + i % 12)::text, 2, '0') || '/' || (27 + i % 5)::text,
       (ARRAY['visa', 'mastercard', 'discover'])[1 + i % 3]
FROM generate_series(1, 30000) AS i,
     LATERAL (SELECT (ARRAY['400000', '555555', '601111'])[1 + i % 3] || lpad((i::bigint * 7919 * 13 % 1000000000)::text, 9, '0') AS body) AS bodies,
     LATERAL (SELECT body || pg_temp.luhn_digit(body) AS pan) AS pans;

INSERT INTO payments
SELECT i,
       card.id,
       round((5 + i * 37 % 49500 / 100.0)::numeric, 2),
       (ARRAY['EUR', 'EUR', 'NOK', 'CZK'])[1 + i % 4],
       (ARRAY['captured', 'captured', 'captured', 'authorised', 'declined'])[1 + i % 5],
       CASE WHEN i % 10 = 0 THEN 'customer read the card out on the phone: ' || regexp_replace(card.pan, '(....)(?!$)', '\1 ', 'g')
            ELSE 'ordered online' END,
       jsonb_build_object(
         'card', jsonb_build_object('number', card.pan, 'brand', card.brand),
         'device', jsonb_build_object('ip', '198.51.100.' || i % 250, 'agent', 'app/4.' || i % 10),
         'basket', jsonb_build_array(jsonb_build_object('sku', 'sku-' || i % 900, 'quantity', 1 + i % 3))),
       timestamptz '2026-01-01' + i * interval '7 minutes'
FROM generate_series(1, 60000) AS i JOIN cards AS card ON card.id = 1 + i % 30000;

CREATE INDEX payments_card_id ON payments (card_id);
RESET ROLE;
ANALYZE;
