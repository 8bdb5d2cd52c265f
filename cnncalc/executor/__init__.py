"""The reference executor: runs a network in plain Python, so that no number of cnncalc has to be believed.

`machine` is the plain, obviously right path; `fast` an exact and quick one for large integer networks; `data` reads
and draws what they run on.
"""
