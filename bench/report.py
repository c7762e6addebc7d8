"""What was measured, and how it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Row:
    """One comparison. Samples that were taken as pairs have the same length: the ratio is the median of the
    pairs' ratios, because the two halves of a pair met the same noise. ``goal``: the largest ratio that is
    good enough; ``at_most``: the largest own median instead."""

    what: str
    unit: str
    ours: list[float] = field(default_factory=list)
    baseline: list[float] = field(default_factory=list)
    against: str = ""
    goal: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        if not self.ours or not self.baseline:
            return None
        if len(self.ours) == len(self.baseline) and all(self.baseline):
            return statistics.median(a / b for a, b in zip(self.ours, self.baseline, strict=True))
        base = statistics.median(self.baseline)
        return statistics.median(self.ours) / base if base else None

    @property
    def verdict(self) -> str:
        if self.at_most is not None:
            met = statistics.median(self.ours) <= self.at_most
            return f"≤ {_number(self.at_most)} {self.unit}: {'met' if met else 'MISSED'}"
        if self.goal is None or self.ratio is None:
            return "–"
        return f"≤ {self.goal:g}x: {'met' if self.ratio <= self.goal else 'MISSED'}"

    def cells(self) -> list[str]:
        baseline = f"{_number(statistics.median(self.baseline))} {self.against}" if self.baseline else "–"
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}x"
        return [self.what, self.unit, _spread(self.ours), baseline, ratio, self.verdict]


HEAD = ["what", "unit", "ours: median (min–max)", "baseline: median", "ratio", "goal"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in rows]
    first = "  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True))
    return "\n".join(line.rstrip() for line in [first, "-" * len(first), *lines])


def compare(rows: Sequence[Row]) -> str:
    return table(HEAD, [row.cells() for row in rows])


def percentile(samples: Sequence[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _spread(samples: Sequence[float]) -> str:
    if not samples:
        return "–"
    return f"{_number(statistics.median(samples))} ({_number(min(samples))}–{_number(max(samples))})"
