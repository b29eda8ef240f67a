"""Differentiable image operators with one strength per image of the batch.

On a CPU and without gradients, blur and value noise run through OpenCV: the same formulas, several times as fast.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F


def column(values: torch.Tensor) -> torch.Tensor:
    """``[B]`` values shaped ``[B, 1, 1, 1]`` to act on images."""
    return values.view(-1, 1, 1, 1)


def without_gradients(images: torch.Tensor) -> bool:
    """Whether OpenCV may do the work: float32 on the CPU, and no gradient is asked for."""
    return not torch.is_grad_enabled() and images.device.type == "cpu" and images.dtype == torch.float32


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
    if without_gradients(images):
        planes = images.numpy()
        blurred = np.empty(images.shape, np.float32)
        for index, row in enumerate(kernel.numpy()):
            taps = trimmed(row)
            for channel in range(channels):
                blurred[index, channel] = blur_plane(planes[index, channel], taps)
        return torch.from_numpy(blurred)
    radius = kernel.shape[1] // 2
    kernel = kernel.to(images.dtype).repeat_interleave(channels, 0)
    flat = images.reshape(1, batch * channels, height, width)
    flat = F.pad(flat, (radius, radius, 0, 0), mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=batch * channels)
    flat = F.pad(flat, (0, 0, radius, radius), mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=batch * channels)
    return flat.reshape(batch, channels, height, width)


def gaussian_taps(sigma: float, max_sigma: float) -> npt.NDArray[np.float32]:
    """The kernel of `gaussian_blur` for one image, for `blur_plane`."""
    return trimmed(_gaussian(torch.tensor([sigma]), max_sigma)[0].numpy())


def trimmed(taps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A symmetric kernel without the ends that together weigh less than 1e-6."""
    radius = len(taps) // 2
    ends = 2.0 * np.cumsum(taps[:radius].astype(np.float64))  # weight of the outermost 1, 2, ... pairs
    drop = int(np.searchsorted(ends, 1e-6))
    return np.ascontiguousarray(taps[drop : len(taps) - drop])


def blur_plane(plane: npt.NDArray[np.float32], taps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``float32 [H, W]`` filtered with ``taps`` (odd count) along both axes; borders are replicated."""
    if len(taps) == 1:
        return plane
    return np.asarray(cv2.sepFilter2D(plane, -1, taps, taps, borderType=cv2.BORDER_REPLICATE))


def value_noise(lattice: torch.Tensor, cell: torch.Tensor, turn: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Smooth noise whose scale is a differentiable number per image.

    Args:
        lattice: ``[B, C, L, L]`` standard normal values; the field repeats by reflection beyond ``L`` cells.
        cell: ``[B]`` pixels per lattice cell.
        turn: ``[B]`` radians; the lattice is turned, so that its axes do not show.
        height: of the field, in pixels.
        width: of the field, in pixels.

    Returns:
        ``[B, C, H, W]``, mean 0, standard deviation about 1.
    """
    size = lattice.shape[-1]
    # means of 2 x 2, of unit variance again: softens the kinks of the bilinear samples
    smooth = lattice[..., 1:, :] + lattice[..., :-1, :]
    smooth = (smooth[..., 1:] + smooth[..., :-1]) * 0.5
    if without_gradients(lattice):
        # grid_sample's coordinates span the smoothed lattice, which is one cell smaller: so cells are as much larger
        cells = (cell * (size / (size - 1))).tolist()
        warped = torch.empty(*lattice.shape[:2], height, width)
        for index, image in enumerate(smooth.numpy()):
            for plane, out in zip(image, warped[index].numpy(), strict=True):
                _warp(plane, cells[index], float(turn[index]), out)
        return warped.mul_(1.18)
    ys = torch.arange(height, device=lattice.device, dtype=torch.float32) - height / 2
    xs = torch.arange(width, device=lattice.device, dtype=torch.float32) - width / 2
    grid = _turned(xs, ys, turn) / (cell.view(-1, 1, 1, 1) * (size / 2))
    field = F.grid_sample(smooth, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return field * 1.18  # bilinear interpolation averages the variance down


def soft_noise(lattice: torch.Tensor, cell: torch.Tensor, turn: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """`value_noise` for light: a cubic B-spline over the lattice, so without kinks; meant for cells of many pixels.

    Arguments and result as in `value_noise`; its features are half as large again for the same cell.
    """
    size = lattice.shape[-1]
    # evaluated at the centres of 8 x 8 pixels, for it hardly bends in between
    rows, columns = -(-height // 8), -(-width // 8)
    ys = (torch.arange(rows, device=lattice.device) + 0.5) * (height / rows) - 0.5 - height / 2
    xs = (torch.arange(columns, device=lattice.device) + 0.5) * (width / columns) - 0.5 - width / 2
    grid = _turned(xs, ys, turn) / (cell.view(-1, 1, 1, 1) * (size / 2))
    third = torch.tensor([1.0, 4.0, 1.0], device=lattice.device) / 6.0  # the B-spline at its nodes
    planes = lattice.reshape(-1, 1, size, size)
    planes = F.conv2d(F.pad(planes, (1, 1, 1, 1), mode="replicate"), (third[:, None] * third)[None, None])
    field = F.grid_sample(
        planes.reshape_as(lattice), grid, mode="bicubic", padding_mode="reflection", align_corners=False
    )
    field = field * 2.06  # the B-spline averages the variance down
    if without_gradients(field):
        large = torch.empty(*field.shape[:2], height, width)
        for plane, out in zip(field.flatten(0, 1).numpy(), large.flatten(0, 1).numpy(), strict=True):
            cv2.resize(plane, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)
        return large
    return F.interpolate(field, size=(height, width), mode="bilinear", align_corners=False)


def _turned(xs: torch.Tensor, ys: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """The points ``xs [w]`` x ``ys [h]``, turned by ``turn [B]`` radians: ``[B, h, w, 2]``."""
    cos, sin = torch.cos(turn).view(-1, 1, 1), torch.sin(turn).view(-1, 1, 1)
    xs, ys = xs.view(1, 1, -1), ys.view(1, -1, 1)
    return torch.stack((cos * xs - sin * ys, sin * xs + cos * ys), -1)


def _warp(plane: npt.NDArray[np.float32], cell: float, turn: float, out: npt.NDArray[np.float32]) -> None:
    """Fill ``out [H, W]`` with bilinear samples of a lattice ``[n, n]`` about its middle; it is reflected where the
    field reaches past it."""
    size, (height, width) = len(plane), out.shape
    cos, sin = math.cos(turn) / cell, math.sin(turn) / cell
    # OpenCV is several times slower where it has to reflect by itself
    beyond = math.ceil(math.hypot(height, width) / 2 / cell - size / 2) + 2
    if 0 < beyond <= 2048:
        plane = np.asarray(cv2.copyMakeBorder(plane, beyond, beyond, beyond, beyond, cv2.BORDER_REFLECT), np.float32)
    middle = (len(plane) - 1) / 2
    matrix = np.array(
        [
            [cos, -sin, middle - cos * width / 2 + sin * height / 2],
            [sin, cos, middle - sin * width / 2 - cos * height / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cv2.warpAffine(plane, matrix, (width, height), dst=out, flags=flags, borderMode=cv2.BORDER_REFLECT)


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
