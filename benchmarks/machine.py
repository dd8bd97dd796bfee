"""Describe the machine of a benchmark: processor, versions, threads of BLAS, and other load."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, sleep

from threadpoolctl import threadpool_info

import robustreg  # noqa: F401  (loads the BLAS libraries that are to be listed)

#: If other programs use at least this many cores, a measurement is not valid.
DISTURBED = 0.1

#: Seconds for which the load is measured before a benchmark.
WATCH = 5.0

PACKAGES = ("numpy", "scipy", "scikit-learn", "statsmodels")

HERE = Path(__file__).parent


class OtherLoad:
    """Measures the cores that other programs kept busy, on average since the object was made."""

    def __init__(self) -> None:
        self._begin = perf_counter()
        self._others = _seconds_of_others()

    def cores(self) -> float | None:
        """Return a number from 0 to the number of cores; None if the system does not tell."""
        now = _seconds_of_others()
        if now is None or self._others is None:
            return None
        return max(0.0, (now - self._others) / (perf_counter() - self._begin))


def wait_until_quiet(deadline: float) -> None:
    """Wait until other programs are idle, or until the deadline of ``perf_counter``."""
    while perf_counter() + WATCH < deadline:
        load = OtherLoad()
        sleep(WATCH)
        if (load.cores() or 0.0) <= DISTURBED:
            return


def _seconds_of_others() -> float | None:
    """Return the seconds that all cores spent on other processes since the machine started."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _, _, interrupts, soft, steal = (int(field) for field in fields)
    busy = (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")
    own = os.times()
    return busy - own.user - own.system


def machine_lines() -> str:
    """Return date, commit, machine, versions and threads of BLAS, as a list in Markdown."""
    blas = [info for info in threadpool_info() if info["user_api"] == "blas"]
    pools = ", ".join(f"{i['internal_api']} {i['version']}: {i['num_threads']}" for i in blas)
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, robustreg at commit {_commit()}",
        f"{_processor()}, {os.cpu_count()} cores, {_memory()}, {platform.system()}",
        f"Python {platform.python_version()}, {packages}",
        f"threads of BLAS: {pools}",
    ]
    return "\n".join(f"- {line}" for line in lines)


def load_line(cores: float | None) -> str:
    """Return a sentence on how reliable a measurement is."""
    if cores is None:
        return "It is not known whether other programs ran at the same time."
    line = f"Other programs kept {cores:.2f} cores busy on average while this was measured."
    if cores > DISTURBED:
        line += (
            " **Loaded machine:** systems with several threads slow down most, so that ratios to"
            " them are not reliable."
        )
    return line


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    except (ValueError, OSError):
        return "memory unknown"


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(HERE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "../robustreg")
        return git("rev-parse", "--short", "HEAD") + (" with local changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:  # importlib's PackageNotFoundError is one
        return "not installed"
