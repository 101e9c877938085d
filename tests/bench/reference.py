# The score of one prompt as the field computes it: properscoring's gufunc, compiled by numba, term by term with numpy.
# stdin: int64 count, points, terms; float64 prices [count x points], real [points]; int64 terms [terms x 3] (from, to,
# absolute). stdout: JSON {total, ms} with the median of the runs after compilation.
import json
import sys
import time

import numpy as np
from numba import float64, guvectorize


@guvectorize([(float64[:], float64[:], float64[:])], "(),(n)->()", nopython=True)
def crps(observation, forecasts, result):
    obs = observation[0]
    previous = 0.0
    cdf = 0.0
    seen = 0.0
    integral = 0.0
    step = 1.0 / len(forecasts)
    for forecast in forecasts:
        if seen == 0.0 and obs < forecast:
            integral += (obs - previous) * cdf**2
            integral += (forecast - obs) * (cdf - 1) ** 2
            seen = 1.0
        else:
            integral += (forecast - previous) * (cdf - seen) ** 2
        cdf += step
        previous = forecast
    if seen == 0.0:
        integral += obs - previous
    result[0] = integral


def score(prices, real, terms):
    total = 0.0
    for start, end, absolute in terms:
        if absolute:
            ensemble, observed = prices[:, end], real[end]
        else:
            ensemble = (prices[:, end] - prices[:, start]) / prices[:, start] * 10_000
            observed = (real[end] - real[start]) / real[start] * 10_000
        value = crps(observed, np.sort(ensemble))
        total += value / real[-1] * 10_000 if absolute else value
    return total


data = sys.stdin.buffer.read()
count, points, n = np.frombuffer(data, np.int64, 3)
prices = np.frombuffer(data, np.float64, count * points, 24).reshape(count, points)
real = np.frombuffer(data, np.float64, points, 24 + prices.nbytes)
terms = np.frombuffer(data, np.int64, 3 * n, 24 + prices.nbytes + real.nbytes).reshape(n, 3)
total = score(prices, real, terms)
spent = []
for _ in range(15):
    began = time.perf_counter()
    score(prices, real, terms)
    spent.append((time.perf_counter() - began) * 1000)
print(json.dumps({"total": float(total), "ms": sorted(spent)[7]}))
