"""A stand-in for Slicer's Qt layer under the widget tests: `qt`, `ctk`, and what `slicer` has beyond MRML.

It stands in for PythonQt and Slicer's own widgets, and promises names and kinds: they come from a table that was read
off a running Slicer 5.12 (`table.py`). An unknown name is an AttributeError, a property is read and set without
parentheses and cannot be called, a method cannot be assigned, signals connect by signature or by name, objects of Qt
take no new attributes, no keyword arguments and no `pathlib.Path`. Underneath works a real Qt (PySide6, offscreen):
layouts, focus, clicks, keys, style sheets, item views, timers and `.ui` files behave as in the application.
`slicer.util` is Slicer's own, from the slicer-core wheel, and so are all MRML classes.

It does not promise values or behaviour of CTK's and Slicer's own widgets beyond what their bodies in `ctk_widgets.py`
and `mrml_widgets.py` do, no rendering, no module but the one under test, no translation, no order of signals between
widgets, and it finds no error that only C++ overloads would show. A name that Slicer has and the stand-in has no body
for raises `NotInStandIn`, so that a test can never pass by it.
"""
