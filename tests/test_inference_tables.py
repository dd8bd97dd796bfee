"""Summaries in LaTeX, HTML and Markdown, side by side, and hypotheses as equations."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import plain

from robustreg import HuberRegressor
from robustreg.datasets import load_stackloss
from robustreg.inference import Comparison, compare, summarize
from robustreg.inference.text import aligned

pd = pytest.importorskip("pandas")

PHANTOM = re.compile(r"\\phantom\{([.0]*)\}")


@pytest.fixture
def stackloss():
    X, y = load_stackloss(return_X_y=True, as_frame=True)
    return HuberRegressor().fit(X, y), X, y


@pytest.fixture
def three(stackloss):
    """Return summaries of three models, one of which lacks a column."""
    model, X, y = stackloss
    fewer = X[["water_temp", "air_flow"]]
    return {
        "least squares": summarize(HuberRegressor(delta=np.inf).fit(X, y), X, y),
        "Huber": summarize(model, X, y),
        "HC3 & fewer_columns": summarize(HuberRegressor().fit(fewer, y), fewer, y, cov_type="HC3"),
    }


def printed(summary):
    """Return the cells of the printed table by rows."""
    lines = str(summary).splitlines()
    start = lines.index("-" * len(lines[1])) + 1
    return [line.split() for line in lines[start : start + len(summary.names)]]


# -- alignment ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_aligned_numbers_have_their_points_below_one_another(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=9) * 10.0 ** rng.integers(-7, 8, 9)
    cells = [f"{v:.5g}" if 1e-3 < abs(v) < 1e5 else f"{v:.3e}" for v in values]
    cells += ["inf", "<0.001", "", "17"]
    found = aligned(cells)
    assert [cell.strip() for cell in found] == cells
    assert len({len(cell) for cell in found}) == 1
    assert len({cell.index(".") for cell in found if "." in cell}) == 1
    end = found[0].index(".") if "." in found[0] else None
    if end is not None:
        assert found[-1][:end].endswith("17")


def test_numbers_without_a_point_are_flush_right():
    assert aligned(["3", "17", "104"]) == ["  3", " 17", "104"]


# -- one summary --------------------------------------------------------------------------------


def test_markdown_is_what_is_printed(stackloss):
    summary = summarize(*stackloss)
    head, rule, *rows = summary.to_markdown().splitlines()
    assert [cell.strip() for cell in head.split(" | ")][1:] == [
        "coef", "std err", "t", r"P>\|t\|", "[0.025", "0.975] |",
    ]  # fmt: skip
    assert rule.count("--:") == 6
    assert len({len(line) for line in (head, rule, *rows)}) == 1
    assert [[c for c in re.split(r"[|\s\u2007\u2008]+", row) if c] for row in rows] == printed(
        summary
    )
    points = [[i for i, sign in enumerate(row) if sign == "."] for row in rows]
    assert points == points[:1] * 4


def test_html_is_what_is_printed(stackloss):
    summary = summarize(*stackloss)
    heads = re.findall("<th>(.*?)</th>", summary.to_html())
    assert heads[1:7] == ["coef", "std err", "t", "P&gt;|t|", "[0.025", "0.975]"]
    assert heads[7:] == list(summary.names)
    cells = re.findall("<td>(.*?)</td>", summary.to_html())
    plain_cells = [re.sub("&#8199;|&#8200;", "", cell) for cell in cells]
    expected = [cell for row in printed(summary) for cell in row[1:]]
    assert [cell.replace("&lt;", "<") for cell in plain_cells] == expected
    widths = [len(re.sub("&[^;]*;", "x", cell)) for cell in cells]
    assert widths == widths[:6] * 4  # of one column all alike, though browsers cut no space


def test_latex_is_what_is_printed(stackloss):
    summary = summarize(*stackloss)
    text = summary.to_latex()
    assert text.startswith(r"\begin{tabular}{lrrrrrr}")
    assert r"\toprule" in text
    assert r"air\_flow & " in text
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")].splitlines()[1:]
    for line, row in zip(body, printed(summary), strict=True):
        cells = [cell.strip(" \\") for cell in line.split(" & ")]
        shown = [PHANTOM.sub("", cell).rstrip("\\").replace("$", "") for cell in cells]
        assert [cell.replace("\\_", "_") for cell in shown] == row
    for column in range(1, 7):
        after = []
        for line in body:
            cell = line.split(" & ")[column].removesuffix(r" \\")
            cell = PHANTOM.sub(lambda match: match[1], cell)
            after.append(len(cell) - cell.index("."))
        assert len(set(after)) == 1
    assert r"\caption{Stack loss}" in summary.to_latex(caption="Stack loss", label="tab:s")
    assert r"\label{tab:s}" in summary.to_latex(caption="Stack loss", label="tab:s")


@pytest.mark.parametrize(
    "name", ["a_b", "50%", "x&y", "a|b", "<b>", "p{q}", "$x^2$", "back\\slash"]
)
def test_names_are_escaped(rng, name):
    X, y = plain(rng, p=1)
    frame = pd.DataFrame(X, columns=[name])
    summary = summarize(HuberRegressor().fit(frame, y), frame, y)
    html, markdown = summary.to_html(), summary.to_markdown()
    assert len(re.findall("<td>", html)) == 12
    assert "<b>" not in html
    assert len(re.findall(r"(?<!\\)\|", markdown.splitlines()[-1])) == 8
    line = next(s for s in summary.to_latex().splitlines()[::-1] if s.count(" & ") == 6)
    head = line.split(" & ")[0]
    assert not re.search(r"(?<!\\)[_%&#]", head)


def test_latex_without_jinja(stackloss, monkeypatch):
    summary = summarize(*stackloss)

    def style(frame):
        raise ImportError("Missing optional dependency 'Jinja2'.")

    monkeypatch.setattr(pd.DataFrame, "style", property(style))
    with pytest.raises(ImportError, match=r"Jinja2: run `pip install robustreg\[inference\]`"):
        summary.to_latex()


# -- several ------------------------------------------------------------------------------------


def test_comparison_holds_every_number(three):
    found = compare(three)
    assert isinstance(found, Comparison)
    assert found.names == ("intercept", "air_flow", "water_temp", "acid_conc")
    for name, summary in three.items():
        table = found.table[name].dropna()
        pd.testing.assert_frame_equal(table, summary.table.loc[table.index], check_dtype=False)
        assert set(table.index) == set(summary.names)
    assert found.table["HC3 & fewer_columns"].loc["acid_conc"].isna().all()


@pytest.mark.parametrize("below", ["std_err", "t", "p_value", "interval"])
def test_comparison_as_text(three, below):
    text = str(compare(three, below=below))
    lines = text.splitlines()
    assert all(name in lines[0] for name in three)
    position = next(i for i, line in enumerate(lines) if line.startswith("air_flow"))
    coefficients = [f"{s.coefficients[s.names.index('air_flow')]:.5g}" for s in three.values()]
    assert lines[position].split()[1:] == coefficients
    assert lines[position + 1].count("[" if below == "interval" else "(") == 3
    acid = next(line for line in lines if line.startswith("acid_conc"))
    assert len(acid.split()) == 3
    assert next(line for line in lines if line.startswith("Observations")).split()[1:] == ["21"] * 3
    assert next(line for line in lines if line.startswith("Standard errors")).rstrip()[-3:] == "HC3"
    assert len({len(line) for line in lines[:-1]}) == 1


def test_comparison_in_other_forms(three):
    found = compare(list(three.values()))
    assert list(found.summaries) == ["(1)", "(2)", "(3)"]
    assert found.to_markdown().count("\n") == 2 * 4 + 5 + 1
    assert found.to_html().count("<td>") == 3 * (2 * 4 + 5)
    assert "In brackets: standard errors." in found._repr_html_()
    assert repr(found) == "Comparison((1), (2), (3))"
    assert r"HC3 \& fewer\_columns" in compare(three).to_latex()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda s: {}, ValueError, "summaries is empty"),
        (lambda s: [s, "text"], TypeError, "results of summarize, got str"),
        (lambda s: s, TypeError, "summaries must be a dict or a sequence, got Summary"),
    ],
)
def test_comparison_refuses(stackloss, make, error, message):
    with pytest.raises(error, match=message):
        compare(make(summarize(*stackloss)))


def test_comparison_refuses_options_and_ambiguous_names(rng, stackloss):
    with pytest.raises(ValueError, match="below must be one of 'std_err'"):
        compare([summarize(*stackloss)], below="stars")
    X, y = plain(rng)
    frame = pd.DataFrame(X, columns=["a", "intercept", "b"])
    twice = summarize(HuberRegressor().fit(frame, y), frame, y)
    with pytest.raises(ValueError, match="two coefficients of the name 'intercept'"):
        compare([twice])


# -- equations ----------------------------------------------------------------------------------


@pytest.fixture
def odd(rng):
    """Return a summary with names of every kind."""
    X, y = plain(rng, n=100, p=6)
    names = ["urban", "hs_grad", "town[B]", "a b", "a", "x1:x2"]
    frame = pd.DataFrame(X, columns=names)
    return summarize(HuberRegressor().fit(frame, y), frame, y)


@pytest.mark.parametrize(
    ("equation", "rows", "values"),
    [
        ("urban = hs_grad", [[0, 1, -1, 0, 0, 0, 0]], [0]),
        ("hs_grad = 0", [[0, 0, 1, 0, 0, 0, 0]], [0]),
        ("2 * urban - hs_grad / 4 = 1.5", [[0, 2, -0.25, 0, 0, 0, 0]], [1.5]),
        ("town[B] = a b", [[0, 0, 0, 1, -1, 0, 0]], [0]),
        ("`a b` = a", [[0, 0, 0, 0, 1, -1, 0]], [0]),
        ("x1:x2 + a = intercept", [[-1, 0, 0, 0, 0, 1, 1]], [0]),
        (["urban = 1", "a"], [[0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0]], [1, 0]),
        ("urban = 1, a = 2", [[0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0]], [1, 2]),
    ],
)
def test_an_equation_is_its_row_of_numbers(odd, equation, rows, values):
    found, expected = odd.wald_test(equation), odd.wald_test(rows, values)
    assert found.df == expected.df
    assert_allclose(
        [found.statistic, found.p_value], [expected.statistic, expected.p_value], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("equation", "r", "message"),
    [
        ("water = 0", None, "R names 'water', and coefficients are intercept, urban"),
        ("urban = hs_grad = 0", None, "two equality signs, 'urban = hs_grad = 0'"),
        ("urban * hs_grad = 0", None, "not linear or cannot be read"),
        ("urban = ", None, "not linear or cannot be read"),
        ("urban ++ = 0", None, "not linear or cannot be read"),
        ("urban = 0", 1.0, "R contains equations.*and r is given"),
        (["urban = 0", "2 * urban = 0"], None, r"R has 2 row\(s\), which are"),
        ("0 = 0", None, r"R has 1 row\(s\), which are"),
        ("urban - hs_grad", None, r'R names .*write an equation like "a = b"'),
    ],
)
def test_equations_that_are_refused(odd, equation, r, message):
    with pytest.raises(ValueError, match=message):
        odd.wald_test(equation, r)


def test_an_equation_with_a_name_of_two_coefficients(rng):
    X, y = plain(rng)
    frame = pd.DataFrame(X, columns=["a", "intercept", "b"])
    summary = summarize(HuberRegressor().fit(frame, y), frame, y)
    with pytest.raises(ValueError, match="'intercept', the name of 2 coefficients"):
        summary.wald_test("intercept = 0")
    assert summary.wald_test("a = b").statistic == summary.wald_test([0, 1, 0, -1]).statistic


def test_names_with_an_equality_sign_are_names(rng):
    X, y = plain(rng, p=2)
    frame = pd.DataFrame(X, columns=["town=B", "b"])
    summary = summarize(HuberRegressor().fit(frame, y), frame, y)
    expected = summary.wald_test([0, 1, 0]).statistic
    assert summary.wald_test("town=B").statistic == pytest.approx(expected)
    assert summary.wald_test("town=B = 0").statistic == pytest.approx(expected)


def test_equations_without_formulaic(odd, monkeypatch):
    import robustreg.inference.wald as wald

    def refuse(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(wald, "import_module", refuse)
    with pytest.raises(ImportError, match=r"formulaic.*pip install robustreg\[formula\]"):
        odd.wald_test("urban = hs_grad")
    assert odd.wald_test(["urban", "a"]).df == 2
