"""What a plan answers, in six tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from advisor.report import percent_text, seconds_text, usd_text
from tui.plan_cells import FRONT, MONTHS, NO, OTHERS, SERIES, YES, moments, numbered
from tui.widgets import plan_plots
from tui.widgets.bars import bar
from tui.widgets.plot_place import PlotPlace
from tui.widgets.reader import Reader, Section, facts, listed
from tui.widgets.row_table import RowTable
from tui.widgets.tabbed import Tabbed

if TYPE_CHECKING:
    from rich.table import Table

    from advisor.planning.result import Choice, MixedChoice, Plan, RunnerUp
    from tui.plan_cells import Numbered

BAR = 8


INVITATION: tuple[Section, ...] = (
    ("What happens then", "Every model, format, machine and layout that the form allows is bounded from below in "
     "price; the cheapest are simulated, request by request, until nothing that is left can be cheaper."),
    ("What stands here afterwards", "The cheapest machines that keep every promise, with percentiles against their "
     "limits; the front of price against latency; one run over time; money over the months, on other terms and against "
     "hosted models; why others lost; and the command lines that start a replica."),
    ("How long it takes", "Seconds for a few models and machines, up to a minute for many; s stops it at any time."),
)  # fmt: skip


EARLIER = "Answer to an earlier form: the form was changed after this was planned."


class PlanResult(Tabbed):
    """Plan, front, run over time, money, others, launch lines."""

    TABS = (
        ("answer", "#summary"), ("front", "#front"), ("time", "#moments"), ("cost", "#months"), ("others", "#others"),
        ("launch", "#launch"),
    )  # fmt: skip
    """Tab and what takes the focus in it."""
    TITLES = ("1 Plan", "2 Front", "3 Time", "4 Cost", "5 Others", "6 Launch")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "Plot", tooltip="Another quantity in the plot", id="plan.view")
    ]
    earlier: reactive[bool] = reactive(False, init=False)
    """Whether the form asks something else by now."""
    latency: reactive[int] = reactive(0, init=False)
    over_time: reactive[int] = reactive(0, init=False)
    apis: reactive[bool] = reactive(False, init=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.plan: Plan | None = None

    def compose(self) -> ComposeResult:
        """The tabs, and above them what makes the answer out of date."""
        yield Static("✗ Answer to an earlier form; s plans it as it is now", id="earlier")
        yield self.bar()
        with self.pane("answer"):
            yield Reader(id="summary")
            yield PlotPlace(views=True, id="overview")
        with self.pane("front"):
            yield PlotPlace(views=True, id="front-plot")
            yield RowTable(FRONT, lambda n: str(n.number), id="front", empty="no plan yet")
            yield Reader(id="chosen")
        with self.pane("time"):
            yield PlotPlace(views=True, id="time-plot")
            yield RowTable(SERIES, lambda m: str(m.index), id="moments", empty="no plan yet")
        with self.pane("cost"):
            yield PlotPlace(views=True, id="cost-plot")
            yield RowTable(MONTHS, lambda m: str(m.month), id="months", empty="no plan yet")
            yield Reader(id="terms")
        with self.pane("others"):
            yield RowTable(OTHERS, lambda r: f"{r.way} {r.why}", id="others", empty="no plan yet")
            yield Reader(id="lost")
        with self.pane("launch"):
            yield Reader(id="launch")

    def invite(self) -> None:
        """There is no plan yet: say what one is."""
        self.query_one("#summary", Reader).read(Content("Press s to find the cheapest plan."), INVITATION)
        self.query_one("#launch", Reader).read(Content("Command lines stand here once there is a plan."), ())

    def clear(self) -> None:
        """Take the answer away."""
        self.plan, self.earlier = None, False
        self.remove_class("-planned")
        for name in ("#front", "#moments", "#months", "#others"):
            table = self.query_one(name, RowTable)
            table.empty = "no plan yet"
            table.show_rows((), follow=False)
            table.border_title = ""
        for name in ("#chosen", "#terms", "#lost"):
            self.query_one(name, Reader).read(Content(""), ())
        self.invite()
        self._draw_all()

    def watch_earlier(self) -> None:
        """Say so on every tab, and dim what is out of date."""
        self.set_class(self.earlier, "-earlier")

    @property
    def row(self) -> Any:
        """The row under the cursor of the tab in view; ``None`` where there is no table."""
        table = {"front": "#front", "time": "#moments", "cost": "#months", "others": "#others"}.get(self.active)
        return None if table is None else self.query_one(table, RowTable).row

    # Filling

    def show(self, plan: Plan) -> None:
        """Show an answer."""
        self.plan = plan
        self.add_class("-planned")
        self.query_one("#summary", Reader).read(_title(plan), _summary(plan))
        table = self.query_one("#front", RowTable)
        table.empty = "nothing keeps the promises"
        table.show_rows(numbered(plan), follow=False)
        table.border_title = "No plan beats another in price and latency"
        series = self.query_one("#moments", RowTable)
        series.empty = "nothing was simulated over time"
        series.show_rows(moments(plan.series), follow=False)
        series.border_title = "One simulated run of the busiest hour"
        months = self.query_one("#months", RowTable)
        months.show_rows(plan.months, follow=False)
        months.border_title = Content(_growth(plan))
        self.query_one("#terms", Reader).read(Content(""), _terms(plan))
        others = self.query_one("#others", RowTable)
        others.empty = "nothing else was considered"
        others.show_rows(plan.runners_up, follow=False)
        others.border_title = "Why others lost"
        self.query_one("#launch", Reader).read(Content(""), _launch(plan))
        self._draw_all()

    def _draw_all(self) -> None:
        self._draw_front()
        self._draw_time()
        self._draw_cost()

    def _draw_front(self) -> None:
        """The front beside its table, and in a large window below the plan too."""
        table, names = self.query_one("#front", RowTable), plan_plots.LATENCIES
        for where, numbers in (("#front-plot", "numbers as in the table"), ("#overview", "numbers as in 2 Front")):
            place = self.query_one(where, PlotPlace)
            place.border_title = Content(f"{names[self.latency]} against $ per hour; {numbers}")
            place.border_subtitle = "\\[v] " + ", ".join(name for k, name in enumerate(names) if k != self.latency)
            place.show(plan_plots.front(table.rows, names[self.latency], table.row))

    def _draw_time(self) -> None:
        place, view = self.query_one("#time-plot", PlotPlace), plan_plots.OVER_TIME[self.over_time]
        keys = "  ".join(f"[${c}]━━[/] {label}" for (label, _), c in zip(view.series, plan_plots.COLOURS, strict=False))
        place.border_title = f"{view.title} over time  {keys}"
        place.border_subtitle = "\\[v] " + ", ".join(v.title for v in plan_plots.OVER_TIME if v is not view)
        place.show(plan_plots.over_time(self.query_one("#moments", RowTable).rows, view))

    def _draw_cost(self) -> None:
        place = self.query_one("#cost-plot", PlotPlace)
        place.border_title = "$ per month" + (", and hosted models" if self.apis else "")
        place.border_subtitle = "\\[v] " + ("this plan alone" if self.apis else "with hosted models")
        place.show(None if self.plan is None else plan_plots.months(self.plan, self.apis))

    def watch_latency(self) -> None:
        """Another latency."""
        self._draw_front()

    def watch_over_time(self) -> None:
        """Another quantity."""
        self._draw_time()

    def watch_apis(self) -> None:
        """With or without hosted models."""
        self._draw_cost()

    def action_view(self) -> None:
        """The next quantity of the plot in view."""
        match self.active:
            case "answer" | "front":
                self.latency = (self.latency + 1) % len(plan_plots.LATENCIES)
            case "time":
                self.over_time = (self.over_time + 1) % len(plan_plots.OVER_TIME)
            case "cost":
                self.apis = not self.apis

    @on(PlotPlace.Next)
    def _next(self, event: PlotPlace.Next) -> None:
        event.stop()
        self.action_view()

    @on(RowTable.Highlighted, "#front")
    def _chosen(self, event: RowTable.Highlighted) -> None:
        event.stop()
        self._draw_front()
        row: Numbered | None = event.row
        sections: list[Section] = []
        self.query_one("#front", RowTable).border_subtitle = Content(row.choice.way if row is not None else "")
        if row is not None:
            c = row.choice
            price = f"{usd_text(c.usd_per_hour)} per hour, {usd_text(c.usd_per_month)} per month ({c.price_basis})"
            sections = [("", price), ("Percentiles", _percentiles(c))]
        title = Content.styled(row.choice.way, "bold $text-primary") if row is not None else Content("")
        self.query_one("#chosen", Reader).read(title, sections)

    @on(RowTable.Highlighted, "#others")
    def _lost(self, event: RowTable.Highlighted) -> None:
        event.stop()
        row: RunnerUp | None = event.row
        title = Content.styled(row.way, "bold $text-primary") if row is not None else Content("")
        how = "" if row is None else "It was simulated." if row.simulated else "Its bounds alone say so."
        self.query_one("#lost", Reader).read(title, [] if row is None else [("Why it lost", row.why), ("", how)])


def _title(plan: Plan) -> Content:
    if plan.best is not None and plan.budget_breaks_in is not None:
        said = f" within the budget only until month {plan.budget_breaks_in - 1}"
        return Content.assemble((f"{NO} {plan.best.way}", "bold $text-error"), said)
    if plan.best is not None:
        mark: tuple[str, str] = (f"{YES} ", "bold $text-success")
        return Content.assemble(mark, (plan.best.way, "bold $text-primary"))
    return Content.assemble((f"{NO} No plan keeps the promises", "bold $text-error"))


def _summary(plan: Plan) -> list[Section]:
    sections: list[Section] = []
    choice = plan.best or plan.nearest
    if plan.best is None:
        near = f"{plan.nearest.way}, {usd_text(plan.nearest.usd_per_hour)} per hour: " if plan.nearest else ""
        sections.append(("Nearest miss", near + plan.miss))
        if plan.mixed is not None:
            sections.append(("But two kinds of replicas behind one router keep them", _two_kinds(plan.mixed)))
        sections.append(("Smallest changes that would do", listed(plan.smallest_changes)))
    elif plan.miss:
        sections.append(("Over the budget", f"It {plan.miss}."))
        sections.append(("Smallest changes that would do", listed(plan.smallest_changes)))
    if plan.best is not None:
        sections.append(("", facts(_money(plan, plan.best))))
    if choice is not None:
        sections.append((f"Promised: {'; '.join(plan.promises)}", _percentiles(choice)))
    if plan.split is not None:
        s = plan.split
        sections.append(
            ("Cheaper still: separate replicas for prompts and for answers",
             f"{s.way}, {usd_text(s.choice.usd_per_hour)} per hour; caches travel over the {s.link}")
        )  # fmt: skip
    if plan.mixed is not None and plan.best is not None:
        sections.append(("Cheaper still: two kinds of replicas behind one router", _two_kinds(plan.mixed)))
    if plan.beyond is not None:
        sections.append((f"Enough in month {plan.beyond.month}: two kinds of replicas", _two_kinds(plan.beyond)))
    sections.append(("Notes", listed(plan.notes)))
    sections.append(
        ("How it was found",
         f"{plan.considered:,} candidates, {plan.built} with full tables, {plan.simulated} simulated in the search; "
         f"{plan.runs} runs of {plan.requests:,} requests in all.")
    )  # fmt: skip
    return sections


def _two_kinds(mixed: MixedChoice) -> Table:
    rows = [(f"{p.replicas} × ({p.way})", f"{usd_text(p.usd_per_hour)} per hour") for p in mixed.parts]
    busy = f"busy {percent_text(mixed.utilisation)} of the time"
    return facts([*rows, ("together", f"{usd_text(mixed.usd_per_hour)} per hour, {busy}")])


def _money(plan: Plan, best: Choice) -> list[tuple[str, str]]:
    from advisor.planning.text import many

    spare = f", {best.spare} of them spare" if best.spare else ""
    room = "" if plan.headroom is None else f"; keeps up to {percent_text(plan.headroom)} more traffic"
    per_million = usd_text(best.usd_per_million_tokens)
    cache = f"cache filled to {percent_text(best.cache_peak)} at most, {best.preemptions:,.0f} preemptions"
    return [
        ("buys", f"{many(best.devices, 'device')} in {many(best.replicas, 'replica')}{spare}, {best.engine}"),
        ("costs", f"{usd_text(best.usd_per_hour)} per hour, {usd_text(best.usd_per_month)} per month"),
        ("", best.price_basis),
        ("each", f"{per_million} per million tokens, in and out, in the busiest hour"),
        ("room", f"{percent_text(best.promise_used)} of the tightest limit is used{room}"),
        ("load", f"busy {percent_text(best.utilisation)} of the time, {best.mean_batch:.1f} sequences a step, {cache}"),
    ]


def _percentiles(choice: Choice) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="ellipsis", no_wrap=True)
    table.add_row(*(Text(head, style="bold") for head in ("", "mean", "limit", "", "", "95 % over seeds")))
    for p in choice.percentiles:
        verdict, used = "", ""
        if p.limit is not None and p.worst is not None:
            kept = p.worst <= p.limit
            verdict, used = f"{YES} kept" if kept else f"{NO} MISSED", bar(p.worst / p.limit, BAR)
        spread = "" if p.low is None or p.high is None else f"{seconds_text(p.low)} to {seconds_text(p.high)}"
        limit = "" if p.limit is None else seconds_text(p.limit)
        table.add_row(
            Text(p.name), Text(seconds_text(p.mean)), Text(limit), Text(used), Text(verdict), Text(spread, style="dim")
        )
    return table


def _growth(plan: Plan) -> str:
    if not plan.months:
        return "No plan, no months"
    if plan.ends_in is not None:
        return f"From month {plan.ends_in} on there may not be as many devices as would be needed"
    if plan.breaks_in is not None:
        return f"What the first month needs breaks in month {plan.breaks_in}"
    return f"What the first month needs is enough for all {len(plan.months)} months"


def _terms(plan: Plan) -> list[Section]:
    from advisor.planning.text import even_text

    own: list[tuple[str, str]] = []
    for t in plan.terms:
        months = t.break_even_months
        even = "" if months is None else f"; cheaper than on demand {even_text(plan, months)}"
        own.append((t.pricing, f"{usd_text(t.usd)} in all, {usd_text(t.usd_per_device_hour)}/h{even} ({t.basis})"))
    hosted: list[tuple[str, str]] = []
    for a in plan.apis:
        even = (
            "" if a.break_even_requests_per_s is None
            else f"; machines are cheaper above {a.break_even_requests_per_s:.3g} requests/s"
        )  # fmt: skip
        each = f"{usd_text(a.usd_per_million_tokens)} per million tokens"
        hosted.append((f"{a.model} ({a.provider})", f"{usd_text(sum(a.usd))} in all, {each}{even}"))
    return [
        (f"The same devices on other terms, {len(plan.months)} months", facts(own) if own else None),
        ("Hosted models for the same tokens", facts(hosted) if hosted else None),
    ]


def _launch(plan: Plan) -> list[Section]:
    if not plan.launches:
        return [("", "No plan, nothing to start.")]
    found: list[Section] = [("", "To start one replica:")]
    for launch in plan.launches:
        found.append((launch.engine + (f" ({launch.note})" if launch.note else ""), launch.command))
    return found


def csv_rows(plan: Plan, tab: str) -> tuple[list[str], list[list[Any]]] | None:
    """The table of a tab as data."""
    if tab == "front":
        names = ["ttft.p95", "tpot.p95", "e2e.p50"]
        heads = ["plan", "usd_per_hour", *names]
        return heads, [
            [n.choice.way, n.choice.usd_per_hour, *(n.seconds(name) for name in names)] for n in numbered(plan)
        ]
    if tab == "time" and plan.series:
        return list(plan.series), [list(row) for row in zip(*plan.series.values(), strict=True)]
    if tab == "cost":
        heads = ["month", "requests_per_s", "users", "replicas", "devices", "usd", "first_keeps"]
        return heads, [[getattr(m, head) for head in heads] for m in plan.months]
    if tab == "others":
        heads = ["way", "why", "usd_per_hour", "simulated"]
        return heads, [[getattr(r, head) for head in heads] for r in plan.runners_up]
    return None
