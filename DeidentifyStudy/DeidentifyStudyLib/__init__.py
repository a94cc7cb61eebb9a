"""The Slicer module De-identify Study: logic without Qt, and widgets that show it."""
