#!/usr/bin/env python3
"""Draws docs/images/augmentations.jpg: three synthetic photos under each op, by tandem-data itself.

  python3 scripts/evidence/augmentations.py [OUT.jpg]     needs Pillow, and build/bin/tandem-data
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image, ImageDraw, ImageFont

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/bin/tandem-data"
SIZE, SHOWN = 104, 3
OPS = {
    "as they are": {},
    "random_resized_crop, flip": {"random_resized_crop": [0.35, 1.0], "flip": True},
    "vertical_flip": {"vertical_flip": 1},
    "rotation": {"rotation": {"degrees": 25, "interpolation": "bilinear"}},
    "affine": {"affine": {"translate": [0.1, 0.1], "scale": [0.7, 1.2], "shear": [15, 15], "interpolation": "bilinear", "fill": [124, 116, 104]}},
    "perspective": {"perspective": {"p": 1}},
    "rand_augment": {"rand_augment": {}},
    "trivial_augment_wide": {"trivial_augment_wide": {}},
    "aug_mix": {"aug_mix": {}},
    "color_jitter": {"color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}},
    "grayscale": {"grayscale": 1},
    "posterize": {"posterize": {"bits": 2, "p": 1}},
    "solarize": {"solarize": {"p": 1}},
    "equalize": {"equalize": 1},
    "autocontrast": {"autocontrast": 1},
    "invert": {"invert": 1},
    "sharpness": {"sharpness": {"sharpness_factor": 6, "p": 1}},
    "gaussian_blur": {"gaussian_blur": {"kernel_size": 23, "sigma": [1.5, 3], "p": 1}},
    "jpeg": {"jpeg": {"quality": [5, 15], "p": 1}},
    "random_erasing": {"random_erasing": {"p": 1, "value": None}},
}


def images(folder, augment):
    """The first images of stream A."""
    augment = {"random_resized_crop": None, "flip": False, **augment}
    config = {"seed": 5, "model": {"input": {"crop": 1}}, "pairs": {"batch": SHOWN},
              "data": {"train": {"list": f"{folder}/set/train.txt"}, "image_size": SIZE, "augment": augment}}
    (folder / "config.json").write_text(json.dumps(config))
    subprocess.run([PROGRAM, "preview", folder / "config.json", "--out", folder / "sheet.png"], check=True,
                   stdout=subprocess.DEVNULL)
    sheet = Image.open(folder / "sheet.png")
    cell = 2 * SIZE + 15  # a pair in its frames of 3 pixels, and a gap of 6
    for i in range(SHOWN):
        yield sheet.crop((9 + i * cell, 9, 9 + i * cell + SIZE, 9 + SIZE))


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images/augmentations.jpg"
    columns, gap, title = 4, 8, 16
    width, height = SHOWN * SIZE + gap, SIZE + title + gap
    page = Image.new("RGB", (columns * width + gap, -(-len(OPS) // columns) * height + gap), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([PROGRAM, "synth", "--out", folder / "set", "--classes", "4", "--train", "3", "--test", "1",
                        "--size", "160"], check=True, stdout=subprocess.DEVNULL)
        for i, (name, augment) in enumerate(OPS.items()):
            x, y = gap + i % columns * width, gap + i // columns * height
            draw.text((x, y), name, fill="black", font=font)
            for k, image in enumerate(images(folder, augment)):
                page.paste(image, (x + k * SIZE, y + title))
    page.save(out, quality=78, optimize=True)
    print(f"written: {out}, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
