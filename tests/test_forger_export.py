"""Forgers as folders, hub ids and ONNX."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from seal2real import load_forger
from seal2real.cli import run
from seal2real.errors import Seal2RealError
from seal2real.forger import Forger
from seal2real.forger.layered import CODE_SIZE, LayeredForger
from seal2real.forger.residual import ResidualForger
from seal2real.prior.training import initial_weights
from seal2real.weights import load_into


def a_forger(kind: str = "layered", devices: bool = False) -> Forger:
    """Tiny, and as if trained: every part does something."""
    with initial_weights(3):
        network = LayeredForger((8, 12), devices=devices) if kind == "layered" else ResidualForger((8, 12))
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    return Forger(network, "tiny")


@pytest.mark.parametrize("kind", ["layered", "residual"])
def test_saved_and_read_again_it_is_the_same_to_the_bit(kind: str, tmp_path: Path) -> None:
    forger = a_forger(kind, devices=True)
    forger.save_pretrained(tmp_path / "saved", training="Twelve drawn seals.")
    again = Forger.from_pretrained(tmp_path / "saved")
    assert again.weights.keys() == forger.weights.keys()
    assert all(torch.equal(again.weights[name], forger.weights[name]) for name in forger.weights)
    image = np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)
    one, two = (f.forge_image(image, np.random.default_rng(1)) for f in (forger, again))
    assert np.array_equal(one, two)
    card = (tmp_path / "saved" / "README.md").read_text()
    assert (
        "Twelve drawn seals." in card and f"| kind | {kind} |" in card and card.startswith("---\nlicense: apache-2.0")
    )
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    original, given = again.original(), dict(forger.weights)
    assert all(torch.equal(tensor, given[name]) for name, tensor in original.state_dict().items())


def test_weights_from_before_there_were_devices_load_and_pickles_do_not(tmp_path: Path) -> None:
    a_forger().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert "devices" not in config
    load_into(LayeredForger((8, 12)), tmp_path / "model.safetensors")
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(Seal2RealError, match="pickled checkpoints are refused"):
        Forger.from_pretrained(tmp_path)


def test_a_hub_id_without_network_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    assert run(["forge", str(tmp_path), "--out", str(tmp_path / "out"), "--forger", "someone/a-forger"]) in (1, 2)
    (tmp_path / "images").mkdir()
    with pytest.raises(Seal2RealError, match=r"someone/a-forger: no such folder, and it cannot be fetched.*give their"):
        load_forger("someone/a-forger")
    with pytest.raises(Seal2RealError, match="no such folder; give 'default'"):
        load_forger("some/deep/folder")
    with pytest.raises(Seal2RealError, match="no such folder; give 'default'"):
        load_forger(str(tmp_path / "missing"))  # its parent is there: a path, no hub id
    assert capsys.readouterr().err.count("\n") == 1


def test_onnx_says_the_same_at_any_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    forger = a_forger(devices=True)
    forger.save_pretrained(tmp_path / "run")
    assert run(["export-onnx", str(tmp_path / "run"), "--out", str(tmp_path / "onnx")]) == 0
    assert "opset 18" in capsys.readouterr().out
    network = forger.original().eval()
    assert isinstance(network, LayeredForger) and network.residual is not None
    told = json.loads((tmp_path / "onnx" / "forger.json").read_text())
    assert told["files"] == ["knobs.onnx", "residual.onnx"] and len(told["knobs"]) == CODE_SIZE
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        session = onnxruntime.InferenceSession(tmp_path / "onnx" / "knobs.onnx", providers=["CPUExecutionProvider"])
        for count in (1, 5):
            code = torch.randn(count, CODE_SIZE, generator=generator)
            colour, device = torch.arange(count) % 4, torch.arange(count) % 4
            given = {"code": code.numpy(), "colour": colour.numpy(), "device": device.numpy()}
            (dials,) = session.run(["dials"], given)
            np.testing.assert_allclose(dials, network.dials(code, colour, device).numpy(), atol=1e-5)
        session = onnxruntime.InferenceSession(tmp_path / "onnx" / "residual.onnx", providers=["CPUExecutionProvider"])
        for shape in ((1, 10, 33, 50), (3, 10, 64, 20)):
            features = torch.randn(*shape, generator=generator)
            (correction,) = session.run(["correction"], {"features": features.numpy()})
            np.testing.assert_allclose(correction, network.residual(features).numpy(), atol=1e-3, rtol=1e-4)


def test_importing_the_command_line_loads_no_hub_or_onnx() -> None:
    import subprocess

    code = "import sys, seal2real.cli; print([m for m in ('torch', 'onnx', 'huggingface_hub') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
