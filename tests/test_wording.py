"""Numbers in words: one is singular, units change at their bounds, and limits of a command admit their own value."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sampling import together

from cnncalc.language.library import find

Run = Callable[..., Any]


@pytest.fixture
def said(run: Run, tmp_path: Path) -> Callable[..., str]:
    """What a command prints, on either stream, of a network of steps."""

    def of(command: str, steps: str, shape: str = "[1, 12, 12]", more: str = "") -> str:
        path = tmp_path / "net.yaml"
        path.write_text(f"input: {shape}\nlayers: [{steps}]\n{more}")
        name, *options = command.split()
        done = run(name, str(path), *options)
        return str(done.out + done.err)

    return of


# -- one and several ---------------------------------------------------------------------------------------------------


def test_layers(said: Callable[..., str]) -> None:
    assert "net, input 1 x 12 x 12, 1 layer\n" in said("shapes", "relu")
    assert "net, input 1 x 12 x 12, 2 layers\n" in said("shapes", "relu, relu")


@together(
    "shape, words",
    [
        ("[1, 12, 12]", None),
        ("[1, 13, 12]", "1 row"),
        ("[1, 12, 13]", "1 column"),
        ("[1, 14, 12]", "2 rows"),
        ("[1, 12, 14]", "2 columns"),
        ("[1, 13, 14]", "1 row and 2 columns"),
        ("[1, 14, 13]", "2 rows and 1 column"),
        ("[1, 13]", "1 position"),
        ("[1, 14]", "2 positions"),
        ("[1, 13, 12, 12]", "1 slice"),
        ("[1, 14, 13, 14]", "2 slices and 1 row and 2 columns"),
    ],
)
def test_what_a_stride_leaves_unread(shape: str, words: str | None, said: Callable[..., str]) -> None:
    """Windows of 3 at stride 3 read 12 of 13 or 14 positions."""
    found = re.findall(r"the stride leaves (.*) of the padded input unread", said("shapes", "{max_pool: 3}", shape))
    assert found == ([words] if words else [])


@pytest.mark.parametrize(("shape", "words"), [("[1, 12]", "1 spatial axis"), ("[1, 12, 12, 12]", "3 spatial axes")])
def test_axes(shape: str, words: str, said: Callable[..., str]) -> None:
    assert f"`kernel` has 2 entries for {words}" in said("shapes", "{max_pool: [2, 2]}", shape)
    assert f"`padding` has 2 entries for {words}" in said("shapes", "{max_pool: 2, padding: [1, 1]}", shape)
    expected = "expect: {receptive_field: [2, 2]}\n"
    assert f"`size` has 2 entries for {words} of the input" in said("check", "{max_pool: 2}", shape, expected)


@pytest.mark.parametrize(
    ("expect", "closing"),
    [
        ("{params: 8}", "1 file, 1 network: 1 expectation holds"),
        ("{params: 8, state: 0}", "1 file, 1 network: 2 expectations hold"),
        ("{params: 8, state: 0, macs: 0}", "1 file, 1 network: 2 expectations hold, 1 fails"),
        ("{params: 9, state: 9}", "1 file, 1 network: 0 expectations hold, 2 fail"),
        ("{params: 8, layers: {none: {params: 0}}}", "1 file, 1 network: 1 expectation holds; 1 other problem"),
        (
            "{params: 9, layers: {none: {params: 0}, other: {params: 0}}}",
            "1 file, 1 network: 0 expectations hold, 1 fails; 2 other problems",
        ),
    ],
)
def test_the_closing_line_of_a_check(expect: str, closing: str, said: Callable[..., str]) -> None:
    text = said("check", "{linear: 2}", "[3]", f"expect: {expect}\n")
    assert text.rstrip().splitlines()[-1] == closing


def test_files_and_networks(run: Run, tmp_path: Path) -> None:
    of_both = "expect: {a: {params: 0}, b: {params: 0}}\n"
    (tmp_path / "a.yaml").write_text(
        f"input: [1]\nargs: {{k: 1}}\nvariants: {{a: {{}}, b: {{k: 2}}}}\nlayers: [{{relu, repeat: k}}]\n{of_both}"
    )
    (tmp_path / "b.yaml").write_text("input: [1]\nlayers: [relu]\nexpect: {params: 0}\n")
    closing = run("check", str(tmp_path)).out.rstrip().splitlines()[-1]
    assert closing == "2 files, 3 networks: 3 expectations hold"


def test_lints(said: Callable[..., str]) -> None:
    """A kernel of 1 at stride 2 reads every other position."""
    gap = "{conv: 1, kernel: 1, stride: 2}"
    assert said("check", gap, "[1, 13]").endswith("1 file, 1 network: 0 expectations hold; 1 lint\n")
    assert said("check", f"{gap}, {gap}", "[1, 13]").endswith("1 file, 1 network: 0 expectations hold; 2 lints\n")


@pytest.mark.parametrize(("expect", "words"), [("{params: 1}", "1 figure"), ("{params: 1, macs: 1}", "2 figures")])
def test_figures_of_an_update(expect: str, words: str, said: Callable[..., str]) -> None:
    assert re.findall(
        r"^updated .*: (.*)$", said("check --update", "{linear: 2}", "[3]", f"expect: {expect}\n"), re.M
    ) == [words]


# -- units -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "size"),
    [
        (0, "0.00 KiB"),
        (256, "1.00 KiB"),
        (2**18 - 256, "1,023.00 KiB"),
        (2**18 - 1, "1,024.00 KiB"),
        (2**18, "1.00 MiB"),
        (2**19, "2.00 MiB"),
        (2**28, "1.00 GiB"),
    ],
)
def test_bytes_of_the_weights(params: int, size: str, said: Callable[..., str]) -> None:
    """Four bytes each; 1024 bytes are a KiB, 1024 of these a MiB."""
    text = said("summary", f"{{opaque: [1], params: {params}, macs: 0}}", "[1]")
    assert re.findall(r"^Weights, 32-bit +(.*)$", text, re.MULTILINE) == [size]


@together(
    "params, short",
    [
        (999, "999"),
        (1_000, "1.00 k"),
        (999_999, "1000.00 k"),
        (1_000_000, "1.00 M"),
        (25_557_032, "25.56 M"),
        (1_000_000_000, "1.00 G"),
        (10**12, "1.00 T"),
        (10**15, "1.00 P"),
        (12 * 10**17, "1200.00 P"),
    ],
)
def test_counts_in_powers_of_a_thousand(params: int, short: str, said: Callable[..., str]) -> None:
    text = said("summary", f"{{opaque: [1], params: {params}, macs: 0}}", "[1]")
    assert f"net @ 1: {short} params" in text


# -- limits of commands ------------------------------------------------------------------------------------------------


def test_verify_up_to_admits_networks_of_just_as_many_macs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`notes_stride2` makes three outputs of three taps: nine, and `notes_stride1` more."""
    monkeypatch.setattr("cnncalc.gallery.bundled_files", lambda: [find("notes_stride1")[0]])
    done = run("verify", "--all", "--up-to", "9")
    assert done.code == 0
    assert done.err == "Stride, on a row of numbers (notes_stride2) @ 1x7: agrees\n"
    assert done.out.startswith("Stride, on a row of numbers (notes_stride2) @ 1x7: verified by execution: ")
    assert done.out.count("\n") == 1
