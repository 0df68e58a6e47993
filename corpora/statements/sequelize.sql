-- What Sequelize 6 sends. Taken from the server's log.

-- Sequelize: queryInterface
SET client_min_messages TO warning;SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE;
WITH ranges AS (  SELECT pg_range.rngtypid, pg_type.typname AS rngtypname,         pg_type.typarray AS rngtyparray, pg_range.rngsubtype    FROM pg_range LEFT OUTER JOIN pg_type ON pg_type.oid = pg_range.rngtypid)SELECT pg_type.typname, pg_type.typtype, pg_type.oid, pg_type.typarray,       ranges.rngtypname, ranges.rngtypid, ranges.rngtyparray  FROM pg_type LEFT OUTER JOIN ranges ON pg_type.oid = ranges.rngsubtype WHERE (pg_type.typtype IN('b', 'e'));
SELECT 1+1 AS result
\g
SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type LIKE '%TABLE' AND table_name != 'spatial_ref_sys';
SELECT pk.constraint_type as "Constraint",c.column_name as "Field", c.column_default as "Default",c.is_nullable as "Null", (CASE WHEN c.udt_name = 'hstore' THEN c.udt_name ELSE c.data_type END) || (CASE WHEN c.character_maximum_length IS NOT NULL THEN '(' || c.character_maximum_length || ')' ELSE '' END) as "Type", (SELECT array_agg(e.enumlabel) FROM pg_catalog.pg_type t JOIN pg_catalog.pg_enum e ON t.oid=e.enumtypid WHERE t.typname=c.udt_name) AS "special", (SELECT pgd.description FROM pg_catalog.pg_statio_all_tables AS st INNER JOIN pg_catalog.pg_description pgd on (pgd.objoid=st.relid) WHERE c.ordinal_position=pgd.objsubid AND c.table_name=st.relname) AS "Comment" FROM information_schema.columns c LEFT JOIN (SELECT tc.table_schema, tc.table_name, cu.column_name, tc.constraint_type FROM information_schema.TABLE_CONSTRAINTS tc JOIN information_schema.KEY_COLUMN_USAGE  cu ON tc.table_schema=cu.table_schema and tc.table_name=cu.table_name and tc.constraint_name=cu.constraint_name and tc.constraint_type='PRIMARY KEY') pk ON pk.table_schema=c.table_schema AND pk.table_name=c.table_name AND pk.column_name=c.column_name WHERE c.table_name = 'orders' AND c.table_schema = 'public'
\g
SELECT i.relname AS name, ix.indisprimary AS primary, ix.indisunique AS unique, ix.indkey AS indkey, array_agg(a.attnum) as column_indexes, array_agg(a.attname) AS column_names, pg_get_indexdef(ix.indexrelid) AS definition FROM pg_class t, pg_class i, pg_index ix, pg_attribute a WHERE t.oid = ix.indrelid AND i.oid = ix.indexrelid AND a.attrelid = t.oid AND t.relkind = 'r' and t.relname = 'orders' GROUP BY i.relname, ix.indexrelid, ix.indisprimary, ix.indisunique, ix.indkey ORDER BY i.relname;
SELECT DISTINCT tc.constraint_name as constraint_name, tc.constraint_schema as constraint_schema, tc.constraint_catalog as constraint_catalog, tc.table_name as table_name,tc.table_schema as table_schema,tc.table_catalog as table_catalog,tc.initially_deferred as initially_deferred,tc.is_deferrable as is_deferrable,kcu.column_name as column_name,ccu.table_schema  AS referenced_table_schema,ccu.table_catalog  AS referenced_table_catalog,ccu.table_name  AS referenced_table_name,ccu.column_name AS referenced_column_name FROM information_schema.table_constraints AS tc JOIN information_schema.key_column_usage AS kcu ON tc.constraint_name = kcu.constraint_name JOIN information_schema.constraint_column_usage AS ccu ON ccu.constraint_name = tc.constraint_name WHERE constraint_type = 'FOREIGN KEY' AND tc.table_name = 'orders' AND tc.table_catalog = '{{database}}'
\g
SHOW SERVER_VERSION
\g

-- Sequelize: sync
SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'Reviews'
\g
SELECT t.typname enum_name, array_agg(e.enumlabel ORDER BY enumsortorder) enum_value FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'public' AND t.typname='enum_Reviews_mood' GROUP BY 1
\g
-- refused: PGD-0007 `do block` is not understood
DO 'BEGIN CREATE TYPE "public"."enum_Reviews_mood" AS ENUM(''good'', ''bad''); EXCEPTION WHEN duplicate_object THEN null; END';
CREATE TABLE IF NOT EXISTS "Reviews" ("id"   SERIAL , "stars" INTEGER NOT NULL, "body" TEXT, "mood" "public"."enum_Reviews_mood", "meta" JSONB, "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("id"));
ALTER TABLE "Reviews" ALTER COLUMN "stars" SET NOT NULL;ALTER TABLE "Reviews" ALTER COLUMN "stars" DROP DEFAULT;ALTER TABLE "Reviews" ALTER COLUMN "stars" TYPE INTEGER;
ALTER TABLE "Reviews" ALTER COLUMN "body" DROP NOT NULL;ALTER TABLE "Reviews" ALTER COLUMN "body" DROP DEFAULT;ALTER TABLE "Reviews" ALTER COLUMN "body" TYPE TEXT;
-- refused: PGD-0007 `do block` is not understood
ALTER TABLE "Reviews" ALTER COLUMN "mood" DROP NOT NULL;ALTER TABLE "Reviews" ALTER COLUMN "mood" DROP DEFAULT;DO 'BEGIN CREATE TYPE "public"."enum_Reviews_mood" AS ENUM(''good'', ''bad''); EXCEPTION WHEN duplicate_object THEN null; END';ALTER TABLE "Reviews" ALTER COLUMN "mood" TYPE "public"."enum_Reviews_mood" USING ("mood"::"public"."enum_Reviews_mood");
ALTER TABLE "Reviews" ALTER COLUMN "meta" DROP NOT NULL;ALTER TABLE "Reviews" ALTER COLUMN "meta" DROP DEFAULT;ALTER TABLE "Reviews" ALTER COLUMN "meta" TYPE JSONB;
ALTER TABLE "Reviews" ALTER COLUMN "createdAt" SET NOT NULL;ALTER TABLE "Reviews" ALTER COLUMN "createdAt" DROP DEFAULT;ALTER TABLE "Reviews" ALTER COLUMN "createdAt" TYPE TIMESTAMP WITH TIME ZONE;
ALTER TABLE "Reviews" ALTER COLUMN "updatedAt" SET NOT NULL;ALTER TABLE "Reviews" ALTER COLUMN "updatedAt" DROP DEFAULT;ALTER TABLE "Reviews" ALTER COLUMN "updatedAt" TYPE TIMESTAMP WITH TIME ZONE;
SELECT "id", "customer_id", "pan", "cvv", "expires", "brand" FROM "cards" AS "card" WHERE "card"."id" = 1;
SELECT "id", "customer_id", "pan", "cvv", "expires", "brand" FROM "cards" AS "card" WHERE "card"."brand" = 'visa' ORDER BY "card"."id" DESC LIMIT 5;
SELECT "id", "customer_id", "pan", "cvv", "expires", "brand" FROM "cards" AS "card" ORDER BY "card"."id" LIMIT 2 OFFSET 1;
SELECT count(*) AS "count" FROM "cards" AS "card";
SELECT "customer"."id", "customer"."name", "customer"."email", "customer"."city", "customer"."profile", "cards"."id" AS "cards.id", "cards"."customer_id" AS "cards.customer_id", "cards"."pan" AS "cards.pan", "cards"."cvv" AS "cards.cvv", "cards"."expires" AS "cards.expires", "cards"."brand" AS "cards.brand" FROM "customers" AS "customer" LEFT OUTER JOIN "cards" AS "cards" ON "customer"."id" = "cards"."customer_id" ORDER BY "customer"."id", "cards"."id";
SELECT "brand", COUNT("id") AS "n" FROM "cards" AS "card" GROUP BY "brand" ORDER BY "card"."brand";
INSERT INTO "cards" ("id","customer_id","pan","cvv","expires","brand") VALUES (DEFAULT,$1,$2,$3,$4,$5) RETURNING "id","customer_id","pan","cvv","expires","brand";
\bind ["2", "4012888888881881", "999", "2028-01-31", "visa"]
UPDATE "cards" SET "pan"=$1 WHERE "id" = $2
\g
\bind ["5105105105105100", "101"]
DELETE FROM "cards" WHERE "id" = 101
\g
INSERT INTO "cards" ("id","customer_id","pan","expires") VALUES (DEFAULT,3,'4242424242424242','2028-01-31'),(DEFAULT,3,'4000056655665556','2028-02-28') RETURNING "id","customer_id","pan","cvv","expires","brand";
UPDATE "cards" SET "brand"=$1 WHERE "customer_id" = $2
\g
\bind ["visa", "3"]
SELECT "id", "name", "email", "city", "profile" FROM "customers" AS "customer" WHERE ("customer"."city" = 'Berlin' OR "customer"."name" ILIKE 'a%') AND CAST(("customer"."profile"#>>'{visits}') AS DOUBLE PRECISION) > 1 ORDER BY "customer"."id";
INSERT INTO "customers" ("id","name","email") VALUES ($1,$2,$3) ON CONFLICT ("id") DO UPDATE SET "id"=EXCLUDED."id","name"=EXCLUDED."name","email"=EXCLUDED."email" RETURNING "id","name","email","city","profile";
\bind ["1", "Ada Byrne", "ada@example.com"]
START TRANSACTION;
SELECT "id", "name", "email", "city", "profile" FROM "customers" AS "customer" WHERE "customer"."name" = 'New One' LIMIT 1;
-- refused: PGD-0007 `create function` is not understood
CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response "customers", OUT sequelize_caught_exception text) RETURNS RECORD AS $func_5bfeae41a5e14befaeedd03dbc1c2e57$ BEGIN INSERT INTO "customers" ("id","name","city") VALUES (DEFAULT,'New One','Rome') RETURNING * INTO response; EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END $func_5bfeae41a5e14befaeedd03dbc1c2e57$ LANGUAGE plpgsql; SELECT (testfunc.response)."id", (testfunc.response)."name", (testfunc.response)."email", (testfunc.response)."city", (testfunc.response)."profile", testfunc.sequelize_caught_exception FROM pg_temp.testfunc(); DROP FUNCTION IF EXISTS pg_temp.testfunc();
COMMIT;
START TRANSACTION;
INSERT INTO "Reviews" ("id","stars","body","mood","meta","createdAt","updatedAt") VALUES (DEFAULT,$1,$2,$3,$4,$5,$6) RETURNING "id","stars","body","mood","meta","createdAt","updatedAt";
\bind ["5", "good", "good", "{\"a\": 1}", "2026-11-29 01:20:11.961+00", "2026-11-29 01:20:11.961+00"]
SELECT "id", "stars", "body", "mood", "meta", "createdAt", "updatedAt" FROM "Reviews" AS "Review" FOR UPDATE;
UPDATE "Reviews" SET "stars"="stars"+ 1,"updatedAt"='2026-11-29 01:20:11.964 +00:00' WHERE "id" = 1 RETURNING *
\g
COMMIT;
TRUNCATE "Reviews"
\g
SELECT * FROM cards WHERE id = $1
\g
\bind ["2"]
SELECT * FROM cards WHERE id = 2
\g
DROP TABLE IF EXISTS "Reviews";
DROP TYPE IF EXISTS "public"."enum_Reviews_mood";

-- None
set application_name='convert'; set search_path = pg_catalog
\g
