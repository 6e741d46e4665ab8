"""The drawing of the architecture page has the parts and the imports of the source."""

import ast
from itertools import chain
from xml.etree import ElementTree

import digitlens
from command import ROOT

SVG = ElementTree.parse(ROOT / "docs" / "architecture.svg").getroot()
ROOMS = ("runtime/digitlens", "train/digitlens_train", "export/digitlens_export")
BOXES = {
    module: element.attrib["id"]
    for element in SVG.iter("{http://www.w3.org/2000/svg}g")
    for module in element.attrib["data-modules"].split()
}
DRAWN = {
    (element.attrib["data-from"], element.attrib["data-to"])
    for element in SVG.iter("{http://www.w3.org/2000/svg}path")
    if "data-from" in element.attrib
}
Edges = set[tuple[str, str]]


def sources() -> dict[str, str]:
    """Give the text of every module of the three packages, by name."""
    found = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            name = ".".join(path.relative_to((ROOT / room).parent).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path.read_text()
    return found


MODULES = sources()


def box(module: str) -> str:
    """Give the box that a module is drawn in: its own, else that of its package."""
    package = module
    while package not in BOXES:
        package = package.rpartition(".")[0]
    assert package != "digitlens" or module == package, f"{module} is not drawn"
    return BOXES[package]


def imported(text: str) -> set[str]:
    """Give the modules of ours that are imported to run, not for their types alone."""
    tree = ast.parse(text)
    for_types = [n for n in ast.walk(tree) if isinstance(n, ast.If)
                 and ast.unparse(n.test) == "TYPE_CHECKING"]  # fmt: skip
    left_out = {id(n) for each in for_types for n in chain(*map(ast.walk, each.body))}
    found = set()
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {module_of(node.module, alias.name) for alias in node.names}
    return found & MODULES.keys()


def module_of(module: str, name: str) -> str:
    """Give the module that `from module import name` is about."""
    if f"{module}.{name}" in MODULES:
        return f"{module}.{name}"
    home = getattr(getattr(digitlens, name, None), "__module__", None)
    if module == "digitlens" and home in MODULES:
        return home  # what the package offers at its door
    return module


def edges() -> Edges:
    """Give the imports between boxes; `python -m digitlens_train` only opens the command line."""
    found = {
        (box(module), box(other))
        for module, text in MODULES.items()
        if not module.endswith("__main__")
        for other in imported(text)
    }
    return {(one, other) for one, other in found if one != other}


def reachable(found: Edges, start: str) -> set[str]:
    """Give the boxes that can be reached from one; fails where there is a circle."""
    below = {other for one, other in found if one == start}
    return below.union(*(reachable(found, each) for each in below))


def test_every_module_is_in_a_box() -> None:
    assert {box(module) for module in MODULES} == set(BOXES.values())
    assert BOXES.keys() <= MODULES.keys()


def test_the_arrows_are_the_imports_without_those_that_others_imply() -> None:
    found = edges()
    needed = {
        (one, other)
        for one, other in found
        if not any(other in reachable(found, between) for start, between in found if start == one)
    }
    assert needed == DRAWN
