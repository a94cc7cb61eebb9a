"""What reports add to the look of the pages: tables of numbers, verdicts, charts."""

from AnnotationQACore.protocol.page_style import PAGE_STYLE

__all__ = ["STYLE"]

STYLE = (
    PAGE_STYLE
    + """
:root { --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b5579a; --c4: #b98900; --c5: #3f97c8; --c6: #7a5bb5;
  --c7: #6b6b6b; --shade: #14607a; --on: #fff; --good: #1f7a43; --bad: #b03531; --open: #8a6100; }
@media (prefers-color-scheme: dark) { :root { --c0: #5ab4e6; --c1: #f58a4b; --c2: #3cc79f; --c3: #e39bcd; --c4: #e8bb3c;
  --c5: #9fd4f2; --c6: #b8a2ec; --c7: #b5b5b5; --shade: #4aa3c0; --on: #06141a; --good: #6fca94; --bad: #f2938f;
  --open: #e3b84a; } }
.frame { grid-template-columns: 15rem minmax(0, 60rem); max-width: 82rem; }
main { min-width: 0; }
a { color: var(--accent); } a.case { white-space: nowrap; }
h3 { margin: 1.9rem 0 .2rem; } .card > h3:first-child, .head h3 { margin-top: 0; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } td.n, th.short { white-space: nowrap; }
th[scope=row] { color: inherit; font-weight: 500; font-size: inherit; }
thead th { vertical-align: bottom; }
caption { caption-side: top; text-align: left; color: var(--soft); font-size: .85rem; padding-bottom: .2rem; }
tr.judged th, tr.judged td { font-weight: 650; } tr.judged th, tr.judged td, tr.differs th, tr.differs td {
  background: var(--tint); }
tr.differs th { font-weight: 650; }
table.wide { font-size: .82rem; } table.wide th, table.wide td { padding-right: .35rem; }
table.wide thead th { font-size: .72rem; }
th:first-child, td:first-child { padding-left: .3rem; } td:last-child { padding-right: .3rem; }
.verdict { font-weight: 650; white-space: nowrap; } .good { color: var(--good); } .bad { color: var(--bad); }
.open { color: var(--open); }
.answer { margin: 1rem 0; padding: .9rem 1.2rem; border-left: 4px solid var(--accent); background: var(--card); }
.answer p { margin: .35rem 0; }
.ids { margin-top: .6rem; font-size: .78rem; color: var(--soft); } .ids code { font-size: .76rem; }
figure { margin: 1.2rem 0; } svg.chart { display: block; width: 100%; height: auto; overflow: visible; }
figcaption { margin: 0 0 .5rem; color: var(--text); font-size: .88rem; } figcaption .soft { display: block; }
.row { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
.row > * { flex: 1 1 18rem; min-width: 0; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.2rem; }
.pictures figure { margin: 0; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .6rem 0; font-size: .88rem; }
.legend svg { width: 2.2rem; height: .9rem; vertical-align: middle; margin-right: .4rem; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--accent); font-size: .92rem; }
.paper p { max-width: 46rem; } .paper .gap { background: var(--tint); color: var(--open); font-weight: 600; }
ul.plain { margin: .4rem 0; padding-left: 1.2rem; }
.chart text { fill: var(--text); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
.chart text.tick { fill: var(--soft); font-size: 11px; } .chart text.name { font-weight: 600; }
.chart text.figure, .chart text.count { font-variant-numeric: tabular-nums; }
.chart text.count { font-size: 11px; } .chart text.on { fill: var(--on); }
.chart .grid { stroke: var(--line); stroke-width: 1; } .chart .axis { stroke: var(--soft); stroke-width: 1; }
.chart .zero { stroke: var(--text); stroke-width: 1; stroke-dasharray: 2 3; }
.chart .threshold { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 3; }
.chart .dot { fill: var(--shade); fill-opacity: .55; } .chart .box { fill: var(--shade); fill-opacity: .16; }
.chart .median, .chart .bias { stroke: var(--text); stroke-width: 2; } .chart .limit { stroke: var(--bad); }
.chart .limit { stroke-width: 1.4; stroke-dasharray: 5 3; } .chart .band { stroke: none; fill-opacity: .13; }
.chart .band.limit { fill: var(--bad); } .chart .band.bias { fill: var(--text); }
.chart .mark, .chart .bar { fill: var(--shade); } .chart .whisker { stroke: var(--shade); stroke-width: 2; }
.chart .cell { fill: var(--shade); stroke: var(--line); stroke-width: 1; }
.chart .frame { fill: none; stroke: var(--text); stroke-width: 1.2; }
.chart .course { fill: none; stroke: var(--shade); stroke-width: 1.6; } .chart .out { fill: var(--bad); }
.chart .control { stroke: var(--bad); stroke-width: 1; stroke-dasharray: 5 3; fill: none; }
.chart .ground { fill: var(--card); stroke: var(--line); }
.chart .votes { fill: var(--text); stroke: none; shape-rendering: crispEdges; }
.chart .outline { fill: none; stroke-linecap: square; } .chart .scale { stroke: var(--text); stroke-width: 2; }
@media print { :root { --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b5579a; --c4: #b98900; --c5: #3f97c8;
  --c6: #7a5bb5; --c7: #6b6b6b; --shade: #14607a; --on: #fff; --good: #1f7a43; --bad: #b03531; --open: #8a6100; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } a { color: inherit; text-decoration: none; }
  table, table.wide { font-size: 8.5pt; } td .soft, th .soft, td code { font-size: inherit; }
  table.wide th, table.wide td { padding-right: .25rem; } caption { break-after: avoid; }
  tbody tr:first-child { break-before: avoid; } .scroll { overflow: visible; }
  .pictures { grid-template-columns: 1fr 1fr; } svg.chart { max-height: 22cm; } details > summary { list-style: none; }
  details::details-content { content-visibility: visible; block-size: auto; } }
"""
)
