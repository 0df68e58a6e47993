-- Tables that a transaction makes and uses before it commits, as migrations do that fill what they create. Written from
-- knowledge of Django's RunPython, Alembic's bulk_insert and Rails' data migrations.
BEGIN;
CREATE TABLE rates (id serial PRIMARY KEY, code varchar(3) NOT NULL, rate numeric);
INSERT INTO rates (code, rate) VALUES ('EUR', 1), ('USD', 1.1);
INSERT INTO rates (code, rate) VALUES ('GBP', 0.9) RETURNING id;
INSERT INTO rates (code, rate) VALUES ('SEK', 11) RETURNING rates.id;
SELECT code, rate FROM rates WHERE rate > 1 ORDER BY code;
SELECT rates.code, rates.rate FROM rates WHERE rates.rate > 1 ORDER BY rates.code;
SELECT r.code FROM rates r ORDER BY r.code;
SELECT * FROM rates;
SELECT count(*) FROM rates;
UPDATE rates SET rate = rate * 2 WHERE rates.code = 'EUR';
UPDATE rates SET rate = rate * 2 WHERE code = 'USD';
ALTER TABLE customers ADD COLUMN currency varchar(3);
UPDATE customers SET currency = 'EUR' WHERE customers.currency IS NULL;
SELECT customers.id, customers.currency FROM customers ORDER BY customers.id;
CREATE VIEW rated AS SELECT code FROM rates;
SELECT * FROM rated;
-- refused: PGD-0007 `all columns of an unknown relation` is not understood
CREATE TABLE copied AS SELECT * FROM rates;
ALTER TABLE rates RENAME TO old_rates;
DELETE FROM old_rates WHERE old_rates.code = 'EUR';
COMMIT;
