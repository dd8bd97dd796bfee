"""Formulas as MathML, converted while the site is built by the LaTeX parser that docutils has.

Browsers draw MathML themselves: no script, no font and no network is needed. The alternatives were
MathJax, which Sphinx fetches from a network, and pictures of formulas, which cannot be enlarged,
copied or read aloud. A formula that docutils cannot convert is a warning, which ends the build.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


#: Bars that stand alone. Unless they belong to a ``\left`` or ``\right``, they neither grow to the
#: height of a fraction beside them nor keep the distance of an operator.
BAR = re.compile(r"<mo\b[^>]*>([|‖])</mo>")
SMALL_BAR = r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>'

#: min and max of what stands in brackets are names, without an operator's distance.
NAMED = re.compile(r"<mo>(max|min)</mo>(?=\s*<mo[^>]*>\()")


def _markup(node: nodes.Element, block: bool) -> str:
    try:
        markup = NAMED.sub(r"<mi>\1</mi>", tex2mathml(node.astext(), as_block=block))
        return markup if r"\left" in node.astext() else BAR.sub(SMALL_BAR, markup)
    except MathError as error:
        logger.warning("formula %r: %s", node.astext(), error, location=node)
        return f"<code>{nodes.unescape(node.astext())}</code>"


def visit_inline(translator: Any, node: nodes.math) -> None:
    """Within a line."""
    translator.body.append(_markup(node, block=False))
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    """On lines of its own; wide formulas scroll by themselves, not with the page."""
    translator.body.append(f'<div class="formula">{_markup(node, block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Make ``html_math_renderer = "mathml"`` known to Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
