#!/usr/bin/env python3
"""Writes tests/train/optim/fixtures/schedules.json: the learning rates of PyTorch's and timm's schedulers, step by step.

    pip install torch timm
    scripts/evidence/schedules.py > tests/train/optim/fixtures/schedules.json

Each entry has a name, the options of Tandem's config that mean the same, the base rate, and the rates.
Caffe's two policies are computed by the formulas of its solver (src/caffe/solvers/sgd_solver.cpp).
"""

import json
import math
import sys

import torch
from timm.scheduler import CosineLRScheduler, PolyLRScheduler
from torch.optim import lr_scheduler as schedulers

STEPS = 50
LR = 0.05


def optimizer(lr=LR):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def of_torch(make, steps=STEPS):
    optim = optimizer()
    scheduler = make(optim)
    rates = []
    for _ in range(steps):
        rates.append(optim.param_groups[0]["lr"])
        optim.step()
        scheduler.step()
    return rates


def of_timm(make, steps=STEPS):
    optim = optimizer()
    scheduler = make(optim)
    rates = []
    for step in range(steps):
        scheduler.step(step)
        rates.append(optim.param_groups[0]["lr"])
    return rates


def of_plateau(figures, **options):
    """The rate of each epoch, which ends with its figure."""
    optim = optimizer()
    scheduler = schedulers.ReduceLROnPlateau(optim, **options)
    rates = []
    for figure in figures:
        rates.append(optim.param_groups[0]["lr"])
        scheduler.step(figure)
    return rates


def warmed(options, make, steps=10):
    def chained(optim):
        warm = schedulers.LinearLR(optim, start_factor=1 / steps, total_iters=steps - 1)
        return schedulers.ChainedScheduler([warm, make(optim)])

    return {**options, "warmup_steps": steps}, of_torch(chained)


def main():
    none = {"warmup": 0}
    in_steps = {**none, "unit": "steps"}
    cases = {}

    def add(name, options, rates, **more):
        cases[name] = {"schedule": options, "lr": LR, "rates": rates, **more}

    add("CosineAnnealingLR", {"type": "cosine", **none, "min_lr": 0.001},
        of_torch(lambda o: schedulers.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.001)))
    add("timm's cosine, cycles", {"type": "cosine", **none, "cycles": 5, "cycle_decay": 0.5, "min_lr": 0.001},
        of_timm(lambda o: CosineLRScheduler(o, t_initial=10, lr_min=0.001, cycle_decay=0.5, cycle_limit=5)))
    add("timm's cosine, longer and longer cycles", {"type": "cosine", **none, "cycles": 3, "cycle_mul": 2},
        of_timm(lambda o: CosineLRScheduler(o, t_initial=8, cycle_mul=2, cycle_limit=3), 56))
    add("CosineAnnealingWarmRestarts", {"type": "cosine", **none, "cycles": 3, "cycle_mul": 2},
        of_torch(lambda o: schedulers.CosineAnnealingWarmRestarts(o, T_0=8, T_mult=2), 56))
    add("timm's polynomial", {"type": "polynomial", **none, "power": 0.5, "min_lr": 0.002},
        of_timm(lambda o: PolyLRScheduler(o, t_initial=STEPS, power=0.5, lr_min=0.002)))
    add("PolynomialLR", {"type": "polynomial", **none, "power": 2},
        of_torch(lambda o: schedulers.PolynomialLR(o, total_iters=STEPS, power=2)))
    add("StepLR", {"type": "step", **in_steps, "period": 15, "gamma": 0.5},
        of_torch(lambda o: schedulers.StepLR(o, step_size=15, gamma=0.5)))
    add("MultiStepLR", {"type": "multistep", **in_steps, "milestones": [7, 30, 31]},
        of_torch(lambda o: schedulers.MultiStepLR(o, milestones=[7, 30, 31])))
    add("ExponentialLR", {"type": "exponential", **in_steps, "gamma": 0.9},
        of_torch(lambda o: schedulers.ExponentialLR(o, gamma=0.9)))
    add("OneCycleLR", {"type": "one_cycle"},
        of_torch(lambda o: schedulers.OneCycleLR(o, max_lr=LR, total_steps=STEPS)))
    add("OneCycleLR, other shape",
        {"type": "one_cycle", "pct_start": 0.5, "div_factor": 10, "final_div_factor": 100},
        of_torch(lambda o: schedulers.OneCycleLR(o, max_lr=LR, total_steps=STEPS, pct_start=0.5, div_factor=10,
                                                 final_div_factor=100)))
    add("ConstantLR", {"type": "constant", **none}, of_torch(lambda o: schedulers.LambdaLR(o, lambda _: 1)))
    options, rates = warmed({"type": "multistep", "unit": "steps", "milestones": [7, 30]},
                            lambda o: schedulers.MultiStepLR(o, milestones=[7, 30]))
    add("LinearLR and MultiStepLR", options, rates)
    options, rates = warmed({"type": "exponential", "unit": "steps", "gamma": 0.9},
                            lambda o: schedulers.ExponentialLR(o, gamma=0.9))
    add("LinearLR and ExponentialLR", options, rates)
    add("Caffe's inv", {"type": "inv", **none, "gamma": 0.01, "power": 0.75},
        [LR * math.pow(1 + 0.01 * step, -0.75) for step in range(STEPS)])
    add("Caffe's poly", {"type": "polynomial", **none, "power": 4},
        [LR * math.pow(1 - step / STEPS, 4) for step in range(STEPS)])

    # Rises, stands still, falls; small steps that a threshold does not count.
    figures = [round(0.5 + 0.4 * math.sin(e / 6) + 0.0002 * (e % 3), 6) for e in range(STEPS)]
    add("ReduceLROnPlateau, max", {"type": "plateau", **none, "mode": "max", "patience": 2, "gamma": 0.3},
        of_plateau(figures, mode="max", patience=2, factor=0.3), figures=figures)
    losses = [round(2 / (1 + e) + 0.3 + 0.001 * (e % 4), 6) for e in range(STEPS)]
    add("ReduceLROnPlateau, min",
        {"type": "plateau", **none, "mode": "min", "patience": 3, "threshold": 0.05, "min_lr": 0.0003},
        of_plateau(losses, mode="min", patience=3, factor=0.1, threshold=0.05, min_lr=0.0003), figures=losses)
    add("ReduceLROnPlateau, no patience", {"type": "plateau", **none, "mode": "min", "patience": 0, "gamma": 0.05},
        of_plateau(losses, mode="min", patience=0, factor=0.05), figures=losses)

    json.dump(cases, sys.stdout, indent=None, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
