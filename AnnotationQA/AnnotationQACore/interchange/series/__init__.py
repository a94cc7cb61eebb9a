"""DICOM image series: what a folder holds, and each series as voxels with exact geometry or a reason why not."""
