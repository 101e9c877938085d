# The reference miner's job for one prompt, with numpy: 1000 Gaussian paths of 289 prices, eight significant digits, JSON.
# argv: runs. stdout: JSON list of milliseconds, after one run that is not counted.
import json
import sys
import time

import numpy as np

PATHS, STEPS, STEP_S, PRICE, SIGMA = 1000, 288, 300, 65_000.0, 0.00541


def paths():
    made = np.empty((PATHS, STEPS + 1))
    for path in made:
        changes = np.random.normal(0, SIGMA * np.sqrt(STEP_S / 3600), STEPS)
        path[0] = PRICE
        path[1:] = PRICE * np.cumprod(1 + changes)
    return made


def rounded(prices):
    scale = 10.0 ** (7 - np.floor(np.log10(prices)))
    return np.round(prices * scale) / scale


def answer():
    return json.dumps([0, STEP_S, *rounded(paths()).tolist()])


answer()
spent = []
for _ in range(int(sys.argv[1])):
    began = time.perf_counter()
    answer()
    spent.append((time.perf_counter() - began) * 1000)
print(json.dumps(spent))
