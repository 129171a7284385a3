"""The words that neffs knows, as its own manual lists them."""

import re
import subprocess

# Those that mount(8) and systemd take for themselves.
OF_MOUNT = re.compile(r"^(_netdev|nofail|noauto|user|defaults|noatime|x-.*)$")


class Vocabulary:
    def __init__(self, neffs):
        manual = subprocess.run([neffs, "help", "--man"], check=True, capture_output=True, text=True).stdout
        self.options = {}
        self.mount_options = set()
        command = None
        for line in manual.replace("\\-", "-").splitlines():
            heading = re.match(r"\.SS neffs ([a-z]+)", line)
            if heading:
                command = self.options.setdefault(heading[1], {"-h", "--help"})
            elif line.startswith(".SH"):
                command = None
            elif command is not None and line.startswith(".B -"):
                command.update(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", line))
            elif re.match(r"  [a-z_]+[ =]", line):
                self.mount_options.add(re.match(r"  ([a-z_]+)", line)[1])
        assert {"mount", "status", "flush"} <= set(self.options), "the manual has another form now"
        assert {"ro", "layer", "token_file", "log"} <= self.mount_options, "the manual has another form now"

    def mistakes_in(self, words):
        """What is wrong with a command line after `neffs`: a list of lines, empty if it parses."""
        words = words.split(" -- ")[0]
        tokens = words.split()
        name = tokens[0]
        if re.fullmatch(r"[A-Z]+|--help|-h|…", name):
            return []
        if name not in self.options:
            return [f"there is no command {name}"]
        known = self.options[name]
        found = [f"neffs {name} has no option {option}"
                 for option in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", re.sub(r"(?<=[\s\[]-o)\s+\S+", "", words))
                 if option not in known]
        for names in re.findall(r"(?<!\S)\[?-o[ ,]+([^\s\]]+)", words):
            found += self.mistakes_in_options(names)
        return found

    def mistakes_in_options(self, names):
        """Of what stands behind -o; NAME=VALUE,NAME."""
        return [f"there is no mount option {name}" for name in (part.split("=")[0] for part in names.split(","))
                if re.match(r"[a-z_]", name) and name not in self.mount_options and not OF_MOUNT.match(name)]
