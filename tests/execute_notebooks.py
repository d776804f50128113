"""Run notebooks top to bottom and write them back, normalised, so that a second run changes nothing.

python tests/execute_notebooks.py [notebook ...]        (all of notebooks/ if none is named)
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
TRANSIENT = ("execution", "collapsed", "scrolled", "trusted", "ExecuteTime")
ANSWER = "answer"  # tag of a cell that answers a question: its output is hidden until a reader runs it
WIDGET = "application/vnd.jupyter.widget-view+json"


def join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Neighbouring pieces of one stream as one output: where a kernel cuts them is chance."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def is_progress(output: NotebookNode) -> bool:
    """Whether an output is a progress line: a widget without any text, gone by the end of its cell."""
    return output.output_type == "display_data" and set(output.data) == {WIDGET}


def hide_answer(cell: NotebookNode) -> None:
    """Hide the output of a cell that is tagged as an answer, and of no other. Running the cell opens it."""
    cell.metadata.pop("jupyter", None)
    if ANSWER in cell.metadata.get("tags", []):
        cell.metadata["jupyter"] = nbformat.from_dict({"outputs_hidden": True})


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Drop what differs from run to run (timing, widgets, version of Python); number the cells.

    A widget's view goes too: without its state, which would be megabytes, JupyterLab shows an error in its place. With
    the view gone, every reader is shown the picture and the text that stand beside it.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        for key in TRANSIENT:
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            hide_answer(cell)
            cell.outputs = join_streams([output for output in cell.outputs if not is_progress(output)])
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(path: Path) -> None:
    """Run the notebook at `path` in a fresh kernel and write it back. A failing cell raises CellExecutionError."""
    notebook = normalise(nbformat.read(path, as_version=4))
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    nbformat.write(normalise(notebook), path)


def main(names: list[str]) -> None:
    """Execute the named notebooks, or all."""
    paths = [Path(name) for name in names] or sorted(NOTEBOOKS.glob("*.ipynb"))
    for path in paths:
        print(path.name, flush=True)  # noqa: T201 - a script says where it is
        execute(path)


if __name__ == "__main__":
    main(sys.argv[1:])
