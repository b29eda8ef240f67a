"""`seal2real validate`: whatever `generate` makes is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seal2real.dataset.generate import GenerateConfig, generate
from seal2real.dataset.validate import validate


@pytest.mark.parametrize("forger", ["untrained", "none"])
def test_whole_pages_of_every_kind_of_seal_are_sound(forger: str, tmp_path: Path) -> None:
    generate(GenerateConfig(count=4, seed=8, forger=forger, dpi=72, validation=0, test=0), tmp_path / "d", workers=1)
    assert [str(finding) for finding in validate(tmp_path / "d", workers=1).findings] == []


WAYS: dict[str, dict[str, Any]] = {
    "templates": {"negatives": 0.3, "dpi": 60},
    "own pages": {"pages": "PAGES", "negatives": 0.2, "dpi": 60},
    "riding and double strikes": {"press": "riding=0.5,double-strike=0.5", "kinds": ("company",), "dpi": 60},
    "crops": {"crops": 128, "dpi": 60, "negatives": 0.2, "seals": 3, "forger": "none", "count": 40},
    "for verification": {"authenticity": "impression=0.25,paste=0.25,copy=0.25,altered=0.25", "crops": 160},
}


@pytest.mark.parametrize("way", WAYS)
def test_what_generate_makes_is_sound_in_every_way_and_split(way: str, tmp_path: Path) -> None:
    values = {"count": 12, "seed": 2, "forger": "untrained", "dpi": 72, "validation": 0.3, "test": 0.3} | WAYS[way]
    if values.get("pages"):
        values["pages"] = str(page_folder(tmp_path / "pages"))
    generate(GenerateConfig(**values), tmp_path / "d", workers=1)
    report = validate(tmp_path / "d", workers=1)
    found_wrong = [str(one) for one in report.findings if not (way == "own pages" and one.check == "duplicate-image")]
    assert found_wrong == [] and report.errors == 0 and report.rows == values["count"]
    rows = [json.loads(line) for line in (tmp_path / "d" / "metadata.jsonl").read_text().splitlines()]
    assert {row["split"] for row in rows} == {"train", "validation", "test"}


def page_folder(folder: Path) -> Path:
    from seal2real import TemplatePages, save_image
    from seal2real.seeding import rng_for

    for index in range(3):
        save_image(folder / f"{index}.png", TemplatePages(60).page(rng_for(5, index)).image)
    return folder


def test_coarse_jpeg_files_are_sound(tmp_path: Path) -> None:
    config = GenerateConfig(count=2, seed=1, forger="untrained", dpi=72, jpeg_quality=20, validation=0, test=0)
    generate(config, tmp_path / "d", workers=1)
    assert [str(finding) for finding in validate(tmp_path / "d", workers=1).findings] == []
