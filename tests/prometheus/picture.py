#!/usr/bin/env python3
"""Draws the dashboard's panels from a real run: picture.py FOLDER writes FOLDER/dashboard.svg.

Under tests/clients/with_hub.sh, with NEFFS. The run takes two minutes: modules are looked up, fetched, missed and
compiled, and the Hub fails for a while. As it is so short, rates are of 15 seconds instead of five minutes.
"""

import html
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import scraped
from scraped import control

SECONDS = 120
WIDTH, HEIGHT, LEFT, TOP, GAP = 440, 120, 62, 34, 66
COLOURS = ["#1f77b4", "#d9534f", "#2a9d5c", "#e08e0b", "#7b52ab", "#4d4d4d", "#c2569b"]
UNITS = {"ops": "/s", "reqps": "/s", "Bps": "B/s", "bytes": "B", "s": "s", "short": ""}


def live(mount, prometheus):
    """What a host does, a little of everything between two scrapes, which are a second apart."""
    found = mount.root / scraped.VERSION / "MODULE_18108742649528384371+e30acd3a"
    for second in range(SECONDS):
        prometheus.wait_for_scrape()
        for _ in range(1 + second % 7):
            if (found / "model.done").exists():
                (found / "model.neff").read_bytes()
        (mount.root / scraped.VERSION / f"MODULE_{second}+e30acd3a").exists()
        if 20 <= second < 80 and second % 3 == 0:
            scraped.compile_modules(mount, second, 2, 400_000)
        if second % 25 == 24:
            mount.neffs("evict", found, "--mountpoint", mount.root)
        if second == 60:
            control.post("faults", match={"kind": "commit"}, times=3, fault={"type": "answer", "status": 503})
            control.post("faults", match={"kind": "resolve-head"}, times=20, fault={"type": "answer", "status": 503})


def amount(value, unit):
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {letter}{UNITS[unit]}".strip()
    return f"{value:.3g} {UNITS[unit]}".strip()


def legend_of(legend, labels):
    for name, value in {**labels, "instance": "trn1-a"}.items():
        legend = legend.replace("{{%s}}" % name, value)
    return legend or "all"


def panel(title, unit, lines, start, x, y):
    """One panel as SVG; lines: (legend, [(time, value)])."""
    top = max([value for _, points in lines for _, value in points] + [0]) * 1.05 or 1
    parts = [f'<g transform="translate({x},{y})">', f'<text y="-12" class="t">{html.escape(title)}</text>',
             f'<path d="M0 0V{HEIGHT}H{WIDTH}" class="a"/>',
             f'<text x="-6" y="9" text-anchor="end">{amount(top, unit)}</text>',
             f'<text x="-6" y="{HEIGHT}" text-anchor="end">0</text>']
    at, below = 0, HEIGHT + 16
    for number, (legend, points) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{(when - start) / SECONDS * WIDTH:.0f},{HEIGHT - value / top * HEIGHT:.1f}"
                        for when, value in points)
        parts.append(f'<polyline points="{path}" stroke="{colour}"/>')
        if at > 0 and at + 6 * len(legend) > WIDTH:
            at, below = 0, below + 13
        parts.append(f'<text x="{at}" y="{below}" fill="{colour}">{html.escape(legend)}</text>')
        at += 14 + 6 * len(legend)
    return "\n".join([*parts, "</g>"])


def draw(folder, prometheus, start):
    panels = []
    for number, (title, unit, queries) in enumerate(scraped.panels(folder)):
        lines = []
        for expression, legend in queries:
            data = prometheus.ask("query_range", query=expression.replace("[5m]", "[15s]"), start=start,
                                  end=start + SECONDS, step=1)
            for series in data["result"]:
                points = [(when, float(value)) for when, value in series["values"] if value not in ("NaN", "+Inf")]
                if points:
                    lines.append((legend_of(legend, series["metric"]), points))
        x = LEFT + number % 2 * (WIDTH + LEFT + 20)
        panels.append(panel(title, unit, lines, start, x, TOP + number // 2 * (HEIGHT + GAP)))
    width = 2 * (WIDTH + LEFT) + 40
    height = (len(panels) + 1) // 2 * (HEIGHT + GAP) + 34
    style = ("text{font:11px sans-serif}.t{font-weight:bold;font-size:13px}.a{fill:none;stroke:#999}"
             "polyline{fill:none;stroke-width:1.6}")
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
                      f"<style>{style}</style>", f'<rect width="{width}" height="{height}" fill="#fff"/>', *panels,
                      "</svg>", ""])


def main():
    reason = scraped.why_not()
    if reason:
        print(f"picture.py: {reason}", file=sys.stderr)
        return 77
    folder = Path(sys.argv[1]).resolve()
    control.post("settings", latency_ms=20)
    options = ("commit_interval=5", "poll=5", "miss_check=2", "cache_size=50M")
    with TemporaryDirectory(dir="/var/tmp") as directory:
        with scraped.scraping(folder, Path(directory), *options, interval="1s") as (mount, prometheus):
            start = time.time()
            live(mount, prometheus)
            (folder / "dashboard.svg").write_text(draw(folder, prometheus, start))
    return 0


if __name__ == "__main__":
    sys.exit(main())
