"""What items are asked about below the case: instances that were begun, images that were chosen, named frames."""

from __future__ import annotations

from dataclasses import replace

from AnnotationQACore.project.answers import Answer, Subject
from AnnotationQACore.protocol.model import DrawnItem, Item, Protocol
from AnnotationQALib.logic.case_images import CaseImages
from AnnotationQALib.logic.form import ImagePlace, ItemKey

__all__ = ["AskedAbout"]


class AskedAbout:
    """Subjects of a reading while it is made.

    Attributes
    ----------
    places : list of ImagePlace
        Images that items of scope "image" are asked about.
    """

    def __init__(self, protocol: Protocol, images: CaseImages) -> None:
        self._protocol = protocol
        self._instances: dict[str, dict[int, ItemKey]] = {}
        self._frames: dict[tuple[str, str], int] = {}
        self.places: list[ImagePlace] = list(images.image_places())

    # instances

    def instances(self, item: str) -> tuple[ItemKey, ...]:
        """Instances of an item that were begun."""
        return tuple(self._instances.get(item, {}).values())

    def all_instances(self) -> dict[str, tuple[ItemKey, ...]]:
        """Instances by the ID of their item."""
        return {item: self.instances(item) for item in self._instances}

    def next_instance(self, key: ItemKey) -> ItemKey:
        """Key of the instance to come; numbers are never used again."""
        return key.of_instance(max(self._instances.get(key.item, {}), default=0) + 1)

    def begin(self, key: ItemKey) -> None:
        """Take note of an instance; does nothing for a key without."""
        if key.instance is not None:
            self._instances.setdefault(key.item, {})[key.instance] = key

    def end(self, key: ItemKey) -> None:
        """Forget an instance."""
        if key.instance is not None:
            self._instances.get(key.item, {}).pop(key.instance, None)

    def end_all(self) -> None:
        """Forget all instances."""
        self._instances.clear()

    # images and frames

    def add_place(self, place: ImagePlace) -> bool:
        """Ask about an image, too; False when it is asked about already."""
        if place in self.places:
            return False
        self.places.append(place)
        return True

    def remove_place(self, place: ImagePlace) -> None:
        """No longer ask about an image."""
        if place in self.places:
            self.places.remove(place)

    def choose_frame(self, role: str, frame_id: str, frame: int) -> None:
        """Say which time point (from 1) is a named frame."""
        self._frames[role, frame_id] = frame

    def frame_of(self, item: DrawnItem) -> int | None:
        """Time point (from 1) on which an item is drawn; None when it is not chosen yet or the item names none."""
        role = item.series or self._protocol.imaging.reference_series
        return self._frames.get((role, item.frame)) if item.frame else None

    # keys of the form, subjects of answers

    def stored(self, key: ItemKey) -> Subject:
        """Subject of an answer: with the time point that was chosen for a named frame."""
        item = self._protocol.item(key.item)
        frame = self.frame_of(item) if isinstance(item, DrawnItem) and item.frame else None
        return replace(key.subject, frame=frame) if frame else key.subject

    def stored_key(self, key: ItemKey) -> ItemKey:
        """Key with the subject under which the answer is stored."""
        return ItemKey(key.item, self.stored(key))

    def key_of(self, answer: Answer, item: Item) -> ItemKey:
        """Key of the row of a stored answer; frames and images that it names are asked about from now on."""
        subject = answer.subject
        if isinstance(item, DrawnItem) and item.frame and subject.frame:
            role = item.series or self._protocol.imaging.reference_series
            self._frames[role, item.frame] = subject.frame
            subject = replace(subject, frame=None)
        if item.scope.level == "image" and subject.series:
            self.add_place(ImagePlace(subject.series, subject.image, subject.frame))
        return ItemKey(item.id, subject)
