"""The short way in: what the README shows in five lines."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seal2real
from seal2real.images import load_rgb, read_synthetic_mark

ROOT = Path(__file__).parents[1]


def test_the_readmes_five_lines(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    page = seal2real.TemplatePages(dpi=60).page(rng)
    forger = seal2real.load_forger("untrained")
    assert forger is not None
    sample = forger.forge(seal2real.stamp_page(page, rng, count=1), rng)
    seal2real.save_image(tmp_path / "stamped.jpg", sample.stamped)
    seal2real.save_image(tmp_path / "mask.png", sample.mask)

    mask = load_rgb(tmp_path / "mask.png")
    assert set(np.unique(mask)) <= {0, 255}
    assert (mask[..., 0] > 0).sum() == sample.mask.sum() > 50
    assert load_rgb(tmp_path / "stamped.jpg").shape == page.image.shape
    assert read_synthetic_mark(tmp_path / "stamped.jpg")


def test_the_readmes_way_from_a_design_to_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## In Python")[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seal.yaml").write_text("kind: company\ntext: 岚陵市瀚途货运代理有限公司\n", encoding="utf-8")
    (tmp_path / "pages").mkdir()
    seal2real.save_image(tmp_path / "pages/one.png", np.full((400, 300, 3), 245, np.uint8))
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block.replace("dpi=200", "dpi=72").replace("count=24", "count=2"), names)
    assert names["sample"].seals[0].design["texts"]["name"] == "岚陵市瀚途货运代理有限公司"
    assert names["sample"].seals[0].authenticity == "impression"
    rows = [json.loads(line) for line in (tmp_path / "data/metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {seal["design"]["texts"]["name"] for row in rows for seal in row["seals"]} == {"岚陵市瀚途货运代理有限公司"}
    assert list((tmp_path / "coco").rglob("*.json"))
    assert (tmp_path / "stamped.jpg").is_file() and (tmp_path / "mask.png").is_file()


def test_every_public_name_is_there() -> None:
    for name in seal2real.__all__:
        assert getattr(seal2real, name) is not None
        assert name in dir(seal2real)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = seal2real.nonsense


def test_import_is_light() -> None:
    heavy = ("torch", "skia", "typst", "cv2", "diffusers", "ray", "rapidocr")
    code = f"import sys, seal2real; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == "[]"


def test_an_image_needs_a_known_suffix(tmp_path: Path) -> None:
    with pytest.raises(seal2real.UsageError, match=r"\.gif"):
        seal2real.save_image(tmp_path / "a.gif", np.zeros((4, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
