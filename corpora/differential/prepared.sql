-- PREPARE and EXECUTE in SQL, and parameters in the protocol.
PREPARE p AS SELECT 1;
EXECUTE p;
PREPARE p AS SELECT 2;
PREPARE q (int, text) AS SELECT $1 + 1, $2 || '!', $1;
EXECUTE q(41, 'hello');
EXECUTE q(1 + 1, 'a' || 'b');
EXECUTE q(1);
EXECUTE q('x', 'y');
EXPLAIN (COSTS OFF) EXECUTE q(1, 'a');
PREPARE i (int, text) AS INSERT INTO nothing VALUES ($1, $2) RETURNING *;
EXECUTE i(1, 'one');
EXECUTE i(2, NULL);
PREPARE d AS DELETE FROM nothing;
EXECUTE d;
CREATE TEMP TABLE from_prepared (a int, b text, c int);
INSERT INTO from_prepared VALUES (1, 'x', 2);
PREPARE r AS SELECT * FROM from_prepared;
EXECUTE r;
ALTER TABLE from_prepared ADD COLUMN d int DEFAULT 5;
EXECUTE r;
DEALLOCATE r;
DEALLOCATE p;
DEALLOCATE p;
DEALLOCATE PREPARE q;
DEALLOCATE ALL;
DEALLOCATE i;
PREPARE "Odd ""name""" AS VALUES (1, 'a');
EXECUTE "Odd ""name""";
PREPARE bad AS SELECT nope;
PREPARE worse AS SELECT $1;
EXECUTE worse(1);
BEGIN;
PREPARE inside AS SELECT 'prepared in a transaction that ends badly';
SELECT 1 / 0;
ROLLBACK;
EXECUTE inside;
DISCARD PLANS;
DISCARD TEMP;
DISCARD SEQUENCES;
DISCARD ALL;
DEALLOCATE inside;
SELECT $1::int + $2::int;
\bind ["1", "2"]
SELECT $1, $2::text IS NULL;
\bind ["text", null]
SELECT n, word FROM numbers WHERE n = $1;
\bind ["7"]
SELECT * FROM everything WHERE id = $1;
\bind ["1"]
SELECT count(*) FROM numbers WHERE n = ANY ($1);
\bind ["{1,2,3,5000}"]
SELECT $1::bool, $2::int2, $3::int8, $4::float8, $5::numeric, $6::bytea, $7::date, $8::timestamptz, $9::interval, $10::uuid;
\bind ["t", "5", "6", "1.5", "2.50", "\\x00ff", "2024-02-29", "2024-02-29 00:00+00", "1 day", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]
SELECT $1::jsonb -> 'a', $2::mood, $3::complex, $4::int4range, $5::text[], $6::inet, $7::xml;
\bind ["{\"a\": 1}", "happy", "(1,2)", "[1,2)", "{a,NULL}", "10.0.0.1", "<a/>"]
INSERT INTO nothing VALUES ($1, $2) RETURNING a, b;
\bind ["5", "bound"]
UPDATE nothing SET b = $2 WHERE a = $1;
\bind ["5", "again"]
DELETE FROM nothing WHERE a = $1 RETURNING *;
\bind ["5"]
SELECT $1::int;
\bind ["not a number"]
SELECT $1::int;
\bind []
SELECT 1;
\bind ["one too many"]
SELECT 1 / $1::int;
\bind ["0"]
SELECT * FROM pairs($1) WHERE square > $2;
\bind ["4", "3"]
SELECT twice($1), say($2);
\bind ["21", "bound"]
CALL swap($1, $2);
\bind ["1", "2"]
SELECT n FROM numbers ORDER BY n LIMIT $1 OFFSET $2;
\bind ["3", "10"]
SELECT $1 || $2, $2 LIKE $1;
\bind ["a", "b"]
SELECT length($1);
\bind ["日本語"]
SELECT word FROM numbers WHERE word = $1 OR n = $2::int;
\bind ["word 5", null]
