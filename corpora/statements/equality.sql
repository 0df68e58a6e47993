-- Ordinary statements that compare a card number: a shop that asks whether it knows a card. Each is a guess, and needs a
-- policy that lets an agent `match` so many.
SELECT * FROM cards WHERE pan = '4111111111111111';
SELECT id FROM cards WHERE pan = $1
\g
\bind ["4111111111111111"]
-- SQLAlchemy
SELECT cards.id, cards.customer_id, cards.pan FROM cards WHERE cards.pan = $1::VARCHAR
\g
\bind ["4111111111111111"]
-- Django: exists(), get_or_create()
SELECT 1 AS "a" FROM "cards" WHERE "cards"."pan" = '4111111111111111' LIMIT 1
\g
SELECT "cards"."id", "cards"."pan" FROM "cards" WHERE ("cards"."customer_id" = 4 AND "cards"."pan" = '378282246310005') LIMIT 21
\g
-- ActiveRecord: validates_uniqueness_of, find_or_create_by
SELECT 1 AS one FROM "cards" WHERE "cards"."pan" = $1 LIMIT $2
\g
\bind ["4111111111111111", "1"]
SELECT "cards".* FROM "cards" WHERE "cards"."customer_id" = $1 AND "cards"."pan" = $2 LIMIT $3
\g
\bind ["4", "378282246310005", "1"]
-- Prisma, Sequelize, Drizzle
SELECT "public"."cards"."id", "public"."cards"."pan" FROM "public"."cards" WHERE "public"."cards"."pan" IN ($1,$2)
\g
\bind ["4111111111111111", "378282246310005"]
SELECT count(*) AS "count" FROM "cards" AS "card" WHERE "card"."pan" = '4111111111111111';
UPDATE cards SET is_default = true WHERE pan = '4111111111111111';
DELETE FROM cards WHERE pan = '6011111111111117' AND customer_id = 99;
-- refused: PGD-0006 computes on, compares or copies public.cards.pan
SELECT pan, count(*) FROM cards GROUP BY pan HAVING count(*) > 1;
-- refused: PGD-0006 computes on, compares or copies public.cards.pan
SELECT DISTINCT pan FROM cards;
-- refused: PGD-0006 computes on, compares or copies public.cards.pan
SELECT * FROM cards ORDER BY pan;
-- refused: PGD-0006 computes on, compares or copies public.cards.pan
SELECT a.id, b.id FROM cards a JOIN cards b ON a.pan = b.pan AND a.id < b.id;
