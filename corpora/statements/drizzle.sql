-- What Drizzle sends through node-postgres. Taken from the server's log.

-- Drizzle
select "id", "customer_id", "pan", "cvv", "expires", "brand" from "cards" where "cards"."id" = $1
\g
\bind ["1"]
select "cards"."id", "cards"."pan", "customers"."name" from "cards" left join "customers" on "cards"."customer_id" = "customers"."id" order by "cards"."id"
\g
select "brand", count(*) from "cards" group by "cards"."brand" order by "cards"."brand"
\g
insert into "cards" ("id", "customer_id", "pan", "cvv", "expires", "brand") values (default, $1, $2, default, $3, default) returning "id", "customer_id", "pan", "cvv", "expires", "brand"
\g
\bind ["2", "4012888888881881", "2028-01-31"]
update "cards" set "pan" = $1 where "cards"."id" = $2
\g
\bind ["5105105105105100", "101"]
delete from "cards" where "cards"."id" = $1 returning "id"
\g
\bind ["101"]
insert into "customers" ("id", "name", "city") values ($1, $2, default) on conflict ("id") do update set "city" = $3
\g
\bind ["1", "Ada", "Cork"]
select "id", "customer_id", "total", "status" from "orders" where ("orders"."total" > $1 and "orders"."customer_id" in ($2, $3)) order by "orders"."id" desc limit $4 offset $5
\g
\bind ["50", "1", "2", "5", "1"]
select count(*) as count from "orders";
select "customers"."id", "customers"."name", "customers"."city", "customers_orders"."data" as "orders" from "customers" "customers" left join lateral (select coalesce(json_agg(json_build_array("customers_orders"."id", "customers_orders"."total")), '[]'::json) as "data" from (select * from "orders" "customers_orders" where "customers_orders"."customer_id" = "customers"."id" limit $1) "customers_orders") "customers_orders" on true order by "customers"."id"
\g
\bind ["2"]
-- inside: cards
select "customers"."id", "customers"."name", "customers"."city", "customers_cards"."data" as "cards" from "customers" "customers" left join lateral (select coalesce(json_agg(json_build_array("customers_cards"."id", "customers_cards"."customer_id", "customers_cards"."pan", "customers_cards"."cvv", "customers_cards"."expires", "customers_cards"."brand")), '[]'::json) as "data" from "cards" "customers_cards" where "customers_cards"."customer_id" = "customers"."id") "customers_cards" on true order by "customers"."id" limit $1
\g
\bind ["2"]
select "id", "customer_id", "pan", "cvv", "expires", "brand" from "cards" "cards" where "cards"."id" = $1 limit $2
\g
\bind ["1", "1"]
begin
\g
update "orders" set "total" = "orders"."total" + 1 where "orders"."id" = $1
\g
\bind ["1"]
savepoint sp1
\g
update "orders" set "total" = $1 where "orders"."id" = $2
\g
\bind ["9", "2"]
release savepoint sp1
\g
commit
\g
with "sq" as (select "customer_id", sum("total") as "s" from "orders" group by "orders"."customer_id") select "customer_id", "s" from "sq" order by "sq"."customer_id"
\g

-- None
set application_name='convert'; set search_path = pg_catalog
\g
