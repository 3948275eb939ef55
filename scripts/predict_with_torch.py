#!/usr/bin/env python3
"""Labels images with a checkpoint of Tandem in PyTorch: computes what tandem-predict does in fp32.

    predict_with_torch.py CHECKPOINT IMAGE ...

Prints a line of JSON for each image. Needs torch, torchvision, Pillow, numpy and safetensors, and timm for
networks that torchvision has not.
"""

import json
import re
import sys

import numpy
import torch
import torchvision
from PIL import Image
from safetensors import safe_open
from torchvision.transforms import v2

TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
         5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}


XMP_START = b"http://ns.adobe.com/xap/1.0/\0"


def exif_orientation(image):
    """None if there is none that can be read."""
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        value = exif.get(0x0112)
    except Exception:  # whatever a broken block makes of the reader
        return None
    return value if value in range(1, 9) else None


def xmp_orientation(image):
    """None if there is none. Versions of Pillow differ in where they keep a JPEG's XMP."""
    packets = [image.info.get("xmp", b""), image.info.get("XML:com.adobe.xmp", "").encode()]
    packets += [data for marker, data in getattr(image, "applist", []) if marker == "APP1" and data.startswith(XMP_START)]
    found = re.search(rb"tiff:Orientation[ \t\r\n=\"'>]*([1-8])", b"".join(packets))
    return int(found[1]) if found else None


def alpha_of_one_colour(image, rawmode, samples):
    """Alpha where a PNG file has one transparent colour, which info holds as it is in the file; None otherwise."""
    colour = image.info.get("transparency")
    if image.mode not in ("1", "L", "I", "I;16", "RGB") or colour is None:
        return None
    if rawmode == "RGB;16B":
        raise ValueError("16-bit RGB with a transparent colour: Pillow drops the bits that tell it")
    if image.mode == "1":
        colour = bool(colour)
    elif rawmode in ("L;2", "L;4"):
        colour *= 255 // (2 ** int(rawmode[2:]) - 1)
    same = samples == numpy.array(colour)
    return numpy.where(same.all(axis=2) if same.ndim == 3 else same, 0, 255)


def read_rgb(path):
    """An image as Tandem decodes it: 8-bit RGB, what is transparent laid on white, turned as EXIF says."""
    image = Image.open(path)
    rawmode = image.tile[0][3] if image.tile else None
    image.load()  # the EXIF data of a PNG file may come after its pixels
    samples = numpy.array(image)
    alpha = alpha_of_one_colour(image, rawmode, samples)
    if image.mode in ("I", "I;16"):
        rgb = numpy.repeat((samples >> 8)[:, :, None], 3, axis=2)  # of 16 bits the upper 8; convert() would clip
    elif image.format != "BMP" and (image.mode in ("LA", "PA", "RGBA") or (image.mode == "P" and "transparency" in image.info)):
        rgba = numpy.array(image.convert("RGBA"))
        rgb, alpha = rgba[:, :, :3], rgba[:, :, 3]
    else:
        rgb = numpy.array(image.convert("RGB"))
    rgb = rgb.astype(numpy.int64)
    if alpha is not None:
        alpha = alpha.astype(numpy.int64)[:, :, None]
        rgb = (rgb * alpha + 255 * (255 - alpha) + 127) // 255
    turn = TURNS.get(exif_orientation(image) or xmp_orientation(image))
    image = Image.fromarray(rgb.astype(numpy.uint8))
    return image if turn is None else image.transpose(turn)


def network(name, classes):
    """torchvision's network of that name, else timm's."""
    if name in torchvision.models.list_models():
        return torchvision.models.get_model(name, num_classes=classes)
    import timm
    return timm.create_model(name, num_classes=classes)


def sampled(pixels, size):
    """Rows of pixels resized to `size` rows: bilinear without antialiasing, in Pillow's fixed-point arithmetic."""
    centers = (numpy.arange(size) + 0.5) * (len(pixels) / size)
    weights = numpy.maximum(0, 1 - abs(numpy.arange(len(pixels)) + 0.5 - centers[:, None]))
    weights = numpy.floor(weights / weights.sum(1, keepdims=True) * 2**22 + 0.5).astype(numpy.int64)
    return numpy.clip((numpy.tensordot(weights, pixels.astype(numpy.int64), 1) + 2**21) >> 22, 0, 255)


class SampledResize(torch.nn.Module):
    """Of the shorter side, or to [height, width], without antialiasing."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, image):
        height, width = self.size if isinstance(self.size, list) else [
            side * self.size // min(image.size) for side in (image.height, image.width)]
        columns = sampled(numpy.array(image).transpose(1, 0, 2), width).transpose(1, 0, 2)
        return Image.fromarray(sampled(columns, height).astype(numpy.uint8))


class Letterbox(torch.nn.Module):
    """The whole image in the middle of a square of one colour; resize_to(size) makes what resizes."""

    def __init__(self, side, colour, resize_to):
        super().__init__()
        self.side, self.colour, self.resize_to = side, tuple(colour), resize_to

    def forward(self, image):
        longer = max(image.size)
        height, width = [max(1, (2 * length * self.side + longer) // (2 * longer)) for length in (image.height, image.width)]
        square = Image.new("RGB", (self.side, self.side), self.colour)
        place = round((self.side - width) / 2), round((self.side - height) / 2)
        square.paste(self.resize_to([height, width])(image), place)
        return square


def transform_of(inputs):
    """What an image becomes for a network, as the description of its input says."""
    interpolation, *antialiased = inputs["interpolation"].split(", ")

    def resize_to(size):
        return v2.Resize(size, v2.InterpolationMode(interpolation)) if antialiased else SampledResize(size)

    boxed = "letterbox" in inputs
    resize = Letterbox(inputs["resize"], inputs["letterbox"], resize_to) if boxed else resize_to(inputs["resize"])
    order = [2, 1, 0] if inputs["channels"] == "BGR" else [0, 1, 2]
    scale = inputs.get("scale", 1 / 255)
    return v2.Compose([
        resize, v2.CenterCrop(inputs["size"]), v2.ToImage(),
        v2.Lambda(lambda pixels: pixels[order].float() * scale), v2.Normalize(inputs["mean"], inputs["std"])])


class Network:
    """The backbone, the classifier and the embedding head of a checkpoint, and what an image becomes for them."""

    def __init__(self, checkpoint):
        with safe_open(checkpoint, "pt") as f:
            metadata = f.metadata()
            prefix = "ema." if any(n.startswith("ema.") for n in f.keys()) else "model."  # averaged weights come first
            weights = {n.removeprefix(prefix): f.get_tensor(n) for n in f.keys() if n.startswith(prefix)}
        model = json.loads(metadata["tandem.model"])
        self.classes, inputs = model["classes"], model["input"]
        head = {n.removeprefix("embedding."): weights.pop(n) for n in list(weights) if n.startswith("embedding.")}
        self.backbone = network(model["backbone"]["name"], len(self.classes))
        self.backbone.load_state_dict(weights)
        self.backbone.eval()
        self.fc, self.backbone.fc = self.backbone.fc, torch.nn.Identity()
        layers = []
        for name in sorted((n for n in head if n.endswith(".weight")), key=lambda n: int(n.split(".")[0])):
            layers += [torch.nn.Linear(*reversed(head[name].shape)), torch.nn.ReLU()]
        self.embedding = torch.nn.Sequential(*layers[:-1])
        self.embedding.load_state_dict(head)
        self.transform = transform_of(inputs)

    @torch.no_grad()
    def predict(self, path):
        features = self.backbone(self.transform(read_rgb(path))[None])
        probability, label = self.fc(features).softmax(1).max(1)
        return {"image": path, "label": self.classes[label], "probability": probability.item(),
                "embedding": self.embedding(features)[0].tolist()}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    network = Network(sys.argv[1])
    for path in sys.argv[2:]:
        print(json.dumps(network.predict(path)))
