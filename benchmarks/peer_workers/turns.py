"""A peer's side of `benchmarks/peers.py`: work when told to, and report CPU seconds. Standard library only.

Each line of standard input is an order ``{"step": name, "items": n}``. It is answered by a line on the file descriptor
that the environment names as ANSWERS: ``{"seconds": [CPU seconds of each item that was made], "failed": {reason:
count}}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable

Step = Callable[[], object]  # makes one item; None means that it made nothing


def serve(steps: dict[str, Step], about: dict[str, str]) -> None:
    """Say who is there, then take turns until the input ends.

    Args:
        steps: what the peer can do, by name.
        about: versions, for the report.
    """
    with os.fdopen(int(os.environ["ANSWERS"]), "w") as answers:
        print(json.dumps(about), file=answers, flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            print(json.dumps(_turn(steps[order["step"]], order["items"])), file=answers, flush=True)


def _turn(step: Step, items: int) -> dict[str, object]:
    seconds: list[float] = []
    failed: Counter[str] = Counter()
    while len(seconds) < items and sum(failed.values()) < 3 * items + 20:
        start = time.process_time()
        reason = _reason(step)
        if reason is None:
            seconds.append(time.process_time() - start)
        else:
            failed[reason] += 1
    return {"seconds": seconds, "failed": failed}


def _reason(step: Step) -> str | None:
    """Make one item. Returns why there is none."""
    try:
        return None if step() is not None else "made nothing"
    except Exception as error:
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:90]}"
