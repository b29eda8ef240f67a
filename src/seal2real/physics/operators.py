"""Differentiable image operators with one strength per image of the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def column(values: torch.Tensor) -> torch.Tensor:
    """``[B]`` values shaped ``[B, 1, 1, 1]`` to act on images."""
    return values.view(-1, 1, 1, 1)


def _gaussian(sigma: torch.Tensor, max_sigma: float) -> torch.Tensor:
    """Gaussian kernels ``[B, 2 r + 1]``, each of sum 1, with room for three standard deviations of ``max_sigma``."""
    radius = max(1, int(3.0 * max_sigma + 0.5))
    offsets = torch.arange(-radius, radius + 1, device=sigma.device, dtype=torch.float32)
    # the floor keeps the kernel a delta instead of 0/0 as sigma goes to 0
    kernel = torch.exp(-0.5 * (offsets / sigma.float().clamp_min(0.05).unsqueeze(1)) ** 2)
    return kernel / kernel.sum(1, keepdim=True)


def gaussian_blur(images: torch.Tensor, sigma: torch.Tensor, max_sigma: float | None = None) -> torch.Tensor:
    """Separable Gaussian blur, differentiable in images and sigma.

    Args:
        images: ``[B, C, H, W]``.
        sigma: ``[B]`` standard deviations in pixels, > 0.
        max_sigma: largest sigma to make room for; taken from ``sigma`` where None.

    Returns:
        ``[B, C, H, W]``; borders are replicated.
    """
    batch, channels, height, width = images.shape
    limit = float(sigma.detach().max()) if max_sigma is None else max_sigma
    kernel = _gaussian(sigma, limit)
    radius = kernel.shape[1] // 2
    kernel = kernel.to(images.dtype).repeat_interleave(channels, 0)
    flat = images.reshape(1, batch * channels, height, width)
    flat = F.pad(flat, (radius, radius, 0, 0), mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=batch * channels)
    flat = F.pad(flat, (0, 0, radius, radius), mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=batch * channels)
    return flat.reshape(batch, channels, height, width)


def value_noise(lattice: torch.Tensor, cell: torch.Tensor, turn: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Smooth noise whose scale is a differentiable number per image.

    Args:
        lattice: ``[B, C, L, L]`` standard normal values; the field repeats by reflection beyond ``L`` cells.
        cell: ``[B]`` pixels per lattice cell.
        turn: ``[B]`` radians; the lattice is turned, so that its axes do not show.
        height, width: size of the field in pixels.

    Returns:
        ``[B, C, H, W]``, mean 0, standard deviation about 1.
    """
    size = lattice.shape[-1]
    ys = torch.arange(height, device=lattice.device, dtype=torch.float32) - height / 2
    xs = torch.arange(width, device=lattice.device, dtype=torch.float32) - width / 2
    cos, sin = torch.cos(turn).view(-1, 1, 1), torch.sin(turn).view(-1, 1, 1)
    grid_x = cos * xs.view(1, 1, -1) - sin * ys.view(1, -1, 1)
    grid_y = sin * xs.view(1, 1, -1) + cos * ys.view(1, -1, 1)
    grid = torch.stack((grid_x, grid_y), -1) / (cell.view(-1, 1, 1, 1) * (size / 2))
    smooth = F.avg_pool2d(lattice, 2, stride=1) * 2.0  # unit variance; softens the kinks of the bilinear samples
    field = F.grid_sample(smooth, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return field * 1.18  # bilinear interpolation averages the variance down


def coloured_noise(white: torch.Tensor, sigma: torch.Tensor, max_sigma: float) -> torch.Tensor:
    """White noise given a correlation length, with its standard deviation kept near 1.

    Args:
        white: ``[B, C, H, W]`` standard normal.
        sigma: ``[B]`` correlation length in pixels.
        max_sigma: largest sigma to make room for, in pixels.

    Returns:
        ``[B, C, H, W]``.
    """
    sigma = sigma.clamp_max(max_sigma)
    # the sum of a kernel's squares is the share of standard deviation that its two passes leave
    left = _gaussian(sigma, max_sigma).square().sum(1)
    return gaussian_blur(white, sigma, max_sigma) / column(left)


def shift(images: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Shift by a fraction of pixels, differentiable in the offset.

    Args:
        images: ``[B, C, H, W]``.
        offset: ``[B, 2]`` x and y in pixels; positive moves right and down.
    """
    batch, _, height, width = images.shape
    theta = torch.zeros(batch, 2, 3, device=images.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1.0
    theta[:, 0, 2] = -2.0 * offset[:, 0] / width
    theta[:, 1, 2] = -2.0 * offset[:, 1] / height
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False, padding_mode="zeros")


def to_ycbcr(images: torch.Tensor) -> torch.Tensor:
    """RGB ``[B, 3, H, W]`` in 0..1 to full-range YCbCr (JFIF), chroma centred on 0."""
    red, green, blue = images.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack((luma, (blue - luma) * 0.564334, (red - luma) * 0.713267), 1)


def to_rgb(images: torch.Tensor) -> torch.Tensor:
    """The inverse of `to_ycbcr`."""
    luma, cb, cr = images.unbind(1)
    return torch.stack((luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb), 1)
