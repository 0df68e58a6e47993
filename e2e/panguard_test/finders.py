"""Two public finders of card numbers, which are not ours: PANhunt's patterns and check digits (the tool of PCI assessors), and
DataFog's."""

import importlib.metadata
import importlib.util
import re

from datafog.processing.text_processing.regex_annotator.regex_annotator import RegexAnnotator


def _part(name):
    """A file of PANhunt by itself: the package as a whole wants libmagic."""
    (file,) = (it for it in importlib.metadata.files("panhunt") if str(it) == f"panhunt/{name}.py")
    spec = importlib.util.spec_from_file_location(f"panhunt_{name}", file.locate())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BRANDS = _part("patterns").CardPatterns().brands()
PAN = _part("pan").PAN
ANNOTATOR = RegexAnnotator()


def found(text):
    """The card numbers that either finds."""
    hunted = [number for _, pattern in BRANDS for number in pattern.findall(text) if PAN.is_valid_luhn_checksum(pan=number)]
    # DataFog looks at no check digit, and a digest may hold sixteen digits in a row.
    annotated = [number for number in ANNOTATOR.annotate(text).get("CREDIT_CARD", [])
                 if PAN.is_valid_luhn_checksum(pan=number) and re.search(rf"(?<![0-9A-Za-z]){re.escape(number)}(?![0-9A-Za-z])", text)]
    return hunted + annotated
