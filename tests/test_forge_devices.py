"""Capture devices: their ranges, what they do to a sample, and that labels stay true."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seal2real import TemplatePages, stamp_page
from seal2real.dataset.config import GenerateConfig
from seal2real.errors import UsageError
from seal2real.forger import Forger
from seal2real.forger.layered import CODE_SIZE, LayeredForger
from seal2real.forger.residual import ResidualForger
from seal2real.physics.devices import DEVICES, RANGES, device_of
from seal2real.physics.knobs import decode
from seal2real.press import crop_sample
from seal2real.sample import Sample
from seal2real.seeding import rng_for


@pytest.fixture(scope="module")
def red() -> Sample:
    rng = rng_for(21, 0)
    return crop_sample(stamp_page(TemplatePages(110).page(rng), rng, 1, colour="red"), 0, 240, rng)


@pytest.mark.parametrize("device", DEVICES)
def test_nine_of_ten_draws_lie_in_a_devices_ranges(device: str) -> None:
    network = LayeredForger((8,)).eval().requires_grad_(False)
    code = torch.randn(4000, CODE_SIZE, generator=torch.Generator().manual_seed(0))
    colour = torch.zeros(4000, dtype=torch.long)
    values = decode(network.dials(code, colour, torch.full((4000,), 1 + DEVICES.index(device))))
    for name, (low, high) in RANGES[device].items():
        within = ((values[name] >= low) & (values[name] <= high)).float().mean()
        assert 0.86 < within < 0.96, name  # dials are cut at their ends
    # ink is no business of the device; "any" is as without devices
    plain = network.dials(code, colour)
    assert torch.equal(network.dials(code, colour, torch.zeros_like(colour)), plain)
    assert torch.equal(values["thickness"], decode(plain)["thickness"])


def test_devices_look_like_themselves_and_say_so(untrained: Forger, red: Sample) -> None:
    made = {device: untrained.forge(red, rng_for(1, 0), {"device": device}) for device in DEVICES}
    paper = {device: np.median(sample.clean.reshape(-1, 3), axis=0) for device, sample in made.items()}
    assert paper["phone"].max() < paper["scan"].min()
    for device, sample in made.items():
        assert sample.provenance["device"] == device and sample.provenance["style"] == {"device": device}
        assert sample.seals[0].colour == "red"
    copy = made["photocopy"]
    seal = copy.seals[0]
    assert seal.authenticity == "photocopy" and not seal.genuine
    assert made["scan"].seals[0].authenticity == made["phone"].seals[0].authenticity == "impression"
    shown = copy.mask
    spread = np.ptp(copy.stamped[shown].astype(int), axis=1).mean()
    assert spread < 12 < np.ptp(made["scan"].stamped[made["scan"].mask].astype(int), axis=1).mean()
    assert copy.stamped[shown].mean() < copy.clean[shown].mean() - 40  # toner where the label says ink
    assert np.array_equal(copy.stamped[:8, :8], copy.clean[:8, :8]) or copy.ink[:40, :40].any()
    again = untrained.forge(red, rng_for(1, 0), {"device": "photocopy"})
    assert np.array_equal(again.stamped, copy.stamped) and np.array_equal(again.clean, copy.clean)


def test_any_device_is_as_without_one(untrained: Forger, red: Sample) -> None:
    one, other = untrained.forge(red, rng_for(2, 0)), untrained.forge(red, rng_for(2, 0), {"device": "any"})
    assert np.array_equal(one.stamped, other.stamped) and "device" not in other.provenance


def test_the_folder_tells_the_device() -> None:
    assert [device_of(path) for path in ("phone/a.jpg", "2024/Scans/b.png", "phone.jpg", "x/photocopies/y/c.png")] == [
        "phone",
        "scan",
        "any",
        "photocopy",
    ]


def test_devices_that_cannot_be(untrained: Forger, red: Sample) -> None:
    with pytest.raises(UsageError, match="did you mean 'phone'"):
        untrained.forge(red, rng_for(0, 0), {"device": "fone"})
    with pytest.raises(UsageError, match="knows of no capture devices"):
        Forger(ResidualForger((8, 8)), "flat").forge(red, rng_for(0, 0), {"device": "scan"})
    for values in ({"capture_device": "photocopy", "authenticity": "impression=1"}, {"capture_device": "scan=0"}):
        with pytest.raises(UsageError, match=r"photocopy has no impressions|no share above 0"):
            GenerateConfig(**values)
    config = GenerateConfig(capture_device="scan=0.25,phone=0.75")
    drawn = [config.device(np.random.default_rng(seed)) for seed in range(200)]
    assert 0.65 < drawn.count("phone") / 200 < 0.85
