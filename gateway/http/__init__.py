"""The partner API: parse a request, call the pipeline, shape an answer. No decision is made here."""
