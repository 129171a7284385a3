"""What NeuronTrainer does with the cache when a training ends, by the same calls of the real client."""

import random
import shutil
import time

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

MESSAGE = "Synchronizing local compiler cache."
TRIES = 6


def modules_in(cache):
    for version in sorted(cache.iterdir()):
        if version.is_dir() and version.name.startswith("neuronxcc-"):
            for module in sorted(version.iterdir()):
                if module.is_dir() and module.name.startswith("MODULE_"):
                    yield module


def clean_up(cache):
    """The walk before an upload: failed entries and locks go."""
    for module in modules_in(cache):
        is_finished = (module / "model.neff").exists() and (module / "model.done").exists()
        if not is_finished and (module / "model.log").exists():
            shutil.rmtree(module)
            continue
        for lock in module.glob("*.lock"):
            lock.unlink(missing_ok=True)


def synchronize(cache, repo, token, longest_wait=30.0):
    """Returns how often it was tried."""
    api = HfApi(token=token, library_name="optimum-neuron")
    clean_up(cache)
    for attempt in range(1, TRIES + 1):
        try:
            api.upload_folder(
                repo_id=repo,
                folder_path=cache,
                commit_message=MESSAGE,
                ignore_patterns="lock",
                parent_commit=api.repo_info(repo).sha,
            )
            return attempt
        except HfHubHTTPError as error:
            if error.response.status_code not in (409, 412) or attempt == TRIES:
                raise
        time.sleep(random.uniform(0, min(longest_wait, 2.0**attempt)))
