"""The page of a run: what it was, its graph, its steps in time, metrics, artifacts, parameters, stack."""

from __future__ import annotations

import math
import re
from collections import Counter

from dovetail.builtin.page import chart, markup
from dovetail.builtin.page.document import document
from dovetail.builtin.page.graph import SYMBOLS, draw_graph
from dovetail.builtin.page.markup import text
from dovetail.builtin.page.snapshot import ArtifactSnapshot, RunSnapshot, StepSnapshot

_SHORT_COMMIT = 10
_SHORT_DIGEST = 12
_WIDE_TYPE = 30
_LONGEST_TYPE = 1000
_MODULES = re.compile(r"(?:\w+\.)+")
# So many errors are told on top.
_TOLD = 10
# A series with fewer points is a number, not a line.
_LINE = 2


def run_page(run: RunSnapshot) -> str:
    """Return the whole page."""
    parts = [_head(run), _trouble(run)]
    if run.steps:
        parts.append(markup.section("graph", "Graph", draw_graph(run.steps)))
        parts.append(markup.section("steps", "Steps", _timeline(run), "in the order of the plan"))
    parts += [_metrics(run), _artifacts(run), _parameters(run), _stack(run), _versions(run)]
    return document(f"{run.name} · {run.pipeline}", "".join(parts))


def _status(status: str) -> str:
    return (
        f'<span class="status {text(status)}"><span>{SYMBOLS.get(status, "?")}</span> {text(status)}</span>'
    )


def _head(run: RunSnapshot) -> str:
    counts = Counter(step.status for step in run.steps)
    artifacts = [each for step in run.steps for each in step.artifacts]
    code = "no git" if run.commit is None else run.commit[:_SHORT_COMMIT]
    tiles = [
        ("Duration", markup.seconds(run.duration), markup.moment(run.started)),
        (
            "Steps",
            str(len(run.steps)),
            ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "none",
        ),
        ("Artifacts", str(len(artifacts)), markup.size(sum(each.size for each in artifacts))),
        ("Code", code, "with changes not committed" if run.dirty else "as committed" if run.commit else ""),
        ("Stack", run.stack_name, markup.plural(len(run.stack), "component")),
    ]
    shown = "".join(
        f'<div class="tile"><span>{text(name)}</span><b title="{text(value)}">{text(value)}</b>'
        f"<small>{text(note)}</small></div>"
        for name, value, note in tiles
    )
    return (
        f"<header><p>run of pipeline <strong>{text(run.pipeline)}</strong></p>"
        f"<h1>{text(run.name)} {_status(run.status)}</h1>"
        f'<p class="id">{text(run.id)}</p></header>\n<div class="tiles">{shown}</div>\n'
    )


def _trouble(run: RunSnapshot) -> str:
    told = [("the run", run.error)] if run.error else []
    told += [(f"step {step.name}", step.error) for step in run.steps if step.error]
    shown = "".join(
        f'<div class="trouble"><b>{text(who)}</b><pre>{text(what)}</pre></div>\n'
        for who, what in told[:_TOLD]
    )
    more = len(told) - _TOLD
    return f"{shown}<p>and {markup.plural(more, 'step')} more that failed</p>" if more > 0 else shown


def _timeline(run: RunSnapshot) -> str:
    """Return the steps with a bar each for when and how long they ran."""
    ends = [(step.offset or 0.0) + (step.duration or 0.0) for step in run.steps]
    total = max([run.duration or 0.0, *ends]) or 1.0
    rows = [
        [
            f'<span id="s{number}" class="anchor"></span>{_status(step.status)}',
            text(step.name),
            _bar(step, total),
            markup.seconds(None if step.status == "cached" else step.duration),
        ]
        for number, step in enumerate(run.steps)
    ]
    headings = ["", "step", "time", "took"]
    if any(step.attempts > 1 for step in run.steps):
        headings.append("tries")
        rows = [[*row, str(step.attempts or "")] for row, step in zip(rows, run.steps, strict=True)]
    return markup.table(headings, rows, numeric=frozenset({3, 4}))


def _bar(step: StepSnapshot, total: float) -> str:
    if step.offset is None or step.duration is None:
        return '<div class="track"></div>'
    start = min(max(step.offset, 0.0) / total * 100, 99.5)
    share = min(max(step.duration / total * 100, 0.5), 100 - start)
    says = text(f"{markup.seconds(step.offset)} after the start, for {markup.seconds(step.duration)}")
    style = f"left:{start:.2f}%;width:{share:.2f}%"
    return f'<div class="track" title="{says}"><i class="{text(step.status)}" style="{style}"></i></div>'


def _metrics(run: RunSnapshot) -> str:
    by_name: dict[str, dict[str, chart.Points]] = {}
    rows = []
    for step in run.steps:
        for name, values in step.metrics.items():
            points = chart.series_of(values)
            if len(points) >= _LINE:
                by_name.setdefault(name, {})[step.name] = points
            finite = [value for _, value in values if math.isfinite(value)]
            lowest, highest = (markup.number(pick(finite)) if finite else "–" for pick in (min, max))  # noqa: RUF001
            last = markup.number(values[-1][1])
            rows.append(
                [text(name), text(step.name), f"<b>{text(last)}</b>", lowest, highest, str(len(values))]
            )
    if not rows:
        return ""
    colours = {
        step: place
        for place, step in enumerate(dict.fromkeys(step for one in by_name.values() for step in one))
    }
    charts = "".join(chart.draw_chart(name, series, colours) for name, series in sorted(by_name.items()))
    numbers = markup.table(
        ["metric", "step", "last", "lowest", "highest", "values"], rows, numeric=frozenset({2, 3, 4, 5})
    )
    return markup.section(
        "metrics", "Metrics", (f'<div class="charts">{charts}</div>' if charts else "") + numbers
    )


def _artifacts(run: RunSnapshot) -> str:
    rows = [_artifact(each) for step in run.steps for each in step.artifacts]
    if not rows:
        return ""
    headings = ["artifact", "type", "size", "what it is", "stored by", "digest"]
    return markup.section("artifacts", "Artifacts", markup.table(headings, rows, numeric=frozenset({2})))


def _artifact(artifact: ArtifactSnapshot) -> list[str]:
    known = {**artifact.summary, **artifact.metadata}
    digest = artifact.digest.rpartition(":")[2]
    about = ", ".join(f"{name} {markup.literal(value)}" for name, value in known.items())
    return [
        f"{text(artifact.step)}.<b>{text(artifact.name)}</b>",
        f'<code title="{text(artifact.type)}">{text(_short_type(artifact.type))}</code>',
        markup.size(artifact.size),
        f'<span title="{text(about)}">{text(markup.shortened(about, 90))}</span>',
        text(artifact.materializer),
        f'<code title="{text(artifact.digest)}">{text(digest[:_SHORT_DIGEST])}</code>',
    ]


def _short_type(name: str) -> str:
    """Return a type without the modules, where the whole would take the width of the page."""
    if len(name) <= _WIDE_TYPE:
        return name
    short = _MODULES.sub("", name[:_LONGEST_TYPE])
    return short if len(name) <= _LONGEST_TYPE else f"{short}..."


def _parameters(run: RunSnapshot) -> str:
    rows = [
        [text(step.name), text(name), f"<code>{text(markup.literal(value))}</code>"]
        for step in run.steps
        for name, value in step.parameters.items()
    ]
    if not rows:
        return ""
    return markup.section("parameters", "Parameters", markup.table(["step", "parameter", "value"], rows))


def _stack(run: RunSnapshot) -> str:
    rows = [
        [text(kind.replace("_", " ")), f"<b>{text(name)}</b>", f"<code>{text(flavor)}</code>"]
        for kind, (name, flavor) in run.stack.items()
    ]
    return (
        markup.section("stack", "Stack", markup.table(["type", "component", "flavor"], rows)) if rows else ""
    )


def _versions(run: RunSnapshot) -> str:
    values = [(name, f"<code>{text(version)}</code>") for name, version in run.versions.items()]
    if run.commit is not None:
        values.insert(0, ("git commit", f"<code>{text(run.commit)}</code>"))
    return markup.section("versions", "Versions", markup.pairs(values)) if values else ""
