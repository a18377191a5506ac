"""A page of ``learn`` as Markdown, for the command line and for exports."""

from __future__ import annotations

from advisor.learn import Page


def markdown(page: Page) -> str:
    """The whole page."""
    lines = [f"# {page.title}", ""]
    for section in page.sections:
        if not (section.paragraphs or section.picture or section.table or section.points):
            continue
        lines += [f"## {section.title}", ""] if section.title else []
        for paragraph in section.paragraphs:
            lines += [paragraph, ""]
        if section.picture:
            lines += ["```text", *section.picture, "```", ""]
        if section.points:
            lines += [*(f"- {point}" for point in section.points), ""]
        if section.table is not None:
            lines += ["| " + " | ".join(section.table.headers) + " |", "|" + "---|" * len(section.table.headers)]
            lines += ["| " + " | ".join(row) + " |" for row in section.table.rows]
            lines.append("")
    lines += ["## Sources", "", *(f"- {source}" for source in page.sources)]
    return "\n".join(lines)
