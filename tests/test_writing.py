"""`-o` never destroys: what is there keeps its mode, its links and its nature."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cnncalc.diagnostics import Fault
from cnncalc.writing import write

ROOT = Path(__file__).parents[1]


def test_a_new_file(tmp_path: Path) -> None:
    write(str(tmp_path / "new.txt"), b"text")
    assert (tmp_path / "new.txt").read_bytes() == b"text"
    assert os.listdir(tmp_path) == ["new.txt"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "old.txt"
    path.write_text("old")
    path.chmod(mode)
    write(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link, chained = tmp_path / "there" / "file.txt", tmp_path / "link", tmp_path / "chained"
    target.write_text("old")
    link.symlink_to(target)
    chained.symlink_to(link)
    write(str(chained), b"new")
    assert chained.is_symlink()
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_link_to_nothing_gives_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "later.txt")
    write(str(link), b"new")
    assert link.is_symlink()
    assert (tmp_path / "later.txt").read_bytes() == b"new"


def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write(str(pipe), b"x" * 200_000)
    reader.join(10)
    assert received == [b"x" * 200_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_terminal_is_written_through(tmp_path: Path) -> None:
    master, slave = os.openpty()
    link = tmp_path / "terminal"
    link.symlink_to(os.ttyname(slave))
    write(str(link), b"hello")
    assert os.read(master, 100) == b"hello"
    assert link.is_symlink()
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize("name", ["", "absent/file.txt", "folder"])
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Fault, match="cannot be written"):
        write(str(tmp_path / name), b"text")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


def test_the_command_line_and_an_update_write_so(tmp_path: Path) -> None:
    spec, link, out = tmp_path / "net.yaml", tmp_path / "link.yaml", tmp_path / "out.txt"
    spec.write_text("input: [1, 7]\nlayers:\n  - {conv: 1, kernel: 3}\nexpect: {params: 3}\n")
    spec.chmod(0o600)
    link.symlink_to(spec)
    out.write_text("old")
    out.chmod(0o640)
    for arguments in (["check", str(link), "--update"], ["shapes", str(link), "-o", str(out)]):
        subprocess.run([sys.executable, "-m", "cnncalc", *arguments], cwd=ROOT, check=True, capture_output=True)
    assert link.is_symlink()
    assert "params: 4" in spec.read_text()
    assert stat.S_IMODE(spec.stat().st_mode) == 0o600
    assert "1 x 5" in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
