"""Time fits of large data and on several processes: ``python benchmarks/large_data.py``.

Prints three tables. The first compares systems on a cluster of two processes on this machine, timed
in turns on the same rows in memory: our fit on one worker and on two, Spark's Huber regression, and
dask-ml's least squares. The second is a fit of a memory map of 8 GB: its memory, and its time
compared with reading the file once per pass. The third is a fit of a Parquet set of 4 GB on workers
limited to 1 GB each. ``--only`` selects tables, and ``--small`` uses a fortieth of the rows.

It needs the extra ``bench`` and, for Spark, Java. Systems that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine_lines, wait_until_quiet
from numpy.typing import NDArray
from report import markdown, seconds
from timing import Case, Effort, measure

from robustreg import HuberRegressor

SYSTEMS, MEMORY_MAP, PARQUET = "systems", "memory map", "parquet"

#: Rows and columns of the tables, and rows in a chunk.
SHAPES = {SYSTEMS: (2_000_000, 50), MEMORY_MAP: (20_000_000, 50), PARQUET: (10_000_000, 50)}
CHUNK = {SYSTEMS: 125_000, PARQUET: 100_000}

#: Limit of a worker of the Parquet table.
WORKER_MEMORY = "1GB"

#: Bytes that are read at a time when the reading of the file is timed.
READ = 2**24

FEW = Effort(seconds=15.0, least=3, most=7, slow=3)


def rows(n: int, p: int, seed: int) -> tuple[NDArray, NDArray]:
    """Return normal columns, and responses with normal errors of which one in ten is shifted."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = X @ np.linspace(-1.0, 1.0, p) + rng.standard_normal(n)
    y[rng.random(n) < 0.1] += 20.0
    return X, y


def _memory(kind: str) -> int:
    """Return the bytes of this process: "RssAnon", or "VmHWM" for the largest resident size so far.

    getrusage is not used, since a process inherits its value from the parent.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(kind):
            return 1024 * int(line.split()[1])
    raise OSError(f"this system does not tell the {kind} of a process")


# -- systems --------------------------------------------------------------------------------------


def systems_table(n: int, p: int, folder: Path, report: Callable[[str], None]) -> str:
    """Fit the same rows by all systems, in turns."""
    X, y = rows(n, p, 0)
    problem = f"n = {n:,}, p = {p}"
    cases = [Case(problem, "HuberRegressor, in memory", "robustreg",
                  lambda: HuberRegressor().fit(X, y))]  # fmt: skip
    with ExitStack() as stack:
        for workers in (1, 2):
            fit = stack.enter_context(_on_dask(X, y, workers))
            cases += [
                Case(problem, f"{name}, Dask, {workers} worker{'s'[: workers - 1]}", library, run)
                for library, name, run in fit
            ]
        spark = stack.enter_context(_spark(X, y, folder))
        if spark is not None:
            name = 'LinearRegression(loss="huber"), local[2]'
            cases.append(Case(problem, name, "pyspark", spark))
        measure(cases, FEW, report, lambda: False)
    ours = next(c for c in cases if c.system == "HuberRegressor, Dask, 2 workers")
    lines = [
        (c.library, c.system, seconds(c.median), str(len(c.seconds)),
         f"{c.median / ours.median:.2f}", _facts(c))
        for c in cases
    ]  # fmt: skip
    header = ["library", "what", "median", "repeats", "× ours on two workers", "rounds"]
    return markdown(header, lines, text_columns=2)


def _facts(case: Case) -> str:
    return str(getattr(case.result, "n_passes_", ""))


@contextmanager
def _on_dask(X: NDArray, y: NDArray, workers: int) -> Iterator[list[tuple[str, str, Any]]]:
    import dask.array as da
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        chunks = CHUNK[SYSTEMS]
        lazy = [da.from_array(X, chunks=(chunks, -1)), da.from_array(y, chunks=chunks)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the data shall go to the workers
            held = client.persist(lazy)
            client.gather(client.compute([part.sum() for part in held]))
        fits = [("robustreg", "HuberRegressor", _as_current(client, HuberRegressor(), held))]
        try:
            from dask_ml.linear_model import LinearRegression
        except ImportError:
            pass
        else:
            for solver in ("newton", "lbfgs"):
                model = LinearRegression(solver=solver)
                name = f"LinearRegression({solver!r})"
                fits.append(("dask-ml", name, _as_current(client, model, held)))
        yield fits


def _as_current(client: Any, model: Any, data: Any) -> Callable[[], Any]:
    def fit() -> Any:
        with client.as_current(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(*data)

    return fit


@contextmanager
def _spark(X: NDArray, y: NDArray, folder: Path) -> Iterator[Callable[[], Any] | None]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from pyspark.ml.feature import VectorAssembler
        from pyspark.ml.regression import LinearRegression
        from pyspark.sql import SparkSession
    except ImportError:
        yield None
        return
    names = [f"x{j}" for j in range(X.shape[1])]
    table = pa.table([*X.T, y], names=[*names, "label"])
    pq.write_table(table, folder / "spark.parquet", row_group_size=CHUNK[SYSTEMS])
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "8g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.files.maxPartitionBytes", "64m")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    frame = session.read.parquet(str(folder / "spark.parquet"))
    vectors = VectorAssembler(inputCols=names, outputCol="features").transform(frame)
    held = vectors.select("features", "label").cache()
    held.count()
    try:
        yield lambda: LinearRegression(loss="huber", epsilon=1.35, maxIter=100).fit(held)
    finally:
        session.stop()


# -- the memory map -------------------------------------------------------------------------------


def memory_map_table(n: int, p: int, folder: Path, report: Callable[[str], None]) -> str:
    """Fit a memory map in a process of its own, and time the reading of the file."""
    path = folder / "X.npy"
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(n, p))
    y = np.empty(n)
    for start in range(0, n, 10**6):
        X[start : start + 10**6], y[start : start + 10**6] = rows(min(10**6, n - start), p, start)
    X.flush()
    del X
    np.save(folder / "y.npy", y)
    report("memory map: written")
    found = []
    for _ in range(3):
        read = _read_once(path)
        command = [sys.executable, __file__, "--fit-map", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout) | {"read": read})
        report(f"memory map: {found[-1]}")
    middle = {name: float(np.median([run[name] for run in found])) for name in found[0]}
    per_pass = middle["seconds"] / middle["passes"]
    lines = [
        ("size of X", f"{path.stat().st_size / 1e9:.1f} GB"),
        ("fit", f"{middle['seconds']:.1f} s, {middle['passes']:.0f} passes"),
        ("reading the file once", f"{middle['read']:.2f} s"),
        ("fit, a pass, in units of reading", f"{per_pass / middle['read']:.2f}"),
        ("most anonymous memory (RssAnon)", f"{middle['anonymous'] / 1e6:.0f} MB"),
        ("of that before the fit, y with it", f"{middle['before'] / 1e6:.0f} MB"),
    ]
    return markdown(["memory map", f"n = {n:,}, p = {p}"], lines, text_columns=1)


def _read_once(path: Path) -> float:
    buffer = memoryview(bytearray(READ))
    begin = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - begin


def fit_map(folder: Path) -> None:
    """Fit the map, watch this process's anonymous memory, and print both."""
    X, y = np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / "y.npy")
    peak, ended = [_memory("RssAnon")], threading.Event()
    before = peak[0]

    def watch() -> None:
        while not ended.wait(0.01):
            peak.append(_memory("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    model = HuberRegressor().fit(X, y)
    took = time.perf_counter() - begin
    ended.set()
    watcher.join()
    print(json.dumps({"seconds": took, "passes": model.n_passes_, "anonymous": max(peak),
                      "before": before}))  # fmt: skip


# -- Parquet --------------------------------------------------------------------------------------


def parquet_table(n: int, p: int, folder: Path, report: Callable[[str], None]) -> str:
    """Fit files that are larger than the memory of the workers."""
    import dask.dataframe as dd
    import pandas as pd
    from distributed import Client, LocalCluster

    names = [f"x{j}" for j in range(p)]
    for start in range(0, n, CHUNK[PARQUET]):
        X, y = rows(min(CHUNK[PARQUET], n - start), p, start)
        frame = pd.DataFrame(X, columns=names).assign(y=y)
        frame.to_parquet(folder / f"rows-{start:09d}.parquet")
    size = sum(file.stat().st_size for file in folder.glob("rows-*.parquet"))
    report(f"parquet: {size / 1e9:.1f} GB written")
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit=WORKER_MEMORY,
            dashboard_address=None,
            local_directory=str(folder),
        ) as cluster,
        Client(cluster) as client,
    ):
        frame = dd.read_parquet(folder / "rows-*.parquet")
        begin = time.perf_counter()
        model = HuberRegressor().fit(frame[names], frame["y"])
        took = time.perf_counter() - begin
        peaks = client.run(_memory, "VmHWM").values()
        spilled = sum(client.run(_spilled).values())
    lines = [
        ("size of the files", f"{size / 1e9:.1f} GB"),
        ("workers, and limit of each", f"2, {WORKER_MEMORY}"),
        ("fit", f"{took:.0f} s, {model.n_passes_} rounds"),
        ("most memory of a worker", f"{max(peaks) / 1e6:.0f} MB"),
        ("spilled to disk at the end", f"{spilled / 1e6:.0f} MB"),
        ("certificate", f"{model.optimality_:.1g} standard errors"),
    ]
    return markdown(["Parquet", f"n = {n:,}, p = {p}"], lines, text_columns=1)


def _spilled(dask_worker: Any) -> int:
    return int(getattr(dask_worker.data, "spilled_total", (0, 0))[1])


# -- all ------------------------------------------------------------------------------------------

TABLES = {SYSTEMS: systems_table, MEMORY_MAP: memory_map_table, PARQUET: parquet_table}


def main() -> None:
    """Make the requested tables and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(TABLES), help="again and again")
    parser.add_argument("--small", action="store_true", help="a fortieth of the rows")
    parser.add_argument("--folder", type=Path, default=None, help="where to write the data")
    parser.add_argument("--output", type=Path, default=None, help="keep the tables here")
    parser.add_argument("--fit-map", type=Path, default=None, help=argparse.SUPPRESS)
    parser.add_argument(
        "--patience", type=float, default=0.0, help="minutes to wait for other programs to end"
    )
    arguments = parser.parse_args()
    if arguments.fit_map is not None:
        fit_map(arguments.fit_map)
        return
    logging.getLogger("distributed").setLevel(logging.ERROR)
    wait_until_quiet(time.perf_counter() + 60.0 * arguments.patience)
    text = [machine_lines()]
    for name in arguments.only or list(TABLES):
        n, p = SHAPES[name]
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            shape = n // (40 if arguments.small else 1), p
            # The pages of docs/ find the tables by these comments.
            text += [f"<!-- {name} -->", TABLES[name](*shape, Path(folder), _report)]
    text.append("<!-- end -->")
    tables = "\n\n".join(text)
    print(tables)
    if arguments.output is not None:
        arguments.output.write_text(tables + "\n")


def _report(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("PYARROW_IGNORE_TIMEZONE", "1")
    main()
