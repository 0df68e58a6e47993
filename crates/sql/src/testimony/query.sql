SELECT 'column', d.refobjid::text, d.refobjsubid::text
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_proc w ON w.oid = d.objid AND w.proname = 'panguard_testimony'
WHERE w.pronamespace = pg_catalog.pg_my_temp_schema()
  AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid >= 16384 AND d.refobjsubid > 0
UNION ALL
SELECT 'function', n.nspname::text, p.proname::text
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_proc w ON w.oid = d.objid AND w.proname = 'panguard_testimony'
JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE w.pronamespace = pg_catalog.pg_my_temp_schema()
  AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid >= 16384
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e'
  )
UNION ALL
SELECT 'operator', n.nspname::text, o.oprname::text
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_proc w ON w.oid = d.objid AND w.proname = 'panguard_testimony'
JOIN pg_catalog.pg_operator o ON o.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE w.pronamespace = pg_catalog.pg_my_temp_schema()
  AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND d.refobjid >= 16384
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND e.objid = o.oid AND e.deptype = 'e'
  )
