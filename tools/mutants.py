"""`make mutants`: which small faults of aelib do its tests miss?

A mutant is a module with one change, made by mutmut's operators: another operator, number or word, an argument left
out or None. The module's own tests run on it, the quickest first, in a copy of the course, and in a fork of this
process, which has imported what is slow to import (so not on Windows). A mutant has survived if they are green; they
may take five times as long as usual. `mutants.toml` lists those that no test can tell from the original, and why: they
are not tried.

    python -m tools.mutants                60 mutants of each module, always the same
    python -m tools.mutants rbm -n 0       all of one module
    python -m tools.mutants rbm:17 rbm:5   these
"""

import argparse
import gc
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib

import libcst
import pytest
from mutmut.mutation.mutators import mutation_operators

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = {name: [name] for name in ("noise", "losses", "layers", "rbm", "pretraining", "som", "data", "course")}
TESTS["data"].append("letters")
SLOW = "keras", "tensorflow", "tqdm.keras", "sklearn.metrics", "sklearn.neural_network", "scipy.stats", "nbconvert"
ONE_THREAD = "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"
LEAST = 0.95  # of the mutants that can be caught


def mutants(source):
    """The mutants of a module, with what is different in each: its function, and its lines with {old → new}."""

    class Changes(libcst.CSTVisitor):
        def on_visit(self, node):
            operators = [operator for kind, operator in mutation_operators if isinstance(node, kind)]
            changes.extend((node, changed) for operator in operators for changed in operator(node))
            return not isinstance(node, (libcst.Annotation, libcst.Import, libcst.ImportFrom))

    def alike(a, b):
        return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))

    tree, changes, found = libcst.parse_module(source), [], {}
    tree.visit(Changes())
    for node, changed in changes:
        mutant = tree.deep_replace(node, changed).code
        try:
            compile(mutant, "mutant", "exec")
        except SyntaxError:
            continue
        start = alike(source, mutant)
        stop = -alike(source[start:][::-1], mutant[start:][::-1])
        before, after = source[:start].rpartition("\n")[2], source[stop:].partition("\n")[0]
        function = ["", *re.findall(r"def (\w+)", source[:start])][-1]
        lines = f"{before}{{{source[start:stop]} → {mutant[start:stop]}}}{after}"
        found.setdefault(mutant, " ".join(f"{function}: {lines}".split()))
    return list(found.items())


class Quickest:
    """A plugin of pytest that begins with the tests that are known to be quick, and notes how long each takes."""

    def __init__(self, known):
        self.known, self.seconds = known, {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: self.known.get(item.nodeid, 0))

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration


def are_green(names, folder, known, limit):
    """Whether the tests pass within `limit` seconds. What they print, and their seconds, go to files in the folder."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            del sys.modules["tools"]  # the copy's is imported
            log, quickest = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), Quickest(known)
            for stream in (1, 2):
                os.dup2(log, stream)
            options = ["-x", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "-k", "not goes_red"]
            code = int(pytest.main([*options, *(f"tests/test_{name}.py" for name in names)], [quickest]))
            pathlib.Path("seconds.json").write_text(json.dumps(quickest.seconds))
        finally:
            os._exit(code)
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def score(module, numbers, n, folder, equivalent):
    """The share of the mutants that is caught; the survivors are printed."""
    started, path = time.monotonic(), folder / "aelib" / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    found = [(mutant, f"{module}.{change}") for mutant, change in mutants(source)]
    able = [number for number, (_, change) in enumerate(found) if change not in equivalent]
    unknown = {change for change in equivalent if change.startswith(f"{module}.")} - {change for _, change in found}
    if unknown:
        raise SystemExit("\n".join(["in mutants.toml, but no mutants:", *sorted(unknown)]))
    tried = numbers or sorted(random.Random(0).sample(able, min(n or len(able), len(able))))
    if not are_green(TESTS[module], folder, {}, limit=1200):
        raise SystemExit((folder / "log.txt").read_text(encoding="utf-8"))
    known, survivors = json.loads((folder / "seconds.json").read_text()), 0
    for number in tried:
        path.write_text(found[number][0], encoding="utf-8")
        os.utime(path, (number, number))  # or the bytecode of the mutant before might pass for this one's
        if are_green(TESTS[module], folder, known, limit=30 + 5 * sum(known.values())):
            survivors += 1
            print(f"survived {module}:{number} {found[number][1]}", flush=True)
    path.write_text(source, encoding="utf-8")
    caught, seconds = 1 - survivors / len(tried), time.monotonic() - started
    counts = f"{len(found)} mutants, {len(found) - len(able)} equivalent, {len(tried)} tried, {survivors} survived"
    print(f"{module:12} {counts}: {caught:.1%} caught, {seconds:.0f} s", flush=True)
    return caught


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=list(TESTS), help="modules, or mutants by their number")
    parser.add_argument("-n", type=int, default=60, help="mutants of each module; 0: all")
    options, chosen = parser.parse_args(), {}
    for what in options.what:
        module, _, number = what.partition(":")
        chosen.setdefault(module, []).extend([int(number)] if number else [])
    groups = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text(encoding="utf-8"))["equivalent"]
    equivalent = {change for group in groups for change in group["mutants"]}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary).resolve() / "course"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "build", "__pycache__"))
        os.environ |= {"PYTHONPATH": str(folder), **dict.fromkeys(ONE_THREAD, "1")}
        for name in SLOW:
            __import__(name)
        gc.freeze()
        scores = [score(module, numbers, options.n, folder, equivalent) for module, numbers in chosen.items()]
    sys.exit(min(scores) < LEAST)


if __name__ == "__main__":
    main()
