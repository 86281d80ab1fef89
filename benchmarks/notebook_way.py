"""Trains the way the teaching notebook does, as the baseline: a DataLoader that transforms image by image, default Adam,
one scheme after the other, all cores for each.

    python benchmarks/notebook_way.py DATA_DIR EPOCHS
"""

import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def train(data_dir: Path, epochs: int, scheme: str) -> float:
    """Train 784-512-512-10 from `scheme` and return the last epoch's mean cost."""
    torch.manual_seed(777)
    images = datasets.MNIST(data_dir, train=True, transform=transforms.ToTensor(), download=False)
    loader = DataLoader(images, batch_size=100, shuffle=True, drop_last=True)
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    init = {"xavier_normal": nn.init.xavier_normal_, "he_normal": nn.init.kaiming_normal_}[scheme]
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


if __name__ == "__main__":
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    began = time.perf_counter()
    for name in ("xavier_normal", "he_normal"):
        print(f"{name}: mean cost of the last epoch {train(folder, count, name):.4f}", file=sys.stderr)
    print(f"{time.perf_counter() - began:.2f}")
