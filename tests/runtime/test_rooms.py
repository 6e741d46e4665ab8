"""Imports run one way: the runtime imports no sibling, and nothing of PyTorch."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command import ROOT

RUNTIME = ROOT / "runtime" / "digitlens"
TRAIN, EXPORT = ROOT / "train" / "digitlens_train", ROOT / "export" / "digitlens_export"
ROOMS = (RUNTIME, TRAIN, EXPORT)
GROUND = {
    "digitlens",
    "digitlens.contract",
    "digitlens.errors",
    "digitlens.files",
    "digitlens.folders",
    "digitlens.mnist",
}
VISION = "digitlens.vision"
"""What training may import of the runtime: facts, habits, and how glyphs come out of a picture.

No network and no camera; `digitlens.vision` takes OpenCV with it.
"""


SERVING = {"anyio", "h11", "starlette", "uvicorn", "websockets"}
"""What the extra `serve` brings; starlette brings anyio, uvicorn h11."""


NEEDS_RAY = "digitlens.batch.cluster"
BATCH = {"pyarrow", "ray", "tqdm"}
"""What the extras `batch` and `ray` bring."""


def modules(folder: Path) -> list[str]:
    paths = sorted(folder.rglob("*.py"))
    names = [".".join(path.relative_to(folder.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


ALL_MODULES = {name for room in ROOMS for name in modules(room)}


def imports(folder: Path) -> set[str]:
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= (inner & ALL_MODULES) or {node.module}
    return found


FORBIDDEN = ["torch", "torchvision", "digitlens_train", "digitlens_export", "onnx", "matplotlib",
             "PIL", "scipy"]  # fmt: skip
IMPORTING = """
import os, sys, traceback
names, forbidden, libraries = map(str.split, sys.argv[1:])
for name in forbidden:
    sys.modules[name] = None
for name in libraries:
    __import__(name)
for name in names:  # each in a process that has the libraries already, and nothing of digitlens
    if not (child := os.fork()):
        try:
            __import__(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(name)
"""


def import_without(forbidden: list[str], names: list[str], libraries: set[str]) -> None:
    words = [" ".join(each) for each in (names, forbidden, sorted(libraries))]
    command = [sys.executable, "-c", IMPORTING, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_every_runtime_module_can_be_imported_without_torch() -> None:
    names = [name for name in modules(RUNTIME) if name != NEEDS_RAY]
    assert len(names) > 100
    libraries = {"cv2", "numpy", "onnxruntime", "pyarrow", "tqdm", *SERVING}
    import_without([*FORBIDDEN, "pandas"], names, libraries)


@pytest.mark.extras
def test_the_engine_on_ray_can_be_imported_without_torch() -> None:
    import_without(FORBIDDEN, [NEEDS_RAY], set())  # Ray Data itself is built on pandas


def test_a_module_that_needs_what_is_forbidden_is_found() -> None:
    with pytest.raises(AssertionError, match=r"halted; None in sys\.modules"):
        import_without(["cv2"], ["digitlens.errors", "digitlens.vision.candidates"], {"numpy"})


def test_the_runtime_imports_only_its_four_dependencies() -> None:
    roots = {name.partition(".")[0] for name in imports(RUNTIME)} - set(sys.stdlib_module_names)
    known = {"digitlens", "click", "cv2", "numpy", "onnxruntime"}
    assert roots - {"matplotlib"} - SERVING - BATCH == known


@pytest.mark.parametrize(
    ("packages", "users"),
    [(SERVING, {"serve"}), (BATCH, {"batch"}), ({"ray"}, {"batch/cluster.py"})],
)
def test_only_what_is_built_with_the_packages_of_an_extra_imports_them(
    packages: set[str], users: set[str]
) -> None:
    found = {
        path.relative_to(RUNTIME).as_posix()
        for path in RUNTIME.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if any(is_import_of(node, root) for root in packages)
    }
    assert found
    assert {path for path in found if not any(path.startswith(user) for user in users)} == set()


def test_only_the_benchmarks_plot_and_command_import_matplotlib_when_they_are_asked_to() -> None:
    users = set()
    for path in RUNTIME.rglob("*.py"):
        tree = ast.parse(path.read_text())
        inside = {id(node) for each in functions(tree) for node in ast.walk(each)}
        for node in ast.walk(tree):
            if is_import_of(node, "matplotlib"):
                users.add(path.relative_to(RUNTIME).as_posix())
                assert id(node) in inside or is_for_types_alone(tree, node), path
    assert users == {"bench/plot.py", "cli/bench.py"}


def functions(tree: ast.Module) -> list[ast.AST]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def is_import_of(node: ast.AST, root: str) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] == root for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == root


def is_for_types_alone(tree: ast.Module, node: ast.AST) -> bool:
    """Tell whether an import stands below `if TYPE_CHECKING`, which no run reaches."""
    return any(
        isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING" and node in each.body
        for each in tree.body
    )


def test_training_imports_only_the_common_ground_of_the_runtime() -> None:
    names = imports(TRAIN)
    door = "from digitlens.cli import main"
    users = [path.name for path in TRAIN.rglob("*.py") if door in path.read_text()]
    assert users == ["__main__.py"]
    names.remove("digitlens.cli")
    runtime = {name for name in names if name.partition(".")[0] == "digitlens"}
    assert {name for name in runtime if not name.startswith(VISION)} <= GROUND
    assert not any(name.startswith("digitlens_export") for name in names)


@pytest.mark.parametrize(
    ("word", "home"),
    [
        ("imshow", "window.py"),
        ("InferenceSession(", "bench/worker.py"),
        ("readNetFromONNX", "bench/peer_worker.py"),
    ],
)
def test_only_one_module_opens_windows_or_makes_sessions(word: str, home: str) -> None:
    users = [path for path in RUNTIME.rglob("*.py") if word in path.read_text()]
    assert [path.relative_to(RUNTIME).as_posix() for path in users] == [home]


def test_telemetry_is_off_before_onnxruntime_is_imported() -> None:
    code = (
        "import os, digitlens, digitlens.session; assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    )
    unset = {name: v for name, v in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], check=True, env=unset)
