"""`python -m api` is `ringtrace`."""

from api.cli import main

main()
