#!/usr/bin/env python3
"""Writes the fixtures of tests/bench/fixtures that hold PyTorch's numbers one by one, from formula weights in f64:

    torch_fixtures.py tensors resnet18_32px_steps.safetensors   whole tensors after steps of the optimizer as it is shipped
    torch_fixtures.py logits  FOLDER                             two pictures, and what torchvision makes of each file

Needs torch, torchvision, Pillow and safetensors. torch_twin.py has the network, the losses and the formulas.
"""
import argparse, json, os
import numpy as np
import torch, torchvision
import torchvision.transforms as T
from PIL import Image
from safetensors.torch import save_file
from torch_twin import Twin, formula_weights, losses, uniform

MEAN, STD = (torch.tensor(v, dtype=torch.float64) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

# A layer of every kind. All but the first are kept after the first step, too.
KEPT = ["trunk.layer1.0.conv1.weight", "trunk.conv1.weight", "trunk.bn1.weight", "trunk.bn1.bias", "trunk.bn1.running_mean",
        "trunk.bn1.running_var", "trunk.layer2.0.downsample.0.weight", "trunk.layer4.1.bn2.weight", "trunk.layer4.1.bn2.bias",
        "trunk.layer4.1.bn2.running_mean", "trunk.layer4.1.bn2.running_var", "classifier.weight", "classifier.bias",
        "embedding.0.bias"]


def twin():
    model = Twin(arch="resnet18")
    formula_weights(model)
    return model.double()


def pixels(name, shape):
    """Bytes: the top 8 of the formula's 24 bits."""
    return ((uniform(name, shape).double() + 1) * 128).floor()


def normalised(nhwc):
    return ((nhwc / 255 - MEAN) / STD).permute(0, 3, 1, 2).contiguous()


def tensors(out):
    """SGD with Nesterov's momentum; weight decay spares the tensors of one dimension. The rate rises, as in a warm-up."""
    pairs, size, rates = 4, 32, [0.02, 0.04, 0.05]
    model = twin().train()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    spared = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": 5e-4}, {"params": spared, "weight_decay": 0.0}],
                                lr=rates[0], momentum=0.9, nesterov=True)
    a, b = (normalised(pixels("pixels/" + k, (pairs, size, size, 3))) for k in "ab")
    labels_a, labels_b = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 2, 2, 4])
    kept = {}
    for step, rate in enumerate(rates, 1):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        losses(model, a, b, labels_a, labels_b)[0].backward()
        optimizer.step()
        if step in (1, len(rates)):
            state = model.state_dict()
            kept |= {f"step{step}.{name}": state[name].clone() for name in KEPT[0 if step > 1 else 1:]}
    save_file(kept, out)
    print(f"{out}: {len(kept)} tensors, {os.path.getsize(out)} bytes")


def picture(height, width):
    """Waves of several lengths, so that resizing and cropping matter, and a dark corner, so that its side does."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = [np.sin(x / 3.1 + c) * np.cos(y / 4.7 - c) + np.sin((x + 2 * y) / (9 + 4 * c)) for c in range(3)]
    image = (np.stack(channels, -1) + 2) / 4 * 255
    image[: height // 3, : width // 3] *= 0.3
    return Image.fromarray(np.round(image).astype(np.uint8))


def logits(folder):
    size = 48
    image = picture(83, 118)
    image.save(os.path.join(folder, "picture.png"), optimize=True)
    image.rotate(90, expand=True).save(os.path.join(folder, "picture.jpg"), quality=92, subsampling=0)
    see = T.Compose([T.Resize(round(size * 256 / 224)), T.CenterCrop(size), T.PILToTensor()])
    model = twin().eval()
    result = {"arch": "resnet18", "size": size, "torchvision": torchvision.__version__, "files": {}}
    for name in ("picture.png", "picture.jpg"):
        crop = see(Image.open(os.path.join(folder, name)).convert("RGB"))
        with torch.no_grad():
            logits, embedding = model.tower(normalised(crop.permute(1, 2, 0).double()[None]))
        result["files"][name] = {"logits": logits[0].tolist(), "embedding": embedding[0].tolist()}
    with open(os.path.join(folder, "picture_logits.json"), "w") as out:
        json.dump(result, out, indent=1)
    print(json.dumps({name: figures["logits"][:3] for name, figures in result["files"].items()}))


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["tensors", "logits"])
    p.add_argument("out")
    o = p.parse_args()
    {"tensors": tensors, "logits": logits}[o.what](o.out)
