"""The same drawn samples made real by different sources of data, as native datasets: what the benchmark trains on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

import seal2real
from seal2real.baselines import Baseline, Material, make_baseline
from seal2real.dataset.authenticity import AuthenticityMix, make_case
from seal2real.dataset.card import dataset_card
from seal2real.dataset.formats.native import encode_sample
from seal2real.dataset.generate import GenerateConfig
from seal2real.dataset.samples import load_context, make_sample, split_of
from seal2real.dataset.store import open_store, plan_shards
from seal2real.errors import UsageError
from seal2real.forger import Forger
from seal2real.prior.config import check_names
from seal2real.sample import Sample
from seal2real.seeding import rng_for

SOURCES: dict[str, tuple[str, dict[str, Any]]] = {  # name -> kind and settings of `seal2real.baselines`
    "pasted": ("pasted", {}),
    "simulated": ("simulated", {}),
    "augraphy": ("augraphy", {"pipeline": "scan"}),
    "cut": ("cut", {}),
    "sdedit": ("sdedit", {"prompt": "words", "strength": 0.4, "steps": 10}),
    "untrained": ("forger", {"name": "untrained"}),
    "seal2real": ("forger", {"name": "default", "usual": True}),
    "as-learned": ("forger", {"name": "default"}),
}
LEARNING = ("cut", "sdedit")  # need real images
# Spelled out, so that results stay comparable when the defaults of `generate` change.
_NEGATIVES, _RED = 0.12, 0.3
_CROP_PRESS, _CASE_PRESS = "random-text=0.5,issuer=0,bend=0", "issuer=0,bend=0"
_MIX = "impression=0.4,paste=0.3,altered=0.3"


@dataclass(frozen=True)
class SourceConfig:
    """What a source's datasets are made of; all sources see the same drawn samples.

    Attributes:
        source: one of `SOURCES`.
        seed: of every choice.
        count: crops for segmentation, removal and reading.
        cases: crops for verification.
        side: of a crop in pixels.
        dpi: resolution of the pages.
    """

    source: str
    seed: int
    count: int
    cases: int
    side: int = 448
    dpi: int = 200


class _AsForger:
    """A source where a forger is expected."""

    def __init__(self, source: Baseline, name: str):
        self.source, self.name = source, name

    def forge(self, sample: Sample, rng: np.random.Generator, style: Mapping[str, float | str] | None = None) -> Sample:
        """The sample made real; sources know of no style."""
        return self.source.apply(sample, rng)


def open_source(name: str, learn: Path | None, work: Path, seed: int, minutes: float | None = None) -> Baseline:
    """A source, ready to apply.

    Args:
        name: one of `SOURCES`.
        learn: folder of real images, for those that learn.
        work: folder for what is kept meanwhile.
        seed: of its training.
        minutes: of its training at most.

    Raises:
        UsageError: an unknown name, or one that needs real images and has none.
    """
    check_names("source", (name,), SOURCES)
    kind, settings = SOURCES[name]
    source = make_baseline(kind, settings, f"source {name!r}")
    if name in LEARNING:
        if learn is None:
            raise UsageError(f"source {name!r} learns from real images; give a folder with --learn, or leave it out")
        source.fit(Material(learn, work), seed, minutes)
    return source


def make_datasets(
    config: SourceConfig, source: Callable[[], Baseline], out: Path, progress: Callable[[int], None] = lambda done: None
) -> dict[str, Path]:
    """The source's datasets, made or found: "crops" for segmentation, removal and reading, "cases" for verification.

    Args:
        config: what to make.
        source: called when something is still to be made.
        out: folder for both.
        progress: called with 1 after each sample.

    Raises:
        UsageError: a folder holds a dataset of other settings.
    """
    opened: list[Baseline] = []

    def ready() -> Baseline:
        if not opened:
            opened.append(source())
        return opened[0]

    try:
        return {
            name: _make(config, name, ready, out / name, progress)
            for name, count in (("crops", config.count), ("cases", config.cases))
            if count
        }
    finally:
        for each in opened:
            each.close()


def _make(
    config: SourceConfig, part: str, source: Callable[[], Baseline], out: Path, progress: Callable[[int], None]
) -> Path:
    cases = part == "cases"
    drawn = GenerateConfig(
        count=config.cases if cases else config.count,
        seed=config.seed + (500_000 if cases else 0),
        forger="none",
        crops=config.side,
        dpi=config.dpi,
        negatives=0.0 if cases else _NEGATIVES,
        red=_RED,
        coloured_paper=0.0,
        press=_CASE_PRESS if cases else _CROP_PRESS,
        validation=0.15 if cases else 0.0,
        test=0.0,
    )
    settings = {**asdict(drawn), "version": seal2real.__version__, "source": config.source, "part": part}
    store = open_store(out, settings, resume=True)
    shards = plan_shards(drawn.count)
    if store.complete:
        progress(drawn.count)
        return out
    try:
        context = load_context(drawn)
        missing = store.missing(shards)
        progress(drawn.count - sum(map(len, missing)))
        mix = AuthenticityMix.parse(_MIX)
        for shard in missing:
            with store.shard(shard) as writer:
                for index in range(shard.start, shard.stop):
                    sample = make_sample(drawn, index, context)
                    rng = rng_for(drawn.seed, index, "source")
                    if cases:
                        case = mix.draw(rng_for(drawn.seed, index, "authenticity"))
                        made = make_case(sample, case, cast(Forger, _AsForger(source(), config.source)), rng)
                        # a source that knows images only calls its impressions what they were: pastes
                        made = _told(made, case)
                    else:
                        made = source().apply(sample, rng)
                    split = split_of(drawn, index, context)
                    writer.add(encode_sample(made.with_provenance(source=config.source), index, split))
                    progress(1)
        store.finish(shards, dataset_card(settings), whole=True)
    except BaseException:
        store.leave()
        raise
    return out


def _told(sample: Sample, case: str) -> Sample:
    """The seals called what the case says they are; of a paste, the one that was pasted."""
    seals = []
    for seal in sample.seals:
        pasted = case == "paste" and "paste" in seal.effects
        seals.append(replace(seal, authenticity="paste" if pasted else "impression"))
    return replace(sample, seals=tuple(seals))
