"""A received release is checked with nothing but its manifest and a public key: every tampering is found and named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from AnnotationQACore.canonical import canonical_bytes
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.identities import Identity, create_identity
from AnnotationQACore.release.manifest import MANIFEST, Manifest, list_files, verify_release, write_manifest


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return create_identity("lead", tmp_path_factory.mktemp("keys"))


@pytest.fixture
def release(tmp_path: Path, signer: Identity) -> Path:
    folder = tmp_path / "release"
    for name, text in (("a.txt", "one"), ("data/b.txt", "two"), ("data/c.txt", "three")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    manifest = Manifest("r1", "p" * 32, "0" * 64, "2026-04-01T00:00:00.000000Z", "lead1", {}, list_files(folder))
    write_manifest(folder, manifest, signer)
    return folder


def test_an_untouched_release_is_sound(release: Path, signer: Identity) -> None:
    result = verify_release(release, [signer.public_key])
    assert result.is_sound
    assert result.manifest is not None
    assert result.manifest.name == "r1"
    assert set(result.manifest.files) == {"a.txt", "data/b.txt", "data/c.txt"}


def change(folder: Path) -> None:
    (folder / "a.txt").write_text("ONE")


def remove(folder: Path) -> None:
    (folder / "data" / "b.txt").unlink()


def add(folder: Path) -> None:
    (folder / "data" / "new.txt").write_text("new")


def rename(folder: Path) -> None:
    (folder / "a.txt").rename(folder / "z.txt")


def swap(folder: Path) -> None:
    (folder / "a.txt").write_text("two")
    (folder / "data" / "b.txt").write_text("one")


def link(folder: Path) -> None:
    (folder / "a.txt").rename(folder.parent / "elsewhere.txt")
    (folder / "a.txt").symlink_to(folder.parent / "elsewhere.txt")


def hide(folder: Path) -> None:
    (folder / ".hidden").write_text("new")


@pytest.mark.parametrize(
    ("tamper", "finding"),
    [
        (change, "a.txt: was changed."),
        (remove, "data/b.txt: is missing."),
        (add, "data/new.txt: was added."),
        (rename, "a.txt: was renamed to z.txt."),
        (swap, "a.txt: was changed."),
        (link, "a.txt: was replaced by a link."),
        (hide, ".hidden: was added."),
    ],
)
def test_tampering_is_named(release: Path, signer: Identity, tamper: Callable[[Path], None], finding: str) -> None:
    tamper(release)
    result = verify_release(release, [signer.public_key])
    assert result.findings[0] == finding


def rewritten(folder: Path, change_document: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    document = json.loads((folder / MANIFEST).read_bytes())
    change_document(document)
    (folder / MANIFEST).write_bytes(canonical_bytes(document) + b"\n")


def test_a_changed_manifest_is_not_believed(release: Path, signer: Identity) -> None:
    (release / "a.txt").write_text("ONE")
    rewritten(release, lambda d: d["manifest"]["files"].update(list_files(release)))
    result = verify_release(release, [signer.public_key])
    assert result.findings == ("manifest.json: was changed after it was signed.",)
    assert result.manifest is None


def test_a_file_taken_out_of_the_manifest_is_found(release: Path, signer: Identity) -> None:
    (release / "a.txt").unlink()
    rewritten(release, lambda d: d["manifest"]["files"].pop("a.txt"))
    assert not verify_release(release, [signer.public_key]).is_sound


def test_signed_again_with_another_key_it_is_not_trusted(release: Path, signer: Identity, tmp_path: Path) -> None:
    mallory = create_identity("mallory", tmp_path / "keys")
    (release / MANIFEST).unlink()
    (release / "a.txt").write_text("ONE")
    forged = Manifest("r1", "p" * 32, "0" * 64, "2026-04-01T00:00:00.000000Z", "lead1", {}, list_files(release))
    write_manifest(release, forged, mallory)
    result = verify_release(release, [signer.public_key])
    assert result.findings == ("manifest.json: was not signed with a key that you trust.",)
    assert verify_release(release, [signer.public_key, mallory.public_key]).is_sound


def test_the_key_in_the_manifest_cannot_be_exchanged(release: Path, signer: Identity, tmp_path: Path) -> None:
    mallory = create_identity("mallory", tmp_path / "keys")
    rewritten(release, lambda d: d.update({"public key": mallory.public_key}))
    assert not verify_release(release, [mallory.public_key]).is_sound


@pytest.mark.parametrize("position", range(0, 700, 37))
def test_no_byte_of_the_manifest_can_be_changed(release: Path, signer: Identity, position: int) -> None:
    content = bytearray((release / MANIFEST).read_bytes())
    content[position % len(content)] ^= 1
    (release / MANIFEST).write_bytes(bytes(content))
    assert not verify_release(release, [signer.public_key]).is_sound


def test_white_space_or_a_second_key_in_the_manifest_are_found(release: Path, signer: Identity) -> None:
    original = (release / MANIFEST).read_bytes()
    for content in (original + b" ", original.replace(b'{"manifest"', b'{"manifest":1,"manifest"', 1)):
        (release / MANIFEST).write_bytes(content)
        assert not verify_release(release, [signer.public_key]).is_sound


def test_without_a_key_nothing_is_verified(release: Path) -> None:
    with pytest.raises(InputError, match="no public key"):
        verify_release(release, [])
    with pytest.raises(InputError, match="32 bytes in base64"):
        verify_release(release, ["nonsense"])


def test_a_release_without_manifest_is_not_sound(release: Path, signer: Identity) -> None:
    (release / MANIFEST).unlink()
    (finding,) = verify_release(release, [signer.public_key]).findings
    assert finding.endswith("name the folder of a release.")


def test_a_link_is_refused_before_it_is_signed(release: Path) -> None:
    link(release)
    with pytest.raises(InputError, match="is a link"):
        list_files(release)
