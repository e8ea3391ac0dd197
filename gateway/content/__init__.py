"""Bytes in, labelled records out; and, standing apart, the reader that checks the bytes about to leave.

The *cutter* (:mod:`.split`, :mod:`.strict`, :mod:`.records`, :mod:`.degrade`, :mod:`.project`, :mod:`.join`)
turns a source's body into records, cuts them and joins them again. The *checker* (:mod:`.check`) shares no
code with it. This package does no I/O and knows no HTTP. Import the modules by name: nothing is re-exported,
so that importing the checker never imports the cutter.
"""
