"""Expected values for the simulator, by numpy and scipy, with none of its formulas' shortcuts.

    python test/golden/simulate/make_golden.py     (numpy 2.4, scipy 1.17; writes golden.json beside this file)

- lorentzians: bin means by adaptive quadrature of H / (1 + 4 (nu - nu0)^2 / G^2)
- shares: associated Legendre functions, (l-|m|)!/(l+|m|)! P_l^|m|(cos i)^2
- shear: the third-degree polynomial in m orthogonal to lower degrees on -l..l, scaled to P(l) = l
- mixed: sign changes of sin(tp) cos(tg) - q cos(tp) sin(tg), a function without poles, on a fine grid, then Brent;
  zeta from the spacing of mixed modes is not used, but the formula on roots, 1 / (1 + cos(tg)^2 / (q N cos(tp)^2))
- background: power of each granulation term by quadrature; attenuation as numpy's sinc
"""

import json
import math
import os

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import lpmv

STEP = 0.00787104


def lorentzians():
    first, points = 100.0, 1600
    peaks = [
        dict(frequency=100.0 + 800.3 * STEP, height=50.0, width=0.15),
        dict(frequency=100.0 + 801.5 * STEP, height=900.0, width=0.0004),  # on a bin's edge
        dict(frequency=100.0 + 400.2 * STEP, height=300.0, width=0.01),
        dict(frequency=100.0 + 1200.9 * STEP, height=120.0, width=0.06),
        dict(frequency=100.0 - 3.4 * STEP, height=80.0, width=0.05),  # outside, its wing inside
        dict(frequency=100.0 - 700.0 * STEP, height=4000.0, width=0.3),
        dict(frequency=100.0 + 1599.6 * STEP, height=60.0, width=0.004),  # half outside
    ]
    total = np.zeros(points)
    for p in peaks:
        def shape(nu, p=p):
            return p["height"] / (1 + 4 * ((nu - p["frequency"]) / p["width"]) ** 2)

        for k in range(points):
            low, high = first + (k - 0.5) * STEP, first + (k + 0.5) * STEP
            inside = [p["frequency"]] if low < p["frequency"] < high else None
            total[k] += quad(shape, low, high, points=inside, epsabs=1e-13, epsrel=1e-11, limit=400)[0] / STEP
    return dict(first=first, step=STEP, points=points, peaks=peaks, means=total.tolist())


def shares():
    rows = []
    for degree in range(4):
        for inclination in (0.0, 17.5, 45.0, 71.2, 90.0):
            c = math.cos(math.radians(inclination))
            rows.append(dict(degree=degree, inclination=inclination, shares=[
                math.factorial(degree - m) / math.factorial(degree + m) * lpmv(m, degree, c) ** 2
                for m in range(degree + 1)]))
    return rows


def shear():
    rows = []
    for degree in (2, 3):
        m = np.arange(-degree, degree + 1.0)
        q, _ = np.linalg.qr(np.vander(m, 4, increasing=True))
        p = q[:, 3] * degree / q[-1, 3]
        rows.append(dict(degree=degree, values=p.tolist()))
    return rows


def mixed():
    cases = []
    for dnu, eps, d1, alpha, numax, dp, epg, q, low, high in (
        (10.13, 0.207, -0.04, 0.0, 115.0, 76.7, 0.28, 0.11, 100.0, 140.0),
        (4.2, 0.8, -0.05, 0.01, 36.0, 300.0, 0.9, 0.32, 20.0, 60.0),
        (4.2, 0.8, -0.05, 0.01, 36.0, 300.0, 0.9, 0.01, 20.0, 60.0),
        (17.0, 0.1, -0.03, 0.03, 230.0, 150.0, 0.5, 0.7, 150.0, 280.0),
        (18.5, 0.6, -0.06, 0.002, 250.0, 450.0, 0.05, 1.0, 120.0, 283.0),
        (2.0, 0.75, -0.04, 0.02, 14.0, 62.0, 0.3, 0.15, 8.0, 22.0),
    ):
        nmax = numax / dnu - eps

        def order(nu):
            c = nu / dnu - nmax - eps - 0.5 - d1
            return nmax + (c if alpha == 0 else (np.sqrt(1 + 2 * alpha * c) - 1) / alpha)

        def condition(nu):
            tp = np.pi * order(nu)
            tg = np.pi * (1e6 / (nu * dp) - epg)
            return np.sin(tp) * np.cos(tg) - q * np.cos(tp) * np.sin(tg)

        grid = 1 / np.linspace(1 / low, 1 / high, 2_000_001)
        grid[0], grid[-1] = low, high
        value = condition(grid)
        at = np.nonzero(np.sign(value[:-1]) != np.sign(value[1:]))[0]
        roots = np.array([brentq(condition, grid[i], grid[i + 1], xtol=1e-13, rtol=1e-14) for i in at])
        tp = np.pi * order(roots)
        tg = np.pi * (1e6 / (roots * dp) - epg)
        density = dnu * (1 + alpha * (order(roots) - nmax)) / (roots**2 * dp * 1e-6)
        zeta = 1 / (1 + np.cos(tg) ** 2 / (q * density * np.cos(tp) ** 2))
        cases.append(dict(dnu=dnu, epsilon=eps, shift=d1, curvature=alpha, numax=numax, dp=dp, epg=epg, q=q, low=low,
                          high=high, frequencies=roots.tolist(), zetas=zeta.tolist()))
    return cases


def background():
    rows = []
    for numax in (12.0, 40.0, 120.0, 240.0):
        a, b = 3382 * numax**-0.609, (0.317 * numax**0.970, 0.948 * numax**0.992)
        terms = [lambda nu, k=k: 2 * math.sqrt(2) / math.pi * a * a / k / (1 + (nu / k) ** 4) for k in b]
        powers = [quad(t, 0, np.inf)[0] for t in terms]
        nu = np.array([2.5, 10.0, 35.0, 120.0, 250.0])
        eta2 = np.sinc(0.5 * nu / 283.21) ** 2
        rows.append(dict(numax=numax, amplitude=a, knees=b, powers=powers, frequencies=nu.tolist(), attenuation=eta2.tolist(),
                         values=(7.5 + eta2 * sum(t(nu) for t in terms)).tolist()))
    return rows


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return float(f"{value:.13g}") if isinstance(value, float) else value


golden = dict(lorentzians=lorentzians(), shares=shares(), shear=shear(), mixed=mixed(), background=background())
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json"), "w") as file:
    json.dump(rounded(golden), file)
    file.write("\n")
