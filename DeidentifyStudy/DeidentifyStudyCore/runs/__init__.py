"""A whole run over a folder: tasks, workers, the journal that a resumed run reads, the rebuilt DICOMDIR."""
