"""The singular values of a network's input-output Jacobian: how much it stretches each direction of its input."""

import torch
from torch import Tensor, nn

from inittui.engine.probes.measure import undisturbed

JACOBIAN_IMAGES = 4
JACOBIAN_NUMBERS = 16e6  # a larger Jacobian is left out
JACOBIAN_OUTPUTS = 1000  # with more it is left out: each takes a backward pass, before the first step
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def jacobian(network: nn.Module, x: Tensor) -> tuple[float, ...]:
    """Singular values of the Jacobian of the outputs with respect to the inputs, the largest first.

    Each is the root mean square over the first JACOBIAN_IMAGES images of `x` [n, …]. Batch norms use the statistics of all
    of `x`. The result is empty when the Jacobian does not exist, is not finite, or is too large. Source: Saxe et al. 2014,
    section 3; Pennington et al. 2017.
    """
    with undisturbed(network), torch.enable_grad():
        _separate_images(network, x)
        inputs = x[:JACOBIAN_IMAGES].clone().requires_grad_()
        outputs = network(inputs)
        count = outputs.shape[1]
        if not outputs.requires_grad or count > JACOBIAN_OUTPUTS or inputs.numel() * count > JACOBIAN_NUMBERS:
            return ()
        rows = [
            torch.autograd.grad(output.sum(), inputs, retain_graph=True, materialize_grads=True)[0].flatten(1)
            for output in outputs.unbind(1)
        ]
    matrices = torch.stack(rows, 1).double()  # [images, outputs, inputs]
    if not matrices.isfinite().all():
        return ()
    return tuple(torch.linalg.svdvals(matrices).square().mean(0).sqrt().tolist())


@torch.no_grad()
def _separate_images(network: nn.Module, x: Tensor) -> None:
    """Make an image's output independent of other images: batch norms keep the statistics of `x`, dropout is off."""
    norms = {module: module.momentum for module in network.modules() if isinstance(module, BATCH_NORMS)}
    try:
        for norm in norms:
            norm.momentum = 1.0
        if norms:
            network(x)
    finally:
        for norm, momentum in norms.items():
            norm.momentum = momentum
    for module in network.modules():
        if isinstance(module, (*BATCH_NORMS, *DROPOUTS)):
            module.eval()
