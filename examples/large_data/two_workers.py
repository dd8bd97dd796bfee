"""A fit to a Parquet data set on two worker processes: python two_workers.py FOLDER."""

import sys

import dask.dataframe as dd
from dask.distributed import Client, LocalCluster

from robustreg import HuberRegressor

NAMES = ["load", "distance", "hour"]


def main(folder):
    """Fit the delay of deliveries."""
    with LocalCluster(n_workers=2, threads_per_worker=1) as cluster, Client(cluster):
        table = dd.read_parquet(folder)
        model = HuberRegressor().fit(table[NAMES], table["delay"])
    for name, coef in zip(NAMES, model.coef_, strict=True):
        print(f"{name} {coef:.2f}")


# The workers import this file again. Without the guard, each would start a cluster.
if __name__ == "__main__":
    main(sys.argv[1])
