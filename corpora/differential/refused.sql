-- What panguard refuses although no policy speaks against it. Each message is refused with the code above it.

-- PGD-0007: text that PostgreSQL's grammar rejects may mean something to another version of it.
SELECT nonsense nonsense nonsense;

-- PGD-0007: the same where one of several statements is meant.
SELECT 1; SELEC 2;

-- PGD-0007: an identifier of no length is an error of the scanner.
LISTEN "";

-- PGD-0007: text that is not UTF-8 is read by each server in its own way.
SELECT E'\xff';

-- PGD-0007: a DO block is a program of its own, in a language that panguard does not read.
DO $$ BEGIN PERFORM 1; END $$;

-- PGD-0007: so is the body of a function, which may run with the rights of another.
CREATE FUNCTION sneaky() RETURNS int LANGUAGE sql AS 'SELECT 1';

-- PGD-0007: and of a procedure.
CREATE PROCEDURE sneaky() LANGUAGE sql AS 'SELECT 1';

-- PGD-0007: a trigger runs a function on every change from then on.
CREATE TRIGGER sneaky BEFORE INSERT ON nothing FOR EACH ROW EXECUTE FUNCTION on_animals();

-- PGD-0007: a rule makes another command of the one that was decided upon.
CREATE RULE sneaky AS ON INSERT TO nothing DO INSTEAD DELETE FROM numbers;

-- PGD-0007: an extension may bring anything.
CREATE EXTENSION dblink;

-- PGD-0007: an operator calls a function under the name of something harmless.
CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int);

-- PGD-0007: a cast does so without a name.
CREATE CAST (int AS mood) WITHOUT FUNCTION;

-- PGD-0007: a program on the server is beyond what a session may start.
COPY nothing FROM PROGRAM 'true';

-- PGD-0007: so are its files.
COPY nothing TO '/dev/null';

-- PGD-0007: who runs the commands is decided by panguard, not by a setting.
SET ROLE postgres;

-- PGD-0007: the same by another name.
SET SESSION AUTHORIZATION postgres;

-- PGD-0007: text would no longer mean what panguard takes it to mean.
SET standard_conforming_strings = off;

-- PGD-0007: nor in another encoding.
SET client_encoding = 'LATIN1';

-- PGD-0007: the server would tell the client what it logs, values included.
SET client_min_messages = 'debug5';

-- PGD-0007: row-level security often hangs on settings of an application's own.
SET app.tenant = '5';

-- PGD-0007: whether row-level security is applied.
SET row_security = off;

-- PGD-0007: a schema that panguard does not know may hold operators of anybody's.
SET search_path = no_such_schema;

-- PGD-0007: settings of the server outlive the session.
ALTER SYSTEM SET work_mem = '1GB';

-- PGD-0007: and settings of a role come back in sessions of others.
ALTER ROLE app_rw SET search_path = pg_catalog;

-- PGD-0007: a library is code.
LOAD 'plpgsql';

-- PGD-0007: what a name stands for is not known that nobody has made in this session.
EXECUTE never_prepared;

-- PGD-0007: nor what a cursor gives that was opened where panguard could not see it.
FETCH ALL FROM never_declared;

-- PGD-0006: statements stand there with the values that are in them, of whatever table; they come back masked.
SELECT name FROM pg_prepared_statements WHERE statement LIKE '%4%';

-- PGD-0006: and here.
SELECT name FROM pg_cursors ORDER BY statement;

-- PGD-0007: the statements of others, too.
SELECT query FROM pg_stat_activity;

-- PGD-0006: the most common values of every column.
SELECT attname FROM pg_stats WHERE most_common_vals::text LIKE '%4%';

-- PGD-0007: a setting that nobody has looked at.
SET no_such_setting = 1;

-- PGD-0007: nor put back.
RESET no_such_setting;

-- PGD-0007: databases are beyond a connection, which is to one of them.
CREATE DATABASE another;

-- PGD-0007: another server is another connection, and needs one.
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;
