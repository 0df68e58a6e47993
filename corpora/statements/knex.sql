-- What knex 3 sends. Taken from the server's log.

-- knex
select version();
select * from information_schema.tables where table_name = $1 and table_schema = current_schema()
\g
\bind ["cards"]
select * from information_schema.columns where table_name = $1 and table_catalog = current_database() and table_schema = current_schema()
\g
\bind ["cards"]
select * from "cards" where "id" = $1 limit $2
\g
\bind ["1", "1"]
select "id", "pan", "brand" from "cards" where "brand" in ($1, $2) order by "id" asc
\g
\bind ["visa", "amex"]
select count(*) as "n" from "cards"
\g
select "customers"."name", sum("orders"."total") as "total" from "orders" inner join "customers" on "customers"."id" = "orders"."customer_id" group by "customers"."name" order by "total" desc
\g
insert into "cards" ("customer_id", "expires", "pan") values ($1, $2, $3) returning *
\g
\bind ["2", "2028-01-31", "4012888888881881"]
update "cards" set "pan" = $1 where "id" = $2
\g
\bind ["5105105105105100", "101"]
delete from "cards" where "id" = $1
\g
\bind ["101"]
insert into "products" ("id", "price", "sku", "title") values ($1, $2, $3, $4) on conflict ("id") do update set "id" = excluded."id", "price" = excluded."price", "sku" = excluded."sku", "title" = excluded."title"
\g
\bind ["1", "5", "TEA-1", "Green tea"]
select * from "orders" where "total" > $1 and placed_at > $2 order by "id" asc limit $3 offset $4
\g
\bind ["50", "2026-02-03 00:00:00+00", "3", "1"]
with "big" as (select * from "orders" where "total" > $1) select * from "big" order by "id" asc
\g
\bind ["50"]
BEGIN;
select * from "orders" where "id" = $1 for update
\g
\bind ["1"]
update "orders" set "total" = "total" + $1 where "id" = $2
\g
\bind ["1", "1"]
SAVEPOINT trx3;
update "orders" set "note" = $1 where "id" = $2
\g
\bind ["x", "2"]
RELEASE SAVEPOINT trx3;
COMMIT;
create table "shelves" ("id" serial primary key, "name" varchar(50) not null, "data" jsonb, "kind" text check ("kind" in ('a', 'b')), "product_id" integer, "created_at" timestamptz not null default CURRENT_TIMESTAMP, "updated_at" timestamptz not null default CURRENT_TIMESTAMP)
\g
create index "shelves_name_index" on "shelves" ("name")
\g
alter table "shelves" add constraint "shelves_product_id_foreign" foreign key ("product_id") references "products" ("id") on delete CASCADE
\g
alter table "shelves" add constraint "shelves_name_kind_unique" unique ("name", "kind")
\g
alter table "shelves" add column "note" text default ''
\g
alter table "shelves" drop column "data"
\g
alter table "shelves" rename "kind" to "sort"
\g
insert into "shelves" ("name", "sort") values ($1, $2), ($3, $4)
\g
\bind ["x", "a", "y", "b"]
truncate "shelves" restart identity
\g
drop table "shelves"
\g
create table "knex_migrations" ("id" serial primary key, "name" varchar(255), "batch" integer, "migration_time" timestamptz)
\g
create table "knex_migrations_lock" ("index" serial primary key, "is_locked" integer)
\g
select * from "knex_migrations_lock"
\g
insert into "knex_migrations_lock" ("is_locked") values ($1)
\g
\bind ["0"]
select "name" from "knex_migrations" order by "id" asc
\g
BEGIN;
update "knex_migrations_lock" set "is_locked" = $1 where "is_locked" = $2
\g
\bind ["1", "0"]
select max("batch") as "max_batch" from "knex_migrations"
\g
create table "mig1" ("id" serial primary key)
\g
insert into "knex_migrations" ("batch", "migration_time", "name") values ($1, $2, $3)
\g
\bind ["1", "2026-11-29 01:19:54.383+00", "1_a.cjs"]
update "knex_migrations_lock" set "is_locked" = $1
\g
\bind ["0"]
COMMIT;
select * from "knex_migrations" where "batch" = (select max("batch") from "knex_migrations") order by "id" desc
\g
BEGIN;
update "knex_migrations_lock" set "is_locked" = $1 where "is_locked" = $2
\g
\bind ["1", "0"]
COMMIT;
BEGIN;
drop table "mig1"
\g
COMMIT;
delete from "knex_migrations" where "name" = $1
\g
\bind ["1_a.cjs"]
update "knex_migrations_lock" set "is_locked" = $1
\g
\bind ["0"]

-- None
set application_name='convert'; set search_path = pg_catalog
\g
