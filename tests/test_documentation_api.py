"""The API reference is complete and true: it lists every public object, with an example and with
the defaults of the signature."""

import importlib
import inspect
import math
import re

import pytest
from documentation import ROOT

MODULES = [
    "robustreg",
    "robustreg.datasets",
    "robustreg.exceptions",
    "robustreg.formula",
    "robustreg.inference",
    "robustreg.inspection",
    "robustreg.metrics",
    "robustreg.tuning",
]


def public_objects():
    """Return every object of the library in an ``__all__``, by its first name."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for item in module.__all__:
            value = getattr(module, item)
            if value.__module__.startswith("robustreg") and value not in found.values():
                found[f"{name}.{item}"] = value
    return found


OBJECTS = public_objects()


def public_callables():
    """Return the objects, and the methods that classes of the library define."""
    found = {}
    for name, value in OBJECTS.items():
        found[name] = value
        if inspect.isclass(value):
            for method, attribute in vars(value).items():
                function = getattr(attribute, "__func__", attribute)
                if inspect.isfunction(function) and not method.startswith("_"):
                    found[f"{name}.{method}"] = function
    return found


CALLABLES = public_callables()


def section(value, title):
    """Return the lines of a section of a numpydoc docstring, if it has this section."""
    text = inspect.getdoc(value) or ""
    pattern = rf"^{title}\n-+\n(.*?)(?=^\w[^\n]*\n---|\Z)"
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    return found[1].splitlines() if found else []


def documented_parameters(value):
    """Return the type of each parameter; None if the docstring refers to another one."""
    types = {}
    for line in section(value, "Parameters"):
        head = re.fullmatch(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : (.+))?", line)
        if head:
            types |= {name.lstrip("*"): head[2] for name in head[1].split(", ")}
    return types


def literal(text):
    """Return the value in ``default=...`` of a docstring."""
    return eval(text, {"nan": math.nan, "inf": math.inf})


def same(one, other):
    """Whether two values are equal and have the same type, where nan equals nan."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def accepted(value):
    """Return the parameters of a call, without self and names that only mark an end."""
    parameters = inspect.signature(value).parameters.values()
    return {item.name: item for item in parameters if item.name not in ("self", "cls")}


@pytest.mark.parametrize("name", OBJECTS)
def test_reference_lists_it(name):
    index = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8")
    module, item = name.rsplit(".", 1)
    # A warning class is in the root and in its module.
    listed = rf"currentmodule:: {re.escape(OBJECTS[name].__module__)}\n|currentmodule:: {module}\n"
    chapter = next(
        (part for part in index.split("```") if re.search(rf"^ +{item}$", part, re.M)), ""
    )
    assert re.search(listed, chapter), f"docs/api/index.md does not list {name}"


@pytest.mark.parametrize("name", OBJECTS)
def test_it_has_an_example(name):
    assert ">>> " in "\n".join(section(OBJECTS[name], "Examples")), f"{name} shows no example"


# Dataclasses document their fields as attributes: see the next test.
@pytest.mark.parametrize(
    "name", [name for name, it in CALLABLES.items() if section(it, "Parameters")]
)
def test_documented_defaults_are_those_of_the_signature(name):
    documented = documented_parameters(CALLABLES[name])
    signature = accepted(CALLABLES[name])
    assert set(documented) == set(signature), name
    for parameter, described in documented.items():
        if described is None:
            continue
        default = signature[parameter].default
        shown = re.search(r"default=(.+)$", described)
        optional = described.endswith("optional")
        if default is inspect.Parameter.empty:
            assert (shown, optional) == (None, False), f"{name}: {parameter}"
        elif shown is None:
            assert (default, optional) == (None, True), f"{name}: {parameter}"
        else:
            assert same(literal(shown[1]), default), f"{name}: {parameter}={default!r}"


@pytest.mark.parametrize("name", CALLABLES)
def test_what_takes_arguments_says_which(name):
    value = CALLABLES[name]
    if inspect.isclass(value) and issubclass(value, Warning):
        return
    needed = set(accepted(value)) - {"args", "kwargs"}
    documented = set(documented_parameters(value))
    if inspect.isclass(value) and not documented:
        documented = {
            field
            for line in section(value, "Attributes")
            if (head := re.match(r"(\w+(?:, \w+)*) : ", line))
            for field in head[1].split(", ")
        }
    missing = {item for item in needed - documented if not item.startswith("_")}
    assert not missing, f"{name} does not document {sorted(missing)}"


def test_a_wrong_default_would_be_seen():
    assert not same(literal("1.35"), 1.345)
    assert not same(literal("False"), 0)
    assert same(literal("nan"), math.nan)
