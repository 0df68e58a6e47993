WITH found AS (
  SELECT d.refclassid, d.refobjid, d.refobjsubid
  FROM pg_catalog.pg_proc w
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = w.oid
  WHERE w.proname = 'panguard_testimony' AND w.pronamespace = pg_catalog.pg_my_temp_schema() AND d.refobjid >= 16384
), own AS (
  SELECT refclassid, refobjid FROM found
  WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = found.refclassid AND e.objid = found.refobjid AND e.deptype = 'e'
  )
)
SELECT 'column', refobjid::text, refobjsubid::text
FROM found WHERE refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND refobjsubid > 0
UNION ALL
SELECT 'function', n.nspname::text, p.proname::text
FROM own
JOIN pg_catalog.pg_proc p ON p.oid = own.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE own.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
UNION ALL
SELECT 'operator', n.nspname::text, o.oprname::text
FROM own
JOIN pg_catalog.pg_operator o ON o.oid = own.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE own.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
