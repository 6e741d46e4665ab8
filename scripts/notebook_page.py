"""A hook of MkDocs: every notebook below docs/ is executed and becomes a page.

The cells run from top to bottom, in a kernel and a folder of their own. The text goes through
MkDocs like that of any other page, so its links are checked; outputs follow their cells. An error
in a cell ends the build. The notebook itself stays as it is, and keeps no outputs.

A cell that draws needs words for those who cannot see it: its metadata has them as `alt`.
"""

import base64
import os
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from traitlets.config import Config

TIMEOUT_S = 300
"""For one cell; the walkthrough's longest takes a few seconds on two cores."""


class NotebookPage(File):
    """A notebook that MkDocs takes for Markdown."""

    def is_documentation_page(self) -> bool:
        """Say that it is a page, whatever its ending."""
        return True


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put a page, and its pictures, in the place of every notebook."""
    for file in [each for each in files if each.src_uri.endswith(".ipynb")]:
        notebook = nbformat.reads(file.content_string, as_version=4)
        _execute(notebook, file.src_uri)
        text, pictures = to_markdown(notebook, file.name)
        page = NotebookPage.generated(config, file.src_uri, content=text)
        files.remove(file)
        files.append(page)
        for name, picture in pictures.items():
            uri = str(PurePosixPath(file.src_uri).with_name(name))
            files.append(File.generated(config, uri, content=picture))
    return files


def to_markdown(notebook: NotebookNode, stem: str) -> tuple[str, dict[str, bytes]]:
    """Give an executed notebook as Markdown, and its pictures as PNG by file name.

    Raises:
        PluginError: a picture has no `alt`, or an output can be shown in none of the known ways.
    """
    parts, pictures = [], {}
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(_fenced(cell.source, "python"))
        for output in cell.outputs:
            if output.get("name") == "stderr":
                continue  # progress and warnings
            data = output.get("data", {"text/plain": output.get("text")})
            if "image/png" in data:
                if "alt" not in cell.metadata:
                    raise PluginError(f"{stem}, cell {number}: a picture without 'alt'")
                name = f"{stem}-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![{cell.metadata['alt']}]({name})")
            elif data.get("text/plain"):
                parts.append(_fenced(data["text/plain"].rstrip(), "text"))
            else:
                raise PluginError(f"{stem}, cell {number}: an output of {', '.join(data)}")
    return "\n\n".join(parts) + "\n", pictures


def _execute(notebook: NotebookNode, name: str) -> None:
    """Run all cells; what they print and draw is in `notebook` afterwards."""
    with TemporaryDirectory() as folder:
        quiet = {"IPYTHONDIR": str(Path(folder) / "ipython"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT_S,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            config=Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"}),
        )
        try:
            client.execute(env=os.environ | quiet)
        except CellExecutionError as error:
            raise PluginError(f"{name}: a cell failed\n{error}") from error


def _fenced(text: str, language: str) -> str:
    return f"````{language}\n{text}\n````"
