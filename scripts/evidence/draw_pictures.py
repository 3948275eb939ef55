#!/usr/bin/env python3
"""Draws ten pictures of 256x256 pixels, the same in every run: draw_pictures.py FOLDER"""
import pathlib
import sys

import numpy as np
from PIL import Image, ImageDraw

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(1)
for i in range(10):
    coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((256, 256), Image.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(3 * i):
        x, y = random.integers(0, 256, 2)
        w, h = random.integers(8, 120, 2)
        colour = tuple(int(c) for c in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape([int(x), int(y), int(x + w), int(y + h)], fill=colour)
    picture.save(folder / f"{i}.png")
