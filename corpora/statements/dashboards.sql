-- What dashboards send. Grafana's look-ups and macros, Metabase's sync and queries, and Superset's wrapping of them,
-- written after their source.

-- Grafana: what is there
SELECT current_setting('server_version_num')::int/100 as version;
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';
select quote_ident(table_name) as "table" from information_schema.tables
    where quote_ident(table_schema) not in ('information_schema',
                             'pg_catalog',
                             '_timescaledb_cache',
                             '_timescaledb_catalog',
                             '_timescaledb_internal',
                             '_timescaledb_config',
                             'timescaledb_information',
                             'timescaledb_experimental')
      and
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
\g
select quote_ident(column_name) as "column", data_type as "type"
    from information_schema.columns
    where quote_ident(table_name) = 'orders'
\g

-- Grafana: $__timeFilter, $__timeGroup, $__unixEpochFilter
SELECT placed_at AS "time", total FROM orders WHERE placed_at BETWEEN '2026-01-10T00:00:00Z' AND '2026-01-20T00:00:00Z' ORDER BY 1;
SELECT floor(extract(epoch from placed_at)/86400)*86400 AS "time", sum(total) AS "value", status::text AS "metric" FROM orders WHERE placed_at BETWEEN '2026-01-10T00:00:00Z' AND '2026-02-20T00:00:00Z' GROUP BY 1, 3 ORDER BY 1, 3;
SELECT extract(epoch from at) AS "time", kind AS metric, 1 AS value FROM events WHERE extract(epoch from at) >= 1769000000 AND extract(epoch from at) <= 1770000000 ORDER BY 1;
SELECT DISTINCT status::text AS __text, status::text AS __value FROM orders ORDER BY 1;
SELECT count(*) FROM cards WHERE created_at BETWEEN '2026-01-01T00:00:00Z' AND '2026-03-01T00:00:00Z';

-- Metabase: sync
show timezone;
SELECT nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_enum e);
SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type", "d"."description" AS "description", "stat"."n_live_tup" AS "estimated_row_count" FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid" LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = 0) AND ("d"."classoid" = 'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE ("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm') AND ("n"."nspname" IN ('public')) ORDER BY "type" ASC, "schema" ASC, "name" ASC
\g
\bind []
SELECT "c"."column_name" AS "name", CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s', "c"."udt_name") ELSE FORMAT('"%s"."%s"', "c"."udt_schema", "c"."udt_name") END AS "database-type", "c"."ordinal_position" - 1 AS "database-position", "c"."table_schema" AS "table-schema", "c"."table_name" AS "table-name", "pk"."column_name" IS NOT NULL AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST("c"."table_schema" AS TEXT), CAST("c"."table_name" AS TEXT)) AS REGCLASS) AS OID), "c"."ordinal_position") AS "field-comment", ((("column_default" IS NULL) OR (LOWER("column_default") = 'null')) AND ("is_nullable" = 'NO') AND NOT ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO'))) AS "database-required", ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO')) AS "database-is-auto-increment" FROM "information_schema"."columns" AS "c" LEFT JOIN (SELECT "tc"."table_schema", "tc"."table_name", "kc"."column_name" FROM "information_schema"."table_constraints" AS "tc" INNER JOIN "information_schema"."key_column_usage" AS "kc" ON ("tc"."constraint_name" = "kc"."constraint_name") AND ("tc"."table_schema" = "kc"."table_schema") AND ("tc"."table_name" = "kc"."table_name") WHERE "tc"."constraint_type" = 'PRIMARY KEY') AS "pk" ON ("c"."table_schema" = "pk"."table_schema") AND ("c"."table_name" = "pk"."table_name") AND ("c"."column_name" = "pk"."column_name") WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND ("c"."table_schema" IN ('public')) UNION ALL SELECT "pa"."attname" AS "name", CASE WHEN "ptn"."nspname" IN ('public', 'pg_catalog') THEN FORMAT('%s', "pt"."typname") ELSE FORMAT('"%s"."%s"', "ptn"."nspname", "pt"."typname") END AS "database-type", "pa"."attnum" - 1 AS "database-position", "pn"."nspname" AS "table-schema", "pc"."relname" AS "table-name", FALSE AS "pk?", NULL AS "field-comment", FALSE AS "database-required", FALSE AS "database-is-auto-increment" FROM "pg_catalog"."pg_class" AS "pc" INNER JOIN "pg_catalog"."pg_namespace" AS "pn" ON "pn"."oid" = "pc"."relnamespace" INNER JOIN "pg_catalog"."pg_attribute" AS "pa" ON "pa"."attrelid" = "pc"."oid" INNER JOIN "pg_catalog"."pg_type" AS "pt" ON "pt"."oid" = "pa"."atttypid" INNER JOIN "pg_catalog"."pg_namespace" AS "ptn" ON "ptn"."oid" = "pt"."typnamespace" WHERE ("pc"."relkind" = 'm') AND ("pa"."attnum" >= 1) ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC
\g
\bind []
SELECT "fk_ns"."nspname" AS "fk-table-schema", "fk_table"."relname" AS "fk-table-name", "fk_column"."attname" AS "fk-column-name", "pk_ns"."nspname" AS "pk-table-schema", "pk_table"."relname" AS "pk-table-name", "pk_column"."attname" AS "pk-column-name" FROM "pg_constraint" AS "c" INNER JOIN "pg_class" AS "fk_table" ON "c"."conrelid" = "fk_table"."oid" INNER JOIN "pg_namespace" AS "fk_ns" ON "c"."connamespace" = "fk_ns"."oid" INNER JOIN "pg_attribute" AS "fk_column" ON "c"."conrelid" = "fk_column"."attrelid" INNER JOIN "pg_class" AS "pk_table" ON "c"."confrelid" = "pk_table"."oid" INNER JOIN "pg_namespace" AS "pk_ns" ON "pk_table"."relnamespace" = "pk_ns"."oid" INNER JOIN "pg_attribute" AS "pk_column" ON "c"."confrelid" = "pk_column"."attrelid" WHERE fk_ns.nspname !~ '^information_schema|catalog_history|pg_' AND ("c"."contype" = 'f'::char) AND ("fk_column"."attnum" = ANY(c.conkey)) AND ("pk_column"."attnum" = ANY(c.confkey)) AND ("fk_ns"."nspname" IN ('public')) ORDER BY "fk-table-schema" ASC, "fk-table-name" ASC
\g
\bind []
SELECT "tmp"."table-schema", "tmp"."table-name", TRIM(BOTH '"' FROM PG_CATALOG.PG_GET_INDEXDEF("tmp"."ci_oid", "tmp"."pos", FALSE)) AS "field-name" FROM (SELECT "n"."nspname" AS "table-schema", "ct"."relname" AS "table-name", "ci"."oid" AS "ci_oid", (INFORMATION_SCHEMA._PG_EXPANDARRAY("i"."indkey"))."n" AS "pos" FROM "pg_catalog"."pg_class" AS "ct" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "ct"."relnamespace" = "n"."oid" INNER JOIN "pg_catalog"."pg_index" AS "i" ON "ct"."oid" = "i"."indrelid" INNER JOIN "pg_catalog"."pg_class" AS "ci" ON "ci"."oid" = "i"."indexrelid" WHERE (PG_CATALOG.PG_GET_EXPR("i"."indpred", "i"."indrelid") IS NULL) AND n.nspname !~ '^information_schema|catalog_history|pg_' AND ("n"."nspname" IN ('public'))) AS "tmp" WHERE "tmp"."pos" = 1
\g
\bind []
SELECT TRUE AS "_" FROM "public"."cards" WHERE 1 <> 1 LIMIT 0
\g
-- Metabase fingerprints a table by a sample, with long texts cut short.
-- redacted: substring1
SELECT "source"."id" AS "id", SUBSTRING("source"."pan", 1, 1234) AS "substring1", "source"."brand" AS "brand" FROM (SELECT "public"."cards"."id" AS "id", "public"."cards"."pan" AS "pan", "public"."cards"."brand" AS "brand" FROM "public"."cards") AS "source" LIMIT 10000
\g
\bind []

-- Metabase: questions
SELECT "public"."cards"."id" AS "id", "public"."cards"."customer_id" AS "customer_id", "public"."cards"."pan" AS "pan", "public"."cards"."cvv" AS "cvv", "public"."cards"."expires" AS "expires" FROM "public"."cards" LIMIT 2000
\g
\bind []
SELECT DATE_TRUNC('month', "public"."orders"."placed_at") AS "placed_at", COUNT(*) AS "count", SUM("public"."orders"."total") AS "sum" FROM "public"."orders" GROUP BY DATE_TRUNC('month', "public"."orders"."placed_at") ORDER BY DATE_TRUNC('month', "public"."orders"."placed_at") ASC
\g
\bind []
SELECT "Customers"."city" AS "Customers__city", COUNT(*) AS "count" FROM "public"."orders" LEFT JOIN "public"."customers" AS "Customers" ON "public"."orders"."customer_id" = "Customers"."id" WHERE ("public"."orders"."placed_at" >= timestamp with time zone '2026-01-01 00:00:00.000Z') AND ("public"."orders"."status" = CAST($1 AS "order_status")) GROUP BY "Customers"."city" ORDER BY "count" DESC, "Customers"."city" ASC
\g
\bind ["paid"]
SELECT "source"."brand" AS "brand", "source"."count" AS "count" FROM (SELECT "public"."cards"."brand" AS "brand", COUNT(*) AS "count" FROM "public"."cards" GROUP BY "public"."cards"."brand" ORDER BY "public"."cards"."brand" ASC) AS "source" WHERE "source"."count" > 0 LIMIT 1048575
\g
\bind []
SELECT FLOOR((("public"."orders"."total" - 0.0) / 25.0)) * 25.0 + 0.0 AS "total", COUNT(*) AS "count" FROM "public"."orders" GROUP BY 1 ORDER BY 1
\g
\bind []
SELECT COUNT(DISTINCT "public"."orders"."customer_id") AS "count", PERCENTILE_CONT(0.9) within group (order by "public"."orders"."total") AS "p90" FROM "public"."orders"
\g
\bind []

-- Superset: SQL Lab wraps what is written, and charts group it
SELECT * FROM cards LIMIT 1001;
SELECT city AS city, count(*) AS count, sum(visits) AS "SUM(visits)" FROM (SELECT city, (profile ->> 'visits')::int AS visits FROM customers) AS virtual_table GROUP BY city ORDER BY count DESC, city LIMIT 10000;
SELECT DATE_TRUNC('week', placed_at) AS placed_at, status AS status, sum(total) AS "SUM(total)" FROM public.orders WHERE placed_at >= TO_TIMESTAMP('2026-01-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') AND placed_at < TO_TIMESTAMP('2026-03-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') GROUP BY DATE_TRUNC('week', placed_at), status ORDER BY 1, 2 LIMIT 10000;
SELECT pan, brand FROM (SELECT * FROM cards) AS virtual_table ORDER BY brand LIMIT 100;
EXPLAIN SELECT * FROM cards LIMIT 1001;
