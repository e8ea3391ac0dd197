"""The command ``relgate``: one file a verb, each of which asks a lower layer and shows what it says."""
