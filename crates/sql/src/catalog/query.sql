WITH space AS (
  SELECT oid, nspname::text AS name FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast|temp|toast_temp)(_|$)'
), relation AS (
  SELECT c.oid, c.relkind::text AS kind, space.name AS schema, c.relname::text AS name
  FROM pg_catalog.pg_class c JOIN space ON space.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
), rule AS (
  SELECT oid, ev_class, ev_action::text LIKE '%:varattno 0 %' AS whole_row
  FROM pg_catalog.pg_rewrite WHERE ev_type = '1' AND ev_class >= 16384
), fires AS (
  -- What belongs to a relation, and on which events PostgreSQL runs the functions that it depends on.
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass AS class, oid, conrelid AS relation, 'iu' AS events
  FROM pg_catalog.pg_constraint WHERE conrelid <> 0
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, a.attrelid, 'iu'
  FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_attribute a ON a.atttypid = c.contypid WHERE c.contypid <> 0
  UNION ALL
  SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, adrelid, 'iu' FROM pg_catalog.pg_attrdef
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, indrelid, 'iu' FROM pg_catalog.pg_index
  UNION ALL
  SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, polrelid, 'riud' FROM pg_catalog.pg_policy
  UNION ALL
  SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, oid, ev_class,
    CASE ev_type WHEN '1' THEN 'r' WHEN '2' THEN 'u' WHEN '3' THEN 'i' ELSE 'd' END
  FROM pg_catalog.pg_rewrite WHERE ev_class >= 16384
  UNION ALL
  SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid, tgrelid,
    CASE WHEN tgtype & 4 <> 0 THEN 'i' ELSE '' END || CASE WHEN tgtype & 8 <> 0 THEN 'd' ELSE '' END
    || CASE WHEN tgtype & 16 <> 0 THEN 'u' ELSE '' END || CASE WHEN tgtype & 32 <> 0 THEN 't' ELSE '' END
  FROM pg_catalog.pg_trigger WHERE NOT tgisinternal
  UNION ALL
  SELECT 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, oid, 0, '' FROM pg_catalog.pg_event_trigger
), constant AS (
  -- How a tree of an expression writes a constant of 8 bytes or more, and those parts of one that are texts without being constants.
  SELECT ':constvalue ([89]|[0-9][0-9]+) \[|XMLEXPR|JSON' AS pattern
), told AS (
  -- Texts into which anybody may have written anything. As many of each sort as are looked at, and one.
  (SELECT 'comments' AS place, description AS text FROM pg_catalog.pg_description
    -- Of PostgreSQL's own there are thousands: they count where somebody has written digits into one.
    WHERE objoid >= 16384 OR objoid = 2200 OR description ~ '([0-9][^0-9A-Za-z]*){12}' LIMIT 20001)
  UNION ALL
  (SELECT 'comments', description FROM pg_catalog.pg_shdescription LIMIT 20001)
  UNION ALL
  (SELECT 'comments', label FROM pg_catalog.pg_seclabel LIMIT 20001)
  UNION ALL
  (SELECT 'comments', label FROM pg_catalog.pg_shseclabel LIMIT 20001)
  UNION ALL
  (SELECT 'defaults', pg_catalog.pg_get_expr(adbin, adrelid)
    FROM pg_catalog.pg_attrdef, constant WHERE adbin::text ~ pattern LIMIT 20001)
  UNION ALL
  (SELECT 'indexes', pg_catalog.pg_get_indexdef(indexrelid)
    FROM pg_catalog.pg_index, constant WHERE pg_catalog.concat(indexprs::text, indpred::text) ~ pattern LIMIT 20001)
  UNION ALL
  (SELECT 'checks', pg_catalog.pg_get_constraintdef(oid)
    FROM pg_catalog.pg_constraint, constant WHERE conbin::text ~ pattern AND oid >= 16384 LIMIT 20001)
  UNION ALL
  (SELECT 'policies', pg_catalog.concat_ws(' ', pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid))
    FROM pg_catalog.pg_policy LIMIT 20001)
  UNION ALL
  (SELECT 'triggers', pg_catalog.pg_get_triggerdef(oid)
    FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND (tgqual IS NOT NULL OR tgnargs > 0) LIMIT 20001)
  UNION ALL
  (SELECT 'partitions', pg_catalog.pg_get_expr(relpartbound, oid) FROM pg_catalog.pg_class WHERE relispartition LIMIT 20001)
  UNION ALL
  (SELECT 'partitions', pg_catalog.pg_get_partkeydef(partrelid)
    FROM pg_catalog.pg_partitioned_table, constant WHERE partexprs::text ~ pattern LIMIT 20001)
  UNION ALL
  (SELECT 'arguments', pg_catalog.pg_get_function_arguments(oid)
    FROM pg_catalog.pg_proc, constant WHERE proargdefaults::text ~ pattern AND oid >= 16384 LIMIT 20001)
  UNION ALL
  (SELECT 'aggregates', pg_catalog.concat_ws(' ', agginitval, aggminitval)
    FROM pg_catalog.pg_aggregate WHERE aggfnoid::oid >= 16384 LIMIT 20001)
  UNION ALL
  (SELECT 'statistics', pg_catalog.pg_get_statisticsobjdef(oid) FROM pg_catalog.pg_statistic_ext LIMIT 20001)
  UNION ALL
  -- There since PostgreSQL 15.
  (SELECT 'publications', pg_catalog.to_jsonb(t) ->> 'rowfilter' FROM pg_catalog.pg_publication_tables t LIMIT 20001)
  UNION ALL
  (SELECT 'defaults', typdefault FROM pg_catalog.pg_type WHERE typdefault IS NOT NULL LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(reloptions, ' ') FROM pg_catalog.pg_class WHERE reloptions IS NOT NULL LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.concat_ws(' ', pg_catalog.array_to_string(attoptions, ' '), pg_catalog.array_to_string(attfdwoptions, ' '))
    FROM pg_catalog.pg_attribute WHERE attoptions IS NOT NULL OR attfdwoptions IS NOT NULL LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(ftoptions, ' ') FROM pg_catalog.pg_foreign_table LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.concat_ws(' ', srvtype, srvversion, pg_catalog.array_to_string(srvoptions, ' '))
    FROM pg_catalog.pg_foreign_server LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(fdwoptions, ' ') FROM pg_catalog.pg_foreign_data_wrapper LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(evttags, ' ') FROM pg_catalog.pg_event_trigger LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(extcondition, ' ') FROM pg_catalog.pg_extension LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(spcoptions, ' ') FROM pg_catalog.pg_tablespace LIMIT 20001)
  UNION ALL
  (SELECT 'options', dictinitoption FROM pg_catalog.pg_ts_dict LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(setconfig, ' ') FROM pg_catalog.pg_db_role_setting LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.array_to_string(proconfig, ' ') FROM pg_catalog.pg_proc WHERE proconfig IS NOT NULL LIMIT 20001)
  UNION ALL
  (SELECT 'options', pg_catalog.concat_ws(' ', reset_val, boot_val) FROM pg_catalog.pg_settings WHERE vartype = 'string' LIMIT 20001)
  UNION ALL
  (SELECT 'values', enumlabel::text FROM pg_catalog.pg_enum LIMIT 20001)
  UNION ALL
  (SELECT 'sequences', pg_catalog.concat_ws(' ', seqstart, seqincrement, seqmax, seqmin)
    FROM pg_catalog.pg_sequence LIMIT 20001)
), text AS (
  -- No card number is told in fewer bytes.
  SELECT place, text, pg_catalog.row_number() OVER (PARTITION BY place) AS number FROM told
  WHERE pg_catalog.octet_length(text) >= 8
), size AS (
  SELECT place, pg_catalog.sum(pg_catalog.octet_length(text)) AS bytes, pg_catalog.count(*) AS texts FROM text GROUP BY place
)
SELECT 'server', pg_catalog.current_setting('server_version_num'), NULL::text, NULL::text, NULL::text, NULL::text
UNION ALL
SELECT 'schema', NULL, NULL, NULL, name, NULL FROM space
UNION ALL
SELECT 'relation', oid::text, NULL, kind, schema, name FROM relation
UNION ALL
SELECT 'column', a.attrelid::text, a.attnum::text,
  CASE WHEN t.typrelid <> 0 THEN t.typrelid ELSE coalesce(e.typrelid, 0) END::text, a.attname::text,
  CASE WHEN (a.atthasdef AND a.attgenerated = '') OR a.attidentity <> '' OR t.typdefault IS NOT NULL THEN 'd' END
FROM relation
JOIN pg_catalog.pg_attribute a ON a.attrelid = relation.oid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT DISTINCT 'view', rule.ev_class::text, d.refobjid::text,
  CASE WHEN rule.whole_row THEN '-1' ELSE d.refobjsubid::text END, NULL, NULL
FROM rule
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = rule.oid
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> rule.ev_class
UNION ALL
SELECT 'definition', oid::text, NULL, NULL, pg_catalog.pg_get_viewdef(oid), NULL
FROM relation WHERE kind IN ('v', 'm') AND oid >= 16384
UNION ALL
SELECT DISTINCT 'calls', rule.ev_class::text, e.deptype::text, NULL, space.name, p.proname::text
FROM rule
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = rule.oid
JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
JOIN space ON space.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_depend e
  ON e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid >= 16384
UNION ALL
SELECT DISTINCT 'generated', a.attrelid::text, a.attnum::text, d.refobjsubid::text, NULL, NULL
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
JOIN pg_catalog.pg_depend d
  ON (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = ad.oid)
  OR (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = a.attrelid AND d.objsubid = a.attnum)
WHERE a.attgenerated <> '' AND NOT a.attisdropped
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refobjid = a.attrelid AND d.refobjsubid > 0 AND d.refobjsubid <> a.attnum
UNION ALL
SELECT DISTINCT 'constraint', i.indrelid::text, d.refobjsubid::text, i.indexrelid::text,
  CASE WHEN i.indisexclusion OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN 'other' ELSE 'equal' END, NULL
FROM pg_catalog.pg_index i
JOIN relation ON relation.oid = i.indrelid
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
WHERE (i.indisunique OR i.indisexclusion)
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
UNION ALL
SELECT DISTINCT 'constraint', c.conrelid::text, k.number::text,
  CASE WHEN c.contype IN ('p', 'u', 'x') THEN c.conindid ELSE c.oid END::text,
  CASE c.contype WHEN 'x' THEN 'other' WHEN 'c' THEN 'itself' ELSE 'equal' END, NULL
FROM pg_catalog.pg_constraint c
JOIN relation ON relation.oid = c.conrelid
CROSS JOIN LATERAL pg_catalog.unnest(c.conkey) AS k(number)
WHERE c.contype IN ('p', 'u', 'x', 'c', 'f') AND k.number > 0
UNION ALL
SELECT DISTINCT 'references', c.conrelid::text, k.number::text, c.confrelid::text, k.referred::text, NULL
FROM pg_catalog.pg_constraint c
JOIN relation ON relation.oid = c.conrelid
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey)) AS k(number, referred)
WHERE c.contype = 'f'
UNION ALL
SELECT 'inherits', inhrelid::text, inhparent::text, NULL, NULL, NULL FROM pg_catalog.pg_inherits
UNION ALL
SELECT DISTINCT 'function', NULL, e.deptype::text, NULL, space.name, p.proname::text
FROM pg_catalog.pg_proc p JOIN space ON space.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_depend e
  ON e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE space.name NOT IN ('pg_catalog', 'information_schema') OR p.oid >= 16384
UNION ALL
SELECT DISTINCT 'operator', o.oprcode::oid::text, e.deptype::text, NULL, space.name, o.oprname::text
FROM pg_catalog.pg_operator o JOIN space ON space.oid = o.oprnamespace
LEFT JOIN pg_catalog.pg_depend e
  ON e.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND e.objid = o.oid AND e.deptype = 'e'
WHERE space.name <> 'pg_catalog' OR o.oid >= 16384
UNION ALL
SELECT DISTINCT 'type', NULL, NULL, NULL, NULL, typname::text
FROM pg_catalog.pg_type
WHERE typname IN ('text', 'varchar', 'bpchar') AND typnamespace <> 'pg_catalog'::pg_catalog.regnamespace
UNION ALL
SELECT DISTINCT 'fires', fires.relation::text, p.oid::text, e.deptype::text, fires.events, p.proname::text
FROM fires
JOIN pg_catalog.pg_depend d ON d.classid = fires.class AND d.objid = fires.oid
JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
LEFT JOIN pg_catalog.pg_depend e
  ON e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid >= 16384
UNION ALL
SELECT DISTINCT 'looks', fires.relation::text, d.refobjid::text, d.refobjsubid::text, fires.events, NULL
FROM fires
JOIN pg_catalog.pg_depend d ON d.classid = fires.class AND d.objid = fires.oid AND d.deptype = 'n'
WHERE fires.class = 'pg_catalog.pg_policy'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
UNION ALL
SELECT DISTINCT 'cascades', fires.relation::text, d.refobjid::text, NULL, fires.events, 'riudt'
FROM fires
JOIN pg_catalog.pg_depend d ON d.classid = fires.class AND d.objid = fires.oid
WHERE fires.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND fires.events <> 'r'
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> fires.relation
UNION ALL
SELECT DISTINCT 'cascades', c.confrelid::text, c.conrelid::text, NULL, event.here, event.there
FROM pg_catalog.pg_constraint c
JOIN (VALUES ('d', 'c', 'd'), ('d', 'n', 'u'), ('d', 'd', 'u'), ('u', 'c', 'u'), ('u', 'n', 'u'), ('u', 'd', 'u'),
    ('t', '', 't')) AS event(here, does, there)
  ON event.does = '' OR event.does = CASE event.here WHEN 'd' THEN c.confdeltype ELSE c.confupdtype END::text
WHERE c.contype = 'f'
UNION ALL
SELECT 'body', p.oid::text, NULL, l.lanname::text,
  CASE WHEN l.lanname = 'sql' THEN pg_catalog.pg_get_functiondef(p.oid) ELSE p.prosrc END,
  p.proname::text
FROM pg_catalog.pg_proc p
JOIN space ON space.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND p.prokind <> 'a' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend e
  WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e')
UNION ALL
SELECT 'body', p.oid::text, NULL, 'sql',
  pg_catalog.concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
    a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn),
  p.proname::text
FROM pg_catalog.pg_aggregate a
JOIN pg_catalog.pg_proc p ON p.oid = a.aggfnoid::oid
JOIN space ON space.oid = p.pronamespace
WHERE p.oid >= 16384
UNION ALL
SELECT 'text', text.place, NULL, NULL, CASE WHEN size.bytes <= 4194304 AND size.texts <= 20000 THEN text.text END, NULL
FROM text JOIN size ON size.place = text.place
WHERE (size.bytes <= 4194304 AND size.texts <= 20000) OR text.number = 1
UNION ALL
SELECT DISTINCT 'ordered', i.indrelid::text, a.attnum::text, i.indexrelid::text,
  CASE WHEN k.place > 1 OR i.indpred IS NOT NULL THEN 'behind' WHEN a.attnotnull THEN 'first' ELSE 'nullable' END, NULL
FROM pg_catalog.pg_index i
JOIN relation ON relation.oid = i.indrelid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname NOT IN ('hash', 'gin', 'brin')
CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0
  AND (a.attnum = k.number OR (k.number = 0 AND EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)))
WHERE k.place <= i.indnkeyatts AND i.indrelid >= 16384
