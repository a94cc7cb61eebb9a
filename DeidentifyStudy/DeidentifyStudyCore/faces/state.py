"""What is known of the face in a file: from the survey, which finds it out, to the writing, which obeys."""

from dataclasses import dataclass

__all__ = ["FaceState"]


@dataclass(frozen=True, slots=True)
class FaceState:
    """What the examination for faces says of a file.

    Attributes
    ----------
    reason : str
        Why it must not be written (`quarantine.REASONS`).
    digest, folder : str
        The mask that a person confirmed, and where it is kept.
    """

    reason: str = ""
    digest: str = ""
    folder: str = ""
