"""The singular values of a network's input-output Jacobian: how much it stretches each direction of its input."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from inittui.engine.probes.measure import undisturbed

JACOBIAN_IMAGES = 4
JACOBIAN_NUMBERS = 16e6  # a larger Jacobian is left out: thousands of classes of large images
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def jacobian(network: nn.Module, x: Tensor) -> tuple[float, ...]:
    """Singular values of the Jacobian of the outputs with respect to the inputs, the largest first.

    Each is the root mean square over the first JACOBIAN_IMAGES images of `x` [n, …]. Batch norms use the statistics of all
    of `x`. The result is empty when the Jacobian does not exist, is not finite, or is too large. Source: Saxe et al. 2014,
    section 3; Pennington et al. 2017.
    """
    with undisturbed(network), _separate(network, x), torch.enable_grad():
        inputs = x[:JACOBIAN_IMAGES].clone().requires_grad_()
        outputs = network(inputs)
        if not outputs.requires_grad or inputs.numel() * outputs.shape[1] > JACOBIAN_NUMBERS:
            return ()
        rows = [
            torch.autograd.grad(output.sum(), inputs, retain_graph=True, materialize_grads=True)[0].flatten(1)
            for output in outputs.unbind(1)
        ]
    matrices = torch.stack(rows, 1).double()  # [images, outputs, inputs]
    if not matrices.isfinite().all():
        return ()
    return tuple(torch.linalg.svdvals(matrices).square().mean(0).sqrt().tolist())


@contextmanager
def _separate(network: nn.Module, x: Tensor) -> Iterator[None]:
    """The output of an image does not depend on other images: batch norms keep the statistics of `x`, dropout is off."""
    norms = [module for module in network.modules() if isinstance(module, BATCH_NORMS)]
    fixed = [module for module in network.modules() if isinstance(module, (*BATCH_NORMS, *DROPOUTS))]
    modes, momenta = [module.training for module in fixed], [norm.momentum for norm in norms]
    try:
        if norms:
            for norm in norms:
                norm.momentum = 1.0
            with torch.no_grad():
                network(x)
        for module in fixed:
            module.eval()
        yield
    finally:
        for module, mode in zip(fixed, modes, strict=True):
            module.training = mode
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
