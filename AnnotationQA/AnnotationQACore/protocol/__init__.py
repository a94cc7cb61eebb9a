"""The written labeling protocol: model, validation, terminology, handbook, shipped protocols."""
