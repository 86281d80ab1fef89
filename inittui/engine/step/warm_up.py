"""What a process does once before its first training step: MKL chooses its kernels, torch imports its optimizers."""

import torch
from torch import nn

from inittui.engine.step.autograd_step import optimizer
from inittui.experiment.preset import Training


def warm_up(*, autograd: bool) -> None:
    """Have MKL choose its kernels, and where the reference path trains something, torch import now what it imports at the
    first optimizer (0.8 s): once here, not once in every fork."""
    if autograd:
        optimizer(nn.Linear(1, 1).parameters(), Training()).zero_grad()
    choose_kernels()


@torch.no_grad()
def choose_kernels() -> None:
    """Have MKL choose its kernels, in one thread. Where two threads of a process make its first calls at once, one of them
    may get other last bits: seen in 9 of 582 forks that began so, and in none of 2,138 that called this first."""
    a = torch.ones(1, 32, 32)
    for product in (torch.bmm(a, a), torch.baddbmm(a, a, a), torch.mm(a[0], a[0]), torch.addmm(a[0], a[0], a[0])):
        for function in (torch.exp, torch.log, torch.tanh, torch.sigmoid):
            function(product)
