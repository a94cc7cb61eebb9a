import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.markups import (
    Markup,
    MarkupKind,
    MarkupPoint,
    PointStatus,
    Region,
    read_markups,
    write_markups,
)

coordinates = st.floats(-500, 500, allow_nan=False).map(lambda x: x + 0.0)
positions = st.tuples(coordinates, coordinates, coordinates)
points = st.one_of(
    st.builds(MarkupPoint, st.text(max_size=5), positions, description=st.text(max_size=5)),
    st.builds(MarkupPoint, st.just("T12"), st.none(), st.sampled_from([PointStatus.MISSING, PointStatus.UNDEFINED])),
)
regions = st.builds(Region, positions, positions, st.just(((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0))))
plain = st.sampled_from([kind for kind in MarkupKind if kind is not MarkupKind.ROI])
markups = st.one_of(
    st.builds(Markup, plain, st.text(max_size=5), st.lists(points, max_size=4).map(tuple)),
    st.builds(Markup, st.just(MarkupKind.ROI), st.text(max_size=5), st.just(()), regions),
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(markups, max_size=3))
def test_round_trip_is_the_identity(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("markups") / "m.mrk.json"
    write_markups(path, written)
    assert read_markups(path) == tuple(written)


def _save(path: Path, **changes: object) -> Path:
    point = {"label": "A", "position": [1.0, -2.0, 3.0], **changes.pop("point", {})}
    markup = {"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": [point], **changes}
    path.write_text(json.dumps({"markups": [markup]}))
    return path


def test_ras_becomes_lps(tmp_path):
    (markup,) = read_markups(_save(tmp_path / "m.mrk.json"))
    assert markup.points[0].position == (-1.0, 2.0, 3.0)


def test_region_in_ras_becomes_lps(tmp_path):
    orientation = [0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    path = _save(
        tmp_path / "m.mrk.json", type="ROI", center=[1.0, 2.0, 3.0], size=[4.0, 5.0, 6.0], orientation=orientation
    )
    region = read_markups(path)[0].region
    assert region == Region((-1.0, -2.0, 3.0), (4.0, 5.0, 6.0), ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "Blob"}, r"markups\[0\]\.type: 'Blob' is none of Fiducial"),
        ({"coordinateSystem": "IJK"}, r"markups\[0\]\.coordinateSystem: 'IJK' is neither"),
        ({"coordinateUnits": "um"}, r"'um' is not mm"),
        ({"point": {"position": [1.0, 2.0]}}, r"markups\[0\]\.controlPoints\[0\]\.position: must be 3 finite"),
        ({"point": {"position": [1.0, 2.0, float("nan")]}}, "must be 3 finite"),
        ({"point": {"label": 7}}, r"label: must be text"),
        ({"controlPoints": {}}, r"controlPoints: must be a list"),
        ({"type": "ROI"}, r"markups\[0\]\.size: must be 3"),
    ],
)
def test_wrong_value_is_named_by_its_place(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_markups(_save(tmp_path / "m.mrk.json", **changes))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"markups": 1}', '{"markups": [1]}', "[" * 100000])
def test_other_content_is_refused(tmp_path, content):
    (tmp_path / "m.mrk.json").write_text(content)
    with pytest.raises(InputError, match=r"m\.mrk\.json: "):
        read_markups(tmp_path / "m.mrk.json")


def test_fcsv_of_five_raters(shared_data):
    files = sorted((shared_data / "agreement" / "landmarks").glob("*/*.fcsv"))
    assert files
    first = read_markups(next(f for f in files if f.name == "sub-087_AT.fcsv"))[0]
    assert first.points[0] == MarkupPoint("3", (4.10203, -1.54329, -36.2859), description="Infracollicular Sulcus")
    for path in files:
        (markup,) = read_markups(path)
        assert len({point.label for point in markup.points}) == len(markup.points) >= 30


@pytest.mark.parametrize(("system", "position"), [("LPS", (1.0, 2.0, 3.0)), ("0", (-1.0, -2.0, 3.0))])
def test_fcsv_coordinate_systems(tmp_path, system, position):
    text = f"# Markups fiducial file version = 5.6\n# CoordinateSystem = {system}\n# columns = id,x,y,z,label,desc\n"
    (tmp_path / "m.fcsv").write_text(text + '1,1,2,3,"T1, left",note\n')
    (markup,) = read_markups(tmp_path / "m.fcsv")
    assert markup.points == (MarkupPoint("T1, left", position, description="note"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3\n", "does not start as"),
        ("# Markups fiducial file version = 4.11\n# CoordinateSystem = 2\n", "'2' is neither"),
        ("# Markups fiducial file version = 4.11\n1,a,2,3\n", "line 2: has no three"),
    ],
)
def test_damaged_fcsv_is_refused(tmp_path, text, message):
    (tmp_path / "m.fcsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_markups(tmp_path / "m.fcsv")
