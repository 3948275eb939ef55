#!/usr/bin/env python3
"""Prints the figures that ranking_test.cpp compares with: of 90 vectors, by pytorch-metric-learning's AccuracyCalculator,
and by scikit-learn's average_precision_score for each query.

Vector i has the numbers sin(2.3 i + 4.1 d + 0.9 i d), d = 0 ... 5, plus, at d = i mod 5, 1.5; its label is i mod 5,
but 5 for the last one, which is alone.
"""
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from sklearn.metrics import average_precision_score

i, d = torch.arange(90, dtype=torch.float64)[:, None], torch.arange(6, dtype=torch.float64)[None]
x = torch.sin(2.3 * i + 4.1 * d + 0.9 * i * d) + 1.5 * (d == i % 5)
labels = torch.arange(90) % 5
labels[89] = 5
distance = LpDistance(normalize_embeddings=False)
figures = AccuracyCalculator(
    include=("r_precision", "mean_average_precision_at_r", "precision_at_1", "mean_reciprocal_rank"),
    k="max_bin_count", knn_func=CustomKNN(distance), device=torch.device("cpu"),
).get_accuracy(x, labels)
for name, value in figures.items():
    print(f"{name}: {value:.12f}")
scores, hits, queries = -torch.cdist(x, x), [], 0
for q in range(89):
    others = torch.arange(90) != q
    hits.append(average_precision_score((labels[others] == labels[q]).numpy(), scores[q][others].numpy()))
print(f"mean average precision: {sum(hits) / len(hits):.12f}")
for k in (2, 4, 8):
    s = scores.clone().fill_diagonal_(-1e9)
    near = labels[s.topk(k).indices]
    print(f"recall at {k}: {float((near == labels[:, None]).any(1)[:89].double().mean()):.12f}")
