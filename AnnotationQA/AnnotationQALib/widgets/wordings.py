"""Sentences of the Core and of the logic, in the reader's language."""

from __future__ import annotations

from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.wording import Wording
from AnnotationQALib.widgets.panel_remedies import panel_remedies

__all__ = ["error_text", "templates", "told", "translated"]


def translated(template: str) -> str:
    """A template of the Core or of the logic, in the reader's language and in the words of the panel."""
    return panel_remedies().get(template) or str(_(template))


def told(message: Wording | str) -> str:
    """A sentence in the reader's language; text is told as it is."""
    return message.told(translated) if isinstance(message, Wording) else message


def error_text(error: AnnotationQAError) -> str:
    """What went wrong and what to do, in the reader's language."""
    return told(error.wording or str(error))


def templates() -> tuple[str, ...]:
    """All that is to be translated: Slicer's tools find only what stands in ``_()`` as a literal, and in this file."""
    return (
        _("{title}: '{point}' must be placed; the protocol does not allow 'not visible'."),
        _("{title}: cannot be computed from {sources}; check those, and which is which."),
        _("{title}: is not answered; answer it."),
        _("{title}: nothing is drawn; draw it, or say that it is absent."),
        _("{title}: nothing is drawn; draw it."),
        _("{title}: the answer is not among those of the protocol; choose again."),
        _("{title}: the level is not among those of the protocol; choose again."),
        _("{title}: the protocol does not allow 'absent'; draw it."),
        _("{title}: the text has more than {longest} characters; shorten it."),
        _("{title}: {points} and {more} more not placed; place each point, or say that it is not visible."),
        _("{title}: {points} not placed; place each point, or say that it is not visible."),
        _("a diameter has no length; place its ends again."),
        _("its short axis"),
        _("its value"),
        _("the distance from {first} to {second}"),
        _("the short axis is at {angle:.0f}° to the long one; turn it to 90°."),
        _("the two diameters are not on one slice; move the ends to the slice of the long one."),
        _("to anterior"),
        _("to inferior"),
        _("to left"),
        _("to posterior"),
        _("to right"),
        _("to superior"),
        _("{title}: a point lies outside {parent}; correct one of the two."),
        _("{title}: an edge has no length; draw the box again."),
        _("{title}: its points are not on one slice; snap it to a slice."),
        _("{title}: lies outside the image; move it onto the image."),
        _("{title}: there are {number}; plausible is {limit}."),
        _("{title}: {second} is out of order, it should follow {first} {way}; check which is which."),
        _("{title}: {wrong}"),
        _("left"),
        _("right"),
        _("the middle of the image"),
        _("{title}: lies {side} of {other}; check the side, and whether the image is turned."),
        _("{title}: says {said}, but {drawn} lies {side} of the middle of the image; check both."),
        _("at least {min}"),
        _("at most {max}"),
        _("its area"),
        _("its longest diameter"),
        _("its volume"),
        _("{min} to {max}"),
        _("{title}: {what} is {value} {unit}; plausible is {limit} {unit}."),
        _("{title}: {what} is {value}; plausible is {limit}."),
        _("1 slice"),
        _("absent"),
        _("its mean value"),
        _("not assessable"),
        _("segment '{name}': is not of the protocol; copy its voxels into the segment they belong to, and remove it."),
        _("{first} and {second} share {number} voxels; the protocol does not allow it. Give them to one of the two."),
        _("{number} slices"),
        _(
            "{title}: consists of {number} pieces, plausible is at most {allowed}; the smallest has {size} "
            "voxels. Remove stray islands, or check them."
        ),
        _("{title}: has no voxels; draw it, or remove it."),
        _("{title}: is said to be present, but has no voxels; draw it."),
        _("{title}: is said to be {presence}, but has voxels; remove them, or take the answer back."),
        _("{title}: must not be drawn, as other answers say; remove the voxels, or correct those."),
        _("{title}: {number} are drawn; plausible is {limit}."),
        _("{title}: {number} of its voxels lie outside {parent}; correct one of the two."),
        _("{title}: {slices} inside it without voxels; fill them, or check that they are meant to be empty."),
        _("{role}: its slices are {distance:g} mm apart, more than {limit:g} mm; is it the right one?"),
        _("{role}: the case has no such series; flag it as a wrong series."),
        _(
            "{role}: the series is {found}, not {wanted}; flag the case as a wrong series, or ask the lead which "
            "series it should be."
        ),
        _("draft of case '{case}': another session saved it meanwhile; load that one, or close the other session."),
        _("{path}: the draft cannot be read ({error}); restore it, or delete it to start anew."),
        _("{voxels}: the voxels of the draft are missing; restore them, or delete the draft."),
        _("case '{case}': is not in the project; add it first, or correct the name."),
        _("reader '{reader}': is unknown to the project; the lead adds readers."),
        _("reading {reading}: did not count; see annotation-qa verify."),
        _(
            "reading {reading}: was made under protocol {protocol}, but {in_force} is in force; read the case "
            "again under that one."
        ),
        _("reading {reading}: was submitted already; submit the next revision."),
        _("{folder}: cannot be made ({reason}); choose another folder."),
        _("{folder}: is not a project (no {file}); choose another, or make one with: annotation-qa init."),
        _("{folder}: is not empty; choose a new folder for the project."),
        _("{path}: cannot be read ({reason}); check the share and your rights."),
        _("{path}: has the format '{found}', not '{format}'; update AnnotationQA."),
        _("{path}: is damaged; restore it from a backup."),
        _("{path}: was changed after it was submitted; restore it from a backup."),
        _("identity '{member}': no key in {folder}; make one with: annotation-qa identity new NAME."),
        _("identity '{member}': prefixes with ':' are kept for readers that are no people; leave it out."),
        _("public key: must be 32 bytes in base64, as annotation-qa identity show prints it."),
        _("this user has no home folder; set {variable} to a folder for keys and caches."),
        _("{path}: a passphrase is needed."),
        _("{path}: is not an Ed25519 key; make one with: annotation-qa identity new NAME."),
        _("{path}: the key cannot be read; check the passphrase, or restore the file."),
        _("{path}: the key has no passphrase; give none."),
        _("{path}: there is a key already; use it, or choose another name."),
        _("{path}: cannot be read; delete it to take the kept draft for a new one."),
        _(
            "{what} '{value}': is not usable as an identifier; use up to 100 letters, digits, '.', '_', '-', "
            "starting with a letter or digit."
        ),
        _("'{item}': has no level {level}; choose from {levels}."),
        _("'{item}': the protocol does not allow 'absent'; draw it."),
        _("'{item}': {chosen} is no answer; choose from {known}."),
        _("'{item}': {length} characters are too many; shorten it to {most}."),
        _("The project cannot be written ({reason})."),
        _("{error} The voxels as they are were kept on this computer, in the folder '{folder}'."),
        _("{error} Your work is kept on this computer meanwhile."),
        _("{error} Your work is kept on this computer, and written when the project is back."),
        _("{folder}: cannot be reached; connect the drive or share."),
        _("case '{case}': its former reading is missing; ask the lead to verify the project."),
        _("project: was opened without identity; choose who you are."),
        _("case '{case}': has no series of role '{role}'; choose another."),
        _("series '{role}': is in colour and has no values to measure; choose another series."),
        _(
            "case '{case}': has no series of role '{role}', which the protocol requires; ask the lead to add the "
            "case with it, or to exclude it."
        ),
        _(
            "case '{case}': the images of '{role}' are not at their place; connect the drive or share, or ask "
            "the lead where they have moved to."
        ),
        _("case '{case}': the images of '{role}' are not on this computer; import them into the DICOM database."),
        _(
            "case '{case}': the images of '{role}' are not those that were added to the project ({files} files "
            "instead of {wanted}); restore them from the original, or ask the lead to add the case anew."
        ),
        _(
            "case '{case}': the images of '{role}' are not those that were added to the project; restore them "
            "from the original, or ask the lead to add the case anew."
        ),
        _("cannot be told from the others by its description"),
        _("is missing"),
        _("study of case '{case}': the series '{role}' {why}; add the case by a table instead."),
        _("'{item}': '{point}' must be placed; the protocol does not allow 'not visible'."),
        _("'{item}': has no point '{point}'; choose from {points}."),
        _("'{item}': nothing is drawn yet; place its points."),
        _("'{item}': the image has no grid to draw on; choose a series with patient geometry."),
        _(
            "case '{case}': the protocol asks for segmentations on '{first}' and '{role}', which lie on "
            "different grids; ask the lead for series resampled to one."
        ),
        _(
            "case '{case}': the segmentation and the image differ in {differing}; resample the segmentation to "
            "the image, or choose the image on which it was made."
        ),
        _("segmentation: the protocol asks for none."),
        _("'{item}': was never saved; draw it again."),
        _(
            "case '{case}': another session saved the draft meanwhile; close that session and open the case "
            "again. Your work is kept on this computer."
        ),
        _(
            "case '{case}': the project cannot be reached; the reading is kept on this computer, submit it when "
            "the project is back."
        ),
        _("the reading cannot be submitted without a reason for this warning: {problem}"),
        _("the reading cannot be submitted: {problem}"),
        _("the reading cannot be submitted: {problem} ({number} more)"),
        _("the reading was changed while it was submitted; look at it, and submit it again."),
        _("{title}: its segment was deleted; restore it, or confirm the deletion."),
        _("series '{role}': the view shows no slice of it; scroll to one."),
        _("views: there is no slice view; choose another layout."),
        _(
            "protocol '{title}' {version}: cannot be read by this version of AnnotationQA; update the extension, "
            "or ask the lead ({problem})."
        ),
        _("reader '{reader}': is unknown to the project; give the lead your public key."),
        _("'{item}': add an instance first."),
        _("'{item}': is a {kind}; it cannot be answered this way."),
        _("'{item}': is composed of its parts; draw those."),
        _("'{item}': is computed from {sources}; draw those."),
        _("'{item}': name the instance to be removed."),
        _("'{item}': there is only one; the protocol asks for no instances."),
        _("its segment was deleted; restore it, or confirm the deletion."),
        _("the protocol does not allow to start from a {kind}."),
        _("segmentation: no segment is called as the protocol says ({wanted}); rename its segments."),
        _("outline: encloses no voxel centre; draw it larger, or paint the segment."),
        _("outline: {number} points enclose nothing; place at least 3."),
        _("segment '{segment}': its voxels cannot be set; check the segmentation's geometry."),
        _("segmentation '{name}': it reaches outside the image; crop it to the image."),
        _("segmentation '{name}': it was made on another image geometry; resample it to the image."),
        _("no case is open; choose one from the worklist."),
        _(
            "reading {reading}: lies on another image geometry than this case; register and resample it to this "
            "image first, or start from an empty drawing."
        ),
        _("segmentation: lies on another grid than the one it was started from; resample it."),
        _("'{kind}' by '{actor}' is refused: {why}; {remedy}."),
        _("'{member}' is no lead of the project; a lead releases."),
        _("Address"),
        _("Approval by an IRB or ethics committee with its reference, or why none is needed."),
        _("Citation"),
        _("Collection"),
        _("Concepts without code"),
        _("Consent"),
        _("Contact"),
        _("Creators"),
        _("Date of publication, as YYYY-MM-DD."),
        _("Ethics"),
        _("Exclusion"),
        _("Funding"),
        _("How to cite it."),
        _("Images without report"),
        _("Inclusion"),
        _("Known limits, biases and errors."),
        _("Licence"),
        _("Licence, address"),
        _("Limitations"),
        _("Maintenance"),
        _("Name or SPDX identifier, such as CC-BY-4.0."),
        _("Of the patients, or its waiver."),
        _("Persons or institutions, as they want to be cited."),
        _("Preprocessing"),
        _("Published"),
        _("Purpose"),
        _("Qualification, experience and training of the readers who took part."),
        _("Reader training"),
        _("Role or address of an institution; no person who may leave."),
        _("Summary"),
        _("Three numbers, such as 1.0.0."),
        _("Title"),
        _("Title of the dataset."),
        _("Two sentences for somebody who has never heard of it."),
        _("Uses to avoid"),
        _("Version"),
        _("What it is made for."),
        _("What it must not be used for."),
        _("What made a case eligible."),
        _("What made it ineligible."),
        _("What was done to the images before reading, beyond de-identification."),
        _("Where it is offered."),
        _("Where its text is."),
        _("Where, when and how the cases were collected, and how they were selected."),
        _("Who corrects errors, how often, and how long."),
        _("Who paid for it."),
        _("Why images that no de-identification report lists identify nobody."),
        _("Why some items of the protocol have no code of a terminology."),
        _("age: '{text}' is not understood; write such as 18-80, 40- or -65."),
        _("ask the lead"),
        _("ask the lead for another key"),
        _("case '{case}': is no case of the project; correct it."),
        _("case '{case}': nobody has read it yet."),
        _("case '{case}': nothing was segmented; load its images to see it."),
        _("case '{case}': there is no reading of '{reader}'."),
        _("cases: none is selected; select rows of the ranking."),
        _("cases: the project has none yet; add cases first."),
        _("comments: there is no comment {number}; there are {known}."),
        _("correct it"),
        _("correct the name"),
        _("key: must be a name and a public key, as the person's panel shows them; paste the whole line."),
        _("leave it out"),
        _(
            "no reader can sign readings yet; add readers with the keys that they show (annotation-qa member add "
            "--public-key), or name others with --readers."
        ),
        _("person '{name}': has no role; choose at least one."),
        _("re-reads: '{reader}' is no reader of the project; see annotation-qa member list, and correct --readers."),
        _("re-reads: cases a quarter and quarters are numbers from 1, and the washout is not negative."),
        _(
            "re-reads: the project has no reader with a key; add readers with annotation-qa member add, or name "
            "others with --readers."
        ),
        _("readers: the project has none yet; add people with the role of a reader first."),
        _("refused: {problem}"),
        _("refused: {problem} ({number} more: annotation-qa release check lists them)"),
        _("review: a consensus needs two readings or more."),
        _("review: a layout has 1 or 3 planes, of {planes}."),
        _("review: go to a region first; there is no region here to take."),
        _("review: go to a row in which answers differ first."),
        _("review: there is no reading '{reader}' to copy."),
        _("review: {number} readings are chosen; choose one to {most}."),
        _("review: {number} readings side by side; choose one to six, and the result if wished."),
        _("send the lead your public key (annotation-qa identity show)"),
        _("split: the parts make {total} %; change them so that they make 100 %."),
        _("the images"),
        _("the project"),
        _("the user's folder"),
        _("time points: {number} are chosen; choose two to {most}."),
        _("verify: a key from the release itself proves nothing; take it from the study."),
        _("verify: no public key is given; take it from the study, never from the release."),
        _("volume '{name}': has no voxels; load it again."),
        _(
            "{folder}: holds the release '{name}', which only was not moved to its place; finish it with --name "
            "{name}, or choose another folder."
        ),
        _("{folder}: is in the way and no unfinished release; move it."),
        _("{folder}: is not empty; choose a new folder for the release."),
        _("{folder}: the release cannot be moved there ({reason}); run the command again."),
        _("{folder}: was opened without identity; say who acts (--as NAME)."),
        _("{path}: cannot be read as text; make one with: annotation-qa release sheet."),
        _("{path}: holds no report.json; choose the report of de-identification."),
        _("{source}: {problem}"),
        _("{source}: {problem} ({number} more: annotation-qa protocol check lists them)"),
        _("{what}: '{text}' is no number; write one such as 1.5."),
        _("{what}: '{text}' is not understood; write {wanted}."),
        _("Comparing the cases"),
        _("Consensus: {method}"),
        _("Finding what the readers differ in"),
        _("Heat map"),
        _("Loading the images"),
        _("Reading what the readers drew"),
        _("Surfaces"),
    )
