"""What a chapter's outputs depend on besides its own cells: the definitions of `aelib` it uses, and stored tables.

Hashes of them are stored with the outputs, so that a test sees when one of them changed afterwards. A docstring, a
comment, the order of definitions, and what the chapter does not use are left out: a change there changes no output.
"""

import ast
import functools
import hashlib
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLES = "experiments/results"


def sources(notebook, root=ROOT):
    """Hashes by file, relative to the root: of the definitions in a module of `aelib` that are used, of a whole table.

    Used is what the cells name, what that names in turn, what a module does when it is imported, and the markers of
    the chapter whose exercises the cells mark.
    """
    cells = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    code = Module(ast.parse("\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in cells.splitlines())))
    found, todo = {}, [*code.uses(code.statements), *((f"aelib.exercises.ch{n}", None) for n in _marked(code))]
    while todo:
        name, definition = todo.pop()
        module = _module(root, name)
        if module is None or definition in found.setdefault(name, set()):
            continue
        if not found[name]:  # the first time, what happens on import
            found[name].add("")
            todo += module.uses(module.statements)
        found[name].add(definition)
        todo += module.reached(name, definition)
    hashes = {}
    for name, definitions in found.items():
        module = _module(root, name)
        hashes[module.path.relative_to(root).as_posix()] = _hash(json.dumps(module.content(definitions)).encode())
    for table in _tables(code, root):
        path = root / TABLES / f"{table}.csv"
        hashes[f"{TABLES}/{table}.csv"] = _hash(path.read_bytes().replace(b"\r\n", b"\n")) if path.is_file() else None
    return dict(sorted(hashes.items()))


class Module:
    """A parsed module: its definitions by name, what its names import, and its other statements."""

    def __init__(self, tree, path=None):
        self.path, self.definitions, self.imports, self.statements = path, {}, {}, []
        for node in tree.body:
            names = []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Assign | ast.AnnAssign) and path:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [part.id for part in ast.walk(ast.Tuple(targets)) if isinstance(part, ast.Name)]
            elif isinstance(node, ast.Import | ast.ImportFrom):
                origin = getattr(node, "module", None)
                for alias in node.names:
                    self.imports[alias.asname or alias.name] = origin, alias.name
                continue
            for name in names if path else []:
                self.definitions.setdefault(name, []).append(node)
            if not (names and path) and not _is_docstring(node):
                self.statements.append(node)

    def uses(self, nodes):
        """Pairs of module and definition that these nodes name; the definition is None for a whole module."""
        for node in (part for top in nodes for part in ast.walk(top)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield from self._resolved(node.value.id, node.attr)
            elif isinstance(node, ast.Name):
                yield from self._resolved(node.id)
            elif isinstance(node, ast.Import | ast.ImportFrom):  # inside a function
                for alias in node.names:
                    if getattr(node, "module", None) and node.module.startswith("aelib."):
                        yield node.module, alias.name

    def _resolved(self, name, attribute=None):
        origin, original = self.imports.get(name, (None, None))
        if origin == "aelib":
            yield f"aelib.{original}", attribute or ""
        elif origin and origin.startswith("aelib."):
            yield origin, original

    def reached(self, name, definition):
        """What a definition of this module, which has this name, uses in turn."""
        nodes = self.definitions.get(definition, [])
        if definition is None:
            nodes = [node for all_of_it in self.definitions.values() for node in all_of_it]
        yield from self.uses(nodes)
        for node in (part for top in nodes for part in ast.walk(top)):
            if isinstance(node, ast.Name) and (node.id in self.definitions or node.id in self.imports):
                yield name, node.id

    def content(self, definitions):
        """What is hashed of the module."""
        names = sorted(self.definitions) if None in definitions else sorted(definitions & set(self.definitions))
        imported = sorted(set(self.imports) if None in definitions else definitions & set(self.imports))
        return [
            [_plain(node) for node in self.statements],
            [[name, [_plain(node) for node in self.definitions[name]]] for name in names],
            [[name, self.imports[name]] for name in imported],
        ]


def _module(root, name):
    """The module of this name, or None: what is imported from one may be a module too."""
    path = root.joinpath(*name.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return _parsed(file, file.stat().st_mtime_ns)
    return None


@functools.lru_cache
def _parsed(path, _):
    return Module(ast.parse(path.read_text(encoding="utf-8")), path)


def _calls(code, name):
    for node in (part for top in code.statements for part in ast.walk(top)):
        if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", None), getattr(node.func, "id", None)):
            yield node.args[0] if node.args else node.keywords[0].value


def _marked(code):
    """Chapters whose exercises are marked: "05" for `exercises.mark("5.1", ...)`."""
    arguments = (argument for argument in _calls(code, "mark") if isinstance(argument, ast.Constant))
    return sorted({f"{argument.value.partition('.')[0]:0>2}" for argument in arguments})


def _tables(code, root):
    """Tables that the code loads: their names are written out in the call, or anywhere in the code."""
    arguments = list(_calls(code, "load_results"))
    if all(isinstance(argument, ast.Constant) for argument in arguments):
        return sorted({argument.value for argument in arguments})
    stems = {path.stem for path in (root / TABLES).glob("*.csv")}
    texts = (part.value for top in code.statements for part in ast.walk(top) if isinstance(part, ast.Constant))
    return sorted(stems & {text for text in texts if isinstance(text, str)})


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _plain(node):
    """A node as nested lists, the same for each version of Python: `ast.dump` is not."""
    if isinstance(node, list):
        return [_plain(item) for item in node if not _is_docstring(item)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, getattr(node, name, None)) for name in node._fields if name not in ("ctx", "type_comment", "kind")]
    return [type(node).__name__, *([name, _plain(value)] for name, value in fields if value not in (None, []))]


def _hash(content):
    return hashlib.sha256(content).hexdigest()[:16]
