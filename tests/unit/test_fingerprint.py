"""The fingerprint sees code and package data, wherever they are imported from, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from landbridge import fingerprint as module

PACKAGE = Path(module.__file__).parent


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A tiny package: stage imports tool, tool imports constant; other is imported by nobody."""
    for name, text in {
        "__init__": "",
        "stage": '"""Doc."""\nfrom landbridge import tool\n\n\ndef run():\n    """Doc."""\n    return tool.double()\n',
        "tool": "from landbridge.deep.constant import TWO\n\n\ndef double():\n    return 2 * TWO\n",
        "other": "X = 1\n",
        "deep/__init__": "",
        "deep/constant": 'TWO = 2  # why\nTABLE = "aliases.csv"\n',
    }.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "deep" / "aliases.csv").write_text("a,b\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)

    def value(*names):
        module._own.cache_clear()
        module.fingerprint.cache_clear()
        return module.fingerprint(*names)

    yield tmp_path, value
    module._own.cache_clear()
    module.fingerprint.cache_clear()


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("deep/constant.py", "# why", "# another why"),
        ("stage.py", '"""Doc."""', '"""Another."""'),
        ("tool.py", "\n\n\n", "\n\n\n\n\n"),
        ("other.py", "X = 1", "X = 2"),
    ],
)
def test_blind_to_comments_docstrings_blank_lines_and_strangers(package, file, old, new):
    folder, value = package
    before = value("landbridge.stage")
    edit(folder / file, old, new)
    assert value("landbridge.stage") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("deep/constant.py", "TWO = 2", "TWO = 3"), ("deep/aliases.csv", "a,b", "a,c"), ("tool.py", "2 *", "3 *")],
)
def test_sees_code_and_data_two_imports_down(package, file, old, new):
    folder, value = package
    before = value("landbridge.stage")
    edit(folder / file, old, new)
    assert value("landbridge.stage") != before


def test_late_modules_count_and_their_order_does_not(package):
    _, value = package
    assert value("landbridge.stage", "landbridge.other") == value("landbridge.other", "landbridge.stage")
    assert value("landbridge.stage", "landbridge.other") != value("landbridge.stage")


def test_unknown_module_is_refused(package):
    _, value = package
    with pytest.raises(ModuleNotFoundError, match=r"landbridge\.nowhere"):
        value("landbridge.nowhere")


def test_equal_under_another_hash_seed():
    code = "from landbridge.fingerprint import fingerprint; print(fingerprint('landbridge.train.transfer'))"
    values = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(PACKAGE.parent), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(values) == 1
