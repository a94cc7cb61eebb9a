"""Widgets of the module Annotation QA: views of the logic, without arithmetic, file formats and decisions."""
