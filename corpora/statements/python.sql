-- What asyncpg, peewee and Tortoise send. Taken from the server's log.

-- asyncpg
SELECT
                        current_setting('jit') AS cur,
                        set_config('jit', 'off', false) AS new
\g
\bind []
WITH RECURSIVE typeinfo_tree(
    oid, ns, name, kind, basetype, elemtype, elemdelim,
    range_subtype, attrtypoids, attrnames, depth)
AS (
    SELECT
        ti.oid, ti.ns, ti.name, ti.kind, ti.basetype,
        ti.elemtype, ti.elemdelim, ti.range_subtype,
        ti.attrtypoids, ti.attrnames, 0
    FROM
            (
        SELECT
            t.oid                           AS oid,
            ns.nspname                      AS ns,
            t.typname                       AS name,
            t.typtype                       AS kind,
            (CASE WHEN t.typtype = 'd' THEN
                (WITH RECURSIVE typebases(oid, depth) AS (
                    SELECT
                        t2.typbasetype      AS oid,
                        0                   AS depth
                    FROM
                        pg_type t2
                    WHERE
                        t2.oid = t.oid

                    UNION ALL

                    SELECT
                        t2.typbasetype      AS oid,
                        tb.depth + 1        AS depth
                    FROM
                        pg_type t2,
                        typebases tb
                    WHERE
                       tb.oid = t2.oid
                       AND t2.typbasetype != 0
               ) SELECT oid FROM typebases ORDER BY depth DESC LIMIT 1)

               ELSE NULL
            END)                            AS basetype,
            t.typelem                       AS elemtype,
            elem_t.typdelim                 AS elemdelim,
            COALESCE(
                range_t.rngsubtype,
                multirange_t.rngsubtype)    AS range_subtype,
            (CASE WHEN t.typtype = 'c' THEN
                (SELECT
                    array_agg(ia.atttypid ORDER BY ia.attnum)
                FROM
                    pg_attribute ia
                    INNER JOIN pg_class c
                        ON (ia.attrelid = c.oid)
                WHERE
                    ia.attnum > 0 AND NOT ia.attisdropped
                    AND c.reltype = t.oid)

                ELSE NULL
            END)                            AS attrtypoids,
            (CASE WHEN t.typtype = 'c' THEN
                (SELECT
                    array_agg(ia.attname::text ORDER BY ia.attnum)
                FROM
                    pg_attribute ia
                    INNER JOIN pg_class c
                        ON (ia.attrelid = c.oid)
                WHERE
                    ia.attnum > 0 AND NOT ia.attisdropped
                    AND c.reltype = t.oid)

                ELSE NULL
            END)                            AS attrnames
        FROM
            pg_catalog.pg_type AS t
            INNER JOIN pg_catalog.pg_namespace ns ON (
                ns.oid = t.typnamespace)
            LEFT JOIN pg_type elem_t ON (
                t.typlen = -1 AND
                t.typelem != 0 AND
                t.typelem = elem_t.oid
            )
            LEFT JOIN pg_range range_t ON (
                t.oid = range_t.rngtypid
            )
            LEFT JOIN pg_range multirange_t ON (
                t.oid = multirange_t.rngmultitypid
            )
    )
 AS ti
    WHERE
        ti.oid = any($1::oid[])

    UNION ALL

    SELECT
        ti.oid, ti.ns, ti.name, ti.kind, ti.basetype,
        ti.elemtype, ti.elemdelim, ti.range_subtype,
        ti.attrtypoids, ti.attrnames, tt.depth + 1
    FROM
            (
        SELECT
            t.oid                           AS oid,
            ns.nspname                      AS ns,
            t.typname                       AS name,
            t.typtype                       AS kind,
            (CASE WHEN t.typtype = 'd' THEN
                (WITH RECURSIVE typebases(oid, depth) AS (
                    SELECT
                        t2.typbasetype      AS oid,
                        0                   AS depth
                    FROM
                        pg_type t2
                    WHERE
                        t2.oid = t.oid

                    UNION ALL

                    SELECT
                        t2.typbasetype      AS oid,
                        tb.depth + 1        AS depth
                    FROM
                        pg_type t2,
                        typebases tb
                    WHERE
                       tb.oid = t2.oid
                       AND t2.typbasetype != 0
               ) SELECT oid FROM typebases ORDER BY depth DESC LIMIT 1)

               ELSE NULL
            END)                            AS basetype,
            t.typelem                       AS elemtype,
            elem_t.typdelim                 AS elemdelim,
            COALESCE(
                range_t.rngsubtype,
                multirange_t.rngsubtype)    AS range_subtype,
            (CASE WHEN t.typtype = 'c' THEN
                (SELECT
                    array_agg(ia.atttypid ORDER BY ia.attnum)
                FROM
                    pg_attribute ia
                    INNER JOIN pg_class c
                        ON (ia.attrelid = c.oid)
                WHERE
                    ia.attnum > 0 AND NOT ia.attisdropped
                    AND c.reltype = t.oid)

                ELSE NULL
            END)                            AS attrtypoids,
            (CASE WHEN t.typtype = 'c' THEN
                (SELECT
                    array_agg(ia.attname::text ORDER BY ia.attnum)
                FROM
                    pg_attribute ia
                    INNER JOIN pg_class c
                        ON (ia.attrelid = c.oid)
                WHERE
                    ia.attnum > 0 AND NOT ia.attisdropped
                    AND c.reltype = t.oid)

                ELSE NULL
            END)                            AS attrnames
        FROM
            pg_catalog.pg_type AS t
            INNER JOIN pg_catalog.pg_namespace ns ON (
                ns.oid = t.typnamespace)
            LEFT JOIN pg_type elem_t ON (
                t.typlen = -1 AND
                t.typelem != 0 AND
                t.typelem = elem_t.oid
            )
            LEFT JOIN pg_range range_t ON (
                t.oid = range_t.rngtypid
            )
            LEFT JOIN pg_range multirange_t ON (
                t.oid = multirange_t.rngmultitypid
            )
    )
 ti,
        typeinfo_tree tt
    WHERE
        (tt.elemtype IS NOT NULL AND ti.oid = tt.elemtype)
        OR (tt.attrtypoids IS NOT NULL AND ti.oid = any(tt.attrtypoids))
        OR (tt.range_subtype IS NOT NULL AND ti.oid = tt.range_subtype)
        OR (tt.basetype IS NOT NULL AND ti.oid = tt.basetype)
)

SELECT DISTINCT
    *,
    basetype::regtype::text AS basetype_name,
    elemtype::regtype::text AS elemtype_name,
    range_subtype::regtype::text AS range_subtype_name
FROM
    typeinfo_tree
ORDER BY
    depth DESC
\g
\bind ["{1016,{{'public.order_status'::regtype}}}"]
SELECT
                    set_config('jit', $1, false)
\g
\bind ["on"]
select id, status, total from orders where id = any($1::bigint[]) order by id
\g
\bind ["{1,2}"]
select * from customers where id = $1
\g
\bind ["1"]
select id, tags, status from customers join orders using (id) where status = $1 order by id
\g
\bind ["paid"]
BEGIN;
update orders set note = $2 where id = $1
\g
\bind ["1", "a"]
update orders set note = $2 where id = $1
\g
\bind ["2", "b"]
SAVEPOINT __asyncpg_savepoint_8__;
insert into order_items values ($1, 3, 1, 2)
\g
\bind ["35"]
RELEASE SAVEPOINT __asyncpg_savepoint_8__;
COMMIT;
COPY "employees" FROM STDIN (FORMAT binary)
\g
5047434f50590aff0d0a000000000000000000
00040000000400000009000000034964610000000400000001ffffffff
ffff
\.
select name from employees where id > $1 order by id
\g
\bind ["2"]
SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;

-- peewee
SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = COALESCE(NULL, current_schema()) ORDER BY tablename
\g
SELECT c.column_name, c.is_nullable, c.data_type,
                c.column_default,
                pg_catalog.format_type(a.atttypid, a.atttypmod),
                c.is_identity
            FROM information_schema.columns AS c
            INNER JOIN pg_catalog.pg_namespace AS n
                ON (n.nspname = c.table_schema)
            INNER JOIN pg_catalog.pg_class AS t
                ON (t.relname = c.table_name AND t.relnamespace = n.oid)
            INNER JOIN pg_catalog.pg_attribute AS a
                ON (a.attrelid = t.oid AND a.attname = c.column_name)
            WHERE c.table_name = 'orders'
                AND c.table_schema = COALESCE(NULL, current_schema())
                AND NOT a.attisdropped
            ORDER BY c.ordinal_position
\g
SELECT kc.column_name
            FROM information_schema.table_constraints AS tc
            INNER JOIN information_schema.key_column_usage AS kc ON (
                tc.table_name = kc.table_name AND
                tc.table_schema = kc.table_schema AND
                tc.constraint_name = kc.constraint_name)
            WHERE
                tc.constraint_type = 'PRIMARY KEY' AND
                tc.table_name = 'orders' AND
                tc.table_schema = COALESCE(NULL, current_schema())
            ORDER BY kc.ordinal_position
\g
SELECT
                i.relname, idxs.indexdef, idx.indisunique,
                ARRAY(
                    SELECT pg_get_indexdef(idx.indexrelid, k + 1, TRUE)
                    FROM generate_subscripts(idx.indkey, 1) AS k
                    ORDER BY k)
            FROM pg_catalog.pg_class AS t
            INNER JOIN pg_catalog.pg_namespace AS n ON t.relnamespace = n.oid
            INNER JOIN pg_catalog.pg_index AS idx ON t.oid = idx.indrelid
            INNER JOIN pg_catalog.pg_class AS i ON idx.indexrelid = i.oid
            INNER JOIN pg_catalog.pg_indexes AS idxs ON (
                idxs.tablename = t.relname
                AND idxs.indexname = i.relname
                AND idxs.schemaname = n.nspname)
            WHERE t.relname = 'orders' AND t.relkind = 'r'
                AND n.nspname = COALESCE(NULL, current_schema())
            ORDER BY idx.indisunique DESC, i.relname;
SELECT DISTINCT
                kcu.column_name, ccu.table_name, ccu.column_name,
                tc.constraint_name, rc.delete_rule, rc.update_rule
            FROM information_schema.table_constraints AS tc
            JOIN information_schema.key_column_usage AS kcu
                ON (tc.constraint_name = kcu.constraint_name AND
                    tc.constraint_schema = kcu.constraint_schema AND
                    tc.table_name = kcu.table_name AND
                    tc.table_schema = kcu.table_schema)
            JOIN information_schema.constraint_column_usage AS ccu
                ON (ccu.constraint_name = tc.constraint_name AND
                    ccu.constraint_schema = tc.constraint_schema)
            JOIN information_schema.referential_constraints AS rc
                ON (rc.constraint_name = tc.constraint_name AND
                    rc.constraint_schema = tc.constraint_schema)
            WHERE
                tc.constraint_type = 'FOREIGN KEY' AND
                tc.table_name = 'orders' AND
                tc.table_schema = COALESCE(NULL, current_schema())
\g
-- redacted: definition
SELECT viewname, definition FROM pg_catalog.pg_views WHERE schemaname = COALESCE(NULL, current_schema()) ORDER BY viewname
\g
CREATE TABLE IF NOT EXISTS "toys" ("id" SERIAL NOT NULL PRIMARY KEY, "name" VARCHAR(255) NOT NULL, "price" NUMERIC(10, 5), "made" TIMESTAMP NOT NULL)
\g
CREATE UNIQUE INDEX IF NOT EXISTS "toy_name" ON "toys" ("name")
\g
SELECT "t1"."id", "t1"."customer_id", "t1"."pan", "t1"."cvv", "t1"."expires", "t1"."brand" FROM "cards" AS "t1" WHERE ("t1"."id" = 1) LIMIT 1 OFFSET 0
\g
SELECT "t1"."id", "t1"."customer_id", "t1"."pan", "t1"."cvv", "t1"."expires", "t1"."brand" FROM "cards" AS "t1" WHERE ("t1"."brand" IN ('visa')) ORDER BY "t1"."id"
\g
INSERT INTO "cards" ("customer_id", "pan", "cvv", "expires") VALUES (2, '4012888888881881', '999', '2028-01-31'::date) RETURNING "cards"."id"
\g
UPDATE "cards" SET "customer_id" = 2, "pan" = '5105105105105100', "cvv" = '999', "expires" = '2028-01-31'::date WHERE ("cards"."id" = 101)
\g
DELETE FROM "cards" WHERE ("cards"."id" = 101)
\g
BEGIN
\g
INSERT INTO "toys" ("name", "made") VALUES ('a', '2026-01-01T00:00:00'::timestamp), ('b', '2026-01-01T00:00:00'::timestamp) ON CONFLICT DO NOTHING RETURNING "toys"."id"
\g
SAVEPOINT "se8e87292e5c24bd4b0b542aa5bc06853";
INSERT INTO "toys" ("name", "price", "made") VALUES ('a', 3, '2026-01-01T00:00:00'::timestamp) ON CONFLICT ("name") DO UPDATE SET "price" = 4 RETURNING "toys"."id"
\g
RELEASE SAVEPOINT "se8e87292e5c24bd4b0b542aa5bc06853";
COMMIT
\g
SELECT COUNT("t1"."id") FROM "toys" AS "t1" LIMIT 1
\g
DROP TABLE IF EXISTS "toys"
\g

-- Tortoise
SELECT "expires","customer_id","pan","brand","cvv","id" FROM "cards" WHERE "id"=$1 LIMIT $2
\g
\bind ["1", "2"]
SELECT "expires","customer_id","pan","brand","cvv","id" FROM "cards" WHERE "brand"=$1 ORDER BY "id" ASC LIMIT $2
\g
\bind ["visa", "2"]
INSERT INTO "cards" ("customer_id","pan","cvv","expires","brand") VALUES ($1,$2,$3,$4,$5) RETURNING "id"
\g
\bind ["2", "4012888888881881", null, "2028-01-31", null]
UPDATE "cards" SET "customer_id"=$1,"pan"=$2,"cvv"=$3,"expires"=$4,"brand"=$5 WHERE "id"=$6
\g
\bind ["2", "5105105105105100", null, "2028-01-31", null, "102"]
UPDATE "cards" SET "brand"=$1 WHERE "id"=$2
\g
\bind ["visa", "102"]
DELETE FROM "cards" WHERE "id"=$1
\g
\bind ["102"]
SELECT COUNT(*) FROM "cards"
\g
\bind []
SELECT 1 FROM "cards" WHERE "id"=$1 LIMIT $2
\g
\bind ["1", "1"]

-- None
set application_name='convert'; set search_path = pg_catalog
\g
