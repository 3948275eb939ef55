#!/usr/bin/env python3
"""Writes tests/train/fixtures/ema.json: timm's ModelEmaV3 over 50 steps of weights that a formula gives.

    ema_fixture.py OUT.json

Needs torch and timm (made with timm 1.0.15).
"""
import json
import math
import sys

import torch
from timm.utils import ModelEmaV3

STEPS, KEPT = 50, (1, 2, 3, 10, 50)
OPTIONS = [dict(decay=0.97, use_warmup=False), dict(decay=0.9, use_warmup=True),
           dict(decay=0.9998, use_warmup=True, warmup_gamma=2.0, warmup_power=0.75)]


def numbers(step, first, shape):
    """Element i of a tensor whose elements are counted from `first`."""
    i = torch.arange(first, first + math.prod(shape), dtype=torch.float64)
    return (torch.sin(0.3 * step * (i + 1)) + i / 7).reshape(shape)


def set_weights(module, step):
    first = 0
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue  # num_batches_tracked
        tensor.copy_(numbers(step, first, tensor.shape))
        first += tensor.numel()


cases = []
for options in OPTIONS:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).double()
    set_weights(module, 0)
    ema = ModelEmaV3(module, **options)
    case = {**options, "averages": {}}
    for step in range(1, STEPS + 1):
        set_weights(module, step)
        ema.update(module, step=step)
        if step in KEPT:
            state = ema.module.state_dict()
            case["averages"][step] = {n: t.flatten().tolist() for n, t in state.items() if t.is_floating_point()}
    cases.append(case)
with open(sys.argv[1], "w") as f:
    json.dump(cases, f, indent=1)
    f.write("\n")
