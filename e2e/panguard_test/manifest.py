"""The manifest of what PostgreSQL and its extensions bring, and how it stands to a running server."""

import pathlib

FOLDER = pathlib.Path(__file__).parents[2] / "crates" / "sql" / "src" / "manifest"
SERVER = "postgresql"

# An extension's name where something is of one.
OF_EXTENSION = """
    left join pg_depend d on d.classid = '{catalog}'::regclass and d.objid = {oid} and d.deptype = 'e'
    left join pg_extension e on e.oid = d.refobjid
"""


class Manifest:
    """One file: `rows` has the class and the range of versions of each (part, name)."""

    def __init__(self, file):
        self.rows = {}
        part = None
        for line in (FOLDER / file).read_text().splitlines():
            if line.startswith("["):
                part = line[1:-1]
            elif line and not line.startswith("#"):
                name, what, versions = line.split("\t")
                assert (part, name) not in self.rows, f"{file}: {name} stands twice in [{part}]"
                self.rows[part, name] = what, read_versions(versions)

    def names(self, major, parts):
        """Every (part, name) of these parts that this version has."""
        return {(part, name) for (part, name), (_, versions) in self.rows.items() if part in parts and major in versions}


def read_versions(text):
    first, dash, last = text.partition("-")
    return range(int(first or 0), (int(last) if last else 1000) + 1) if dash else range(int(first), int(first) + 1)


def install_everything(session):
    """Creates every extension that is there, each in a schema of its own, and loads every module. Gives the names of the
    extensions that could be created."""
    for (name,) in session.execute("select name from pg_available_extensions order by name").fetchall():
        session.execute(f'create schema "of {name}"')
        for where in (f'schema "of {name}"', ""):
            try:
                session.execute(f'create extension if not exists "{name}" {where} cascade')
                break
            except Exception as error:
                print(f"{name}: {error}")
    (folder,) = session.execute("select setting from pg_config where name = 'PKGLIBDIR'").fetchone()
    for library in sorted(pathlib.Path(folder).glob("*.so")):
        try:
            session.execute(f"load '{library}'")
        except Exception as error:
            print(f"{library.name}: {error}")
    return {name for (name,) in session.execute("select extname from pg_extension").fetchall()}


def functions(session):
    """Every (part, name) of the server's functions and of its extensions'."""
    return set(session.execute(f"""
        select distinct coalesce(e.extname, '{SERVER}')::text, p.proname::text
        from pg_proc p {OF_EXTENSION.format(catalog="pg_proc", oid="p.oid")}
        where e.extname is not null or p.oid < 16384
    """).fetchall())


def relations(session):
    """Every (part, name) of the server's relations and of its extensions', but for those of pg_toast."""
    return set(session.execute(f"""
        select distinct coalesce(e.extname, '{SERVER}')::text, c.relname::text
        from pg_class c join pg_namespace n on n.oid = c.relnamespace {OF_EXTENSION.format(catalog="pg_class", oid="c.oid")}
        where c.relkind in ('r', 'v', 'm', 'f', 'p', 'S')
          and (e.extname is not null or n.nspname in ('pg_catalog', 'information_schema'))
    """).fetchall())


def settings(session, manifest, major):
    """Every (part, name) of the settings, in lower case. Some are in no list (`role`), and show only when asked for, as
    old names of others do."""
    listed = {name for (name,) in session.execute("select lower(name) from pg_settings").fetchall()}
    for _, name in manifest.names(major, {SERVER}):
        if session.execute("select current_setting(%s, true)", [name]).fetchone() != (None,):
            listed.add(name)
    parts = {name: part for part, name in manifest.rows}
    return {(parts.get(name, name.partition(".")[0] if "." in name else SERVER), name) for name in listed}
