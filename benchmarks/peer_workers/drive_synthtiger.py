"""SynthTIGER's components on the texts of a file, driven by `benchmarks/peers.py`.

Its package brings components and no template. Here they are put together for a horizontal line with the effects of its
published example (elastic letters, straight or arched line, colour, texture, perspective or turn, noise, blur), less
the second text behind the line and the check that the text can be seen: so it has less to do than the example.

Arguments: a file of texts, one a line; a font file, beside which a .txt names its characters; a folder of textures.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

import cv2
import numpy as np
from synthtiger import components as parts
from synthtiger import layers
from turns import Step, serve

ARCH = {"curve": [20, 40], "space": [-2, 5]}


class LineMaker:
    """Lines of text with mask and a box per character.

    Args:
        texts, font, textures: paths.
        arched: share of lines that run along an arc.
    """

    def __init__(self, texts: str, font: str, textures: str, arched: float):
        self.corpus = parts.LengthAugmentableCorpus(paths=[texts], weights=[1], min_length=1, max_length=25)
        self.font = parts.BaseFont(paths=[font], weights=[1], size=[40, 80], bold=0.5)
        self.colour = parts.Gray(gray=[0, 255], alpha=[1, 1], colorize=1)
        self.texture = parts.Switch(
            parts.BaseTexture(paths=[textures], weights=[1], alpha=[0, 1], grayscale=0, crop=1), prob=0.5
        )
        self.shape = parts.ElasticDistortion(alpha=[0, 2], sigma=[0, 0.6])
        self.layout = parts.Selector(
            [parts.FlowLayout(space=[-2, 5], line_align=["middle"]), parts.CurveLayout(**ARCH)],
            weights=[1 - arched, arched],
        )
        turns = [parts.Perspective(), parts.Trapezoidate(), parts.Skew(angle=[0, 10]), parts.Rotate(angle=[0, 10])]
        self.transform = parts.Selector(turns)
        self.fit = parts.Fit()
        self.pad = parts.Pad(pxs=[[0, 10]] * 4)
        self.flaws = parts.Iterator(
            [parts.AdditiveGaussianNoise(scale=[4, 8], per_channel=0), parts.GaussianBlur(sigma=[0, 2])]
        )

    def __call__(self) -> object:
        """One line: image, mask, boxes, text."""
        text = self.corpus.data(self.corpus.sample())
        font = self.font.sample({"text": text})
        letters = [layers.TextLayer(character, **font) for character in text]
        self.shape.apply(letters)
        self.layout.apply(letters)
        line = layers.Group(letters).merge()
        turn = self.transform.sample()
        self.colour.apply([line])
        self.texture.apply([line])
        self.transform.apply([line], turn)
        self.transform.apply(letters, turn)
        self.fit.apply([line, *letters])
        ink = line.copy()
        self.pad.apply([line])
        paper = layers.RectLayer(line.size)
        paper.topleft = line.topleft
        self.colour.apply([paper])
        self.texture.apply([paper])
        whole = layers.Group([line, paper]).merge()
        self.flaws.apply([whole])
        boxes = [(*(letter.topleft - whole.topleft), *letter.size) for letter in letters]
        return whole.output()[..., :3].astype(np.uint8), ink.output(bbox=whole.bbox)[..., 3], boxes, text


def main() -> None:
    """Serve."""
    cv2.setNumThreads(1)
    np.random.seed(0)  # noqa: NPY002  # the generator that it uses
    texts, font, textures = sys.argv[1:4]
    steps: dict[str, Step] = {
        "mixed": LineMaker(texts, font, textures, arched=0.2),
        "curved": LineMaker(texts, font, textures, arched=1.0),
    }
    serve(steps, {"version": version("synthtiger"), "numpy": np.__version__, "opencv": cv2.__version__})


if __name__ == "__main__":
    main()
