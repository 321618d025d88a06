"""What is said of wheels that are not lowered: once for each reason, with every symbol, and with what would help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.support.audits import LIBC
from tests.support.elf_builder import Import
from tests.support.example_wheels import SETS
from tests.support.repairs import lower, repair
from tests.support.run_perennial import run_perennial
from tests.support.wheel_builder import wheel
from tests.unit.test_lower import CREATE, CXX, FMEMOPEN, LIBM, demo, module

QUAD: Final = tuple(Import(f"{name}f128", "GLIBC_2.26", LIBM) for name in ("sin", "cos", "tan"))
STRINGS: Final = Import("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE4swapERS4_", "GLIBCXX_3.4.21", CXX)


def test_one_problem_for_the_same_files_and_the_same_reason(tmp_path: Path) -> None:
    others = {f"demo/_{number}.so": module(*QUAD, CREATE) for number in range(3)}
    run = lower(demo(tmp_path, module(FMEMOPEN, QUAD[0]), members=others))
    problems = run.problems
    assert len(problems) == 3
    assert [
        problem for problem in problems if problem.startswith("demo/_0.so and 2 more files need 2 symbols from libm")
    ]
    assert [
        problem for problem in problems if problem.startswith("demo/_0.so and 3 more files need sinf128@GLIBC_2.26")
    ]
    assert [
        problem for problem in problems if "needs fmemopen@GLIBC_2.22 from libc.so.6, which manylinux_2_17" in problem
    ]
    # all that can be lowered to is the highest that any of them needs, and every reference is in the document
    assert {problem["remedy"].rpartition(" ")[2] for problem in run.wheel["problems"]} == {"manylinux_2_26."}
    refused = {(each["file"], each["symbol"], each["version"]) for each in run.wheel["refused_references"]}
    assert refused == {
        *((file, each.name, each.version) for file in others for each in QUAD),
        ("demo/_core.cpython-312-x86_64-linux-gnu.so", "fmemopen", "GLIBC_2.22"),
        ("demo/_core.cpython-312-x86_64-linux-gnu.so", "sinf128", "GLIBC_2.26"),
    }


def test_many_sets_of_files_for_one_reason_are_one_problem(tmp_path: Path) -> None:
    """Fifteen libraries of one C++ project need a different choice of std::string each: nobody reads fifteen lists."""
    names = [f"{name}f128" for name in ("sin", "cos", "tan", "erf", "asin", "acos", "atan")]
    quads = [Import(name, "GLIBC_2.26", LIBM) for name in names]
    others = {f"demo/_{number}.so": module(*quads[number:]) for number in range(len(quads))}
    run = lower(demo(tmp_path, module(FMEMOPEN), members=others), options=("-v",))
    (quad,) = [problem for problem in run.problems if "from libm.so.6" in problem]
    assert quad.startswith("demo/_0.so and 6 more files need 7 symbols from libm.so.6, each of which")
    refused = {(each["file"], each["symbol"]) for each in run.wheel["refused_references"]}
    assert refused >= {(f"demo/_{number}.so", name) for number in range(7) for name in names[number:]}
    done = run_perennial("lower", "-v", "--to", "manylinux_2_17", "--dry-run", str(tmp_path))
    assert "sinf128@GLIBC_2.26 in demo/_0.so\n" in done.output
    assert "cosf128@GLIBC_2.26 in demo/_0.so and 1 more file\n" in done.output
    assert "atanf128@GLIBC_2.26\n" in done.output


def test_nothing_is_refused_of_what_is_lowered(tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(CREATE)))
    assert run.path.is_file()
    assert run.wheel["refused_references"] == []


def test_a_weak_and_a_strong_reference_are_one_problem(tmp_path: Path) -> None:
    others = {"demo/_weak.so": module(replace(FMEMOPEN, weak=True))}
    (problem,) = lower(demo(tmp_path, module(FMEMOPEN), members=others)).problems
    assert "and 1 more file need fmemopen@GLIBC_2.22" in problem


@pytest.mark.parametrize("command", ["lower", "repair"])
def test_no_libstdcxx_to_copy(command: str, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    options = ("--cxx", "private", "--sysroot", str(tmp_path / "root"))
    source = demo(tmp_path, module(STRINGS))
    if command == "lower":
        run = lower(source, options=options)
    else:
        run = repair(source, options=("--lower-to", "manylinux_2_17", *options))
    (problem,) = run.problems
    assert "needs a libstdc++.so.6 of the wheel's own, which was looked for in" in problem
    assert "--sysroot" in run.wheel["problems"][0]["remedy"]


def test_libraries_that_are_nowhere_are_repairs_business(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE, needed=("libone.so", "libcuda.so.1", LIBC)))
    run = lower(source)
    assert len(run.problems) == 2
    assert all("which is neither in the wheel nor on every system" in problem for problem in run.problems)
    assert all(problem["remedy"].startswith("perennial repair --lower-to") for problem in run.wheel["problems"])


def test_options_are_called_as_they_were_given(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE))
    (problem,) = lower(source, tag="manylinux_2_17_aarch64").problems
    assert problem == "--to manylinux_2_17_aarch64 asks for aarch64, and its files are for x86_64"
    (problem,) = repair(source, options=("--lower-to", "manylinux_2_17_aarch64")).problems
    assert problem.startswith("--lower-to manylinux_2_17_aarch64 asks for aarch64")


def test_nothing_to_lower(tmp_path: Path) -> None:
    pure = wheel(tmp_path, tags="py3-none-any", members={"demo/__init__.py": b""}, purelib=True)
    run = lower(pure)
    assert run.problems == ["it has no compiled files, so that there is nothing to lower"]
    assert run.wheel["problems"][0]["remedy"] is None  # not an option that the command does not have


def test_a_private_copy_says_what_it_risks(tmp_path: Path) -> None:
    SETS["to-lower-cxx"](tmp_path)
    (source,) = tmp_path.glob("*.whl")
    run = lower(source, options=("--cxx", "private", "--sysroot", str(tmp_path / "sysroot")))
    (warning,) = run.warnings
    assert "exceptions, strings, streams" in warning
    assert "GPL version 3 with the GCC Runtime Library Exception" in warning


def test_leaving_out_cxx_refuse_is_advised_where_it_helps(tmp_path: Path) -> None:
    late = Import("_ZSt28__throw_bad_array_new_lengthv", "GLIBCXX_3.4.29", CXX)
    run = lower(demo(tmp_path, module(late, STRINGS)), tag="manylinux_2_22", options=("--cxx", "refuse"))
    assert len(run.problems) == 1
    assert run.wheel["problems"][0]["remedy"].startswith("Leave out --cxx refuse, or ")
    below = lower(demo(tmp_path, module(late)), options=("--cxx", "refuse"))
    assert "--cxx refuse" not in below.wheel["problems"][0]["remedy"]
