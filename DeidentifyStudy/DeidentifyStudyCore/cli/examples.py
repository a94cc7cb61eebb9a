"""Command lines that every `--help` shows; together they are one run, which a test does from top to bottom."""

from __future__ import annotations

__all__ = ["EXAMPLES", "examples_of"]

EXAMPLES: tuple[str, ...] = (
    "deidentify-study profiles",
    "deidentify-study profiles hipaa-safe-harbor",
    "deidentify-study device-rules",
    "deidentify-study index incoming",
    "deidentify-study explain incoming/image.dcm --profile hipaa-safe-harbor",
    "deidentify-study key new secret.key --passphrase-file passphrase.txt",
    "deidentify-study run incoming clean --profile research-shifted-dates --key secret.key "
    "--passphrase-file passphrase.txt",
    "deidentify-study verify clean-report --key secret.key --passphrase-file passphrase.txt",
    "deidentify-study run incoming plain --profile gdpr-anonymous --review queue",
    "deidentify-study review queue list",
    "deidentify-study review queue accept all-pending",
    "deidentify-study text reports clean-reports --studies incoming --profile research-shifted-dates --key secret.key "
    "--passphrase-file passphrase.txt",
    "deidentify-study deface clean faceless --review faces",
)


def examples_of(program: str) -> tuple[str, ...]:
    """Examples of a command, such as ``deidentify-study run``, with its steps."""
    return tuple(line for line in EXAMPLES if line.startswith(f"{program} ") or line == program)
