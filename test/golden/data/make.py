"""Makes the numbers that test/data is held against. Run: python test/golden/data/make.py (NumPy 2)."""

import json
import pathlib

import numpy as np

here = pathlib.Path(__file__).parent


def ends(edges, first, last):
    edges = edges.copy()
    edges[0], edges[-1] = first, last
    return edges


def extra(edges, first, last):
    edges = np.append(edges, last)
    edges[0] = first
    return edges


edges = {
    "dnu": extra(np.arange(1, 19, 0.1), 0.99, 19.01),
    "dp": extra(np.append(np.arange(40, 152.5, 2.5), np.arange(157, 500, 7)), 39.99, 501),
    "q": extra(np.arange(0, 0.74, 0.02), -0.01, 0.751),
    "acr": ends(np.linspace(0.05, 2.8, 29), 0.04, 2.81),
    "aer": ends(np.linspace(0.1, 0.4, 12), 0.099, 0.401),
    "a3": np.array([-0.41, -0.20, 0.00, 0.20, 0.41]),
    "inc": ends(np.linspace(0, 90, 19), -0.01, 90.01),
    "epp": ends(np.linspace(0, 1, 21), -0.01, 1.01),
    "epg": ends(np.linspace(0, 1, 11), -0.01, 1.01),
    "numax": np.linspace(5, 286, 100),
    "snr": ends(np.linspace(8, 154.13, 17), 2, 170),
    "gamma": extra(np.arange(0.01, 0.335, 0.025), 0.005, 0.351),
    "vl1": ends(np.linspace(0.3, 2.5, 12), 0.29, 2.51),
    "vl2": ends(np.linspace(0.15, 0.8, 11), 0.14, 0.81),
    "vl3": ends(np.linspace(0, 0.1, 11), -0.01, 0.11),
}
(here / "edges.json").write_text(json.dumps({name: values.tolist() for name, values in edges.items()}) + "\n")

random = np.random.default_rng(7)
digitized = {}
for name, values in edges.items():
    span = values[-1] - values[0]
    inside = random.uniform(values[0] - 0.1 * span, values[-1] + 0.1 * span, 20)
    # Values on the edges, as float32 and float64: the case in which rounding decides.
    sample32 = np.concatenate([inside, values[:: max(1, len(values) // 12)]]).astype(np.float32)
    sample64 = np.concatenate([inside, values[:: max(1, len(values) // 12)]])
    digitized[name] = {
        "float32": sample32.astype(np.float64).tolist(),
        "bins32": np.digitize(sample32, values).tolist(),
        "float64": sample64.tolist(),
        "bins64": np.digitize(sample64, values).tolist(),
    }
special = np.array([0.0, 0.5, 1.0, -1.0, np.nan, np.inf, -np.inf])
digitized["special"] = {
    "ascending": np.digitize(special, np.linspace(0, 1, 8)).tolist(),
    "descending": np.digitize(special[:4], np.linspace(1, 0, 8)).tolist(),
}
(here / "digitize.json").write_text(json.dumps(digitized) + "\n")

# Small matrices in every layout NumPy writes: 5 rows of 40 columns, value = row + column / 64 (exact in float32).
matrix = np.arange(5)[:, None] + np.arange(40)[None, :] / 64
for order in "CF":
    for descr in ("<f4", ">f4", "<f8", ">f8"):
        kind = ("big" if descr[0] == ">" else "little") + descr[1:]
        np.save(here / f"{order}_{kind}.npy", np.asarray(matrix, dtype=descr, order=order))
np.save(here / "int32.npy", matrix.astype(np.int32))
np.save(here / "complex64.npy", matrix.astype(np.complex64))
with open(here / "version2.npy", "wb") as file:
    np.lib.format.write_array(file, matrix.astype("<f4"), version=(2, 0))
