"""
Large data: a fit to files that do not fit in memory
====================================================

More than a gigabyte of numbers in Parquet files, and two workers with 600 MB each, half
of which Python and its libraries need. Only one line would be different on a cluster.
"""

# %%
# The workers are processes that import this file again. The code that they must not run
# stands under ``if __name__ == "__main__"``.
#
# There are a hundred files with delays of deliveries, in minutes, by load, distance and
# 48 sensors. In every tenth row the clock was an hour wrong. The fit is the same line
# as for an array.
#
# Each step of the solver is one round: every worker reads its files one after the
# other, sends the sums over their rows, fifty numbers or so, and forgets the rows.

import tempfile
from pathlib import Path

import dask.dataframe as dd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster
from distributed.diagnostics import MemorySampler

from robustreg import HuberRegressor

FILES, ROWS, WORKER_MEMORY = 100, 25_000, "600MB"
NAMES = ["load", "distance", *(f"sensor_{j}" for j in range(48))]


def write(folder):
    """Write the files, and return their size in bytes."""
    rng = np.random.default_rng(0)
    for number in range(FILES):
        deliveries = pd.DataFrame(rng.standard_normal((ROWS, 50)), columns=NAMES)
        delay = 10.0 + 3.0 * deliveries["load"] + 2.0 * deliveries["distance"]
        delay += 5.0 * rng.standard_normal(ROWS)
        delay[rng.random(ROWS) < 0.1] += 60.0
        deliveries.assign(delay=delay).to_parquet(folder / f"{number:03d}.parquet")
    return sum(file.stat().st_size for file in folder.iterdir())


def fit(folder, scheduler):
    """The whole analysis; ``scheduler`` is a cluster or the address of one."""
    sampler = MemorySampler()
    with (
        Client(scheduler) as client,
        sampler.sample("fit", client=client, interval=0.2),
    ):
        deliveries = dd.read_parquet(folder)
        model = HuberRegressor().fit(deliveries[NAMES], deliveries["delay"])
        late = model.outliers_.sum().compute()
    rounds, certificate = model.n_passes_, model.optimality_
    print(f"{rounds} rounds, certificate {certificate:.0e} standard errors")
    load, distance = model.coef_[:2]
    print(f"load {load:.3f}, distance {distance:.3f}, noise {model.scale_:.2f}")
    print(f"{late:,} rows beyond {model.threshold_:.1f} minutes")
    return sampler.to_pandas(align=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder))
        with LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit=WORKER_MEMORY,
            dashboard_address=":0",
            silence_logs="ERROR",
        ) as cluster:
            used = fit(folder, cluster)
        # On a cluster, whose workers must see the files:
        #     fit("s3://deliveries/", "tcp://scheduler.example:8786")

    plt.style.use("robustreg.inspection.style")
    figure, ax = plt.subplots()
    ax.plot(
        used.index.total_seconds(),
        used["fit"] / 1e6,
        color="#0072B2",
        label="both workers",
    )
    ax.axhline(1200, color="0.4", linestyle="--", linewidth=1)
    ax.text(0, 1200 - 80, "their limit", color="0.4")
    ax.axhline(size / 1e6, color="#D55E00", linestyle=":", linewidth=1)
    ax.text(0, size / 1e6 + 25, "size of the files", color="#D55E00")
    ax.set(xlabel="seconds", ylim=(0, 1500))
    ax.set_title("Memory, MB")
    ax.legend(loc="lower right")
    plt.show()
