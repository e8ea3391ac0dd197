"""``python -m gateway`` is ``relgate``."""

from gateway.cli.main import main

if __name__ == "__main__":
    main()
