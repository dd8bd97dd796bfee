"""Types of the public names, as a type checker sees them in a user's program."""

import re
from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api", reason="of the extra dev")
pytestmark = pytest.mark.slow  # mypy reads NumPy's types first

#: Lines with the error that mypy must report on each; on all others it must report none.
PROGRAM = """\
import numpy as np
import robustreg
from scipy import sparse
from robustreg import (
    HuberElasticNet, HuberElasticNetCV, HuberRegressor, HuberRegressorCV, MMRegressor, enet_path
)
from robustreg.metrics import huber_loss, make_huber_scorer
from robustreg.tuning import delta_for_efficiency

class Table:
    shape = (3, 1)

X, y = np.ones((3, 1)), [1.0, 2.0, 3.0]
model: HuberRegressor = HuberRegressor(delta="auto", scale=2.0).fit(X, y)
searched: HuberRegressorCV = HuberRegressorCV(alphas=None, selection="one_se").fit(X, y)
resistant: MMRegressor = MMRegressor(loss="lqq").fit(sparse.csr_array(X), y, [1, 2, 3])
HuberElasticNet(0.1, scale="mad").fit(Table(), y).predict(Table()).sum()
HuberElasticNetCV(l1_ratio=[0.5, 1.0]).fit(X, y)
alphas, coefs, intercepts, scales = enet_path(X, y, scale="mad")
make_huber_scorer(0.5)
version: str = robustreg.__version__
robustreg.tuning.kappa(1.0)
predicted: np.ndarray = model.predict(X)
HuberRegressor(delta="atuo")  # E: arg-type
HuberRegressor(scale="joined")  # E: arg-type
HuberRegressor(solver="bfgs")  # E: arg-type
HuberRegressor(1.345)  # E: call-arg|misc
HuberRegressorCV(selection="first")  # E: arg-type
MMRegressor(loss="huber")  # E: arg-type
HuberElasticNet(delta="auto")  # E: arg-type
HuberRegressor().fit(X)  # E: call-arg
reveal_type(HuberRegressor().fit(X, y))
reveal_type(HuberElasticNet().fit(X, y).predict(X))
text: str = model.predict(X)  # E: assignment
searched.fit(None, y)  # E: arg-type
enet_path(X, y, scale="median")  # E: arg-type
huber_loss(y, y, reduction="median")  # E: arg-type|call-overload
robustreg.HuberRegresor()  # E: attr-defined
delta_for_efficiency("95 %")  # E: arg-type
make_huber_scorer(threshold="auto")  # E: arg-type
"""


def test_right_uses_pass_and_wrong_ones_are_errors(tmp_path):
    program = tmp_path / "analysis.py"
    program.write_text(PROGRAM, encoding="utf-8")
    root = Path(__file__).parents[1]
    options = [f"--config-file={root / 'pyproject.toml'}", "--no-error-summary"]
    output, errors, _ = api.run([*options, f"--cache-dir={root / '.mypy_cache'}", str(program)])
    assert not errors
    found = dict.fromkeys(range(1, 1 + PROGRAM.count("\n")), "")
    for line, code in re.findall(r"analysis\.py:(\d+): error: .*\[([\w-]+)\]$", output, re.M):
        found[int(line)] = code
    revealed = re.findall(r'Revealed type is "([^"]+)"', output)
    assert [re.sub(r"\[.*", "", name) for name in revealed] == [
        "robustreg.estimators.huber.HuberRegressor",
        "numpy.ndarray",
    ]
    for number, line in enumerate(PROGRAM.splitlines(), start=1):
        expected = line.partition("# E: ")[2]
        assert re.fullmatch(expected, found[number]), f"{line}\n{output}"
