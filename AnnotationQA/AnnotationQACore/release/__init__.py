"""Released datasets: exporters, patient-level split, gate, manifest and card."""
