"""OCSF as its schema is published, to hold events against: what is required, what there is at all, types, enumerations, constraints.

The schema comes with `pydantic-ocsf`, as the standard's repository has it; its models are not used, for they let pass what the schema does not know.
"""

import functools
import json
import re
from importlib import resources

VERSION = "1.7.0"
# Of the profile `host`, whose attributes the package leaves out.
HOST = {"actor": {"requirement": "optional"}, "device": {"requirement": "recommended"}}


@functools.cache
def schema():
    return json.loads((resources.files("ocsf") / "schemas" / f"v{VERSION.replace('.', '_')}.json").read_text())


def wrong(event):
    """What of an event is not as the schema says: nothing, if all of it is."""
    uid = event["class_uid"] % 1000
    category = next((name for name, of in schema()["categories_meta"]["attributes"].items() if of["uid"] == event["category_uid"]), None)
    of = next((name for name, of in schema()["events"].items() if of.get("uid") == uid and category in lineage("events", name)), None)
    if of is None:
        return [f"class_uid: there is no {event['class_uid']}"]
    attributes, constraints = resolved("events", of)
    if "host" in event["metadata"].get("profiles", []):
        attributes = HOST | attributes
    found = list(of_object(event, attributes, constraints, ""))
    if event["metadata"]["version"] != VERSION:
        found.append("metadata.version")
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid")
    return found


def lineage(kind, name):
    """Itself, what it extends, and the category any of them is in."""
    while name:
        of = schema()[kind][name]
        yield name
        yield of.get("category")
        name = of.get("extends")


@functools.cache
def resolved(kind, name):
    """Attributes with those of what it extends, which it may add to, and constraints."""
    of = schema()[kind][name]
    attributes, constraints = resolved(kind, of["extends"]) if of.get("extends") else ({}, {})
    attributes = {key: dict(value) for key, value in attributes.items()}
    for key, value in of["attributes"].items():
        if isinstance(value, dict):
            whole = attributes.get(key, {}) | {name: what for name, what in value.items() if what is not None}
            whole["enum"] = attributes.get(key, {}).get("enum", {}) | value.get("enum", {})
            attributes[key] = whole
    return attributes, constraints | of.get("constraints", {})


def of_object(value, attributes, constraints, at):
    for key, of in attributes.items():
        if of.get("requirement") == "required" and key not in value:
            yield f"{at}{key} is required"
    for kind, keys in constraints.items():
        held = sum(key in value for key in keys)
        if held == 0 or kind == "just_one" and held > 1:
            yield f"{at}: {kind} of {keys}"
    for key, inner in value.items():
        if key in attributes:
            yield from of_attribute(inner, key, attributes[key], f"{at}{key}")
        else:
            yield f"{at}{key} is not in the schema"


def of_attribute(value, key, of, at):
    said = schema()["dictionary"]["attributes"][key]
    if said.get("is_array"):
        if not isinstance(value, list):
            yield f"{at} is no array"
            return
    else:
        value = [value]
    # What numbers a class and its category have is worked out by whoever compiles the schema; `wrong` has found the class by them.
    enum = {} if key in ("class_uid", "category_uid", "type_uid") else said.get("enum", {}) | of.get("enum", {})
    for inner in value:
        yield from of_type(inner, of.get("type") or said["type"], at)
        if enum and str(inner) not in enum:
            yield f"{at} has no {inner}"


def of_type(value, kind, at):
    if kind == "object" or kind == "object_t":
        if not isinstance(value, dict):
            yield f"{at} is no object"
        return
    if kind in schema()["objects"]:
        if not isinstance(value, dict):
            yield f"{at} is no {kind}"
            return
        yield from of_object(value, *resolved("objects", kind), f"{at}.")
        return
    of = schema()["dictionary"]["types"]["attributes"][kind]
    base = of.get("type", kind)
    python = {"string_t": str, "integer_t": int, "long_t": int, "float_t": (int, float), "boolean_t": bool}.get(base, object)
    if not isinstance(value, python) or isinstance(value, bool) != (python is bool) and python is not object:
        yield f"{at} is no {kind}"
    elif "regex" in of and not re.search(of["regex"], value):
        yield f"{at} is written otherwise than {kind}"
    elif len(str(value)) > of.get("max_len", len(str(value))):
        yield f"{at} is too long"
