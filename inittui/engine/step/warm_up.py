"""What a process does once before it trains: MKL chooses its kernels, and torch imports what its optimizers need."""

import torch
from torch import nn

from inittui.engine.step.autograd_step import optimizer
from inittui.experiment.preset import Training


def warm_up(*, autograd: bool) -> None:
    """Call this before forking workers, so that they inherit it. `autograd`: some arm is trained by autograd."""
    if autograd:  # the first optimizer makes torch import modules for 0.8 s
        optimizer(nn.Linear(1, 1).parameters(), Training()).zero_grad()
    choose_kernels()


@torch.no_grad()
def choose_kernels() -> None:
    """Have MKL choose its kernels in one thread.

    When two threads make a process's first calls at the same time, one of them may compute other last bits: seen in 9 of 582
    forked processes without this call, and in none of 2,138 with it.
    """
    a = torch.ones(1, 32, 32)
    for product in (torch.bmm(a, a), torch.baddbmm(a, a, a), torch.mm(a[0], a[0]), torch.addmm(a[0], a[0], a[0])):
        for function in (torch.exp, torch.log, torch.tanh, torch.sigmoid):
            function(product)
