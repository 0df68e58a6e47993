-- What dbt 1.9 sends: seed, run, run again, test, docs generate. Taken from the server's log.

-- dbt
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt"} */

    select distinct nspname from pg_namespace
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "create_dbt_analytics"} */
create schema if not exists "analytics"
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt_analytics"} */
select
      '{{database}}' as database,
      tablename as name,
      schemaname as schema,
      'table' as type
    from pg_tables
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      viewname as name,
      schemaname as schema,
      'view' as type
    from pg_views
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      matviewname as name,
      schemaname as schema,
      'materialized_view' as type
    from pg_matviews
    where schemaname ilike 'analytics'
\g
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "master"} */
select distinct
        dependent_namespace.nspname as dependent_schema,
        dependent_class.relname as dependent_name,
        referenced_namespace.nspname as referenced_schema,
        referenced_class.relname as referenced_name

    -- Query for views: views are entries in pg_class with an entry in pg_rewrite, but we avoid
    -- a seq scan on pg_rewrite by leveraging the fact there is an "internal" row in pg_depend for
    -- the view...
    from pg_class as dependent_class
    join pg_namespace as dependent_namespace on dependent_namespace.oid = dependent_class.relnamespace
    join pg_depend as dependent_depend on dependent_depend.refobjid = dependent_class.oid
        and dependent_depend.classid = 'pg_rewrite'::regclass
        and dependent_depend.refclassid = 'pg_class'::regclass
        and dependent_depend.deptype = 'i'

    -- ... and via pg_depend (that has a row per column, hence the need for "distinct" above, and
    -- making sure to exclude the internal row to avoid a view appearing to depend on itself)...
    join pg_depend as joining_depend on joining_depend.objid = dependent_depend.objid
        and joining_depend.classid = 'pg_rewrite'::regclass
        and joining_depend.refclassid = 'pg_class'::regclass
        and joining_depend.refobjid != dependent_depend.refobjid

    -- ... we can find the tables they query from in pg_class, but excluding system tables. Note we
    -- don't need need to exclude _dependent_ system tables, because they only query from other
    -- system tables, and so are automatically excluded by excluding _referenced_ system tables
    join pg_class as referenced_class on referenced_class.oid = joining_depend.refobjid
    join pg_namespace as referenced_namespace on referenced_namespace.oid = referenced_class.relnamespace
        and referenced_namespace.nspname != 'information_schema'
        and referenced_namespace.nspname not like 'pg\_%'

    order by
        dependent_schema, dependent_name, referenced_schema, referenced_name;
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "seed.shop.countries"} */

    create table "{{database}}"."analytics"."countries" ("code" text,"label" text)
\g
insert into "{{database}}"."analytics"."countries" ("code", "label") values
          ('DE','Germany'),('IE','Ireland')
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt"} */

    select distinct nspname from pg_namespace
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt_analytics"} */
select
      '{{database}}' as database,
      tablename as name,
      schemaname as schema,
      'table' as type
    from pg_tables
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      viewname as name,
      schemaname as schema,
      'view' as type
    from pg_views
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      matviewname as name,
      schemaname as schema,
      'materialized_view' as type
    from pg_matviews
    where schemaname ilike 'analytics'
\g
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "master"} */
select distinct
        dependent_namespace.nspname as dependent_schema,
        dependent_class.relname as dependent_name,
        referenced_namespace.nspname as referenced_schema,
        referenced_class.relname as referenced_name

    -- Query for views: views are entries in pg_class with an entry in pg_rewrite, but we avoid
    -- a seq scan on pg_rewrite by leveraging the fact there is an "internal" row in pg_depend for
    -- the view...
    from pg_class as dependent_class
    join pg_namespace as dependent_namespace on dependent_namespace.oid = dependent_class.relnamespace
    join pg_depend as dependent_depend on dependent_depend.refobjid = dependent_class.oid
        and dependent_depend.classid = 'pg_rewrite'::regclass
        and dependent_depend.refclassid = 'pg_class'::regclass
        and dependent_depend.deptype = 'i'

    -- ... and via pg_depend (that has a row per column, hence the need for "distinct" above, and
    -- making sure to exclude the internal row to avoid a view appearing to depend on itself)...
    join pg_depend as joining_depend on joining_depend.objid = dependent_depend.objid
        and joining_depend.classid = 'pg_rewrite'::regclass
        and joining_depend.refclassid = 'pg_class'::regclass
        and joining_depend.refobjid != dependent_depend.refobjid

    -- ... we can find the tables they query from in pg_class, but excluding system tables. Note we
    -- don't need need to exclude _dependent_ system tables, because they only query from other
    -- system tables, and so are automatically excluded by excluding _referenced_ system tables
    join pg_class as referenced_class on referenced_class.oid = joining_depend.refobjid
    join pg_namespace as referenced_namespace on referenced_namespace.oid = referenced_class.relnamespace
        and referenced_namespace.nspname != 'information_schema'
        and referenced_namespace.nspname not like 'pg\_%'

    order by
        dependent_schema, dependent_name, referenced_schema, referenced_name;
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.order_facts"} */





  create  table "{{database}}"."analytics"."order_facts"


    as

  (
     select id, placed_at, total from "{{database}}"."public"."orders"
  );
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.spending"} */

  create view "{{database}}"."analytics"."spending__dbt_tmp"


  as (
    select customer_id, sum(total) as spent, count(*) as orders from "{{database}}"."public"."orders" group by 1
  );
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.spending"} */
alter table "{{database}}"."analytics"."spending__dbt_tmp" rename to "spending"
\g
COMMIT
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.spending"} */
drop view if exists "{{database}}"."analytics"."spending__dbt_backup" cascade
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */




  create  table "{{database}}"."analytics"."customers_spent__dbt_tmp"


    as

  (
     select c.id, c.name, s.spent from "{{database}}"."public"."customers" c left join "{{database}}"."analytics"."spending" s on s.customer_id = c.id
  );
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */
alter table "{{database}}"."analytics"."customers_spent__dbt_tmp" rename to "customers_spent"
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */



  comment on table "{{database}}"."analytics"."customers_spent" is $dbt_comment_literal_block$what each spent$dbt_comment_literal_block$;
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */

      select
          column_name,
          data_type,
          character_maximum_length,
          numeric_precision,
          numeric_scale

      from "{{database}}".INFORMATION_SCHEMA.columns
      where table_name = 'customers_spent'

        and table_schema = 'analytics'

      order by ordinal_position
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */

      select
          column_name,
          data_type,
          character_maximum_length,
          numeric_precision,
          numeric_scale

      from "{{database}}".INFORMATION_SCHEMA.columns
      where table_name = 'customers_spent'

        and table_schema = 'analytics'

      order by ordinal_position
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */






    comment on column "{{database}}"."analytics"."customers_spent".id is $dbt_comment_literal_block$$dbt_comment_literal_block$;
COMMIT
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */
drop table if exists "{{database}}"."analytics"."customers_spent__dbt_backup" cascade
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt"} */

    select distinct nspname from pg_namespace
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt_analytics"} */
select
      '{{database}}' as database,
      tablename as name,
      schemaname as schema,
      'table' as type
    from pg_tables
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      viewname as name,
      schemaname as schema,
      'view' as type
    from pg_views
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      matviewname as name,
      schemaname as schema,
      'materialized_view' as type
    from pg_matviews
    where schemaname ilike 'analytics'
\g
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "master"} */
select distinct
        dependent_namespace.nspname as dependent_schema,
        dependent_class.relname as dependent_name,
        referenced_namespace.nspname as referenced_schema,
        referenced_class.relname as referenced_name

    -- Query for views: views are entries in pg_class with an entry in pg_rewrite, but we avoid
    -- a seq scan on pg_rewrite by leveraging the fact there is an "internal" row in pg_depend for
    -- the view...
    from pg_class as dependent_class
    join pg_namespace as dependent_namespace on dependent_namespace.oid = dependent_class.relnamespace
    join pg_depend as dependent_depend on dependent_depend.refobjid = dependent_class.oid
        and dependent_depend.classid = 'pg_rewrite'::regclass
        and dependent_depend.refclassid = 'pg_class'::regclass
        and dependent_depend.deptype = 'i'

    -- ... and via pg_depend (that has a row per column, hence the need for "distinct" above, and
    -- making sure to exclude the internal row to avoid a view appearing to depend on itself)...
    join pg_depend as joining_depend on joining_depend.objid = dependent_depend.objid
        and joining_depend.classid = 'pg_rewrite'::regclass
        and joining_depend.refclassid = 'pg_class'::regclass
        and joining_depend.refobjid != dependent_depend.refobjid

    -- ... we can find the tables they query from in pg_class, but excluding system tables. Note we
    -- don't need need to exclude _dependent_ system tables, because they only query from other
    -- system tables, and so are automatically excluded by excluding _referenced_ system tables
    join pg_class as referenced_class on referenced_class.oid = joining_depend.refobjid
    join pg_namespace as referenced_namespace on referenced_namespace.oid = referenced_class.relnamespace
        and referenced_namespace.nspname != 'information_schema'
        and referenced_namespace.nspname not like 'pg\_%'

    order by
        dependent_schema, dependent_name, referenced_schema, referenced_name;
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.order_facts"} */





  create temporary table "order_facts__dbt_tmp012509695624"


    as

  (
     select id, placed_at, total from "{{database}}"."public"."orders"  where placed_at > (select max(placed_at) from "{{database}}"."analytics"."order_facts")
  );
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.order_facts"} */

      select
          column_name,
          data_type,
          character_maximum_length,
          numeric_precision,
          numeric_scale

      from INFORMATION_SCHEMA.columns
      where table_name = 'order_facts__dbt_tmp012509695624'

      order by ordinal_position
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.order_facts"} */

      select
          column_name,
          data_type,
          character_maximum_length,
          numeric_precision,
          numeric_scale

      from "{{database}}".INFORMATION_SCHEMA.columns
      where table_name = 'order_facts'

        and table_schema = 'analytics'

      order by ordinal_position
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.order_facts"} */

      select
          column_name,
          data_type,
          character_maximum_length,
          numeric_precision,
          numeric_scale

      from "{{database}}".INFORMATION_SCHEMA.columns
      where table_name = 'order_facts'

        and table_schema = 'analytics'

      order by ordinal_position
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.order_facts"} */             delete from "{{database}}"."analytics"."order_facts" as DBT_INTERNAL_DEST         where (id) in (             select distinct id             from "order_facts__dbt_tmp012509695624" as DBT_INTERNAL_SOURCE         );        insert into "{{database}}"."analytics"."order_facts" ("id", "placed_at", "total")     (         select "id", "placed_at", "total"         from "order_facts__dbt_tmp012509695624"     )
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.spending"} */

  create view "{{database}}"."analytics"."spending__dbt_tmp"


  as (
    select customer_id, sum(total) as spent, count(*) as orders from "{{database}}"."public"."orders" group by 1
  );
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.spending"} */
alter table "{{database}}"."analytics"."spending" rename to "spending__dbt_backup"
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.spending"} */
alter table "{{database}}"."analytics"."spending__dbt_tmp" rename to "spending"
\g
COMMIT
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.spending"} */
drop view if exists "{{database}}"."analytics"."spending__dbt_backup" cascade
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */




  create  table "{{database}}"."analytics"."customers_spent__dbt_tmp"


    as

  (
     select c.id, c.name, s.spent from "{{database}}"."public"."customers" c left join "{{database}}"."analytics"."spending" s on s.customer_id = c.id
  );
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */
alter table "{{database}}"."analytics"."customers_spent" rename to "customers_spent__dbt_backup"
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */
alter table "{{database}}"."analytics"."customers_spent__dbt_tmp" rename to "customers_spent"
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */



  comment on table "{{database}}"."analytics"."customers_spent" is $dbt_comment_literal_block$what each spent$dbt_comment_literal_block$;
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */

      select
          column_name,
          data_type,
          character_maximum_length,
          numeric_precision,
          numeric_scale

      from "{{database}}".INFORMATION_SCHEMA.columns
      where table_name = 'customers_spent'

        and table_schema = 'analytics'

      order by ordinal_position
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */

      select
          column_name,
          data_type,
          character_maximum_length,
          numeric_precision,
          numeric_scale

      from "{{database}}".INFORMATION_SCHEMA.columns
      where table_name = 'customers_spent'

        and table_schema = 'analytics'

      order by ordinal_position
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */






    comment on column "{{database}}"."analytics"."customers_spent".id is $dbt_comment_literal_block$$dbt_comment_literal_block$;
COMMIT
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "model.shop.customers_spent"} */
drop table if exists "{{database}}"."analytics"."customers_spent__dbt_backup" cascade
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt_analytics"} */
select
      '{{database}}' as database,
      tablename as name,
      schemaname as schema,
      'table' as type
    from pg_tables
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      viewname as name,
      schemaname as schema,
      'view' as type
    from pg_views
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      matviewname as name,
      schemaname as schema,
      'materialized_view' as type
    from pg_matviews
    where schemaname ilike 'analytics'
\g
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "master"} */
select distinct
        dependent_namespace.nspname as dependent_schema,
        dependent_class.relname as dependent_name,
        referenced_namespace.nspname as referenced_schema,
        referenced_class.relname as referenced_name

    -- Query for views: views are entries in pg_class with an entry in pg_rewrite, but we avoid
    -- a seq scan on pg_rewrite by leveraging the fact there is an "internal" row in pg_depend for
    -- the view...
    from pg_class as dependent_class
    join pg_namespace as dependent_namespace on dependent_namespace.oid = dependent_class.relnamespace
    join pg_depend as dependent_depend on dependent_depend.refobjid = dependent_class.oid
        and dependent_depend.classid = 'pg_rewrite'::regclass
        and dependent_depend.refclassid = 'pg_class'::regclass
        and dependent_depend.deptype = 'i'

    -- ... and via pg_depend (that has a row per column, hence the need for "distinct" above, and
    -- making sure to exclude the internal row to avoid a view appearing to depend on itself)...
    join pg_depend as joining_depend on joining_depend.objid = dependent_depend.objid
        and joining_depend.classid = 'pg_rewrite'::regclass
        and joining_depend.refclassid = 'pg_class'::regclass
        and joining_depend.refobjid != dependent_depend.refobjid

    -- ... we can find the tables they query from in pg_class, but excluding system tables. Note we
    -- don't need need to exclude _dependent_ system tables, because they only query from other
    -- system tables, and so are automatically excluded by excluding _referenced_ system tables
    join pg_class as referenced_class on referenced_class.oid = joining_depend.refobjid
    join pg_namespace as referenced_namespace on referenced_namespace.oid = referenced_class.relnamespace
        and referenced_namespace.nspname != 'information_schema'
        and referenced_namespace.nspname not like 'pg\_%'

    order by
        dependent_schema, dependent_name, referenced_schema, referenced_name;
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "test.shop.not_null_customers_spent_id.433646343a"} */


    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (








select id
from "{{database}}"."analytics"."customers_spent"
where id is null






    ) dbt_internal_test
\g
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "node_id": "test.shop.unique_customers_spent_id.2da353ea75"} */


    select
      count(*) as failures,
      count(*) != 0 as should_warn,
      count(*) != 0 as should_error
    from (






select
    id as unique_field,
    count(*) as n_records

from "{{database}}"."analytics"."customers_spent"
where id is not null
group by id
having count(*) > 1






    ) dbt_internal_test
\g
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
COMMIT
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "list_dbt_analytics"} */
select
      '{{database}}' as database,
      tablename as name,
      schemaname as schema,
      'table' as type
    from pg_tables
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      viewname as name,
      schemaname as schema,
      'view' as type
    from pg_views
    where schemaname ilike 'analytics'
    union all
    select
      '{{database}}' as database,
      matviewname as name,
      schemaname as schema,
      'materialized_view' as type
    from pg_matviews
    where schemaname ilike 'analytics'
\g
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "master"} */
select distinct
        dependent_namespace.nspname as dependent_schema,
        dependent_class.relname as dependent_name,
        referenced_namespace.nspname as referenced_schema,
        referenced_class.relname as referenced_name

    -- Query for views: views are entries in pg_class with an entry in pg_rewrite, but we avoid
    -- a seq scan on pg_rewrite by leveraging the fact there is an "internal" row in pg_depend for
    -- the view...
    from pg_class as dependent_class
    join pg_namespace as dependent_namespace on dependent_namespace.oid = dependent_class.relnamespace
    join pg_depend as dependent_depend on dependent_depend.refobjid = dependent_class.oid
        and dependent_depend.classid = 'pg_rewrite'::regclass
        and dependent_depend.refclassid = 'pg_class'::regclass
        and dependent_depend.deptype = 'i'

    -- ... and via pg_depend (that has a row per column, hence the need for "distinct" above, and
    -- making sure to exclude the internal row to avoid a view appearing to depend on itself)...
    join pg_depend as joining_depend on joining_depend.objid = dependent_depend.objid
        and joining_depend.classid = 'pg_rewrite'::regclass
        and joining_depend.refclassid = 'pg_class'::regclass
        and joining_depend.refobjid != dependent_depend.refobjid

    -- ... we can find the tables they query from in pg_class, but excluding system tables. Note we
    -- don't need need to exclude _dependent_ system tables, because they only query from other
    -- system tables, and so are automatically excluded by excluding _referenced_ system tables
    join pg_class as referenced_class on referenced_class.oid = joining_depend.refobjid
    join pg_namespace as referenced_namespace on referenced_namespace.oid = referenced_class.relnamespace
        and referenced_namespace.nspname != 'information_schema'
        and referenced_namespace.nspname not like 'pg\_%'

    order by
        dependent_schema, dependent_name, referenced_schema, referenced_name;
ROLLBACK
\g
BEGIN
\g
BEGIN
\g
/* {"app": "dbt", "dbt_version": "1.9.11", "profile_name": "shop", "target_name": "dev", "connection_name": "dbt.information_schema"} */




    select
        '{{database}}' as table_database,
        sch.nspname as table_schema,
        tbl.relname as table_name,
        case tbl.relkind
            when 'v' then 'VIEW'
            when 'm' then 'MATERIALIZED VIEW'
            else 'BASE TABLE'
        end as table_type,
        tbl_desc.description as table_comment,
        col.attname as column_name,
        col.attnum as column_index,
        pg_catalog.format_type(col.atttypid, col.atttypmod) as column_type,
        col_desc.description as column_comment,
        pg_get_userbyid(tbl.relowner) as table_owner

    from pg_catalog.pg_namespace sch
    join pg_catalog.pg_class tbl on tbl.relnamespace = sch.oid
    join pg_catalog.pg_attribute col on col.attrelid = tbl.oid
    left outer join pg_catalog.pg_description tbl_desc on (tbl_desc.objoid = tbl.oid and tbl_desc.objsubid = 0)
    left outer join pg_catalog.pg_description col_desc on (col_desc.objoid = tbl.oid and col_desc.objsubid = col.attnum)
    where ((upper(sch.nspname) = upper('analytics') and
           upper(tbl.relname) = upper('customers_spent')) or (upper(sch.nspname) = upper('public') and
           upper(tbl.relname) = upper('customers')) or (upper(sch.nspname) = upper('analytics') and
           upper(tbl.relname) = upper('order_facts')) or (upper(sch.nspname) = upper('analytics') and
           upper(tbl.relname) = upper('spending')) or (upper(sch.nspname) = upper('public') and
           upper(tbl.relname) = upper('orders')) or (upper(sch.nspname) = upper('analytics') and
           upper(tbl.relname) = upper('countries')))
      and not pg_is_other_temp_schema(sch.oid) -- not a temporary schema belonging to another session
      and tbl.relpersistence in ('p', 'u') -- [p]ermanent table or [u]nlogged table. Exclude [t]emporary tables
      and tbl.relkind in ('r', 'v', 'f', 'p', 'm') -- o[r]dinary table, [v]iew, [f]oreign table, [p]artitioned table, [m]aterialized view. Other values are [i]ndex, [S]equence, [c]omposite type, [t]OAST table
      and col.attnum > 0 -- negative numbers are used for system columns such as oid
      and not col.attisdropped -- column as not been dropped

    order by
        sch.nspname,
        tbl.relname,
        col.attnum
\g
ROLLBACK
\g

-- None
set application_name='convert'; set search_path = pg_catalog
\g
