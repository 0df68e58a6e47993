-- COPY both ways, in each format.
COPY numbers TO STDOUT;
COPY (SELECT n, word FROM numbers WHERE n < 5 ORDER BY n) TO STDOUT;
COPY (SELECT n, word FROM numbers WHERE n < 5 ORDER BY n) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';', QUOTE '''', FORCE_QUOTE *);
COPY (SELECT n, word FROM numbers WHERE n < 5 ORDER BY n) TO STDOUT WITH (FORMAT binary);
COPY numbers (word) TO STDOUT CSV;
COPY (SELECT * FROM everything ORDER BY id) TO STDOUT;
COPY (SELECT * FROM everything ORDER BY id) TO STDOUT CSV HEADER;
COPY (SELECT id, a_bool, a_int2, a_int4, a_text, a_varchar, a_char, a_bytea, a_date, a_time FROM everything ORDER BY id) TO STDOUT BINARY;
COPY (SELECT a_uuid, a_json, a_jsonb, a_mood, ints, texts, a_complex, an_int4range FROM everything ORDER BY id) TO STDOUT BINARY;
COPY (SELECT E'tab\tnew\nline\\back', NULL, '', '\N') TO STDOUT;
COPY (SELECT E'tab\tnew\nline', NULL, '', '"quoted"', 'a,b') TO STDOUT CSV;
COPY (SELECT 1, NULL) TO STDOUT WITH (NULL 'nil', DELIMITER '|');
COPY (SELECT 'ünïcödé') TO STDOUT WITH (ENCODING 'LATIN1');
COPY nothing TO STDOUT;
COPY nothing TO STDOUT CSV HEADER;
COPY nothing TO STDOUT BINARY;
COPY no_columns TO STDOUT;
COPY (SELECT repeat('x', 20000), n FROM generate_series(1, 20) n) TO STDOUT;
COPY (SELECT n, repeat('row', 3) FROM generate_series(1, 5000) n) TO STDOUT;
COPY (INSERT INTO nothing VALUES (1, 'copied') RETURNING *) TO STDOUT;
COPY (DELETE FROM nothing RETURNING b) TO STDOUT;
COPY (SELECT 1 / (3 - n) FROM numbers WHERE n < 6 ORDER BY n) TO STDOUT;
COPY (SELECT say('in a copy')) TO STDOUT;
COPY shelf TO STDOUT;
COPY numbers TO STDOUT WITH (FORMAT nonsense);
COPY (SELECT 1, no_such_column FROM numbers) TO STDOUT CSV;
COPY (UPDATE nothing SET a = 1) TO STDOUT;
COPY numbers TO STDOUT (HEADER);
COPY numbers TO STDOUT (DELIMITER '|', NULL '');
COPY (SELECT word, n, NULL FROM numbers WHERE n < 5 ORDER BY n) TO STDOUT WITH (FORMAT csv, QUOTE '*', ESCAPE '/', FORCE_QUOTE (word), NULL 'nil', HEADER);
COPY (SELECT '\.') TO STDOUT CSV;
COPY (VALUES ('a,"b"'), (E'c\n\\.\nd'), ('')) TO STDOUT CSV;
BEGIN;
COPY numbers (n) TO STDOUT;
COPY (SELECT 1 / 0) TO STDOUT;
COPY numbers TO STDOUT;
ROLLBACK;
COPY nothing FROM STDIN;
1	one
2	\N
3	with a \t tab
\.
SELECT * FROM nothing ORDER BY a;
COPY nothing (b, a) FROM STDIN WITH (FORMAT csv, HEADER);
b,a
"four, quoted",4
,5
"",6
\.
SELECT *, b IS NULL FROM nothing ORDER BY a;
COPY nothing FROM STDIN WITH (DELIMITER '|', NULL 'nil') WHERE a > 7;
7|seven
8|nil
\.
COPY nothing FROM STDIN BINARY;
5047434f50590aff0d0a000000000000000000
0002000000040000000900000004
6e696e65
ffff
\.
SELECT * FROM nothing ORDER BY a;
COPY nothing FROM STDIN;
\.
COPY nothing FROM STDIN;
not a number	x
\.
COPY nothing FROM STDIN;
10	ten	too many
\.
COPY nothing FROM STDIN;
10
\.
COPY nothing FROM STDIN BINARY;
00010203
\.
COPY authors FROM STDIN;
7	Seventh	2000-01-01
7	Twice	2000-01-01
\.
COPY nothing FROM STDIN;
\fail the client gave up
COPY animals (name, legs) FROM STDIN;
bee	6
\.
COPY no_such_table FROM STDIN;
1
\.
COPY nothing FROM STDIN WITH (FORMAT csv, NO_SUCH_OPTION);
1
\.
BEGIN;
COPY nothing FROM STDIN;
20	in a transaction
\.
ROLLBACK;
SELECT count(*) FROM nothing;
DELETE FROM nothing;
