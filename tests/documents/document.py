"""A page of Markdown: its commands, its links, and what of it is to be run."""

import re
from pathlib import Path

FENCE = re.compile(r"^( *)```(.*)$")


class Document:
    """Blocks that are marked ```sh test are run, in their order, by one shell; so is what a reader need not see,
    <!-- sh test … -->."""

    def __init__(self, path):
        self.path = Path(path)
        self.scripts = []  # (line, text)
        self.code = []  # (line, text): a command line or a span
        self.links = []  # (line, target)
        self.headings = set()
        kept = None
        script = None
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            fence = FENCE.match(line)
            if kept is None and (fence or line.startswith("<!-- sh test")):
                kind = fence[2].strip() if fence else "sh test"
                kept = [number + 1, kind, []]
            elif kept is not None and (fence or (line.startswith("-->"))):
                script = kept
                kept = None
                self._end_block(*script)
            elif kept is not None:
                kept[2].append(line)
            else:
                self._read_text(number, line)
        assert kept is None, f"{path}:{kept and kept[0]}: the block has no end"

    def _end_block(self, first, kind, lines):
        if kind == "sh test":
            self.scripts.append((first, "\n".join(lines)))
        if kind in ("sh test", "sh", "", "console"):
            joined = "\n".join(lines).replace("\\\n", "  ")
            for offset, line in enumerate(joined.split("\n")):
                self.code.append((first + offset, re.sub(r"(^|\s)#.*", "", re.sub(r"^\$ ", "", line))))

    def _read_text(self, number, line):
        for span in re.findall(r"`([^`]+)`", line):
            self.code.append((number, span.replace("\\|", " ")))
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            self.links.append((number, target))
        heading = re.match(r"#+ (.*)", line)
        if heading:
            self.headings.add(re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-"))

    def commands(self):
        """(line, what stands behind `neffs`)."""
        for number, text in self.code:
            for part in re.split(r"\|\||&&|;|\|", text):
                found = re.match(r"\s*(?:sudo |nohup |exec )?(?:\./|/\S+/)?neffs +(\S.*)", part)
                if found:
                    yield number, found[1]

    def option_spans(self):
        for number, text in self.code:
            found = re.match(r"-o ([a-z]\S*)$", text)
            if found:
                yield number, found[1]

    def mistakes(self, vocabulary):
        found = [(number, mistake) for number, words in self.commands() for mistake in vocabulary.mistakes_in(words)]
        found += [(number, mistake) for number, names in self.option_spans()
                  for mistake in vocabulary.mistakes_in_options(names)]
        found += [(number, f"{target} leads nowhere") for number, target in self.links if not self._leads(target)]
        return [f"{self.path}:{number}: {mistake}" for number, mistake in sorted(found)]

    def _leads(self, target):
        if "://" in target:
            return True
        file, _, anchor = target.partition("#")
        if file:
            return (self.path.parent / file).exists()
        return anchor in self.headings
