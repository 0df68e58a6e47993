-- What Hibernate 6 sends over JDBC: its look at the schema (beside DatabaseMetaData, which is in jdbc.sql) and what JPA
-- entities make. Written from knowledge.
select * from information_schema.sequences
\g
\bind []
select nextval('invoice_numbers')
\g
\bind []
select c1_0.id,c1_0.brand,c1_0.created_at,c1_0.customer_id,c1_0.cvv,c1_0.expires,c1_0.pan from cards c1_0 where c1_0.id=$1
\g
\bind ["1"]
select c1_0.id,c1_0.pan,c2_0.id,c2_0.name from cards c1_0 join customers c2_0 on c2_0.id=c1_0.customer_id where c2_0.city=$1 order by c1_0.id offset $2 rows fetch first $3 rows only
\g
\bind ["Dublin", "0", "10"]
insert into cards (brand,created_at,customer_id,cvv,expires,pan) values ($1,$2,$3,$4,$5,$6)
RETURNING *
\g
\bind ["visa", "2026-02-03 00:00:00+00", "2", "999", "2028-01-31", "4012888888881881"]
update cards set brand=$1,customer_id=$2,cvv=$3,expires=$4,pan=$5 where id=$6
\g
\bind ["visa", "2", "998", "2028-02-29", "5105105105105100", "101"]
select o1_0.id,o1_0.total from orders o1_0 where o1_0.id=$1 for no key update
\g
\bind ["1"]
select count(c1_0.id) from cards c1_0 where c1_0.brand in ($1,$2)
\g
\bind ["visa", "amex"]
select c1_0.customer_id,c1_0.id,c1_0.pan from cards c1_0 where c1_0.customer_id = any ($1)
\g
\bind ["{1,2}"]
select distinct c1_0.id,c1_0.name,(select count(*) from orders o1_0 where c1_0.id=o1_0.customer_id) from customers c1_0 where exists(select 1 from orders o2_0 where o2_0.customer_id=c1_0.id and o2_0.total>$1) order by c1_0.id
\g
\bind ["50"]
select o1_0.status,sum(o1_0.total) from orders o1_0 where extract(year from o1_0.placed_at)=$1 group by 1 order by 1
\g
\bind ["2026"]
delete from cards where id=$1
\g
\bind ["101"]
create sequence voucher_seq start with 1 increment by 50;
create table voucher (id bigint not null, amount numeric(38,2), code varchar(255) not null, kind smallint check (kind between 0 and 2), order_id bigint, primary key (id));
alter table if exists voucher drop constraint if exists uk_voucher_code;
alter table if exists voucher add constraint uk_voucher_code unique (code);
alter table if exists voucher add constraint fk_voucher_order foreign key (order_id) references orders;
insert into voucher (amount,code,kind,order_id,id) values ($1,$2,$3,$4,$5)
\g
\bind ["5.00", "A1", "1", "1", "1"]
select v1_0.id,v1_0.amount,v1_0.code from voucher v1_0 where v1_0.code=$1
\g
\bind ["A1"]
drop table if exists voucher cascade;
drop sequence if exists voucher_seq;
