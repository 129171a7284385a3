"""A Prometheus on loopback that scrapes mounts, and what it answers. Under tests/clients/with_hub.sh, with NEFFS."""

import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))
import hub_control as control  # noqa: E402
import mounted  # noqa: E402

VERSION = "neuronxcc-2.21.33363.0+82129205"
CONFIGURATION = """\
global: {scrape_interval: %s}
rule_files: [%s]
scrape_configs:
  - job_name: neffs
    static_configs: [{targets: ["%s"]}]
"""


def why_not():
    """Why nothing can be scraped here; "" if it can."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        return "there is no Prometheus here"
    return mounted.why_not()


def compile_modules(mount, first, count, neff_bytes=200_000):
    for number in range(first, first + count):
        folder = mount.root / VERSION / f"MODULE_{7_000_000 + number}+e30acd3a"
        folder.mkdir(parents=True)
        for name, size in (("model.hlo_module.pb", 2_000), ("model.neff", neff_bytes), ("model.done", 0)):
            (folder / name).write_bytes(b"\0" + str(number).encode() * (size // 4) if size else b"")


class Exporter:
    """Serves what `neffs status --metrics` says of a mount."""

    def __init__(self, mount):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                text = mount.neffs("status", mount.root, "--metrics").stdout.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def end(self):
        self._server.shutdown()
        self._server.server_close()


class Prometheus:
    """Ours, until end(). Its data is below `work`."""

    def __init__(self, work, target, rules, interval="200ms"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{free.getsockname()[1]}"
        self._scraped = 0.0
        (work / "prometheus.yml").write_text(CONFIGURATION % (interval, rules, target))
        self._log = (work / "prometheus.log").open("w")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", shutil.which("prometheus"), f"--config.file={work}/prometheus.yml",
             f"--storage.tsdb.path={work}/data", f"--web.listen-address={self._address}"],
            stdout=self._log, stderr=self._log)

    def ask(self, verb, **query):
        """The answer's data; None while it is not up."""
        url = f"http://{self._address}/api/v1/{verb}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from error
        except urllib.error.URLError:
            if self._process.poll() is not None:
                raise
            return None

    def wait_for(self, expression, seconds=60):
        """The series that it has; fails if there is none in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            data = self.ask("query", query=expression)
            if data and data["result"]:
                return data["result"]
            self._process_is_up()
        raise AssertionError(f"nothing answers {expression}")

    def wait_for_scrape(self):
        """Until there is a later one than was seen last."""
        newest = self.wait_for(f"timestamp(neffs_uptime_seconds) > {self._scraped}")
        self._scraped = float(newest[0]["value"][1])

    def _process_is_up(self):
        try:
            self._process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(Path(self._log.name).read_text())

    def end(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()


@contextmanager
def scraping(folder, work, *options, interval="200ms"):
    """A mount of the sample repos, and a Prometheus that scrapes it and knows the alerts of `folder`."""
    with ExitStack() as ends:
        mount = mounted.Mount("my-team/neuron-cache,aws-neuron/optimum-neuron-cache", work / "mnt", *options)
        ends.callback(mount.end)
        exporter = Exporter(mount)
        ends.callback(exporter.end)
        prometheus = Prometheus(work, exporter.address, folder / "alerts.yml", interval)
        ends.callback(prometheus.end)
        prometheus.wait_for("neffs_build_info")
        yield mount, prometheus


def panels(folder):
    """Title, unit, and (expression, legend) of each query, for all hosts."""
    for panel in json.loads((folder / "dashboard.json").read_text())["panels"]:
        queries = [(target["expr"].replace("$instance", ".*"), target.get("legendFormat", ""))
                   for target in panel["targets"]]
        yield panel["title"], panel["fieldConfig"]["defaults"].get("unit", ""), queries
