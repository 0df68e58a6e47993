-- Several statements in one message, empty messages, odd ends.
SELECT 1; SELECT 2;
SELECT 1; SELECT 2; SELECT 3, 'x'; SELECT FROM numbers WHERE n < 3;
SELECT 1; SELECT 1 / 0; SELECT 3;
;
;;
\g
   
\g
-- The next one is nothing but a comment.
/* nothing */
\g
SELECT 1
\g
SELECT 1 -- without a semicolon
\g
;; SELECT 1 ;; SELECT 2;
INSERT INTO nothing VALUES (1, 'a'); SELECT * FROM nothing; DELETE FROM nothing;
INSERT INTO nothing VALUES (2, 'b'); SELECT 1 / 0;
SELECT count(*) FROM nothing;
BEGIN; INSERT INTO nothing VALUES (3, 'c'); COMMIT;
BEGIN; INSERT INTO nothing VALUES (4, 'd'); ROLLBACK;
SELECT * FROM nothing ORDER BY a;
BEGIN; SELECT 1 / 0; COMMIT; SELECT 2;
ROLLBACK;
BEGIN; SELECT 1;
SELECT 2; COMMIT;
DELETE FROM nothing; SELECT count(*) FROM nothing; VACUUM nothing;
CREATE TABLE made_here (a int); INSERT INTO made_here VALUES (1); SELECT * FROM made_here; DROP TABLE made_here;
SELECT say('first'); SELECT say('second');
SET work_mem = '2MB'; SHOW work_mem; RESET work_mem;
PREPARE s AS SELECT 42; EXECUTE s; DEALLOCATE s;
BEGIN; DECLARE c CURSOR FOR SELECT n FROM numbers ORDER BY n; FETCH 2 FROM c; CLOSE c; COMMIT;
COPY (SELECT 1) TO STDOUT; COPY (SELECT 2) TO STDOUT; SELECT 3;
SELECT 1; SELECT no_such_column; SELECT 3;
SELECT 'a;b', $$;$$, ";" FROM (SELECT 1 AS ";") t; SELECT 'c';
SELECT 1 /* ; */; -- ; ;
SELECT 'after';
SELECT 1;
