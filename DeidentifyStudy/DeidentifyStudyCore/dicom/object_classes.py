"""SOP classes: what they are called, and those of objects that belong to no patient and no study, such as hanging
protocols and implant templates."""

__all__ = ["INVENTORY", "WITHOUT_STUDY", "class_name"]

WITHOUT_STUDY = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.200.1",  # CT Defined Procedure Protocol
        "1.2.840.10008.5.1.4.1.1.200.3",  # Protocol Approval
        "1.2.840.10008.5.1.4.1.1.200.7",  # XA Defined Procedure Protocol
        "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol
        "1.2.840.10008.5.1.4.39.1",  # Color Palette
        "1.2.840.10008.5.1.4.43.1",  # Generic Implant Template
        "1.2.840.10008.5.1.4.44.1",  # Implant Assembly Template
        "1.2.840.10008.5.1.4.45.1",  # Implant Template Group
    }
)
"""Classes whose IODs have no Patient, Study and Series modules (PS3.3, A.1.2)."""

INVENTORY = "1.2.840.10008.5.1.4.1.1.201.1"
"""Lists the studies of an archive (PS3.3, A.88), and so of as many patients: it belongs to none, and names them all."""


def class_name(sop_class: str) -> str:
    """Name that PS3.6 gives to a class; empty for private and unknown ones."""
    from pydicom.uid import UID_dictionary  # takes longer to load than a small folder to be looked through

    return UID_dictionary[sop_class][0] if sop_class in UID_dictionary else ""
