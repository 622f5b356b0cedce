"""The folder of real files, where there is one, and a line that tells how many tests could use it."""

import os

# As `landbridge.job` does for jobs, before numpy and torch load: bytes of a sum depend on how many threads made it, and
# tests run side by side.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FIXTURE = "mirror"


def _mirror_folder():
    return Path(os.environ.get("LANDBRIDGE_MIRROR", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def mirror():
    """Folder of real files, `<domain>/<dataset>/...`; tests that ask for it are skipped where there is none.

    LANDBRIDGE_MIRROR names it (else `../shared/data` beside the project); LANDBRIDGE_REQUIRE_MIRROR=1 turns the skip
    into a failure.
    """
    folder = _mirror_folder()
    if folder.is_dir():
        return folder
    text = f"{folder}: no folder of real files; name one in LANDBRIDGE_MIRROR"
    if os.environ.get("LANDBRIDGE_REQUIRE_MIRROR") == "1":
        pytest.fail(text)
    pytest.skip(text)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Mark tests on real files, so that processes that run them for others can tell."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.user_properties.append(("real_files", True))


def pytest_terminal_summary(terminalreporter):
    """How many tests on real files ran, and how many were skipped."""

    def on_real_files(outcome, *phases):
        reports = terminalreporter.stats.get(outcome, [])
        return sum(
            ("real_files", True) in [tuple(entry) for entry in getattr(report, "user_properties", ())]
            and report.when in phases
            for report in reports
        )

    ran = on_real_files("passed", "call") + on_real_files("failed", "call")
    skipped = on_real_files("skipped", "setup", "call")
    missing = on_real_files("error", "setup")
    text = f"tests on real files: {ran} ran, {skipped} were skipped"
    terminalreporter.write_line(text + (f", {missing} found no files" if missing else ""))
