"""The look that handbooks and reports share: light, dark and print."""

__all__ = ["PAGE_STYLE"]

PAGE_STYLE = """
:root { color-scheme: light dark; --text: #1c2430; --soft: #5b6675; --line: #dfe3e8; --page: #f6f7f9; --card: #fff;
  --accent: #14607a; --tint: #e8f1f4; --in: #2c7a4b; --out: #b0413e; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --soft: #9aa5b3; --line: #323a45; --page: #14181d;
  --card: #1c2128; --accent: #6cc0da; --tint: #1f2f37; --in: #6fca94; --out: #ee8f8b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.frame { display: grid; grid-template-columns: 17rem minmax(0, 56rem); gap: 2.5rem; max-width: 78rem; margin: 0 auto;
  padding: 0 1.5rem 4rem; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 2rem 0;
  font-size: .88rem; }
nav b { display: block; margin: 1.1rem 0 .3rem; font-size: .74rem; letter-spacing: .06em; text-transform: uppercase;
  color: var(--soft); }
nav a { display: block; padding: .13rem 0; color: inherit; text-decoration: none; }
nav a:hover { color: var(--accent); text-decoration: underline; }
header { padding: 2.2rem 0 1.2rem; }
h1 { margin: 0 0 .3rem; font-size: 2rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 2.8rem 0 .4rem; padding-bottom: .3rem; font-size: 1.35rem; border-bottom: 2px solid var(--accent); }
h3 { margin: 0; font-size: 1.12rem; }
h4 { margin: 1rem 0 .25rem; font-size: .92rem; }
p { margin: .5rem 0; }
.soft, code { color: var(--soft); font-size: .85rem; }
code { font-family: ui-monospace, "Cascadia Mono", Consolas, monospace; overflow-wrap: anywhere; }
.lead { font-size: 1.06rem; }
.card { margin: 1rem 0; padding: 1.1rem 1.3rem 1.2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
.head { display: flex; align-items: baseline; gap: .6rem; flex-wrap: wrap; }
.swatch { width: .85rem; height: .85rem; border-radius: 3px; align-self: center; border: 1px solid #0003;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.tag { padding: .05rem .5rem; border-radius: 99px; background: var(--tint); color: var(--accent); font-size: .78rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .8rem 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; }
table { width: 100%; border-collapse: collapse; margin: .7rem 0; font-size: .92rem; }
th, td { padding: .32rem .6rem .32rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; font-size: .8rem; }
figcaption { margin-top: .3rem; color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; }
@media screen and (max-width: 60rem) { .frame { grid-template-columns: minmax(0, 1fr); gap: 0; padding: 0 1rem 3rem; }
  nav { position: static; max-height: none; padding: 1rem 0 0; } dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .4rem; } }
@media print { :root { --text: #000; --soft: #444; --line: #bbb; --page: #fff; --card: #fff; --accent: #14607a;
  --tint: #eee; } nav { display: none; } .frame { display: block; max-width: none; padding: 0; }
  body { font-size: 10.5pt; }
  .card { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .7rem 0; }
  figure, tr, .head { break-inside: avoid; } h2, h3, h4 { break-after: avoid; } @page { margin: 18mm 16mm; } }
"""
