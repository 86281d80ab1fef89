"""Trains as the teaching notebook does, as a baseline: a DataLoader that transforms image by image, default Adam, one scheme
after the other, all cores for each. Prints the seconds.

    python benchmarks/notebook_way.py DATA_DIR EPOCHS [SCHEME ...] [--images N]
"""

import argparse
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import datasets, transforms

SCHEMES = {"xavier_normal": nn.init.xavier_normal_, "he_normal": nn.init.kaiming_normal_}


def train(data_dir: Path, epochs: int, scheme: str, limit: int | None) -> float:
    """Train 784-512-512-10 from `scheme` and return the last epoch's mean cost."""
    torch.manual_seed(777)
    images: Dataset = datasets.MNIST(data_dir, train=True, transform=transforms.ToTensor(), download=False)
    if limit is not None:
        images = Subset(images, range(limit))
    loader = DataLoader(images, batch_size=100, shuffle=True, drop_last=True)
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    init = SCHEMES[scheme]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            init(layer.weight)
    model = nn.Sequential(*layers)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    for _epoch in range(epochs):
        mean = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            cost = criterion(model(x.view(-1, 28 * 28)), y)
            cost.backward()
            optimizer.step()
            mean += cost.item() / len(loader)
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("epochs", type=int)
    parser.add_argument("schemes", nargs="*", metavar="SCHEME", default=list(SCHEMES))
    parser.add_argument("--images", type=int, help="only the first N training images")
    arguments = parser.parse_args()
    began = time.perf_counter()
    for name in arguments.schemes:
        cost = train(arguments.data_dir, arguments.epochs, name, arguments.images)
        print(f"{name}: mean cost of the last epoch {cost:.4f}", file=sys.stderr)
    print(f"{time.perf_counter() - began:.2f}")


if __name__ == "__main__":
    main()
