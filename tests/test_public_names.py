"""Public names of ``robustreg``, and names of the modules."""

import subprocess
import sys

import pytest
from documentation import ROOT

import robustreg

PROGRAM = """
import sys
import robustreg
print({"matplotlib", "formulaic", "robustreg.inference", "robustreg.formula"} & set(sys.modules))
for name in robustreg.MODULES:
    assert getattr(robustreg, name).__all__
    assert name in dir(robustreg)
"""


def test_modules_need_no_import_of_their_own_and_are_imported_when_used():
    command = [sys.executable, "-c", PROGRAM]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout.strip()) == (0, "set()"), found.stderr


def test_a_misspelt_name_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'HuberRegresor'"):
        _ = robustreg.HuberRegresor


def test_the_reference_names_every_module():
    index = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8")
    for name in robustreg.MODULES:
        assert f"robustreg.{name}" in index
