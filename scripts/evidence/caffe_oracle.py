#!/usr/bin/env python3
"""Caffe's arithmetic in NumPy, in float64: an own reading of a prototxt and a .caffemodel, apart from Tandem's.

    caffe_oracle.py DEPLOY.prototxt NET.caffemodel --mean B G R --crop 224 --out answers.json IMAGE ...

Prints nothing; writes, for each image, what each layer without a consumer computes, and what goes into a Softmax.
Images are RGB files at least as large as the crop, which is cut from their middle.
"""
import argparse
import json
import re

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


# --- A prototxt: fields as a dict of lists -------------------------------------------------------------------------

def parse_text(text):
    tokens = re.findall(r'"[^"]*"|[{}:]|[^\s{}:"]+', re.sub(r"#[^\n]*", "", text))
    at = 0

    def message():
        nonlocal at
        fields = {}
        while at < len(tokens) and tokens[at] != "}":
            name = tokens[at]
            at += 1
            if tokens[at] == ":":
                at += 1
            if tokens[at] == "{":
                at += 1
                value = message()
                at += 1
            else:
                value = tokens[at].strip('"')
                at += 1
            fields.setdefault(name, []).append(value)
        return fields

    return message()


# --- A .caffemodel: protobuf's wire format -------------------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def wire(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        elif key & 7 == 5:
            value, at = data[at:at + 4], at + 4
        else:
            value, at = data[at:at + 8], at + 8
        yield key >> 3, value


def blob(data):
    shape, numbers, old = None, [], {}
    for field, value in wire(data):
        if field == 5:
            numbers.append(np.frombuffer(bytes(value), "<f4"))
        elif field == 7:
            shape = []
            for _, packed in wire(value):
                if isinstance(packed, int):
                    shape.append(packed)
                    continue
                at = 0
                while at < len(packed):
                    size, at = varint(packed, at)
                    shape.append(size)
        elif field <= 4:
            old[field] = value
    if shape is None:
        shape = [old.get(i, 1) for i in (1, 2, 3, 4)]
    return np.concatenate(numbers).astype(np.float64).reshape(shape)


def blobs_by_layer(path):
    layers = {}
    for field, value in wire(memoryview(open(path, "rb").read())):
        if field not in (2, 100):
            continue
        name_field, blob_field = (1, 7) if field == 100 else (4, 6)
        name, blobs = "", []
        for inner, part in wire(value):
            if inner == name_field:
                name = bytes(part).decode()
            elif inner == blob_field:
                blobs.append(blob(part))
        layers[name] = blobs
    return layers


# --- Layers: x is (N, C, H, W) -------------------------------------------------------------------------------------

def number(parameters, name, otherwise):
    return int(parameters.get(name, [otherwise])[0])


def convolve(x, layer, blobs):
    p = layer["convolution_param"][0]
    pad, stride, groups = number(p, "pad", 0), number(p, "stride", 1), number(p, "group", 1)
    w = blobs[0]
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    inner, outer = w.shape[1], w.shape[0] // groups
    parts = [np.einsum("nchwrs,kcrs->nkhw", windows[:, g * inner:(g + 1) * inner], w[g * outer:(g + 1) * outer],
                       optimize=True) for g in range(groups)]
    y = np.concatenate(parts, axis=1)
    return y + blobs[1].reshape(1, -1, 1, 1) if len(blobs) > 1 else y


def batch_norm(x, layer, blobs):
    factor = blobs[2].ravel()[0]
    factor = 0 if factor == 0 else 1 / factor
    epsilon = float(layer.get("batch_norm_param", [{}])[0].get("eps", [1e-5])[0])
    mean, variance = (blobs[i].reshape(1, -1, 1, 1) * factor for i in (0, 1))
    return (x - mean) / np.sqrt(variance + epsilon)


def scale(x, blobs):
    y = x * blobs[0].reshape(1, -1, 1, 1)
    return y + blobs[1].reshape(1, -1, 1, 1) if len(blobs) > 1 else y


def pool(x, layer):
    p = layer["pooling_param"][0]
    if p.get("global_pooling", ["false"])[0] == "true":
        return x.mean(axis=(2, 3), keepdims=True)
    kernel, stride, pad = number(p, "kernel_size", 0), number(p, "stride", 1), number(p, "pad", 0)
    assert pad == 0
    out = [-(-(size - kernel) // stride) + 1 for size in x.shape[2:]]  # rounded up
    average = p.get("pool", ["MAX"])[0] == "AVE"
    y = np.empty(x.shape[:2] + tuple(out))
    for i in range(out[0]):
        for j in range(out[1]):
            window = x[:, :, i * stride:i * stride + kernel, j * stride:j * stride + kernel]
            y[:, :, i, j] = window.mean(axis=(2, 3)) if average else window.max(axis=(2, 3))
    return y


def run(net, blobs, x):
    data = {"data": x}
    logits = None
    for layer in net["layer"]:
        name, kind = layer["name"][0], layer["type"][0]
        bottoms = [data[bottom] for bottom in layer.get("bottom", [])]
        if kind == "Input":
            y = x
        elif kind == "Convolution":
            y = convolve(bottoms[0], layer, blobs[name])
        elif kind == "BatchNorm":
            y = batch_norm(bottoms[0], layer, blobs[name])
        elif kind == "Scale":
            y = scale(bottoms[0], blobs[name])
        elif kind == "ReLU":
            y = np.maximum(bottoms[0], 0)
        elif kind == "Pooling":
            y = pool(bottoms[0], layer)
        elif kind == "Eltwise":
            y = bottoms[0] + bottoms[1]
        elif kind == "InnerProduct":
            w = blobs[name][0]
            y = bottoms[0].reshape(len(x), -1) @ w.reshape(w.shape[-2], -1).T + blobs[name][1].ravel()
        elif kind == "Softmax":
            logits = bottoms[0]
            e = np.exp(logits - logits.max(axis=1, keepdims=True))
            y = e / e.sum(axis=1, keepdims=True)
        else:
            raise SystemExit(f"a layer of the type {kind}")
        data[layer["top"][0]] = y
    return logits, y


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("net")
    parser.add_argument("model")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--mean", nargs=3, type=float, default=[104, 117, 123])
    parser.add_argument("--crop", type=int, default=224)
    parser.add_argument("--out", required=True)
    o = parser.parse_args()
    from PIL import Image
    net, blobs = parse_text(open(o.net).read()), blobs_by_layer(o.model)
    answers = {}
    for path in o.images:
        pixels = np.asarray(Image.open(path).convert("RGB"), np.float64)
        top, left = (pixels.shape[0] - o.crop) // 2, (pixels.shape[1] - o.crop) // 2
        pixels = pixels[top:top + o.crop, left:left + o.crop, ::-1] - np.array(o.mean)
        logits, probabilities = run(net, blobs, pixels.transpose(2, 0, 1)[None])
        answers[path] = {"logits": logits[0].tolist(), "probabilities": probabilities[0].tolist()}
    json.dump(answers, open(o.out, "w"), indent=1)


if __name__ == "__main__":
    main()
