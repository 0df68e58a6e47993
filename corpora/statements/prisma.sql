-- What Prisma 7 sends through @prisma/adapter-pg. Taken from the server's log.

-- Prisma Client
SELECT "public"."cards"."id", "public"."cards"."customer_id", "public"."cards"."pan", "public"."cards"."cvv", "public"."cards"."expires", "public"."cards"."brand" FROM "public"."cards" WHERE ("public"."cards"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3
\g
\bind ["1", "1", "0"]
SELECT "public"."cards"."id", "public"."cards"."customer_id", "public"."cards"."pan", "public"."cards"."cvv", "public"."cards"."expires", "public"."cards"."brand" FROM "public"."cards" WHERE "public"."cards"."brand" IN ($1,$2) ORDER BY "public"."cards"."id" ASC LIMIT $3 OFFSET $4
\g
\bind ["visa", "amex", "5", "0"]
SELECT "public"."customers"."id", "public"."customers"."name", "public"."customers"."city", "public"."customers"."profile", "public"."customers"."is_active" FROM "public"."customers" WHERE 1=1 ORDER BY "public"."customers"."id" ASC LIMIT $1 OFFSET $2
\g
\bind ["2", "0"]
SELECT "public"."cards"."id", "public"."cards"."customer_id", "public"."cards"."pan", "public"."cards"."cvv", "public"."cards"."expires", "public"."cards"."brand" FROM "public"."cards" WHERE "public"."cards"."customer_id" IN ($1,$2) OFFSET $3
\g
\bind ["1", "2", "0"]
SELECT COUNT(*) AS "_count$_all" FROM (SELECT "public"."cards"."id" FROM "public"."cards" WHERE 1=1 OFFSET $1) AS "sub"
\g
\bind ["0"]
SELECT COUNT(*) AS "_count$_all", "public"."cards"."brand" FROM "public"."cards" WHERE 1=1 GROUP BY "public"."cards"."brand" ORDER BY "public"."cards"."brand" ASC OFFSET $1
\g
\bind ["0"]
SELECT SUM("total") AS "_sum$total", MAX("placed_at") AS "_max$placed_at" FROM (SELECT "public"."orders"."total", "public"."orders"."placed_at" FROM "public"."orders" WHERE 1=1 OFFSET $1) AS "sub"
\g
\bind ["0"]
INSERT INTO "public"."cards" ("customer_id","pan","cvv","expires","brand") VALUES ($1,$2,$3,$4,$5) RETURNING "public"."cards"."id", "public"."cards"."customer_id", "public"."cards"."pan", "public"."cards"."cvv", "public"."cards"."expires", "public"."cards"."brand"
\g
\bind ["2", "4012888888881881", "999", "2028-01-31", "visa"]
UPDATE "public"."cards" SET "pan" = $1 WHERE ("public"."cards"."id" = $2 AND 1=1) RETURNING "public"."cards"."id", "public"."cards"."customer_id", "public"."cards"."pan", "public"."cards"."cvv", "public"."cards"."expires", "public"."cards"."brand"
\g
\bind ["5105105105105100", "101"]
DELETE FROM "public"."cards" WHERE ("public"."cards"."id" = $1 AND 1=1) RETURNING "public"."cards"."id", "public"."cards"."customer_id", "public"."cards"."pan", "public"."cards"."cvv", "public"."cards"."expires", "public"."cards"."brand"
\g
\bind ["101"]
INSERT INTO "public"."cards" ("customer_id","pan","expires") VALUES ($1,$2,$3)
\g
\bind ["3", "4242424242424242", "2028-01-31"]
BEGIN
\g
SELECT "public"."customers"."id" FROM "public"."customers" WHERE ("public"."customers"."id" = $1 AND 1=1) OFFSET $2
\g
\bind ["1", "0"]
UPDATE "public"."customers" SET "city" = $1 WHERE ("public"."customers"."id" IN ($2) AND ("public"."customers"."id" = $3 AND 1=1)) RETURNING "public"."customers"."id", "public"."customers"."name", "public"."customers"."city", "public"."customers"."profile", "public"."customers"."is_active"
\g
\bind ["Cork", "1", "1"]
SELECT "public"."customers"."id", "public"."customers"."name", "public"."customers"."city", "public"."customers"."profile", "public"."customers"."is_active" FROM "public"."customers" WHERE "public"."customers"."id" = $1 LIMIT $2 OFFSET $3
\g
\bind ["1", "1", "0"]
COMMIT
\g
BEGIN
\g
UPDATE "public"."orders" SET "total" = ("public"."orders"."total" + $1) WHERE ("public"."orders"."id" = $2 AND 1=1) RETURNING "public"."orders"."id", "public"."orders"."customer_id", "public"."orders"."total", "public"."orders"."note", "public"."orders"."placed_at"
\g
\bind ["1", "1"]
SELECT "public"."orders"."id", "public"."orders"."customer_id", "public"."orders"."total", "public"."orders"."note", "public"."orders"."placed_at" FROM "public"."orders" LEFT JOIN "public"."customers" AS "j0" ON ("j0"."id") = ("public"."orders"."customer_id") WHERE ("public"."orders"."note"::text LIKE ('%' || $1 || '%') AND ("j0"."city" = $2 AND ("j0"."id" IS NOT NULL))) ORDER BY "public"."orders"."id" ASC LIMIT $3 OFFSET $4
\g
\bind ["gift", "Berlin", "1", "0"]
COMMIT
\g
SELECT "public"."customers"."id", "public"."customers"."name" FROM "public"."customers" WHERE ("public"."customers"."profile"#>ARRAY[$1]::text[])::jsonb::jsonb = $2 OFFSET $3
\g
\bind ["newsletter", "true", "0"]
SELECT "public"."customers"."id", "public"."customers"."name", "public"."customers"."city", "public"."customers"."profile", "public"."customers"."is_active" FROM "public"."customers" WHERE EXISTS(SELECT "t0"."customer_id" FROM "public"."orders" AS "t0" WHERE ("t0"."total" > $1 AND ("public"."customers"."id") = ("t0"."customer_id") AND "t0"."customer_id" IS NOT NULL)) ORDER BY "public"."customers"."id" ASC OFFSET $2
\g
\bind ["50", "0"]
UPDATE "public"."orders" SET "note" = $1 WHERE "public"."orders"."note" = $2
\g
\bind ["present", "gift"]
SELECT * FROM cards WHERE id = $1
\g
\bind ["2"]
SELECT "public"."orders"."id", "public"."orders"."customer_id", "public"."orders"."total", "public"."orders"."note", "public"."orders"."placed_at" FROM "public"."orders" WHERE "public"."orders"."id" >= (SELECT "public"."orders"."id" FROM "public"."orders" WHERE ("public"."orders"."id") = ($1)) ORDER BY "public"."orders"."id" ASC LIMIT $2 OFFSET $3
\g
\bind ["5", "3", "1"]

-- None
set application_name='convert'; set search_path = pg_catalog
\g
