#!/usr/bin/python3
"""The maintenance commands of neuron_parallel_compile, by the calls of Python's library.

  maintenance.py CACHE WORK VERB

  clear-locks   deletes all lock files
  clear-neffs   deletes all NEFFs
  clean         shutil.rmtree of the cache
"""
import errno
import os
import shutil
import sys
from pathlib import Path


def delete_all(cache, pattern):
    for path in sorted(cache.rglob(pattern)):
        path.unlink()
        print("deleted", path.relative_to(cache))


def clean(cache):
    try:
        shutil.rmtree(cache)
        print("the cache is gone")
    except OSError as error:
        print(errno.errorcode[error.errno], os.path.relpath(error.filename, cache))
    print("left:", sorted(os.listdir(cache)))


def main(cache, verb):
    if verb == "clear-locks":
        delete_all(cache, "*.lock")
    elif verb == "clear-neffs":
        delete_all(cache, "model.neff")
    elif verb == "clean":
        clean(cache)
    else:
        sys.exit("unknown: " + verb)


main(Path(sys.argv[1]), sys.argv[3])
