-- What ActiveRecord 6.1 sends: models, migrations, a schema dump. Taken from the server's log.

-- rails.rb
SET client_min_messages TO 'warning'
\g
SET standard_conforming_strings = on
\g
SET intervalstyle = iso_8601
\g
SET SESSION statement_timeout TO 5000
\g
SET SESSION timezone TO 'UTC'
\g
SELECT t.oid, t.typname
FROM pg_type as t
WHERE t.typname IN ('int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric', 'bool', 'timestamp', 'timestamptz')
\g
\bind []
SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype
FROM pg_type as t
LEFT JOIN pg_range as r ON oid = rngtypid
WHERE
  t.typname IN ('int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'text', 'varchar', 'char', 'name', 'bpchar', 'bool', 'bit', 'varbit', 'timestamptz', 'date', 'money', 'bytea', 'point', 'hstore', 'json', 'jsonb', 'cidr', 'inet', 'uuid', 'xml', 'tsvector', 'macaddr', 'citext', 'ltree', 'line', 'lseg', 'box', 'path', 'polygon', 'circle', 'time', 'timestamp', 'numeric', 'interval')
  OR t.typtype IN ('r', 'e', 'd')
  OR t.typinput = 'array_in(cstring,oid,integer)'::regprocedure
  OR t.typelem != 0
\g
\bind []
SHOW TIME ZONE
\g
SELECT 1
\g
SET application_name = 'ActiveRecord: models'
\g

-- ActiveRecord: models
SELECT c.relname FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (current_schemas(false)) AND c.relkind IN ('r','v','m','p','f')
\g
SELECT a.attname
  FROM (
         SELECT indrelid, indkey, generate_subscripts(indkey, 1) idx
           FROM pg_index
          WHERE indrelid = '"cards"'::regclass
            AND indisprimary
       ) i
  JOIN pg_attribute a
    ON a.attrelid = i.indrelid
   AND a.attnum = i.indkey[i.idx]
 ORDER BY i.idx
\g
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
       pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid, a.atttypmod,
       c.collname, col_description(a.attrelid, a.attnum) AS comment
  FROM pg_attribute a
  LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  LEFT JOIN pg_type t ON a.atttypid = t.oid
  LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation
 WHERE a.attrelid = '"cards"'::regclass
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
\g
SHOW search_path
\g
SELECT "cards".* FROM "cards" WHERE "cards"."id" = $1 LIMIT $2
\g
\bind ["1", "1"]
SELECT "cards".* FROM "cards" ORDER BY "cards"."id" ASC LIMIT $1
\g
\bind ["1"]
SELECT "cards".* FROM "cards" WHERE "cards"."brand" = $1
\g
\bind ["visa"]
SELECT "cards".* FROM "cards" WHERE "cards"."brand" IN ($1, $2) ORDER BY "cards"."created_at" DESC LIMIT $3
\g
\bind ["visa", "amex", "5"]
SELECT "cards".* FROM "cards" ORDER BY "cards"."id" ASC
\g
\bind []
SELECT "customers".* FROM "customers" WHERE "customers"."id" IN ($1, $2, $3)
\g
\bind ["1", "2", "3"]
SELECT DISTINCT "customers".* FROM "customers" INNER JOIN "cards" ON "cards"."customer_id" = "customers"."id" ORDER BY "customers"."id" ASC
\g
\bind []
SELECT "customers"."id" AS t0_r0, "customers"."name" AS t0_r1, "customers"."email" AS t0_r2, "customers"."city" AS t0_r3, "customers"."tags" AS t0_r4, "customers"."profile" AS t0_r5, "customers"."is_active" AS t0_r6, "customers"."created_at" AS t0_r7, "cards"."id" AS t1_r0, "cards"."customer_id" AS t1_r1, "cards"."pan" AS t1_r2, "cards"."cvv" AS t1_r3, "cards"."expires" AS t1_r4, "cards"."brand" AS t1_r5, "cards"."is_default" AS t1_r6, "cards"."created_at" AS t1_r7 FROM "customers" LEFT OUTER JOIN "cards" ON "cards"."customer_id" = "customers"."id" ORDER BY "customers"."id" ASC, cards.id
\g
\bind []
SELECT COUNT(*) FROM "cards"
\g
\bind []
SELECT 1 AS one FROM "cards" WHERE "cards"."brand" = $1 LIMIT $2
\g
\bind ["visa", "1"]
SHOW max_identifier_length
\g
SELECT COUNT(*) AS count_all, "cards"."brand" AS cards_brand FROM "cards" GROUP BY "cards"."brand"
\g
\bind []
SELECT "cards"."id", "cards"."pan" FROM "cards"
\g
\bind []
SELECT "cards".* FROM "cards" WHERE "cards"."customer_id" = $1 LIMIT $2
\g
\bind ["2", "1"]
SELECT SUM("orders"."total") FROM "orders" WHERE (placed_at > '2026-01-15 00:00:00')
\g
\bind []
SELECT AVG("orders"."total") FROM "orders"
\g
\bind []
SELECT MAX("orders"."placed_at") FROM "orders"
\g
\bind []
BEGIN
\g
INSERT INTO "cards" ("customer_id", "pan", "cvv", "expires", "brand", "created_at") VALUES ($1, $2, $3, $4, $5, $6) RETURNING "id"
\g
\bind ["2", "4012888888881881", "999", "2028-01-31", "visa", "2026-11-29 01:22:13.317789+00"]
COMMIT
\g
BEGIN
\g
UPDATE "cards" SET "pan" = $1 WHERE "cards"."id" = $2
\g
\bind ["5105105105105100", "101"]
COMMIT
\g
BEGIN
\g
DELETE FROM "cards" WHERE "cards"."id" = $1
\g
\bind ["101"]
COMMIT
\g
SELECT distinct i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid), t.oid,
                pg_catalog.obj_description(i.oid, 'pg_class') AS comment
FROM pg_class t
INNER JOIN pg_index d ON t.oid = d.indrelid
INNER JOIN pg_class i ON d.indexrelid = i.oid
LEFT JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE i.relkind IN ('i', 'I')
  AND d.indisprimary = 'f'
  AND t.relname = 'cards'
  AND n.nspname = ANY (current_schemas(false))
ORDER BY i.relname
\g
SELECT a.attnum, a.attname
FROM pg_attribute a
WHERE a.attrelid = {{'public.cards'::regclass}}
AND a.attnum IN (2)
\g
INSERT INTO "cards" ("customer_id","pan","expires") VALUES (3, '4242424242424242', '2028-01-31'), (3, '4000056655665556', '2028-02-28') ON CONFLICT  DO NOTHING RETURNING "id"
\g
\bind []
INSERT INTO "customers" ("id","name") VALUES (1, 'Ada Byrne') ON CONFLICT ("id") DO UPDATE SET "name"=excluded."name" RETURNING "id"
\g
\bind []
UPDATE "cards" SET "brand" = $1 WHERE "cards"."customer_id" = $2
\g
\bind ["visa", "3"]
SELECT "orders".* FROM "orders" ORDER BY "orders"."id" ASC LIMIT $1
\g
\bind ["15"]
SELECT "orders".* FROM "orders" WHERE "orders"."id" > $1 ORDER BY "orders"."id" ASC LIMIT $2
\g
\bind ["15", "15"]
BEGIN
\g
SELECT "orders".* FROM "orders" WHERE "orders"."id" = $1 LIMIT $2 FOR UPDATE
\g
\bind ["1", "1"]
UPDATE "orders" SET "note" = $1 WHERE "orders"."id" = $2
\g
\bind ["x", "1"]
SAVEPOINT active_record_1
\g
UPDATE "orders" SET total = total + 1 WHERE "orders"."id" = $1
\g
\bind ["2"]
ROLLBACK TO SAVEPOINT active_record_1
\g
COMMIT
\g
SELECT "customers".* FROM "customers" WHERE (profile ->> 'newsletter' = 'true')
\g
\bind []
SELECT SUM("orders"."total") AS sum_total, date_trunc('day', placed_at) AS date_trunc_day_placed_at FROM "orders" GROUP BY date_trunc('day', placed_at)
\g
\bind []
SELECT "orders".* FROM "orders" WHERE "orders"."status" = $1 AND "orders"."note" IS NOT NULL ORDER BY "orders"."id" DESC LIMIT $2 OFFSET $3
\g
\bind ["new", "3", "2"]
SELECT customers.*, COUNT(orders.id) AS orders_count FROM "customers" LEFT OUTER JOIN "orders" ON "orders"."customer_id" = "customers"."id" GROUP BY "customers"."id" ORDER BY customers.id
\g
\bind []
SELECT "orders".* FROM "orders" WHERE "orders"."id" = $1
\g
\bind ["1"]
EXPLAIN SELECT "orders".* FROM "orders" WHERE "orders"."id" = $1
\g
\bind ["1"]
BEGIN
\g
INSERT INTO "cards" ("customer_id", "pan", "expires", "created_at") VALUES ($1, $2, $3, $4) RETURNING "id"
\g
\bind ["4", "378282246310005", "2029-01-31", "2026-11-29 01:22:13.366297+00"]
COMMIT
\g
DELETE FROM "cards" WHERE "cards"."customer_id" = $1
\g
\bind ["4"]

-- rails.rb
SET application_name = 'ActiveRecord: migrations'
\g

-- ActiveRecord: migrations
SELECT c.relname FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (current_schemas(false)) AND c.relname = 'schema_migrations' AND c.relkind IN ('r','p')
\g
CREATE TABLE "schema_migrations" ("version" character varying NOT NULL PRIMARY KEY)
\g
CREATE TABLE "ar_internal_metadata" ("key" character varying NOT NULL PRIMARY KEY, "value" character varying, "created_at" timestamp(6) NOT NULL, "updated_at" timestamp(6) NOT NULL)
\g
SELECT current_database()
\g

-- rails.rb
SELECT pg_try_advisory_lock(4475467841591330430)
\g

-- ActiveRecord: migrations
SELECT "schema_migrations"."version" FROM "schema_migrations" ORDER BY "schema_migrations"."version" ASC
\g
\bind []
BEGIN
\g
SELECT 'jsonb'::regtype::oid
\g
CREATE TABLE "vouchers" ("id" bigserial primary key, "code" character varying NOT NULL, "order_id" bigint, "amount" decimal(10,2), "data" jsonb DEFAULT '{}', "created_at" timestamp(6) NOT NULL, "updated_at" timestamp(6) NOT NULL, CONSTRAINT "fk_rails_dad762264d"
FOREIGN KEY ("order_id")
  REFERENCES "orders" ("id")
)
\g
CREATE INDEX "index_vouchers_on_order_id" ON "vouchers" ("order_id")
\g
CREATE UNIQUE INDEX "index_vouchers_on_code" ON "vouchers" ("code")
\g
ALTER TABLE "vouchers" ADD "note" text
\g
ALTER TABLE "vouchers" ALTER COLUMN "amount" SET NOT NULL
\g
CREATE INDEX "index_vouchers_on_amount_and_code" ON "vouchers" ("amount", "code")
\g
ALTER TABLE "vouchers" ADD CONSTRAINT positive CHECK (amount > 0)
\g
ALTER TABLE "vouchers" ALTER COLUMN "note" SET DEFAULT 'x'
\g
ALTER TABLE "vouchers" RENAME COLUMN "note" TO "remark"
\g
SELECT a.attnum, a.attname
FROM pg_attribute a
WHERE a.attrelid = 16868
AND a.attnum IN (4,2)
\g
INSERT INTO "schema_migrations" ("version") VALUES ($1) RETURNING "version"
\g
\bind ["20260101000000"]
COMMIT
\g
SELECT "ar_internal_metadata".* FROM "ar_internal_metadata" WHERE "ar_internal_metadata"."key" = $1 LIMIT $2
\g
\bind ["environment", "1"]
BEGIN
\g
INSERT INTO "ar_internal_metadata" ("key", "value", "created_at", "updated_at") VALUES ($1, $2, $3, $4) RETURNING "key"
\g
\bind ["environment", "default_env", "2026-11-29 01:22:13.461903", "2026-11-29 01:22:13.461903"]
COMMIT
\g

-- rails.rb
SELECT pg_advisory_unlock(4475467841591330430)
\g
SET application_name = 'ActiveRecord: db:schema:dump'
\g

-- ActiveRecord: db:schema:dump
SELECT extname FROM pg_extension
\g
\bind []
SELECT c.relname FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (current_schemas(false)) AND c.relkind IN ('r','p')
\g
SELECT pg_catalog.obj_description(c.oid, 'pg_class')
FROM pg_catalog.pg_class c
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = 'cards'
  AND c.relkind IN ('r','p')
  AND n.nspname = ANY (current_schemas(false))
\g
SELECT conname, pg_get_constraintdef(c.oid) AS constraintdef, c.convalidated AS valid
            FROM pg_constraint c
            JOIN pg_class t ON c.conrelid = t.oid
            WHERE c.contype = 'c'
              AND t.relname = 'cards'
\g
\bind []
SELECT t2.oid::regclass::text AS to_table, a1.attname AS column, a2.attname AS primary_key, c.conname AS name, c.confupdtype AS on_update, c.confdeltype AS on_delete, c.convalidated AS valid
FROM pg_constraint c
JOIN pg_class t1 ON c.conrelid = t1.oid
JOIN pg_class t2 ON c.confrelid = t2.oid
JOIN pg_attribute a1 ON a1.attnum = c.conkey[1] AND a1.attrelid = t1.oid
JOIN pg_attribute a2 ON a2.attnum = c.confkey[1] AND a2.attrelid = t2.oid
JOIN pg_namespace t3 ON c.connamespace = t3.oid
WHERE c.contype = 'f'
  AND t1.relname = 'cards'
  AND t3.nspname = ANY (current_schemas(false))
ORDER BY c.conname
\g
\bind []

-- rails.rb
SET application_name = 'ActiveRecord: rollback'
\g

-- ActiveRecord: rollback
BEGIN
\g
ALTER TABLE "vouchers" RENAME COLUMN "remark" TO "note"
\g
ALTER TABLE "vouchers" ALTER COLUMN "note" DROP DEFAULT
\g
ALTER TABLE "vouchers" DROP CONSTRAINT "positive"
\g
DROP INDEX  "index_vouchers_on_amount_and_code"
\g
ALTER TABLE "vouchers" ALTER COLUMN "amount" DROP NOT NULL
\g
ALTER TABLE "vouchers" DROP COLUMN "note"
\g
DROP TABLE "vouchers"
\g
DELETE FROM "schema_migrations" WHERE "schema_migrations"."version" = $1
\g
\bind ["20260101000000"]
COMMIT
\g

-- None
set application_name='convert'; set search_path = pg_catalog
\g
