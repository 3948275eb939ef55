#!/usr/bin/env python3
"""Writes a ResNet of torchvision, or of timm, with random weights in three formats, pictures, and its logits in float64.

    torch_logits.py NAME FOLDER
"""
import pathlib
import sys

import torch
import torchvision
from safetensors.torch import save_file

name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
torch.manual_seed(1)
torch.set_num_threads(1)
if hasattr(torchvision.models, name):
    model = getattr(torchvision.models, name)(num_classes=7)
else:
    import timm
    model = timm.create_model(name, pretrained=False, num_classes=7)
for module in model.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        torch.nn.init.uniform_(module.weight, -0.5, 1.5)
        torch.nn.init.normal_(module.bias, std=0.2)
        module.running_mean.normal_(std=0.3)
        module.running_var.uniform_(0.5, 2)
weights = model.state_dict()
torch.save(weights, folder / "zip.pth")
torch.save({"state_dict": {"module." + key: value for key, value in weights.items()}, "epoch": 3},
           folder / "legacy.pth", _use_new_zipfile_serialization=False)
save_file(weights, folder / "weights.safetensors")

model.double().eval()
mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)
answers = {}
for size in (64, 75, 96):
    pixels = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
    with torch.no_grad():
        logits = model(((pixels.double() / 255 - mean) / std).permute(0, 3, 1, 2))
    answers[f"pixels{size}"] = pixels
    answers[f"logits{size}"] = logits
save_file(answers, folder / "answers.safetensors")
