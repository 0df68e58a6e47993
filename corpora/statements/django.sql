-- What Django 5.2 sends (psycopg 3): inspectdb, migrate, and its ORM. Taken from the server's log.

-- manage.py inspectdb
SELECT
                c.relname,
                CASE
                    WHEN c.relispartition THEN 'p'
                    WHEN c.relkind IN ('m', 'v') THEN 'v'
                    ELSE 't'
                END,
                obj_description(c.oid, 'pg_class')
            FROM pg_catalog.pg_class c
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v')
                AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
                AND pg_catalog.pg_table_is_visible(c.oid)
\g
SELECT a1.attname, c2.relname, a2.attname
            FROM pg_constraint con
            LEFT JOIN pg_class c1 ON con.conrelid = c1.oid
            LEFT JOIN pg_class c2 ON con.confrelid = c2.oid
            LEFT JOIN
                pg_attribute a1 ON c1.oid = a1.attrelid AND a1.attnum = con.conkey[1]
            LEFT JOIN
                pg_attribute a2 ON c2.oid = a2.attrelid AND a2.attnum = con.confkey[1]
            WHERE
                c1.relname = 'cards' AND
                con.contype = 'f' AND
                c1.relnamespace = c2.relnamespace AND
                pg_catalog.pg_table_is_visible(c1.oid)
\g
SELECT
                c.conname,
                array(
                    SELECT attname
                    FROM unnest(c.conkey) WITH ORDINALITY cols(colid, arridx)
                    JOIN pg_attribute AS ca ON cols.colid = ca.attnum
                    WHERE ca.attrelid = c.conrelid
                    ORDER BY cols.arridx
                ),
                c.contype,
                (SELECT fkc.relname || '.' || fka.attname
                FROM pg_attribute AS fka
                JOIN pg_class AS fkc ON fka.attrelid = fkc.oid
                WHERE fka.attrelid = c.confrelid AND fka.attnum = c.confkey[1]),
                cl.reloptions
            FROM pg_constraint AS c
            JOIN pg_class AS cl ON c.conrelid = cl.oid
            WHERE cl.relname = 'cards' AND pg_catalog.pg_table_is_visible(cl.oid)
\g
SELECT
                indexname,
                array_agg(attname ORDER BY arridx),
                indisunique,
                indisprimary,
                array_agg(ordering ORDER BY arridx),
                amname,
                exprdef,
                s2.attoptions
            FROM (
                SELECT
                    c2.relname as indexname, idx.*, attr.attname, am.amname,
                    CASE
                        WHEN idx.indexprs IS NOT NULL THEN
                            pg_get_indexdef(idx.indexrelid)
                    END AS exprdef,
                    CASE am.amname
                        WHEN 'btree' THEN
                            CASE (option & 1)
                                WHEN 1 THEN 'DESC' ELSE 'ASC'
                            END
                    END as ordering,
                    c2.reloptions as attoptions
                FROM (
                    SELECT *
                    FROM
                        pg_index i,
                        unnest(i.indkey, i.indoption)
                            WITH ORDINALITY koi(key, option, arridx)
                ) idx
                LEFT JOIN pg_class c ON idx.indrelid = c.oid
                LEFT JOIN pg_class c2 ON idx.indexrelid = c2.oid
                LEFT JOIN pg_am am ON c2.relam = am.oid
                LEFT JOIN
                    pg_attribute attr ON attr.attrelid = c.oid AND attr.attnum = idx.key
                WHERE c.relname = 'cards' AND pg_catalog.pg_table_is_visible(c.oid)
            ) s2
            GROUP BY indexname, indisunique, indisprimary, amname, exprdef, attoptions;
SELECT
                a.attname AS column_name,
                NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)) AS is_nullable,
                pg_get_expr(ad.adbin, ad.adrelid) AS column_default,
                CASE WHEN collname = 'default' THEN NULL ELSE collname END AS collation,
                a.attidentity != '' AS is_autofield,
                col_description(a.attrelid, a.attnum) AS column_comment
            FROM pg_attribute a
            LEFT JOIN pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum
            LEFT JOIN pg_collation co ON a.attcollation = co.oid
            JOIN pg_type t ON a.atttypid = t.oid
            JOIN pg_class c ON a.attrelid = c.oid
            JOIN pg_namespace n ON c.relnamespace = n.oid
            WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v')
                AND c.relname = 'cards'
                AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
                AND pg_catalog.pg_table_is_visible(c.oid)
\g
SELECT * FROM "cards" LIMIT 1
\g
SELECT * FROM "customers" LIMIT 1
\g
SELECT * FROM "employees" LIMIT 1
\g
SELECT * FROM "events" LIMIT 1
\g
SELECT * FROM "order_items" LIMIT 1
\g
SELECT * FROM "orders" LIMIT 1
\g
SELECT * FROM "products" LIMIT 1
\g

-- manage.py migrate
BEGIN
\g
CREATE TABLE "django_migrations" ("id" bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" timestamp with time zone NOT NULL)
\g
COMMIT
\g
BEGIN
\g
CREATE TABLE "django_content_type" ("id" integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "name" varchar(100) NOT NULL, "app_label" varchar(100) NOT NULL, "model" varchar(100) NOT NULL)
\g
ALTER TABLE "django_content_type" ADD CONSTRAINT "django_content_type_app_label_model_76bd3d3b_uniq" UNIQUE ("app_label", "model")
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('contenttypes', '0001_initial', '2026-11-29 01:18:12.127965+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
ALTER TABLE "django_content_type" ALTER COLUMN "name" DROP NOT NULL
\g
ALTER TABLE "django_content_type" DROP COLUMN "name" CASCADE
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('contenttypes', '0002_remove_content_type_name', '2026-11-29 01:18:12.167330+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
CREATE TABLE "auth_permission" ("id" integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "name" varchar(50) NOT NULL, "content_type_id" integer NOT NULL, "codename" varchar(100) NOT NULL)
\g
CREATE TABLE "auth_group" ("id" integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "name" varchar(80) NOT NULL UNIQUE)
\g
CREATE TABLE "auth_group_permissions" ("id" bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "group_id" integer NOT NULL, "permission_id" integer NOT NULL)
\g
CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "password" varchar(128) NOT NULL, "last_login" timestamp with time zone NOT NULL, "is_superuser" boolean NOT NULL, "username" varchar(30) NOT NULL UNIQUE, "first_name" varchar(30) NOT NULL, "last_name" varchar(30) NOT NULL, "email" varchar(75) NOT NULL, "is_staff" boolean NOT NULL, "is_active" boolean NOT NULL, "date_joined" timestamp with time zone NOT NULL)
\g
CREATE TABLE "auth_user_groups" ("id" bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "user_id" integer NOT NULL, "group_id" integer NOT NULL)
\g
CREATE TABLE "auth_user_user_permissions" ("id" bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "user_id" integer NOT NULL, "permission_id" integer NOT NULL)
\g
ALTER TABLE "auth_permission" ADD CONSTRAINT "auth_permission_content_type_id_codename_01ab375a_uniq" UNIQUE ("content_type_id", "codename")
\g
ALTER TABLE "auth_permission" ADD CONSTRAINT "auth_permission_content_type_id_2f476e4b_fk_django_co" FOREIGN KEY ("content_type_id") REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED
\g
CREATE INDEX "auth_permission_content_type_id_2f476e4b" ON "auth_permission" ("content_type_id")
\g
CREATE INDEX "auth_group_name_a6ea08ec_like" ON "auth_group" ("name" varchar_pattern_ops)
\g
ALTER TABLE "auth_group_permissions" ADD CONSTRAINT "auth_group_permissions_group_id_permission_id_0cd325b0_uniq" UNIQUE ("group_id", "permission_id")
\g
ALTER TABLE "auth_group_permissions" ADD CONSTRAINT "auth_group_permissions_group_id_b120cbf9_fk_auth_group_id" FOREIGN KEY ("group_id") REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED
\g
ALTER TABLE "auth_group_permissions" ADD CONSTRAINT "auth_group_permissio_permission_id_84c5c92e_fk_auth_perm" FOREIGN KEY ("permission_id") REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
\g
CREATE INDEX "auth_group_permissions_group_id_b120cbf9" ON "auth_group_permissions" ("group_id")
\g
CREATE INDEX "auth_group_permissions_permission_id_84c5c92e" ON "auth_group_permissions" ("permission_id")
\g
CREATE INDEX "auth_user_username_6821ab7c_like" ON "auth_user" ("username" varchar_pattern_ops)
\g
ALTER TABLE "auth_user_groups" ADD CONSTRAINT "auth_user_groups_user_id_group_id_94350c0c_uniq" UNIQUE ("user_id", "group_id")
\g
ALTER TABLE "auth_user_groups" ADD CONSTRAINT "auth_user_groups_user_id_6a12ed8b_fk_auth_user_id" FOREIGN KEY ("user_id") REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED
\g
ALTER TABLE "auth_user_groups" ADD CONSTRAINT "auth_user_groups_group_id_97559544_fk_auth_group_id" FOREIGN KEY ("group_id") REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED
\g
CREATE INDEX "auth_user_groups_user_id_6a12ed8b" ON "auth_user_groups" ("user_id")
\g
CREATE INDEX "auth_user_groups_group_id_97559544" ON "auth_user_groups" ("group_id")
\g
ALTER TABLE "auth_user_user_permissions" ADD CONSTRAINT "auth_user_user_permissions_user_id_permission_id_14a6b632_uniq" UNIQUE ("user_id", "permission_id")
\g
ALTER TABLE "auth_user_user_permissions" ADD CONSTRAINT "auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id" FOREIGN KEY ("user_id") REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED
\g
ALTER TABLE "auth_user_user_permissions" ADD CONSTRAINT "auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm" FOREIGN KEY ("permission_id") REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED
\g
CREATE INDEX "auth_user_user_permissions_user_id_a95ead1b" ON "auth_user_user_permissions" ("user_id")
\g
CREATE INDEX "auth_user_user_permissions_permission_id_1fbb5f2c" ON "auth_user_user_permissions" ("permission_id")
\g
COMMIT
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0001_initial', '2026-11-29 01:18:12.314509+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
BEGIN
\g
ALTER TABLE "auth_permission" ALTER COLUMN "name" TYPE varchar(255)
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0002_alter_permission_name_max_length', '2026-11-29 01:18:12.330648+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
ALTER TABLE "auth_user" ALTER COLUMN "email" TYPE varchar(254)
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0003_alter_user_email_max_length', '2026-11-29 01:18:12.355428+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0004_alter_user_username_opts', '2026-11-29 01:18:12.365696+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
ALTER TABLE "auth_user" ALTER COLUMN "last_login" DROP NOT NULL
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0005_alter_user_last_login_null', '2026-11-29 01:18:12.407024+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0006_require_contenttypes_0002', '2026-11-29 01:18:12.423162+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0007_alter_validators_add_error_messages', '2026-11-29 01:18:12.445905+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
ALTER TABLE "auth_user" ALTER COLUMN "username" TYPE varchar(150)
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0008_alter_user_username_max_length', '2026-11-29 01:18:12.507057+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
ALTER TABLE "auth_user" ALTER COLUMN "last_name" TYPE varchar(150)
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0009_alter_user_last_name_max_length', '2026-11-29 01:18:12.543876+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
ALTER TABLE "auth_group" ALTER COLUMN "name" TYPE varchar(150)
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0010_alter_group_name_max_length', '2026-11-29 01:18:12.566923+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0011_update_proxy_permissions', '2026-11-29 01:18:12.577424+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
ALTER TABLE "auth_user" ALTER COLUMN "first_name" TYPE varchar(150)
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('auth', '0012_alter_user_first_name_max_length', '2026-11-29 01:18:12.607409+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
COMMIT
\g
BEGIN
\g
CREATE TABLE "shop_refund" ("id" bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "amount" numeric(10, 2) NOT NULL, "reason" varchar(200) NOT NULL, "data" jsonb NOT NULL, "created_at" timestamp with time zone NOT NULL, "ref" uuid NULL UNIQUE, "order_id" bigint NOT NULL, CONSTRAINT "positive" CHECK ("amount" > 0))
\g
ALTER TABLE "shop_refund" ADD CONSTRAINT "shop_refund_order_id_0ad89e2e_fk_orders_id" FOREIGN KEY ("order_id") REFERENCES "orders" ("id") DEFERRABLE INITIALLY DEFERRED
\g
CREATE INDEX "shop_refund_order_id_0ad89e2e" ON "shop_refund" ("order_id")
\g
CREATE INDEX "shop_refund_created_85bfab_idx" ON "shop_refund" ("created_at" DESC)
\g
COMMIT
\g
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ('shop', '0001_initial', '2026-11-29 01:18:12.621345+00:00'::timestamptz) RETURNING "django_migrations"."id"
\g
SELECT "django_migrations"."id", "django_migrations"."app", "django_migrations"."name", "django_migrations"."applied" FROM "django_migrations"
\g
SELECT "django_content_type"."id", "django_content_type"."app_label", "django_content_type"."model" FROM "django_content_type" WHERE "django_content_type"."app_label" = 'contenttypes'
\g
BEGIN
\g
INSERT INTO "django_content_type" ("app_label", "model") VALUES ('contenttypes', 'contenttype') RETURNING "django_content_type"."id"
\g
COMMIT
\g
SELECT "django_content_type"."id", "django_content_type"."app_label", "django_content_type"."model" FROM "django_content_type" WHERE ("django_content_type"."app_label" = 'contenttypes' AND "django_content_type"."model" IN ('contenttype'))
\g
SELECT "auth_permission"."content_type_id" AS "content_type", "auth_permission"."codename" AS "codename" FROM "auth_permission" INNER JOIN "django_content_type" ON ("auth_permission"."content_type_id" = "django_content_type"."id") WHERE "auth_permission"."content_type_id" IN (1) ORDER BY "django_content_type"."app_label" ASC, "django_content_type"."model" ASC, 2 ASC
\g
BEGIN
\g
INSERT INTO "auth_permission" ("name", "content_type_id", "codename") SELECT * FROM UNNEST(('{"Can add content type","Can change content type","Can delete content type","Can view content type"}')::varchar[], ('{1,1,1,1}'::int2[])::integer[], ('{add_contenttype,change_contenttype,delete_contenttype,view_contenttype}')::varchar[]) RETURNING "auth_permission"."id"
\g
COMMIT
\g
BEGIN
\g
INSERT INTO "django_content_type" ("app_label", "model") SELECT * FROM UNNEST(('{auth,auth,auth}')::varchar[], ('{permission,group,user}')::varchar[]) RETURNING "django_content_type"."id"
\g
COMMIT
\g
SELECT "django_content_type"."id", "django_content_type"."app_label", "django_content_type"."model" FROM "django_content_type" WHERE ("django_content_type"."app_label" = 'auth' AND "django_content_type"."model" IN ('group', 'permission', 'user'))
\g
SELECT "auth_permission"."content_type_id" AS "content_type", "auth_permission"."codename" AS "codename" FROM "auth_permission" INNER JOIN "django_content_type" ON ("auth_permission"."content_type_id" = "django_content_type"."id") WHERE "auth_permission"."content_type_id" IN (2, 3, 4) ORDER BY "django_content_type"."app_label" ASC, "django_content_type"."model" ASC, 2 ASC
\g
BEGIN
\g
INSERT INTO "auth_permission" ("name", "content_type_id", "codename") SELECT * FROM UNNEST(('{"Can add permission","Can change permission","Can delete permission","Can view permission","Can add group","Can change group","Can delete group","Can view group","Can add user","Can change user","Can delete user","Can view user"}')::varchar[], ('{2,2,2,2,3,3,3,3,4,4,4,4}'::int2[])::integer[], ('{add_permission,change_permission,delete_permission,view_permission,add_group,change_group,delete_group,view_group,add_user,change_user,delete_user,view_user}')::varchar[]) RETURNING "auth_permission"."id"
\g
COMMIT
\g
BEGIN
\g
INSERT INTO "django_content_type" ("app_label", "model") SELECT * FROM UNNEST(('{shop,shop,shop,shop}')::varchar[], ('{card,customer,order,refund}')::varchar[]) RETURNING "django_content_type"."id"
\g
COMMIT
\g
SELECT "django_content_type"."id", "django_content_type"."app_label", "django_content_type"."model" FROM "django_content_type" WHERE ("django_content_type"."app_label" = 'shop' AND "django_content_type"."model" IN ('card', 'refund', 'order', 'customer'))
\g
SELECT "auth_permission"."content_type_id" AS "content_type", "auth_permission"."codename" AS "codename" FROM "auth_permission" INNER JOIN "django_content_type" ON ("auth_permission"."content_type_id" = "django_content_type"."id") WHERE "auth_permission"."content_type_id" IN (8, 5, 6, 7) ORDER BY "django_content_type"."app_label" ASC, "django_content_type"."model" ASC, 2 ASC
\g
BEGIN
\g
INSERT INTO "auth_permission" ("name", "content_type_id", "codename") SELECT * FROM UNNEST(('{"Can add card","Can change card","Can delete card","Can view card","Can add customer","Can change customer","Can delete customer","Can view customer","Can add order","Can change order","Can delete order","Can view order","Can add refund","Can change refund","Can delete refund","Can view refund"}')::varchar[], ('{5,5,5,5,6,6,6,6,7,7,7,7,8,8,8,8}'::int2[])::integer[], ('{add_card,change_card,delete_card,view_card,add_customer,change_customer,delete_customer,view_customer,add_order,change_order,delete_order,view_order,add_refund,change_refund,delete_refund,view_refund}')::varchar[]) RETURNING "auth_permission"."id"
\g
COMMIT
\g

-- the ORM
SELECT "cards"."id", "cards"."customer_id", "cards"."pan", "cards"."cvv", "cards"."expires", "cards"."brand", "cards"."is_default", "cards"."created_at" FROM "cards" WHERE "cards"."id" = 1 LIMIT 21
\g
SELECT "cards"."id", "cards"."customer_id", "cards"."pan", "cards"."cvv", "cards"."expires", "cards"."brand", "cards"."is_default", "cards"."created_at" FROM "cards"
\g
SELECT "cards"."id", "cards"."customer_id", "cards"."pan", "cards"."cvv", "cards"."expires", "cards"."brand", "cards"."is_default", "cards"."created_at", "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags" FROM "cards" INNER JOIN "customers" ON ("cards"."customer_id" = "customers"."id") WHERE "customers"."name" = 'Ada Byrne'
\g
SELECT "cards"."id" AS "id", "cards"."pan" AS "pan", "cards"."cvv" AS "cvv" FROM "cards" WHERE "cards"."customer_id" = 1
\g
SELECT "cards"."id", "cards"."customer_id", "cards"."pan", "cards"."cvv", "cards"."expires", "cards"."brand", "cards"."is_default", "cards"."created_at" FROM "cards" WHERE "cards"."brand" IN ('visa', 'amex') ORDER BY "cards"."created_at" DESC LIMIT 10
\g
SELECT "cards"."id", "cards"."pan" FROM "cards" WHERE "cards"."is_default"
\g
SELECT "cards"."id", "cards"."customer_id", "cards"."expires", "cards"."brand", "cards"."is_default", "cards"."created_at" FROM "cards"
\g
SELECT COUNT(*) AS "__count" FROM "cards"
\g
SELECT 1 AS "a" FROM "cards" WHERE "cards"."brand" = 'visa' LIMIT 1
\g
SELECT COUNT("cards"."id") AS "n", MAX("cards"."created_at") AS "last" FROM "cards"
\g
SELECT "cards"."brand" AS "brand", COUNT("cards"."id") AS "n" FROM "cards" GROUP BY 1 ORDER BY 2 DESC
\g
INSERT INTO "cards" ("customer_id", "pan", "cvv", "expires", "brand", "is_default", "created_at") VALUES (2, '4012888888881881', '999', '2028-01-31'::date, 'visa', false, '2026-02-03 00:00:00+00:00'::timestamptz) RETURNING "cards"."id"
\g
UPDATE "cards" SET "customer_id" = 2, "pan" = '5105105105105100', "cvv" = '999', "expires" = '2028-01-31'::date, "brand" = 'visa', "is_default" = false, "created_at" = '2026-02-03 00:00:00+00:00'::timestamptz WHERE "cards"."id" = 101
\g
UPDATE "cards" SET "pan" = '4111111111111111' WHERE "cards"."id" = 101
\g
BEGIN
\g
INSERT INTO "cards" ("customer_id", "pan", "cvv", "expires", "brand", "is_default", "created_at") SELECT * FROM UNNEST(('{3,3}'::int2[])::integer[], ('{4242424242424242,4000056655665556}')::varchar[], ('{NULL,NULL}')::varchar[], ('{2028-01-31,2028-02-28}'::date[])::date[], ('{NULL,NULL}')::varchar[], ('{f,f}'::bool[])::boolean[], ('{"2026-02-03 00:00:00+00:00","2026-02-03 00:00:00+00:00"}'::timestamptz[])::timestamp with time zone[]) RETURNING "cards"."id"
\g
COMMIT
\g
BEGIN
\g
SELECT "cards"."id", "cards"."customer_id", "cards"."pan", "cards"."cvv", "cards"."expires", "cards"."brand", "cards"."is_default", "cards"."created_at" FROM "cards" WHERE "cards"."id" = 101 LIMIT 21 FOR UPDATE
\g
UPDATE "cards" SET "expires" = '2028-01-31'::date, "brand" = 'maestro', "created_at" = '2026-02-03 00:00:00+00:00'::timestamptz WHERE "cards"."id" = 101
\g
COMMIT
\g
BEGIN
\g
UPDATE "orders" SET "card_id" = NULL WHERE "orders"."card_id" IN (101)
\g
DELETE FROM "cards" WHERE "cards"."id" IN (101)
\g
COMMIT
\g
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags" FROM "customers" LIMIT 2
\g
SELECT "cards"."id", "cards"."customer_id", "cards"."pan", "cards"."cvv", "cards"."expires", "cards"."brand", "cards"."is_default", "cards"."created_at" FROM "cards" WHERE "cards"."customer_id" IN (1, 2)
\g
SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" WHERE "orders"."customer_id" IN (1, 2) ORDER BY "orders"."placed_at" DESC
\g
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags", COUNT("orders"."id") AS "n", COALESCE(SUM("orders"."total"), 0) AS "spent" FROM "customers" LEFT OUTER JOIN "orders" ON ("customers"."id" = "orders"."customer_id") GROUP BY "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags" HAVING COUNT("orders"."id") > 2
\g
SELECT DATE_TRUNC('day', "orders"."placed_at" AT TIME ZONE 'UTC') AS "day", SUM("orders"."total") AS "s" FROM "orders" GROUP BY 1 ORDER BY 1 ASC
\g
SELECT "orders"."id" AS "id", ROW_NUMBER() OVER (PARTITION BY "orders"."customer_id" ORDER BY "orders"."placed_at" DESC) AS "rn" FROM "orders" ORDER BY "orders"."placed_at" DESC LIMIT 5
\g
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags" FROM "customers" WHERE ("customers"."profile" -> 'newsletter') = 'true'::jsonb
\g
SELECT "customers"."name" AS "name", ("customers"."profile" -> 'visits') AS "profile__visits" FROM "customers" WHERE ("customers"."profile" -> 'visits') >= '2'::jsonb
\g
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags" FROM "customers" WHERE "customers"."tags" @> (ARRAY['vip'])::text[]
\g
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags" FROM "customers" WHERE (UPPER("customers"."name"::text) LIKE UPPER('%a%') AND NOT ("customers"."city" = 'Berlin'))
\g
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."city", "customers"."profile", "customers"."is_active", "customers"."created_at", "customers"."tags", (SELECT U0."id" AS "id" FROM "orders" U0 WHERE U0."customer_id" = ("customers"."id") ORDER BY U0."placed_at" DESC LIMIT 1) AS "latest" FROM "customers" WHERE EXISTS(SELECT 1 AS "a" FROM "orders" U0 WHERE (U0."customer_id" = ("customers"."id") AND U0."status" = 'paid') LIMIT 1)
\g
UPDATE "orders" SET "total" = ("orders"."total" + 1), "note" = (COALESCE("orders"."note", '') || COALESCE('!', '')) WHERE "orders"."id" = 1
\g
BEGIN
\g
SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" WHERE "orders"."id" = 2 LIMIT 21 FOR UPDATE
\g
UPDATE "orders" SET "total" = 10.00 WHERE "orders"."id" = 2
\g
SAVEPOINT "s139632830331776_x1"
\g
-- fails: 23505
INSERT INTO "customers" ("name", "email", "city", "profile", "is_active", "created_at", "tags") VALUES ('x', 'ada@example.com', 'Berlin', '{}'::jsonb, true, '2026-02-03 00:00:00+00:00'::timestamptz, '{}'::text[]) RETURNING "customers"."id"
\g
ROLLBACK TO SAVEPOINT "s139632830331776_x1"
\g
RELEASE SAVEPOINT "s139632830331776_x1"
\g
INSERT INTO "shop_refund" ("order_id", "amount", "reason", "data", "created_at", "ref") VALUES (2, 5, '', '{"a": [1]}'::jsonb, '2026-11-29 01:18:12.824420+00:00'::timestamptz, '00000000000000000000000000000005'::uuid) RETURNING "shop_refund"."id"
\g
INSERT INTO "shop_refund" ("id", "order_id", "amount", "reason", "data", "created_at", "ref") VALUES (1, 2, 6, '', '{}'::jsonb, '2026-11-29 01:18:12.825372+00:00'::timestamptz, '00000000000000000000000000000005'::uuid) ON CONFLICT("id") DO UPDATE SET "amount" = EXCLUDED."amount" RETURNING "shop_refund"."id"
\g
COMMIT
\g
DECLARE "_django_curs_139632830331776_sync_1" NO SCROLL CURSOR WITH HOLD FOR SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" WHERE "orders"."status" = 'new' ORDER BY "orders"."placed_at" DESC
\g
\bind []
FETCH FORWARD 3 FROM "_django_curs_139632830331776_sync_1"
\g
FETCH FORWARD 3 FROM "_django_curs_139632830331776_sync_1"
\g
FETCH FORWARD 3 FROM "_django_curs_139632830331776_sync_1"
\g
FETCH FORWARD 3 FROM "_django_curs_139632830331776_sync_1"
\g
FETCH FORWARD 3 FROM "_django_curs_139632830331776_sync_1"
\g
CLOSE "_django_curs_139632830331776_sync_1"
\g
EXPLAIN SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" WHERE "orders"."id" = 1 ORDER BY "orders"."placed_at" DESC
\g
SELECT DISTINCT DATE_TRUNC('month', "orders"."placed_at" AT TIME ZONE 'UTC') AS "datefield" FROM "orders" WHERE "orders"."placed_at" IS NOT NULL ORDER BY 1 ASC
\g
SELECT * FROM orders WHERE id < 3
\g
(SELECT "customers"."id" AS "col1", "customers"."name" AS "col2", "customers"."email" AS "col3", "customers"."city" AS "col4", "customers"."profile" AS "col5", "customers"."is_active" AS "col6", "customers"."created_at" AS "col7", "customers"."tags" AS "col8" FROM "customers" WHERE "customers"."id" = 1) UNION (SELECT "customers"."id" AS "col1", "customers"."name" AS "col2", "customers"."email" AS "col3", "customers"."city" AS "col4", "customers"."profile" AS "col5", "customers"."is_active" AS "col6", "customers"."created_at" AS "col7", "customers"."tags" AS "col8" FROM "customers" WHERE "customers"."id" = 2)
\g
SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" WHERE "orders"."id" = 40
\g
BEGIN
\g
DELETE FROM "shop_refund" WHERE "shop_refund"."order_id" IN (40)
\g
DELETE FROM "orders" WHERE "orders"."id" IN (40)
\g
COMMIT
\g
BEGIN
\g
DELETE FROM "shop_refund"
\g
COMMIT
\g
SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" WHERE "orders"."id" IN (1, 2) ORDER BY "orders"."placed_at" DESC
\g
SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" WHERE ("orders"."placed_at" AT TIME ZONE 'UTC')::date = '2026-01-12'::date ORDER BY "orders"."placed_at" DESC
\g
SELECT "orders"."id" AS "id" FROM "orders" WHERE ("orders"."placed_at" BETWEEN '2026-01-01 00:00:00+00:00'::timestamptz AND '2026-12-31 23:59:59.999999+00:00'::timestamptz AND "orders"."total" BETWEEN 1 AND 10) ORDER BY "orders"."placed_at" DESC
\g
SELECT "orders"."id", "orders"."customer_id", "orders"."card_id", "orders"."status", "orders"."total", "orders"."note", "orders"."placed_at" FROM "orders" ORDER BY "orders"."placed_at" DESC LIMIT 1
\g
SELECT "orders"."status" AS "status", COUNT("orders"."id") FILTER (WHERE "orders"."total" > 20) AS "n", AVG("orders"."total") AS "avg" FROM "orders" GROUP BY 1
\g
INSERT INTO "auth_user" ("password", "last_login", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active", "date_joined") VALUES ('!o2pICV763oiKj9BgtzQZRseXmC6npbtTN6X9QKhe', NULL, false, 'ann', '', '', 'ann@example.com', false, true, '2026-11-29 01:18:12.849515+00:00'::timestamptz) RETURNING "auth_user"."id"
\g
SELECT "auth_user"."id" AS "id", "auth_user"."is_staff" AS "is_staff" FROM "auth_user" WHERE "auth_user"."username" = 'ann' ORDER BY "auth_user"."id" ASC LIMIT 1
\g
SELECT COUNT(*) AS "__count" FROM "auth_group" INNER JOIN "auth_user_groups" ON ("auth_group"."id" = "auth_user_groups"."group_id") WHERE "auth_user_groups"."user_id" = 1
\g
SELECT "django_content_type"."app_label" AS "content_type__app_label", "auth_permission"."codename" AS "codename" FROM "auth_permission" INNER JOIN "auth_user_user_permissions" ON ("auth_permission"."id" = "auth_user_user_permissions"."permission_id") INNER JOIN "django_content_type" ON ("auth_permission"."content_type_id" = "django_content_type"."id") WHERE "auth_user_user_permissions"."user_id" = 1
\g
SELECT "django_content_type"."app_label" AS "content_type__app_label", "auth_permission"."codename" AS "codename" FROM "auth_permission" INNER JOIN "auth_group_permissions" ON ("auth_permission"."id" = "auth_group_permissions"."permission_id") INNER JOIN "django_content_type" ON ("auth_permission"."content_type_id" = "django_content_type"."id") WHERE "auth_group_permissions"."group_id" IN (SELECT U0."id" FROM "auth_group" U0 INNER JOIN "auth_user_groups" U1 ON (U0."id" = U1."group_id") WHERE U1."user_id" = 1)
\g

-- manage.py sqlsequencereset, flush
DECLARE "_django_curs_139632830331776_sync_2" NO SCROLL CURSOR WITH HOLD FOR SELECT "shop_refund"."id", "shop_refund"."order_id", "shop_refund"."amount", "shop_refund"."reason", "shop_refund"."data", "shop_refund"."created_at", "shop_refund"."ref" FROM "shop_refund" ORDER BY "shop_refund"."id" ASC
\g
\bind []
FETCH FORWARD 2000 FROM "_django_curs_139632830331776_sync_2"
\g
CLOSE "_django_curs_139632830331776_sync_2"
\g
BEGIN
\g
DROP TABLE "shop_refund" CASCADE
\g
COMMIT
\g
BEGIN
\g
DELETE FROM "django_migrations" WHERE ("django_migrations"."app" = 'shop' AND "django_migrations"."name" = '0001_initial')
\g
COMMIT
\g

-- None
set application_name='convert'; set search_path = pg_catalog
\g
