"""What a disagreement of readers can be."""

from enum import StrEnum

__all__ = ["Kind"]


class Kind(StrEnum):
    """Kind of a disagreement; the first six are regions of voxels, in the order of their weight."""

    LATERALITY_SWAP = "laterality swap"
    MISSED_STRUCTURE = "missed structure"
    EXTRA_STRUCTURE = "extra structure"
    OTHER_STRUCTURE = "other structure"
    SLICE_EXTENT = "slice extent at the ends"
    BOUNDARY = "boundary"
    ANSWER = "answer"
    RATING = "rating"
    MEASUREMENT = "measurement"
    BOX = "box"
    POLYGON = "polygon"
    LANDMARK = "landmark"
    NOT_READ = "not read or not assessable"

    @property
    def description(self) -> str:
        """One sentence for tooltips and documentation."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Kind.LATERALITY_SWAP: "Readers gave the same voxels to the left and to the right one of a pair.",
    Kind.MISSED_STRUCTURE: "A reader has nothing of a connected structure that most readers drew.",
    Kind.EXTRA_STRUCTURE: "Few readers drew a connected structure of which the others have nothing.",
    Kind.OTHER_STRUCTURE: "Readers gave the same voxels to different structures, one of which another reader lacks.",
    Kind.SLICE_EXTENT: "Slices into which some readers continued a structure, and others did not.",
    Kind.BOUNDARY: "Readers drew the outline of the same structure in different places.",
    Kind.ANSWER: "Readers chose different answers.",
    Kind.RATING: "Readers chose levels further apart than the protocol lets pass.",
    Kind.MEASUREMENT: "Readers measured values further apart than the protocol lets pass.",
    Kind.BOX: "A box that not all readers drew, or that they drew in different places.",
    Kind.POLYGON: "Readers drew an outline in different places, or not all drew it.",
    Kind.LANDMARK: "Readers placed a landmark further apart than the protocol lets pass, or not all see it.",
    Kind.NOT_READ: "A reader could not assess the item, or gave no answer to it.",
}
