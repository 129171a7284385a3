#!/usr/bin/env python3
"""What Prometheus makes of our metrics, alerts and dashboard: prometheus_test.py FOLDER, the one that has them."""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import scraped
from scraped import control


def promtool(*words, text=None):
    ended = subprocess.run(["promtool", *map(str, words)], input=text, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, f"promtool {words}: {ended.stdout}{ended.stderr}"


def check_alerts(folder, work):
    rules = folder / "alerts.yml"
    promtool("check", "rules", rules)
    tests = (Path(__file__).parent / "alerts_test.yml").read_text()
    (work / "alerts_test.yml").write_text(f"rule_files: [{rules}]\n{tests}")
    promtool("test", "rules", work / "alerts_test.yml")
    named = {line.split()[-1] for line in rules.read_text().splitlines() if "- alert:" in line}
    tested = set(re.findall(r'alertname="(\w+)"', tests))
    assert named == tested, f"alerts without a test: {named ^ tested}"


def work_on(mount):
    """Something of everything that is counted."""
    scraped.compile_modules(mount, 0, 2)
    code, said = mount.flush()
    assert code == 0, said
    module = "MODULE_18108742649528384371+e30acd3a"
    for name in ("model.neff", "model.neff"):
        assert (mount.root / scraped.VERSION / module / name).read_bytes()
    assert not (mount.root / scraped.VERSION / "MODULE_1+e30acd3a").exists()
    control.post("faults", match={"kind": "tree"}, times=3, fault={"type": "answer", "status": 503})
    assert not (mount.root / "neuronxcc-2.14.227.0+2d4f85be" / "MODULE_1+e30acd3a").exists()


def check_dashboard(folder, mount, prometheus):
    work_on(mount)
    prometheus.wait_for("increase(neffs_commits_total[1m]) > 0")
    seen = 0
    for title, unit, queries in scraped.panels(folder):
        for expression, _ in queries:
            # What went wrong may have been nothing.
            if "status=~" in expression:
                assert prometheus.ask("query", query=expression) is not None
            else:
                prometheus.wait_for(expression)
            seen += 1
        assert unit, f"{title} has no unit"
    assert seen >= 10, seen
    for group in prometheus.ask("rules")["groups"]:
        for rule in group["rules"]:
            assert not rule.get("lastError"), rule


def main():
    reason = scraped.why_not()
    if reason:
        print(f"prometheus_test.py: {reason}", file=sys.stderr)
        return 77
    folder = Path(sys.argv[1]).resolve()
    with TemporaryDirectory(dir="/var/tmp") as directory:
        work = Path(directory)
        check_alerts(folder, work)
        with scraped.scraping(folder, work) as (mount, prometheus):
            promtool("check", "metrics", text=mount.neffs("status", mount.root, "--metrics").stdout)
            check_dashboard(folder, mount, prometheus)
    return 0


if __name__ == "__main__":
    sys.exit(main())
