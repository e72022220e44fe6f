"""`benchmarks/render`: writes the figures of results/ into the documents, so that nobody types one.

A document says where: what stands between `<!-- figures: NAME -->` and `<!-- end of figures -->` is replaced.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.executor import table as executor_table
from benchmarks.harness import places
from benchmarks.harness.figures import DISTURBED_SHARE
from benchmarks.harness.result import Document, read_result
from benchmarks.harness.server import Server, load_servers
from benchmarks.harness.workload import WORKLOADS, Workload
from benchmarks.robustness import table as robustness_table

__all__ = ["BLOCKS", "documents", "main", "render_text"]

MARKED = re.compile(r"(<!-- figures: (?P<name>[a-z-]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
UNVALIDATED = "ᵘ"
RESULTS_FOLDER = "{results}"  # stands for the way from the document to the results
SHORT_TITLES = {
    "def-json": "`def` JSON",
    "async-json": "`async def` JSON",
    "sleep-json": "one `sleep(0)`",
    "typed": "typed path, query",
    "post-json": "POST JSON",
    "text-10k": "10 KB text",
}


def table(head: list[str], rows: list[list[str]], left: int = 1) -> str:
    """A Markdown table, its first `left` columns aligned left and the others right."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *rows))


def emphasis(server: str, words: list[str]) -> list[str]:
    return [f"**{word}**" if word else word for word in words] if server == "ours" else words


def summary_by_server(result: Document) -> dict[str, dict[str, Document]]:
    rows: dict[str, dict[str, Document]] = {}
    for row in result["summary"]:
        rows.setdefault(row["server"], {})[row["workload"]] = row
    return rows


def cpu_summary(result: Document, servers: dict[str, Server]) -> str:
    """One row per server, one column per workload: µs of CPU per request."""
    rows = summary_by_server(result)
    present = [w for w in WORKLOADS if any(w.name in columns for columns in rows.values())]

    def rank(name: str) -> tuple[bool, bool, float]:
        figures = sorted(row["cpu_us"]["median"] for row in rows[name].values())
        return name != "limit", name != "ours", figures[len(figures) // 2]

    lines = []
    for name in sorted(rows, key=rank):
        cells = [cpu_cell(rows[name].get(w.name), servers[name], w) for w in present]
        lines.append(emphasis(name, [servers[name].label, *cells]))
    drawn = table(["µs of CPU per request", *(SHORT_TITLES[w.name] for w in present)], lines)
    return drawn + (f"\n{UNVALIDATED} does not validate what it reads.\n" if UNVALIDATED in drawn else "")


def cpu_cell(row: Document | None, server: Server, workload: Workload) -> str:
    if row is None:
        return ""
    mark = f" {UNVALIDATED}" if server.notes.get(workload.name) == "unvalidated" else ""
    return f"{row['cpu_us']['median']:.1f}{mark}"


def chart(result: Document, servers: dict[str, Server]) -> str:
    return f"![Server CPU time per request, a panel per workload]({RESULTS_FOLDER}/cpu_per_request.svg)\n"


def cpu_tables(result: Document, servers: dict[str, Server]) -> str:
    """One table per workload with all that was measured."""
    head = ["server", "CPU µs/request", "least to greatest", "ratio", "requests/s", "p50 ms", "p99 ms"]
    parts = []
    for workload in WORKLOADS:
        rows = [row for row in result["summary"] if row["workload"] == workload.name]
        rows.sort(key=lambda row: row["cpu_us"]["median"])
        lines = [emphasis(row["server"], [label(row, servers, workload), *figures(row)]) for row in rows]
        if lines:
            parts.append(f"**{workload.title}**\n\n{table(head, lines)}")
    return "\n".join(parts)


def label(row: Document, servers: dict[str, Server], workload: Workload) -> str:
    server = servers[row["server"]]
    note = server.notes.get(workload.name)
    return f"{server.label} ({note})" if note else server.label


def figures(row: Document) -> list[str]:
    cpu, ratio = row["cpu_us"], row["ratio"]
    return [
        f"{cpu['median']:.2f}",
        f"{cpu['least']:.2f} to {cpu['greatest']:.2f}",
        f"{ratio['median']:.2f}" if ratio else "",
        f"{row['requests_per_s']['median']:,.0f}",
        f"{row['p50_us']['median'] / 1e3:.2f}",
        f"{row['p99_us']['median'] / 1e3:.2f}",
    ]


def not_measured(result: Document, servers: dict[str, Server]) -> str:
    lines = [
        [servers[row["server"]].label, row["workload"] or "all", row["reason"].replace("|", "\\|")]
        for row in result["not_measured"]
    ]
    return table(["server", "workload", "reason"], lines, left=3) if lines else "Everything was measured.\n"


def machine(result: Document, servers: dict[str, Server]) -> str:
    """One sentence on where and when the figures were made."""
    facts = result["machine"]
    kind = "a virtual machine" if facts["virtual"] else "a machine"
    changed = ", with changes" if result["modified"] else ""
    settings = result["settings"]
    return (
        f"Measured on {result['started'][:10]} at commit {result['commit'][:8]}{changed}, on {kind} with "
        f"{facts['cores']} cores ({facts['cpu']}), {facts['kernel']}, {facts['python']}, wrk {facts['wrk']}; "
        f"{settings['rounds']} rounds of {settings['seconds']} s, {settings['connections']} connections.\n"
    )


def versions(result: Document, servers: dict[str, Server]) -> str:
    used = {server.environment for server in servers.values()}
    lines = []
    for name, packages in result["versions"].items():
        if name in used or name == "limit":
            lines.append([name, ", ".join(f"{package} {version}" for package, version in packages.items())])
    return table(["environment", "versions"], lines, left=2)


def scaling(result: Document, servers: dict[str, Server]) -> str:
    summary, workers = result["summary"], result["settings"]["workers"]
    ours = ["FasterAPI, pinned workers", "one_worker_per_s", "all_workers_per_s", "ratio"]
    bare = ["bare processes (the machine's ceiling)", "one_process_per_s", "all_processes_per_s", "ceiling"]
    lines = [
        [name, f"{summary[one]['median']:.0f}", f"{summary[several]['median']:.0f}", f"{summary[ratio]['median']:.2f}"]
        for name, one, several, ratio in (ours, bare)
    ]
    return table(["CPU-bound handler, calls/s", "1", f"{workers}", "ratio"], lines)


def memory(result: Document, servers: dict[str, Server]) -> str:
    several = f"workers_{result['settings']['workers']}"
    head = [
        "server",
        "1 worker, MB",
        f"{several.removeprefix('workers_')} workers, MB",
        "all ready, s",
        "idle connection, KB",
    ]
    lines = []
    for row in result["summary"]:
        cells = [servers[row["server"]].label]
        cells += [memory_cell(row.get(key)) for key in ("workers_1", several)]
        cells.append(f"{row[several]['ready_s']['median']:.2f}" if several in row else "")
        cells.append(f"{row['idle']['rss_per_connection'] / 1024:.1f}" if "idle" in row else "")
        lines.append(emphasis(row["server"], cells))
    return (
        table(head, lines) + "\nRSS after some load; in parentheses PSS, which counts pages shared by processes once.\n"
    )


def memory_cell(figures: Document | None) -> str:
    if figures is None:
        return ""
    return f"{figures['warm_rss']['median'] / 1e6:.0f} ({figures['warm_pss']['median'] / 1e6:.0f})"


def soak(result: Document, servers: dict[str, Server]) -> str:
    summary = result["summary"]
    return (
        f"After {summary['requests']:,} requests the server held {summary['rss'] / 1e6:.1f} MB; "
        f"since the first tenth of them it had grown by {summary['growth']:.2%}.\n"
    )


def profile(result: Document, servers: dict[str, Server]) -> str:
    """One row per area of a request, one column per workload, the limit first."""
    columns = result["summary"]
    head = ["µs of CPU per request"]
    head += ["limit" if c["server"] == "limit" else SHORT_TITLES[c["workload"]] for c in columns]
    lines = [[area, *(f"{column[area]:.2f}" for column in columns)] for area in result["areas"]]
    lines.append(["**together**", *(f"**{column['cpu_us']:.2f}**" for column in columns)])
    return table(head, lines)


def instructions(result: Document, servers: dict[str, Server]) -> str:
    """One row per workload: a request alone, and one of several at once."""
    head = ["instructions of a request", "alone", f"{result['settings']['burst']} at once"]
    lines = [[SHORT_TITLES[row["workload"]], f"{row['alone']:,}", f"{row['in_burst']:,}"] for row in result["summary"]]
    return table(head, lines)


def executors(result: Document, servers: dict[str, Server]) -> str:
    """The table of `make bench-executor`, and what could not be measured."""
    drawn = table(executor_table.HEAD, executor_table.table_rows(result))
    gaps = executor_table.missing(result)
    return drawn + ("\nNot measured:\n\n" + "".join(f"- {gap}\n" for gap in gaps) if gaps else "")


def executors_machine(result: Document, servers: dict[str, Server]) -> str:
    facts, settings = result["machine"], result["settings"]
    kind = "a virtual machine" if facts["virtual"] else "a machine"
    peers = ", ".join(f"{name} {number}" for name, number in result["versions"].items() if name != "fasterapi")
    disturbed = sum(run["foreign_share"] > DISTURBED_SHARE for run in result["runs"])
    return (
        f"Measured on {result['started'][:10]} at commit {result['commit'][:8]}, on {kind} with {facts['cores']} cores "
        f"({facts['cpu']}), {facts['kernel']}, {facts['python']}{', ' if peers else ''}{peers}; "
        f"{settings['rounds']} rounds on cores {settings['cores'][0]} and {settings['cores'][1]}. In {disturbed} of "
        f"{len(result['runs'])} runs others took more than a tenth of these cores; they count all the same.\n"
    )


def shared(result: Document, servers: dict[str, Server]) -> str:
    lines = [[row["operation"], f"{row['ns']['median']:,.0f}"] for row in result["summary"]]
    return table(["operation", "ns"], lines)


def one_million(result: Document, servers: dict[str, Server]) -> str:
    lines = [
        [
            f"`{row['strategy']}`",
            f"{row['seconds']:.1f}",
            f"{row['requests_per_s']:,}",
            f"{row['totalRequests']:,}",
            f"{row['uniqueUsers']:,}",
            f"{row['sum']:,}",
            f"{row['average']}",
        ]
        for row in result["summary"]
    ]
    return table(["strategy", "s", "requests/s", "counted", "users", "sum", "average"], lines)


def robustness(result: Document, servers: dict[str, Server]) -> str:
    """The table of `make bench-robustness`, and what could not be measured."""
    rows = robustness_table.table_rows(result)
    drawn = table(robustness_table.HEAD, rows, left=len(robustness_table.HEAD))
    busy = any(entry["busy"] for entry in result["rows"])
    gaps = robustness_table.missing(result)
    return (
        drawn
        + ("\n\\* Other programs kept the machine busy before it.\n" if busy else "")
        + ("\nNot measured:\n\n" + "".join(f"- {gap}\n" for gap in gaps) if gaps else "")
    )


def robustness_machine(result: Document, servers: dict[str, Server]) -> str:
    facts = result["machine"]
    kind = "a virtual machine" if facts["virtual"] else "a machine"
    days = sorted({entry["started"][:10] for entry in result["rows"]})
    commits = ", ".join(sorted({entry["commit"][:8] for entry in result["rows"]}))
    sizes = ", ".join(sorted({entry["scale"] for entry in result["rows"]}))
    return (
        f"Measured on {' and '.join(days)} at commit {commits}, size {sizes}, on {kind} with {facts['cores']} cores "
        f"({facts['cpu']}), {facts['kernel']}, {facts['python']}.\n"
    )


BLOCKS: dict[str, tuple[str, Callable[[Document, dict[str, Server]], str]]] = {
    "cpu-chart": ("cpu_per_request.json", chart),
    "cpu-summary": ("cpu_per_request.json", cpu_summary),
    "cpu-tables": ("cpu_per_request.json", cpu_tables),
    "cpu-not-measured": ("cpu_per_request.json", not_measured),
    "cpu-machine": ("cpu_per_request.json", machine),
    "cpu-versions": ("cpu_per_request.json", versions),
    "scaling": ("scaling.json", scaling),
    "memory": ("memory.json", memory),
    "profile": ("profile.json", profile),
    "instructions": ("instructions.json", instructions),
    "soak": ("soak.json", soak),
    "executors": ("executor.json", executors),
    "executors-machine": ("executor.json", executors_machine),
    "shared": ("shared.json", shared),
    "robustness": ("robustness.json", robustness),
    "robustness-machine": ("robustness.json", robustness_machine),
    "one-million": ("one_million.json", one_million),
}
"""Name of a block → the result it is made from, and how."""


def render_text(text: str, results: Path, servers: dict[str, Server], folder: Path) -> str:
    """`text`, of a document in `folder`, with every marked block filled in. Raises KeyError for an unknown block."""

    def fill(match: re.Match[str]) -> str:
        file, draw = BLOCKS[match["name"]]
        path = results / file
        block = draw(read_result(path), servers) if path.exists() else "No result is kept of this.\n"
        block = block.replace(RESULTS_FOLDER, os.path.relpath(results, folder))
        return f"{match[1]}{block}{match[3]}"

    return MARKED.sub(fill, text)


def documents() -> list[Path]:
    """The Markdown files that may hold figures."""
    return [places.ROOT / "README.md", *sorted((places.ROOT / "docs").rglob("*.md")), *places.BENCHMARKS.glob("*.md")]


def main(words: list[str]) -> int:
    """Returns the exit status: with --check, 1 where a document differs from the results."""
    parser = argparse.ArgumentParser(prog="benchmarks/render", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a document is out of date")
    arguments = parser.parse_args(words)
    servers = load_servers()
    outdated = []
    for path in documents():
        text = path.read_text()
        rendered = render_text(text, places.RESULTS, servers, path.parent)
        if rendered != text:
            outdated.append(path)
            if not arguments.check:
                path.write_text(rendered)
    for path in outdated:
        print(f"{path.relative_to(places.ROOT)}: {'out of date' if arguments.check else 'written'}")
    return 1 if arguments.check and outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
