import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.tables import read_ratings, read_table

LONG = "case,reader,item,value\nc1,anna,malignancy,4\nc1,ben,malignancy,2\nc2,anna,malignancy,\n"
WIDE = "case,reader,malignancy,texture\nc1,anna,4,5\nc1,ben,2,\n"


def _save(folder, text, encoding="utf-8"):
    path = folder / "ratings.csv"
    path.write_bytes(text.encode(encoding))
    return path


def _plain(ratings):
    return [(r.case, r.reader, r.item, r.value, r.instance) for r in ratings]


def test_long_table(tmp_path):
    ratings = read_ratings(_save(tmp_path, LONG))
    assert _plain(ratings) == [("c1", "anna", "malignancy", "4", None), ("c1", "ben", "malignancy", "2", None)]
    assert ratings[1].place.endswith("ratings.csv: row 3, column 'value'")


def test_wide_table(tmp_path):
    assert _plain(read_ratings(_save(tmp_path, WIDE))) == [
        ("c1", "anna", "malignancy", "4", None),
        ("c1", "anna", "texture", "5", None),
        ("c1", "ben", "malignancy", "2", None),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(tmp_path, encoding, delimiter, newline):
    text = f'Case ID{delimiter}Rater{delimiter}Größe{newline}c1{delimiter}jürgen{delimiter}" 3 "{newline}{newline}'
    assert _plain(read_ratings(_save(tmp_path, text, encoding))) == [("c1", "jürgen", "Größe", "3", None)]


def test_delimiter_declared_by_excel(tmp_path):
    table = read_table(_save(tmp_path, "sep=;\r\ncase;reader;a,b\r\nc;r;1,5\r\n"))
    assert table.header == ("case", "reader", "a,b")
    assert table.rows == ((3, ("c", "r", "1,5")),)


def test_field_with_delimiter_quote_and_line_break(tmp_path):
    ratings = read_ratings(_save(tmp_path, 'case,reader,comment\nc1,anna,"near ""hilus"",\nleft"\nc2,anna,x\n'))
    assert [r.value for r in ratings] == ['near "hilus",\nleft', "x"]
    assert "row 4" in ratings[1].place


def test_named_columns_and_file_wide_reader(tmp_path):
    path = _save(tmp_path, "study,nodule no,malignancy\nc1,1,4\nc1,2,5\n")
    ratings = read_ratings(path, {"case": "Study", "instance": "nodule_no"}, reader="anna")
    assert _plain(ratings) == [("c1", "anna", "malignancy", "4", 1), ("c1", "anna", "malignancy", "5", 2)]


def test_decimal_comma_where_semicolons_separate(tmp_path):
    (rating,) = read_ratings(_save(tmp_path, "case;reader;volume\nc1;anna;1,5\n"))
    assert rating.number() == 1.5


@pytest.mark.parametrize("value", ["high", "nan", "1 000", "inf"])
def test_no_number_names_row_and_column(tmp_path, value):
    (rating,) = read_ratings(_save(tmp_path, f"case,reader,volume\nc1,anna,{value}\n"))
    with pytest.raises(InputError, match=r"row 2, column 'volume': .* is no number"):
        rating.number()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("case\nc1\n", "one column only"),
        ("case,reader,,x\n", "column 3 has no heading"),
        ("case,reader,x,x\n", "column 4 has the heading of another"),
        ("case,reader,x\nc1,anna\n", "row 2: has 2 fields instead of 3"),
        ("case,reader,x\nc1,anna,1,2\n", "row 2: has 4 fields instead of 3"),
        ('case,reader,x\nc1,anna,"1\n', "row 2 is garbled"),
        ("case,reader,x\n,anna,1\n", "row 2, column 'case': is empty"),
        ("case,x\nc1,1\n", "no column for the reader"),
        ("reader,x\nc1,1\n", "no column for the case"),
        ("case,reader,x\nc1,anna,1\nc1,anna,2\n", "row 3, column 'x': item 'x' is rated already in row 2, column 'x'"),
        ("case,reader,instance,x\nc1,anna,0,1\n", "row 2, column 'instance': '0' is no number from 1"),
    ],
)
def test_bad_table_is_one_clear_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_ratings(_save(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_binary_file_and_wrong_mapping(tmp_path):
    (tmp_path / "x.csv").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(InputError, match="not a text file"):
        read_ratings(tmp_path / "x.csv")
    with pytest.raises(InputError, match="no column 'study' for the case"):
        read_ratings(_save(tmp_path, LONG), {"case": "study"})
    with pytest.raises(InputError, match="'who' is none of"):
        read_ratings(_save(tmp_path, LONG), {"who": "reader"})
