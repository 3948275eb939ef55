#!/usr/bin/env python3
"""Compares what tandem-predict --backbone-features wrote with a yardstick's logits and probabilities.

    compare_logits.py CHECKPOINT PREDICTIONS.jsonl ANSWERS.json
"""
import json
import pathlib
import struct
import sys

import numpy as np

checkpoint, predictions, answers = sys.argv[1:]
data = open(checkpoint, "rb").read()
(length,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + length])


def tensor(name):
    begin, end = header[name]["data_offsets"]
    return np.frombuffer(data[8 + length + begin:8 + length + end], "<f4").reshape(header[name]["shape"])


weight, bias = tensor("model.fc.weight").astype(np.float64), tensor("model.fc.bias").astype(np.float64)
expected = {pathlib.Path(path).name: answer for path, answer in json.load(open(answers)).items()}
worst = {"logit": 0.0, "probability": 0.0}
lines = [json.loads(line) for line in open(predictions)]
assert len(lines) == len(expected), f"{len(lines)} predictions, expected {len(expected)}"
classes = json.loads(header["__metadata__"]["tandem.model"])["classes"]
for line in lines:
    answer = expected[pathlib.Path(line["image"]).name]
    logits = weight @ np.array(line["features"]) + bias
    worst["logit"] = max(worst["logit"], np.abs(logits - answer["logits"]).max())
    probability = answer["probabilities"][classes.index(line["label"])]
    worst["probability"] = max(worst["probability"], abs(line["probability"] - probability))
for what, difference in worst.items():
    print(f"  largest difference of a {what}: {difference:.2e}")
sys.exit(any(difference > 1e-4 for difference in worst.values()))
