"""Sphinx: ``python -m sphinx -W --keep-going -b html docs docs/_build/html`` makes the site.

Nothing is fetched while it is built or read: there is no intersphinx, and formulas are MathML.
"""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).parent
# Here, the extensions of docs/; above, the package of this checkout where it is not installed.
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]

project = "robustreg"
author = "robustreg developers"
project_copyright = "robustreg developers, BSD 3-clause licence"
try:
    release = installed_version("robustreg")
except ModuleNotFoundError:
    release = "of a checkout"
version = release
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "evidence_figures",
    "mathml",
]
# A reference to something that is not there is a warning; what belongs to others is named here.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(sklearn|numpy|scipy|pandas|matplotlib|dask)\b.*")]
exclude_patterns = ["README.md", "_build", "_extensions", "gallery/*.md5", "images"]
templates_path = ["_templates"]
html_math_renderer = "mathml"
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings are rebuilt from here anyway

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's types say more: shapes, ranges, units
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"  # "fit()" beside the page, not "HuberRegressor.fit()"
numpydoc_show_class_members = False  # the template of a class lists its methods
numpydoc_class_members_toctree = False
default_role = None

copybutton_exclude = ".linenos, .gp, .go"  # neither prompts nor output

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/(plot_\w+|quickstart)\.py",
    "ignore_pattern": r"two_workers\.py",  # shown in the guide
    "subsection_order": "gallery_settings.section_rank",
    "within_subsection_order": "gallery_settings.ReadingOrder",
    "image_srcset": ["2x"],
    "thumbnail_size": (640, 430),
    "reset_modules": ("matplotlib", "gallery_settings.transparent_pictures"),
    "reset_argv": "gallery_settings.example_arguments",
    "abort_on_example_error": False,
    "backreferences_dir": "api/generated/examples",
    "doc_module": ("robustreg",),
    "inspect_global_variables": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 60,
    "remove_config_comments": True,
    "matplotlib_animations": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "robustreg"
html_static_path = ["_static"]
html_css_files = ["robustreg.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "robustreg",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "alt_text": "robustreg: front page",
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "show_nav_level": 1,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "contributing": [], "changelog": []}
