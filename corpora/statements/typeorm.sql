-- What TypeORM sends. Taken from the server's log.

-- TypeORM
SELECT version()
\g
SELECT * FROM current_schema()
\g
START TRANSACTION
\g
SELECT * FROM current_database()
\g
SELECT "table_schema", "table_name", obj_description((quote_ident("table_schema") || '.' || quote_ident("table_name"))::regclass, 'pg_class') AS table_comment FROM "information_schema"."tables" WHERE ("table_schema" = 'public' AND "table_name" = 'tickets')
\g
SELECT * FROM "information_schema"."tables" WHERE "table_schema" = $1 AND "table_name" = $2
\g
\bind ["public", "typeorm_metadata"]
SELECT "n"."nspname", "t"."typname" FROM "pg_type" "t" INNER JOIN "pg_namespace" "n" ON "n"."oid" = "t"."typnamespace" WHERE "n"."nspname" = 'public' AND "t"."typname" = 'tickets_state_enum'
\g
CREATE TYPE "public"."tickets_state_enum" AS ENUM('open', 'closed')
\g
CREATE TABLE "tickets" ("id" SERIAL NOT NULL, "title" character varying NOT NULL, "state" "public"."tickets_state_enum" NOT NULL DEFAULT 'open', "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(), "version" integer NOT NULL, CONSTRAINT "UQ_91df342f44d349b4fabadd3948d" UNIQUE ("title"), CONSTRAINT "PK_343bc942ae261cf7a1377f48fd0" PRIMARY KEY ("id"))
\g
CREATE INDEX "IDX_d36d53c0a319cc78008bd55295" ON "tickets"  ("state")
\g
COMMIT
\g
START TRANSACTION
\g
SELECT TRUE FROM information_schema.columns WHERE table_name = 'pg_class' and column_name = 'relispartition'
\g
SELECT columns.*, pg_catalog.col_description((quote_ident(table_catalog) || '.' || quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass::oid, ordinal_position) AS description, ('"' || "udt_schema" || '"."' || "udt_name" || '"')::"regtype"::text AS "regtype", pg_catalog.format_type("col_attr"."atttypid", "col_attr"."atttypmod") AS "format_type" FROM "information_schema"."columns" LEFT JOIN "pg_catalog"."pg_attribute" AS "col_attr" ON "col_attr"."attname" = "columns"."column_name" AND "col_attr"."attrelid" = ( SELECT "cls"."oid" FROM "pg_catalog"."pg_class" AS "cls" LEFT JOIN "pg_catalog"."pg_namespace" AS "ns" ON "ns"."oid" = "cls"."relnamespace" WHERE "cls"."relname" = "columns"."table_name" AND "ns"."nspname" = "columns"."table_schema" ) WHERE ("table_schema" = 'public' AND "table_name" = 'tickets')
\g
SELECT "ns"."nspname" AS "table_schema", "t"."relname" AS "table_name", "cnst"."conname" AS "constraint_name", pg_get_constraintdef("cnst"."oid") AS "expression", CASE "cnst"."contype" WHEN 'p' THEN 'PRIMARY' WHEN 'u' THEN 'UNIQUE' WHEN 'c' THEN 'CHECK' WHEN 'x' THEN 'EXCLUDE' END AS "constraint_type", "a"."attname" AS "column_name" FROM "pg_constraint" "cnst" INNER JOIN "pg_class" "t" ON "t"."oid" = "cnst"."conrelid" INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "cnst"."connamespace" LEFT JOIN "pg_attribute" "a" ON "a"."attrelid" = "cnst"."conrelid" AND "a"."attnum" = ANY ("cnst"."conkey") WHERE "t"."relkind" IN ('r', 'p') AND (("ns"."nspname" = 'public' AND "t"."relname" = 'tickets'))
\g
SELECT "ns"."nspname" AS "table_schema", "t"."relname" AS "table_name", "i"."relname" AS "constraint_name", "a"."attname" AS "column_name", CASE "ix"."indisunique" WHEN 't' THEN 'TRUE' ELSE'FALSE' END AS "is_unique", pg_get_expr("ix"."indpred", "ix"."indrelid") AS "condition", "types"."typname" AS "type_name", "am"."amname" AS "index_type" FROM "pg_class" "t" INNER JOIN "pg_index" "ix" ON "ix"."indrelid" = "t"."oid" INNER JOIN "pg_attribute" "a" ON "a"."attrelid" = "t"."oid"  AND "a"."attnum" = ANY ("ix"."indkey") INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "t"."relnamespace" INNER JOIN "pg_class" "i" ON "i"."oid" = "ix"."indexrelid" INNER JOIN "pg_type" "types" ON "types"."oid" = "a"."atttypid" INNER JOIN "pg_am" "am" ON "i"."relam" = "am"."oid" LEFT JOIN "pg_constraint" "cnst" ON "cnst"."conname" = "i"."relname" WHERE "t"."relkind" IN ('r', 'p') AND "cnst"."contype" IS NULL AND (("ns"."nspname" = 'public' AND "t"."relname" = 'tickets'))
\g
SELECT "con"."conname" AS "constraint_name", "con"."nspname" AS "table_schema", "con"."relname" AS "table_name", "att2"."attname" AS "column_name", "ns"."nspname" AS "referenced_table_schema", "cl"."relname" AS "referenced_table_name", "att"."attname" AS "referenced_column_name", "con"."confdeltype" AS "on_delete", "con"."confupdtype" AS "on_update", "con"."condeferrable" AS "deferrable", "con"."condeferred" AS "deferred" FROM ( SELECT UNNEST ("con1"."conkey") AS "parent", UNNEST ("con1"."confkey") AS "child", "con1"."confrelid", "con1"."conrelid", "con1"."conname", "con1"."contype", "ns"."nspname", "cl"."relname", "con1"."condeferrable", CASE WHEN "con1"."condeferred" THEN 'INITIALLY DEFERRED' ELSE 'INITIALLY IMMEDIATE' END as condeferred, CASE "con1"."confdeltype" WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END as "confdeltype", CASE "con1"."confupdtype" WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END as "confupdtype" FROM "pg_class" "cl" INNER JOIN "pg_namespace" "ns" ON "cl"."relnamespace" = "ns"."oid" INNER JOIN "pg_constraint" "con1" ON "con1"."conrelid" = "cl"."oid" WHERE "con1"."contype" = 'f' AND (("ns"."nspname" = 'public' AND "cl"."relname" = 'tickets')) ) "con" INNER JOIN "pg_attribute" "att" ON "att"."attrelid" = "con"."confrelid" AND "att"."attnum" = "con"."child" INNER JOIN "pg_class" "cl" ON "cl"."oid" = "con"."confrelid"  AND "cl"."relispartition" = 'f'INNER JOIN "pg_namespace" "ns" ON "cl"."relnamespace" = "ns"."oid" INNER JOIN "pg_attribute" "att2" ON "att2"."attrelid" = "con"."conrelid" AND "att2"."attnum" = "con"."parent"
\g
SELECT "udt_schema", "udt_name" FROM "information_schema"."columns" WHERE "table_schema" = 'public' AND "table_name" = 'tickets' AND "column_name"='state'
\g
SELECT "e"."enumlabel" AS "value" FROM "pg_enum" "e" INNER JOIN "pg_type" "t" ON "t"."oid" = "e"."enumtypid" INNER JOIN "pg_namespace" "n" ON "n"."oid" = "t"."typnamespace" WHERE "n"."nspname" = 'public' AND "t"."typname" = 'tickets_state_enum' ORDER BY "e"."enumsortorder"
\g
COMMIT
\g
SELECT "Card"."id" AS "Card_id", "Card"."customer_id" AS "Card_customer_id", "Card"."pan" AS "Card_pan", "Card"."cvv" AS "Card_cvv", "Card"."expires" AS "Card_expires", "Card"."brand" AS "Card_brand" FROM "cards" "Card" WHERE (("Card"."id" = $1)) LIMIT 1
\g
\bind ["1"]
SELECT "Card"."id" AS "Card_id", "Card"."customer_id" AS "Card_customer_id", "Card"."pan" AS "Card_pan", "Card"."cvv" AS "Card_cvv", "Card"."expires" AS "Card_expires", "Card"."brand" AS "Card_brand" FROM "cards" "Card" WHERE (("Card"."brand" IN ($1, $2))) ORDER BY "Card"."id" ASC LIMIT 2
\g
\bind ["visa", "amex"]
SELECT "Card"."id" AS "Card_id", "Card"."customer_id" AS "Card_customer_id", "Card"."pan" AS "Card_pan", "Card"."cvv" AS "Card_cvv", "Card"."expires" AS "Card_expires", "Card"."brand" AS "Card_brand" FROM "cards" "Card" ORDER BY "Card"."id" ASC LIMIT 2 OFFSET 1
\g
SELECT COUNT(1) AS "cnt" FROM "cards" "Card"
\g
SELECT "Card"."id" AS "Card_id", "Card"."customer_id" AS "Card_customer_id", "Card"."pan" AS "Card_pan", "Card"."cvv" AS "Card_cvv", "Card"."expires" AS "Card_expires", "Card"."brand" AS "Card_brand", "Card__Card_customer"."id" AS "Card__Card_customer_id", "Card__Card_customer"."name" AS "Card__Card_customer_name", "Card__Card_customer"."email" AS "Card__Card_customer_email", "Card__Card_customer"."city" AS "Card__Card_customer_city", "Card__Card_customer"."profile" AS "Card__Card_customer_profile" FROM "cards" "Card" LEFT JOIN "customers" "Card__Card_customer" ON "Card__Card_customer"."id"="Card"."customer_id" WHERE (("Card"."id" > $1)) ORDER BY "Card"."id" ASC
\g
\bind ["1"]
SELECT DISTINCT "distinctAlias"."Customer_id" AS "ids_Customer_id", "distinctAlias"."Customer_id" FROM (SELECT "Customer"."id" AS "Customer_id", "Customer"."name" AS "Customer_name", "Customer"."email" AS "Customer_email", "Customer"."city" AS "Customer_city", "Customer"."profile" AS "Customer_profile", "Customer__Customer_cards"."id" AS "Customer__Customer_cards_id", "Customer__Customer_cards"."customer_id" AS "Customer__Customer_cards_customer_id", "Customer__Customer_cards"."pan" AS "Customer__Customer_cards_pan", "Customer__Customer_cards"."cvv" AS "Customer__Customer_cards_cvv", "Customer__Customer_cards"."expires" AS "Customer__Customer_cards_expires", "Customer__Customer_cards"."brand" AS "Customer__Customer_cards_brand" FROM "customers" "Customer" LEFT JOIN "cards" "Customer__Customer_cards" ON "Customer__Customer_cards"."customer_id"="Customer"."id") "distinctAlias" ORDER BY "distinctAlias"."Customer_id" ASC, "Customer_id" ASC LIMIT 2
\g
SELECT "Customer"."id" AS "Customer_id", "Customer"."name" AS "Customer_name", "Customer"."email" AS "Customer_email", "Customer"."city" AS "Customer_city", "Customer"."profile" AS "Customer_profile", "Customer__Customer_cards"."id" AS "Customer__Customer_cards_id", "Customer__Customer_cards"."customer_id" AS "Customer__Customer_cards_customer_id", "Customer__Customer_cards"."pan" AS "Customer__Customer_cards_pan", "Customer__Customer_cards"."cvv" AS "Customer__Customer_cards_cvv", "Customer__Customer_cards"."expires" AS "Customer__Customer_cards_expires", "Customer__Customer_cards"."brand" AS "Customer__Customer_cards_brand" FROM "customers" "Customer" LEFT JOIN "cards" "Customer__Customer_cards" ON "Customer__Customer_cards"."customer_id"="Customer"."id" WHERE "Customer"."id" IN (1, 2) ORDER BY "Customer"."id" ASC
\g
START TRANSACTION
\g
INSERT INTO "cards"("customer_id", "pan", "cvv", "expires", "brand") VALUES ($1, $2, $3, $4, $5) RETURNING "id"
\g
\bind ["2", "4012888888881881", "999", "2028-01-31", "visa"]
COMMIT
\g
SELECT "Card"."id" AS "Card_id", "Card"."customer_id" AS "Card_customer_id", "Card"."pan" AS "Card_pan", "Card"."cvv" AS "Card_cvv", "Card"."expires" AS "Card_expires", "Card"."brand" AS "Card_brand" FROM "cards" "Card" WHERE "Card"."id" = $1
\g
\bind ["101"]
START TRANSACTION
\g
UPDATE "cards" SET "pan" = $1 WHERE "id" = $2
\g
\bind ["5105105105105100", "101"]
COMMIT
\g
UPDATE "cards" SET "brand" = $1 WHERE "id" = $2
\g
\bind ["mastercard", "101"]
DELETE FROM "cards" WHERE "id" = $1
\g
\bind ["101"]
INSERT INTO "cards"("customer_id", "pan", "cvv", "expires", "brand") VALUES ($1, $2, DEFAULT, $3, DEFAULT) RETURNING "id"
\g
\bind ["3", "4242424242424242", "2028-01-31"]
SELECT "c"."brand" AS "c_brand", COUNT(*) AS "n" FROM "cards" "c" GROUP BY "c"."brand" ORDER BY "c_brand" ASC
\g
SELECT "c"."id" AS "c_id", "c"."customer_id" AS "c_customer_id", "c"."pan" AS "c_pan", "c"."cvv" AS "c_cvv", "c"."expires" AS "c_expires", "c"."brand" AS "c_brand", "u"."id" AS "u_id", "u"."name" AS "u_name", "u"."email" AS "u_email", "u"."city" AS "u_city", "u"."profile" AS "u_profile" FROM "cards" "c" LEFT JOIN "customers" "u" ON "u"."id"="c"."customer_id" WHERE "u"."city" = $1 ORDER BY "c"."id" ASC
\g
\bind ["Dublin"]
START TRANSACTION
\g
INSERT INTO "tickets"("title", "state", "createdAt", "version") VALUES ($1, DEFAULT, DEFAULT, 1) RETURNING "id", "state", "createdAt", "version"
\g
\bind ["a"]
SELECT "Ticket"."id" AS "Ticket_id", "Ticket"."title" AS "Ticket_title", "Ticket"."state" AS "Ticket_state", "Ticket"."createdAt" AS "Ticket_createdAt", "Ticket"."version" AS "Ticket_version" FROM "tickets" "Ticket" WHERE "Ticket"."id" = $1
\g
\bind ["1"]
UPDATE "tickets" SET "state" = $1, "version" = "version" + 1 WHERE "id" = $2 RETURNING "version"
\g
\bind ["closed", "1"]
SELECT "Ticket"."id" AS "Ticket_id", "Ticket"."title" AS "Ticket_title", "Ticket"."state" AS "Ticket_state", "Ticket"."createdAt" AS "Ticket_createdAt", "Ticket"."version" AS "Ticket_version" FROM "tickets" "Ticket" WHERE (("Ticket"."id" = $1)) LIMIT 1 FOR UPDATE
\g
\bind ["1"]
COMMIT
\g
INSERT INTO "tickets"("title", "state", "createdAt", "version") VALUES ($1, $2, DEFAULT, 1) ON CONFLICT ( "title" ) DO UPDATE SET "title" = EXCLUDED."title", "state" = EXCLUDED."state" RETURNING "id", "state", "createdAt", "version"
\g
\bind ["a", "open"]
TRUNCATE TABLE "tickets"
\g
SELECT "table_schema", "table_name", obj_description((quote_ident("table_schema") || '.' || quote_ident("table_name"))::regclass, 'pg_class') AS table_comment FROM "information_schema"."tables" WHERE ("table_schema" = 'public' AND "table_name" = 'cards') OR ("table_schema" = 'public' AND "table_name" = 'tickets')
\g
SELECT columns.*, pg_catalog.col_description((quote_ident(table_catalog) || '.' || quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass::oid, ordinal_position) AS description, ('"' || "udt_schema" || '"."' || "udt_name" || '"')::"regtype"::text AS "regtype", pg_catalog.format_type("col_attr"."atttypid", "col_attr"."atttypmod") AS "format_type" FROM "information_schema"."columns" LEFT JOIN "pg_catalog"."pg_attribute" AS "col_attr" ON "col_attr"."attname" = "columns"."column_name" AND "col_attr"."attrelid" = ( SELECT "cls"."oid" FROM "pg_catalog"."pg_class" AS "cls" LEFT JOIN "pg_catalog"."pg_namespace" AS "ns" ON "ns"."oid" = "cls"."relnamespace" WHERE "cls"."relname" = "columns"."table_name" AND "ns"."nspname" = "columns"."table_schema" ) WHERE ("table_schema" = 'public' AND "table_name" = 'cards') OR ("table_schema" = 'public' AND "table_name" = 'tickets')
\g
SELECT "ns"."nspname" AS "table_schema", "t"."relname" AS "table_name", "cnst"."conname" AS "constraint_name", pg_get_constraintdef("cnst"."oid") AS "expression", CASE "cnst"."contype" WHEN 'p' THEN 'PRIMARY' WHEN 'u' THEN 'UNIQUE' WHEN 'c' THEN 'CHECK' WHEN 'x' THEN 'EXCLUDE' END AS "constraint_type", "a"."attname" AS "column_name" FROM "pg_constraint" "cnst" INNER JOIN "pg_class" "t" ON "t"."oid" = "cnst"."conrelid" INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "cnst"."connamespace" LEFT JOIN "pg_attribute" "a" ON "a"."attrelid" = "cnst"."conrelid" AND "a"."attnum" = ANY ("cnst"."conkey") WHERE "t"."relkind" IN ('r', 'p') AND (("ns"."nspname" = 'public' AND "t"."relname" = 'cards') OR ("ns"."nspname" = 'public' AND "t"."relname" = 'tickets'))
\g
SELECT "ns"."nspname" AS "table_schema", "t"."relname" AS "table_name", "i"."relname" AS "constraint_name", "a"."attname" AS "column_name", CASE "ix"."indisunique" WHEN 't' THEN 'TRUE' ELSE'FALSE' END AS "is_unique", pg_get_expr("ix"."indpred", "ix"."indrelid") AS "condition", "types"."typname" AS "type_name", "am"."amname" AS "index_type" FROM "pg_class" "t" INNER JOIN "pg_index" "ix" ON "ix"."indrelid" = "t"."oid" INNER JOIN "pg_attribute" "a" ON "a"."attrelid" = "t"."oid"  AND "a"."attnum" = ANY ("ix"."indkey") INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "t"."relnamespace" INNER JOIN "pg_class" "i" ON "i"."oid" = "ix"."indexrelid" INNER JOIN "pg_type" "types" ON "types"."oid" = "a"."atttypid" INNER JOIN "pg_am" "am" ON "i"."relam" = "am"."oid" LEFT JOIN "pg_constraint" "cnst" ON "cnst"."conname" = "i"."relname" WHERE "t"."relkind" IN ('r', 'p') AND "cnst"."contype" IS NULL AND (("ns"."nspname" = 'public' AND "t"."relname" = 'cards') OR ("ns"."nspname" = 'public' AND "t"."relname" = 'tickets'))
\g
SELECT "con"."conname" AS "constraint_name", "con"."nspname" AS "table_schema", "con"."relname" AS "table_name", "att2"."attname" AS "column_name", "ns"."nspname" AS "referenced_table_schema", "cl"."relname" AS "referenced_table_name", "att"."attname" AS "referenced_column_name", "con"."confdeltype" AS "on_delete", "con"."confupdtype" AS "on_update", "con"."condeferrable" AS "deferrable", "con"."condeferred" AS "deferred" FROM ( SELECT UNNEST ("con1"."conkey") AS "parent", UNNEST ("con1"."confkey") AS "child", "con1"."confrelid", "con1"."conrelid", "con1"."conname", "con1"."contype", "ns"."nspname", "cl"."relname", "con1"."condeferrable", CASE WHEN "con1"."condeferred" THEN 'INITIALLY DEFERRED' ELSE 'INITIALLY IMMEDIATE' END as condeferred, CASE "con1"."confdeltype" WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END as "confdeltype", CASE "con1"."confupdtype" WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END as "confupdtype" FROM "pg_class" "cl" INNER JOIN "pg_namespace" "ns" ON "cl"."relnamespace" = "ns"."oid" INNER JOIN "pg_constraint" "con1" ON "con1"."conrelid" = "cl"."oid" WHERE "con1"."contype" = 'f' AND (("ns"."nspname" = 'public' AND "cl"."relname" = 'cards') OR ("ns"."nspname" = 'public' AND "cl"."relname" = 'tickets')) ) "con" INNER JOIN "pg_attribute" "att" ON "att"."attrelid" = "con"."confrelid" AND "att"."attnum" = "con"."child" INNER JOIN "pg_class" "cl" ON "cl"."oid" = "con"."confrelid"  AND "cl"."relispartition" = 'f'INNER JOIN "pg_namespace" "ns" ON "cl"."relnamespace" = "ns"."oid" INNER JOIN "pg_attribute" "att2" ON "att2"."attrelid" = "con"."conrelid" AND "att2"."attnum" = "con"."parent"
\g
DROP INDEX "public"."IDX_d36d53c0a319cc78008bd55295"
\g
DROP TABLE "tickets"
\g

-- None
set application_name='convert'; set search_path = pg_catalog
\g
