#!/usr/bin/env python3
"""Times loaders on the same photos, in turns with tandem-bench loader.

    loader-peers.py TANDEM_BENCH FOLDER [--rounds 3] [--kinds 12mp,2mp,400px]

`tandem-bench loader --photos FOLDER` makes the photos. Each loader takes a random crop of 0.35 to 1 of the area, resizes
it to 224x224 and mirrors half: torchvision's DataLoader with Pillow and with decode_jpeg on tensors, OpenCV's imread with
INTER_AREA, each with 2 processes. Prints images/s and images per second of a core's time, which other work on the machine
disturbs less; the median of the rounds. Needs torch, torchvision and Pillow; OpenCV if there is opencv-python.
"""

import argparse
import json
import pathlib
import random
import resource
import statistics
import subprocess
import time

import torch
import torchvision
from PIL import Image
from torchvision.transforms import v2

SIZE = 224
IMAGES = {"12mp": 96, "2mp": 480, "400px": 2560}
crop_and_flip = v2.Compose([v2.RandomResizedCrop(SIZE, (0.35, 1.0)), v2.RandomHorizontalFlip()])


def with_pillow(path):
    with open(path, "rb") as file:
        image = Image.open(file).convert("RGB")
    return v2.functional.pil_to_tensor(crop_and_flip(image))


def with_tensors(path):
    pixels = torchvision.io.read_file(str(path))
    return crop_and_flip(torchvision.io.decode_jpeg(pixels, mode=torchvision.io.ImageReadMode.RGB))


def with_opencv(path):
    import cv2
    cv2.setNumThreads(0)
    image = cv2.imread(str(path))
    top, left, height, width = crop_of(image)
    part = cv2.resize(image[top:top + height, left:left + width], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    if random.random() < 0.5:
        part = cv2.flip(part, 1)
    return torch.from_numpy(cv2.cvtColor(part, cv2.COLOR_BGR2RGB))


def crop_of(image):
    """torchvision's RandomResizedCrop."""
    height, width = image.shape[:2]
    for _ in range(10):
        area = height * width * random.uniform(0.35, 1.0)
        ratio = (4 / 3) ** random.uniform(-1, 1)
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, height - h), random.randint(0, width - w), h, w
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side


class Photos(torch.utils.data.Dataset):
    def __init__(self, paths, count, load):
        self.paths, self.count, self.load = paths, count, load

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return self.load(self.paths[i % len(self.paths)])


def start_worker(_):
    torch.set_num_threads(1)


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peer_rates(folder, kind, load):
    """Images/s once the processes run: their first batch is not timed. Images per second of a core's time."""
    paths = sorted(pathlib.Path(folder, kind).glob("*/*.jpg"))
    cpu = cpu_of_children()
    loader = torch.utils.data.DataLoader(Photos(paths, IMAGES[kind], load), batch_size=len(paths), num_workers=2,
                                         worker_init_fn=start_worker)
    iterator = iter(loader)
    next(iterator)
    begin = time.perf_counter()
    images = sum(len(batch) for batch in iterator)
    seconds = time.perf_counter() - begin
    del iterator, loader  # its processes end
    return images / seconds, IMAGES[kind] / (cpu_of_children() - cpu)


def our_rates(program, folder):
    output = subprocess.run([program, "loader", "--photos", folder], check=True, capture_output=True, text=True).stdout
    rates = {}
    for one in json.loads(output)["photos"]:
        rates[pathlib.Path(one["data"]).name, one["workers"]] = one["images_per_s"], one["images_per_cpu_s"]
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default="12mp,2mp,400px")
    args = parser.parse_args()
    peers = {"PIL": with_pillow, "decode_jpeg": with_tensors}
    try:
        import cv2  # noqa: F401
        peers["OpenCV"] = with_opencv
    except ImportError:
        print("OpenCV is left out: there is no opencv-python")
    kinds = args.kinds.split(",")
    rates = {}
    for _ in range(args.rounds):
        for (kind, workers), rate in our_rates(args.program, args.folder).items():
            rates.setdefault((kind, f"Tandem, {workers}"), []).append(rate)
        for kind in kinds:
            for name, load in peers.items():
                rates.setdefault((kind, name), []).append(peer_rates(args.folder, kind, load))
    for i, unit in enumerate(["images/s", "images per s of a core"]):
        for kind in kinds:
            of = {name: statistics.median(v[i] for v in values) for (k, name), values in rates.items() if k == kind}
            ours, fastest = of["Tandem, 2"], max(of[name] for name in peers)
            figures = ", ".join(f"{name} {rate:.1f}" for name, rate in of.items())
            print(f"{kind}, {unit}: {figures}; {ours / of['PIL']:.2f} x PIL, {ours / fastest:.2f} x the fastest, "
                  f"1 to 2 workers {ours / of['Tandem, 1']:.2f}")


if __name__ == "__main__":
    main()
