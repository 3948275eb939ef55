#!/usr/bin/env python3
"""How many planted variants of photos tandem-data finds, and what else it takes for copies.

    near-duplicates.py LIST OUT [--program build/bin/tandem-data] [--planted 50] [--seed 1]

Makes variants of photos that LIST names, with Pillow: resized to 0.3 to 0.8 of the size; compressed anew with a quality
of 20 to 60; cut by 5 % of each side (in the middle, or at random), mirrored; and all of these at once. Writes a list
with the photos and the variants to OUT, runs `tandem-data stats` over it and counts. A variant is found if it and its
photo are a pair. Pairs without a variant are printed (the first 60) and drawn on OUT/others.png, to be judged by eye: photos of real
sets are there twice too. Needs Pillow.
"""

import argparse
import json
import pathlib
import random
import subprocess
import time

from PIL import Image, ImageOps


def resized(image, rng):
    share = rng.uniform(0.3, 0.8)
    return image.resize((max(8, round(image.width * share)), max(8, round(image.height * share))), Image.BICUBIC)


def cropped(image, rng):
    """5 % of each side: half at both ends, or as chance has it."""
    lost = (image.width * 0.05, image.height * 0.05)
    share = (0.5, 0.5) if rng.random() < 0.5 else (rng.random(), rng.random())
    left, top = round(lost[0] * share[0]), round(lost[1] * share[1])
    return image.crop((left, top, left + round(image.width - lost[0]), top + round(image.height - lost[1])))


def make(kind, image, rng):
    """The variant and the JPEG quality that it is stored with."""
    if kind == "resized":
        return resized(image, rng), 90
    if kind == "recompressed":
        return image, rng.randint(20, 60)
    if kind == "cropped":
        return cropped(image, rng), 90
    if kind == "mirrored":
        return ImageOps.mirror(image), 90
    return ImageOps.mirror(resized(cropped(image, rng), rng)), rng.randint(20, 60)


def draw(pairs, path):
    side = 160
    sheet = Image.new("RGB", (2 * side, side * max(1, len(pairs))), "white")
    for row, pair in enumerate(pairs):
        for column, name in enumerate((pair["first"], pair["second"])):
            image = ImageOps.exif_transpose(Image.open(name)).convert("RGB")
            image.thumbnail((side, side))
            sheet.paste(image, (column * side, row * side))
    sheet.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("list", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--program", default="build/bin/tandem-data")
    parser.add_argument("--planted", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(args.seed)

    lines = []
    for line in args.list.read_text().splitlines():
        if line.strip():
            name, label = line.rsplit("\t" if "\t" in line else " ", 1)
            lines.append((str((args.list.parent / name).absolute()), label))
    kinds = ["resized", "recompressed", "cropped", "mirrored", "all"]
    planted = {}
    text = [f"{name}\t{label}" for name, label in lines]
    for number, (name, label) in enumerate(rng.sample(lines, args.planted)):
        kind = kinds[number % len(kinds)]
        image, quality = make(kind, ImageOps.exif_transpose(Image.open(name)).convert("RGB"), rng)
        variant = str((args.out / f"{number:03}-{kind}.jpg").absolute())
        image.save(variant, quality=quality)
        planted[variant] = (name, kind)
        text.append(f"{variant}\t{label}")
    (args.out / "list.txt").write_text("\n".join(text) + "\n")
    classes = args.list.parent / "classes.txt"
    if classes.exists():
        (args.out / "classes.txt").write_text(classes.read_text())

    report = args.out / "report.json"
    began = time.monotonic()
    # Status 2: some of the photos are bad.
    status = subprocess.run([args.program, "stats", str(args.out / "list.txt"), "--json", str(report)],
                            stdout=subprocess.DEVNULL, check=False).returncode
    if status not in (0, 2):
        raise SystemExit(f"tandem-data ended with {status}")
    seconds = time.monotonic() - began
    pairs = json.loads(report.read_text())["near_pairs"]
    found = {}
    others = []
    for pair in pairs:
        names = (pair["first"], pair["second"])
        variant = next((name for name in names if name in planted), None)
        original = planted[variant][0] if variant else None
        if original in names:
            found[variant] = pair["likeness"]
        elif not variant:
            others.append(pair)
    for kind in kinds:
        all_of_kind = [v for v, (_, k) in planted.items() if k == kind]
        likeness = [found[v] for v in all_of_kind if v in found]
        least = f", likeness from {min(likeness):.3f}" if likeness else ""
        print(f"{kind:13} {len(likeness):3} of {len(all_of_kind)} found{least}")
    print(f"{len(found)} of {len(planted)} variants found in {seconds:.1f} s")
    print(f"{len(others)} pairs among the {len(lines)} photos themselves")
    others.sort(key=lambda pair: -pair["likeness"])
    for pair in others[:60]:
        print(f"  {pair['likeness']:.3f} {'mirrored ' if pair['mirrored'] else ''}{pair['first']} {pair['second']}")
    draw(others[:60], args.out / "others.png")


if __name__ == "__main__":
    main()
