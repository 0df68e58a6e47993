-- What postgres.js sends. Taken from the server's log.

-- postgres.js
select b.oid, b.typarray
      from pg_catalog.pg_type a
      left join pg_catalog.pg_type b on b.oid = a.typelem
      where a.typcategory = 'A'
      group by b.oid, b.typarray
      order by b.oid
\g
\bind []
select * from cards where id = $1
\g
\bind ["1"]
select id, tags, profile from customers where id = any($1) order by id
\g
\bind ["{1,2}"]
insert into customers ("name","city")values($1,$2) returning *
\g
\bind ["Flo", "Rome"]
begin
\g
update orders set note = $1 where id = $2
\g
\bind ["x", "1"]
savepoint "s0"
\g
\bind []
select 1 as x
\g
\bind []
commit
\g
\bind []
select id from orders order by id
\g
\bind []

-- None
set application_name='convert'; set search_path = pg_catalog
\g
