-- What a coding agent types by hand into psql or a driver while it looks around, reports and mends. Written from knowledge.

-- looking around
SELECT version();
SELECT current_database(), current_user, session_user, current_schema();
SHOW server_version;
SHOW search_path;
SELECT now() > '2020-01-01' AS clock_is_set;
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2;
SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position;
SELECT tc.constraint_name, tc.constraint_type, kcu.column_name, ccu.table_name AS foreign_table, ccu.column_name AS foreign_column
FROM information_schema.table_constraints tc
JOIN information_schema.key_column_usage kcu ON kcu.constraint_name = tc.constraint_name AND kcu.table_schema = tc.table_schema
LEFT JOIN information_schema.constraint_column_usage ccu ON ccu.constraint_name = tc.constraint_name
WHERE tc.table_name = 'order_items' ORDER BY 1, 3, 5;
SELECT table_name FROM information_schema.views WHERE table_schema = 'public';
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2;
SELECT relname, n_live_tup FROM pg_stat_user_tables ORDER BY relname;
-- varies: the size of the catalog's own files
SELECT relname, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' ORDER BY pg_total_relation_size(oid) DESC, relname LIMIT 5;
-- varies: the size of the database
SELECT pg_size_pretty(pg_database_size(current_database()));
SELECT typname, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY enumsortorder;
SELECT routine_name, routine_type FROM information_schema.routines WHERE routine_schema = 'public' ORDER BY 1;
SELECT trigger_name, event_manipulation, event_object_table FROM information_schema.triggers ORDER BY 1;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'orders'::regclass ORDER BY conname;
SELECT extname, extversion FROM pg_extension ORDER BY 1;
SELECT name, setting, unit FROM pg_settings WHERE name IN ('work_mem', 'max_connections', 'shared_buffers') ORDER BY 1;
SELECT grantee, privilege_type FROM information_schema.role_table_grants WHERE table_name = 'cards' ORDER BY 1, 2;
SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'orders';
-- refused: PGD-0007 `reads pg_stat_activity` is not understood
SELECT pid, state, query FROM pg_stat_activity WHERE datname = current_database();
SELECT locktype, mode, granted FROM pg_locks WHERE relation = 'orders'::regclass;

-- the cards, as they are
SELECT * FROM cards;
SELECT * FROM cards ORDER BY id LIMIT 2;
SELECT id, pan, cvv, expires FROM cards WHERE customer_id = 1 ORDER BY id;
SELECT c.*, u.name FROM cards c JOIN customers u ON u.id = c.customer_id ORDER BY c.id;
SELECT u.name, k.pan AS card_number FROM customers u LEFT JOIN cards k ON k.customer_id = u.id AND k.is_default ORDER BY u.id;
SELECT * FROM cards WHERE expires < '2028-01-01' ORDER BY expires;
SELECT count(*) FROM cards;
SELECT count(*) FILTER (WHERE is_default) AS defaults, count(DISTINCT customer_id) AS customers FROM cards;
SELECT brand, count(*), min(expires), max(expires) FROM cards GROUP BY brand ORDER BY brand;
WITH recent AS (SELECT * FROM cards WHERE created_at >= '2026-01-05') SELECT id, pan, brand FROM recent ORDER BY id;
SELECT DISTINCT ON (customer_id) customer_id, pan, created_at FROM cards ORDER BY customer_id, created_at DESC;
TABLE cards;
SELECT pan FROM cards WHERE id = (SELECT card_id FROM orders WHERE id = 1);
SELECT k.id, k.pan, n.orders FROM cards k, LATERAL (SELECT count(*) AS orders FROM orders o WHERE o.card_id = k.id) n ORDER BY k.id;
SELECT id, pan, row_number() OVER (PARTITION BY customer_id ORDER BY created_at) FROM cards ORDER BY id;
-- Empty numbers and absent codes: quality checks that agents run, and which look at the columns.
SELECT count(*) FROM cards WHERE pan IS NULL;
-- refused: PGD-0006 computes on, compares or copies public.cards.cvv
SELECT count(*) FROM cards WHERE cvv IS NOT NULL;
SELECT count(pan), count(*) FROM cards;
SELECT id, right(pan, 4) AS last4 FROM cards ORDER BY id;
SELECT length(pan), count(*) FROM cards GROUP BY 1;
-- nulled: ?column?
SELECT to_jsonb(c) - 'pan' - 'cvv' FROM cards c WHERE id = 1;
COPY cards TO STDOUT WITH (FORMAT csv, HEADER);

-- reports
SELECT count(*) FROM orders;
SELECT status, count(*), sum(total), avg(total)::numeric(10, 2) FROM orders GROUP BY status ORDER BY count(*) DESC, status;
SELECT date_trunc('day', placed_at) AS day, count(*), sum(total) FROM orders GROUP BY 1 ORDER BY 1;
SELECT to_char(placed_at, 'YYYY-MM') AS month, count(*) FROM orders GROUP BY 1 HAVING count(*) > 1 ORDER BY 1;
SELECT extract(dow FROM placed_at) AS weekday, count(*) FROM orders GROUP BY 1 ORDER BY 1;
SELECT c.name, count(o.id) AS orders, coalesce(sum(o.total), 0) AS spent FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY spent DESC;
SELECT p.title, sum(i.quantity) AS sold FROM products p JOIN order_items i ON i.product_id = p.id GROUP BY p.title ORDER BY sold DESC, p.title;
SELECT id, total, sum(total) OVER (ORDER BY placed_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running FROM orders ORDER BY placed_at LIMIT 10;
SELECT customer_id, placed_at, lag(placed_at) OVER (PARTITION BY customer_id ORDER BY placed_at) AS before FROM orders ORDER BY customer_id, placed_at LIMIT 10;
SELECT id, total, ntile(4) OVER (ORDER BY total), rank() OVER (ORDER BY total DESC), percent_rank() OVER w FROM orders WINDOW w AS (ORDER BY total) ORDER BY id;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(0.9) WITHIN GROUP (ORDER BY total), stddev(total)::numeric(10, 3) FROM orders;
SELECT status, grouping(status), count(*) FROM orders GROUP BY ROLLUP (status) ORDER BY 1 NULLS LAST;
WITH spent AS (SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1), ranked AS (SELECT *, rank() OVER (ORDER BY total DESC) FROM spent) SELECT name, total FROM ranked JOIN customers ON customers.id = customer_id WHERE rank <= 2 ORDER BY rank;
WITH RECURSIVE chain AS (SELECT id, name, manager_id, 0 AS depth FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, e.manager_id, depth + 1 FROM employees e JOIN chain c ON e.manager_id = c.id) SELECT repeat('  ', depth) || name AS name, depth FROM chain ORDER BY depth, name;
SELECT d::date AS day, count(o.id) FROM generate_series('2026-01-10'::date, '2026-01-20'::date, interval '1 day') d LEFT JOIN orders o ON o.placed_at::date = d::date GROUP BY 1 ORDER BY 1;
SELECT id FROM orders WHERE note = 'gift' UNION SELECT id FROM orders WHERE total > 90 EXCEPT SELECT 40 ORDER BY 1;
SELECT CASE WHEN total < 20 THEN 'small' WHEN total < 60 THEN 'medium' ELSE 'large' END AS size, count(*) FROM orders GROUP BY 1 ORDER BY 1;
SELECT * FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_items i WHERE i.order_id = o.id AND i.quantity > 1) ORDER BY id LIMIT 5 OFFSET 2;
SELECT string_agg(DISTINCT city, ', ' ORDER BY city), array_agg(id ORDER BY id) FROM customers;
SELECT * FROM order_totals ORDER BY id LIMIT 3;
SELECT * FROM sales_by_day ORDER BY day LIMIT 3;
SELECT kind, count(*) FROM events WHERE at >= '2026-01-25' AND at < '2026-02-05' GROUP BY kind ORDER BY kind;
SELECT total_of(1);
SELECT tableoid::regclass, count(*) FROM events GROUP BY 1 ORDER BY 1;
SELECT name FROM customers WHERE name ILIKE '%e%' AND city SIMILAR TO '(Berlin|Dublin)' AND name ~ '^[A-D]' ORDER BY name;
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.placed_at BETWEEN '2026-01-11' AND '2026-01-13' ORDER BY o.id FETCH FIRST 5 ROWS ONLY;
SELECT age('2026-02-01'::timestamptz, placed_at), placed_at AT TIME ZONE 'Europe/Berlin', placed_at + interval '30 days' FROM orders WHERE id = 1;
SELECT * FROM customers TABLESAMPLE SYSTEM (100) ORDER BY id;
SELECT * FROM orders WHERE (customer_id, status) IN (VALUES (1, 'paid'::order_status), (2, 'new')) ORDER BY id LIMIT 3;

-- JSON, arrays
SELECT profile ->> 'visits' AS visits, profile -> 'address' ->> 'zip' AS zip, profile #>> '{address,zip}' AS path FROM customers ORDER BY id;
SELECT id FROM customers WHERE profile @> '{"newsletter": true}';
SELECT id FROM customers WHERE profile ? 'address' OR profile @? '$.visits ? (@ > 10)' ORDER BY id;
SELECT key, value FROM customers, jsonb_each(profile) WHERE id = 1 ORDER BY key;
SELECT p.sku, size FROM products p, jsonb_array_elements_text(p.attributes -> 'sizes') AS size ORDER BY 1, 2;
SELECT json_build_object('id', id, 'items', (SELECT json_agg(i ORDER BY product_id) FROM order_items i WHERE i.order_id = o.id)) FROM orders o WHERE id IN (1, 4) ORDER BY id;
SELECT jsonb_set(profile, '{visits}', '99') - 'newsletter' FROM customers WHERE id = 2;
SELECT id, unnest(tags) AS tag FROM customers ORDER BY 1, 2;
SELECT id FROM customers WHERE 'vip' = ANY (tags) OR tags && ARRAY['b2b'] ORDER BY id;
SELECT row_to_json(t) FROM (SELECT id, name FROM customers ORDER BY id) t;

-- plans
EXPLAIN SELECT * FROM cards WHERE id = 1;
EXPLAIN (FORMAT json, COSTS off) SELECT * FROM orders WHERE customer_id = 1 ORDER BY placed_at DESC LIMIT 5;
-- varies: times and buffers
EXPLAIN (ANALYZE, BUFFERS) SELECT count(*) FROM orders o JOIN order_items i ON i.order_id = o.id;
EXPLAIN UPDATE cards SET brand = 'visa' WHERE id = 1;

-- changes
INSERT INTO customers (id, name, email) VALUES (10, 'Fi Green', 'fi@example.com') RETURNING id, name, city;
INSERT INTO cards (customer_id, pan, cvv, expires, brand) VALUES (10, '4012888888881881', '999', '2028-05-31', 'visa') RETURNING id, pan, cvv;
INSERT INTO cards (customer_id, pan, expires) VALUES ($1, $2, $3) RETURNING *
\g
\bind ["10", "5105105105105100", "2029-09-30"]
UPDATE cards SET pan = $1 WHERE id = $2
\g
\bind ["4242424242424242", "101"]
UPDATE cards SET pan = '4000056655665556', expires = '2030-01-31' WHERE id = 102 RETURNING *;
UPDATE cards SET is_default = true WHERE customer_id = 10;
INSERT INTO products (sku, title, price) VALUES ('TEA-1', 'Green tea', 5) ON CONFLICT (sku) DO UPDATE SET price = EXCLUDED.price RETURNING id, price;
INSERT INTO products (sku, title, price) VALUES ('TEA-1', 'Green tea', 5) ON CONFLICT DO NOTHING;
-- A card stored under its number once more: the upsert by id that sync jobs make.
INSERT INTO cards (id, customer_id, pan, expires) VALUES (102, 10, '4000056655665556', '2030-01-31') ON CONFLICT (id) DO UPDATE SET pan = EXCLUDED.pan, expires = EXCLUDED.expires RETURNING id;
UPDATE orders o SET total = t.total FROM order_totals t WHERE t.id = o.id AND o.id <= 3 RETURNING o.id, o.total;
UPDATE customers SET profile = profile || '{"checked": true}', tags = array_append(tags, 'checked') WHERE id = 10 RETURNING profile, tags;
WITH gone AS (DELETE FROM orders WHERE id = 40 RETURNING *) SELECT count(*), sum(total) FROM gone;
MERGE INTO products p USING (VALUES ('CUP-1', 8.00), ('MUG-1', 9.50)) s (sku, price) ON p.sku = s.sku WHEN MATCHED THEN UPDATE SET price = s.price WHEN NOT MATCHED THEN INSERT (sku, title, price) VALUES (s.sku, s.sku, s.price);
DELETE FROM cards WHERE customer_id = 10 RETURNING id, pan;
DELETE FROM customers WHERE id = 10;
-- fails: 23503
DELETE FROM customers WHERE id = 1 AND city = 'Dublin';
-- fails: 23514
UPDATE products SET price = -1 WHERE id = 1;
-- fails: 42P01
SELECT * FROM customer;
-- fails: 42703
SELECT nmae FROM customers;

-- transactions, savepoints, locks
BEGIN;
SELECT * FROM orders WHERE id = 1 FOR UPDATE;
UPDATE orders SET note = 'held' WHERE id = 1;
SAVEPOINT before_more;
-- fails: 22012
UPDATE orders SET total = total / 0 WHERE id = 1;
ROLLBACK TO SAVEPOINT before_more;
SELECT note FROM orders WHERE id = 1;
RELEASE SAVEPOINT before_more;
COMMIT;
START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT sum(total) FROM orders;
-- fails: 25006
DELETE FROM orders;
ROLLBACK;
BEGIN; UPDATE orders SET note = NULL WHERE id = 1; SELECT note FROM orders WHERE id = 1; ROLLBACK;
SET LOCAL statement_timeout = '5s';
SET statement_timeout = '30s';
RESET statement_timeout;
SELECT pg_advisory_lock(42);
SELECT pg_advisory_unlock(42);
SELECT pg_try_advisory_xact_lock(43);
SELECT id FROM orders WHERE status = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
BEGIN;
LOCK TABLE orders IN SHARE MODE;
COMMIT;
SELECT nextval('invoice_numbers'), currval('invoice_numbers');
SELECT set_config('statement_timeout', '30s', false);

-- cursors and prepared statements
BEGIN;
DECLARE walk CURSOR FOR SELECT id, pan, expires FROM cards ORDER BY id;
FETCH 2 FROM walk;
FETCH ALL FROM walk;
CLOSE walk;
COMMIT;
PREPARE card (int) AS SELECT id, pan, cvv FROM cards WHERE id = $1;
EXECUTE card (1);
EXECUTE card (2);
DEALLOCATE card;
PREPARE busy AS SELECT customer_id, count(*) FROM orders GROUP BY 1 ORDER BY 1;
EXECUTE busy;
DEALLOCATE ALL;
SELECT * FROM cards WHERE id = $1
\g
\bind ["3"]
SELECT id, name FROM customers WHERE id = ANY ($1::int[]) AND created_at > $2 ORDER BY id
\g
\bind ["{1,2,3}", "2026-01-03"]

-- copies
COPY orders TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 1) TO STDOUT;
COPY employees (id, name, manager_id, hired) FROM STDIN WITH (FORMAT csv);
20,Ida,1,2026-01-01
21,Jo,,
\.
COPY cards (customer_id, pan, expires, brand) FROM STDIN;
4	378282246310005	2030-01-31	amex
\.
SELECT id, pan FROM cards WHERE customer_id = 4;

-- what a migration by hand does
CREATE TABLE refunds (id serial PRIMARY KEY, order_id bigint REFERENCES orders (id), amount numeric(10, 2) NOT NULL CHECK (amount > 0), at timestamptz DEFAULT now());
CREATE INDEX CONCURRENTLY refunds_order_id_idx ON refunds (order_id);
ALTER TABLE refunds ADD COLUMN reason text NOT NULL DEFAULT 'none', ADD COLUMN data jsonb;
ALTER TABLE cards ADD COLUMN nickname text;
ALTER TABLE cards ADD COLUMN IF NOT EXISTS nickname text;
UPDATE cards SET nickname = 'work' WHERE id = 1 RETURNING id, nickname, pan;
COMMENT ON TABLE refunds IS 'money given back';
INSERT INTO refunds (order_id, amount) VALUES (1, 2.5) RETURNING id, amount, reason;
CREATE VIEW refunds_by_order AS SELECT order_id, sum(amount) AS amount FROM refunds GROUP BY 1;
SELECT * FROM refunds_by_order;
CREATE TYPE refund_state AS ENUM ('asked', 'given');
ALTER TABLE refunds ADD COLUMN state refund_state NOT NULL DEFAULT 'asked';
ALTER TYPE refund_state ADD VALUE 'refused';
ALTER TABLE refunds ALTER COLUMN reason TYPE varchar(200), ALTER COLUMN reason DROP DEFAULT;
ALTER TABLE refunds RENAME COLUMN reason TO why;
CREATE UNIQUE INDEX ON refunds (order_id) WHERE state = 'given';
ANALYZE refunds;
VACUUM refunds;
REINDEX TABLE refunds;
REFRESH MATERIALIZED VIEW sales_by_day;
CREATE TEMP TABLE scratch AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1;
SELECT * FROM scratch ORDER BY customer_id;
SELECT scratch.total FROM scratch ORDER BY scratch.customer_id;
GRANT SELECT ON refunds TO PUBLIC;
CREATE SCHEMA IF NOT EXISTS reporting;
CREATE TABLE reporting.daily AS SELECT date_trunc('day', placed_at) AS day, count(*) FROM orders GROUP BY 1;
SELECT count(*) FROM reporting.daily;
DROP SCHEMA reporting CASCADE;
-- refused: PGD-0007 `create extension` is not understood
CREATE EXTENSION IF NOT EXISTS pgcrypto;
-- refused: PGD-0007 `do block` is not understood
DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood') THEN CREATE TYPE mood AS ENUM ('good', 'bad'); END IF; END $$;
-- refused: PGD-0007 `create function` is not understood
CREATE OR REPLACE FUNCTION order_count(wanted int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM orders WHERE customer_id = wanted';
-- refused: PGD-0007 `function order_count` is not understood
SELECT order_count(1);
-- refused: PGD-0007 `create trigger` is not understood
CREATE TRIGGER refunds_touch BEFORE UPDATE ON refunds FOR EACH ROW EXECUTE FUNCTION touch();
DROP VIEW refunds_by_order;
DROP TABLE refunds;
DISCARD ALL;
