"""Inline SVG of the evaluation page: reliability, precision and recall, bars."""

from __future__ import annotations

from collections.abc import Sequence

SIDE = 220
COLOURS = ("#3056a0", "#b8431f", "#2d7d46")

Series = tuple[str, Sequence[tuple[float, float]]]


def square(title: str, x: str, y: str, series: Sequence[Series], diagonal: bool = False) -> str:
    """Lines through points in the unit square, with a legend."""
    lines = [
        f'<rect x="30" y="8" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>',
        f'<text x="{30 + SIDE // 2}" y="{SIDE + 38}" text-anchor="middle">{x}</text>',
        f'<text transform="translate(12 {SIDE // 2}) rotate(-90)" text-anchor="middle">{y}</text>',
        f'<text x="30" y="{SIDE + 22}">0</text><text x="{SIDE + 22}" y="{SIDE + 22}">1</text>',
    ]
    if diagonal:
        lines.append(f'<path d="M30 {SIDE + 8}L{SIDE + 30} 8" stroke="#bbb" stroke-dasharray="4"/>')
    for i, (name, points) in enumerate(series):
        colour = COLOURS[i % len(COLOURS)]
        path = "L".join(f"{30 + a * SIDE:.1f} {8 + (1 - b) * SIDE:.1f}" for a, b in points)
        if path:
            lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [
            f'<circle cx="{30 + a * SIDE:.1f}" cy="{8 + (1 - b) * SIDE:.1f}" r="2.5" fill="{colour}"/>'
            for a, b in (points if len(points) < 15 else ())
        ]
        lines.append(f'<text x="30" y="{SIDE + 58 + 16 * i}" fill="{colour}">{name}</text>')
    height = SIDE + 64 + 16 * len(series)
    return (
        f'<svg viewBox="0 0 260 {height}" role="img" aria-label="{title}"><title>{title}</title>{"".join(lines)}</svg>'
    )


def bar(value: float) -> str:
    """A bar of 0 to 1 for a table's cell."""
    return f'<svg class="bar" viewBox="0 0 100 8" aria-hidden="true"><rect width="{100 * value:.0f}" height="8"/></svg>'
