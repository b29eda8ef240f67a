"""Train on a folder of real seals: the same as ``seal2real train``, and what torchrun starts.

    python train.py --real DIR --out RUN
    torchrun --nproc-per-node 2 train.py --real DIR --out RUN

On machines without a GPU the processes talk over gloo.
"""

import sys

from seal2real.cli import run

if __name__ == "__main__":
    sys.exit(run(["train", *sys.argv[1:]]))
