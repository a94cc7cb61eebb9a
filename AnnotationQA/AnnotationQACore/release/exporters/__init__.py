"""One exporter for each format; `registry.EXPORTERS` lists them."""
