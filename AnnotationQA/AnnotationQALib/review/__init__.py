"""Consensus review on an injected MRML scene. Knows MRML and VTK; knows neither Qt nor the application."""
