"""Everything Ringtrace raises on purpose; each message is one line a user can act on.

RingtraceError
├── SettingsError      a setting is missing or cannot be true
├── StoreError         the graph store is away or refused
│   ├── StoreAwayError  a store does not answer: worth trying again
│   │   └── ArchiveError  the archive's disk is full, or its storage does not answer
│   ├── PositionError  another writer holds the partition, or the source was rewound
│   ├── MissingStructureError  pairs that were in the graph are not any more
│   └── TransactionTooLargeError  one transaction wants more memory than the server gives
├── PrivacyError       the keys of identifiers are missing, foreign or being changed
├── BrokerError        Kafka does not answer or refused
├── ServerError        a local server cannot be fetched, started or stopped
├── QueryError         a statement's file is malformed or unknown
├── InputError         a file, a mapping or an argument from outside is unusable
└── NotFoundError      the thing asked for is not in the graph
"""


class RingtraceError(Exception):
    """Something went wrong that the user can act on; its text is one clear line."""


class SettingsError(RingtraceError):
    """A setting is missing or cannot be true."""


class StoreError(RingtraceError):
    """The graph store is away or refused the statement."""


class StoreAwayError(StoreError):
    """The graph store does not answer: worth trying again."""


class ArchiveError(StoreAwayError):
    """The archive's disk is full or its storage does not answer: worth trying again."""


class PositionError(StoreError):
    """The graph's position is not where this batch starts: another writer was here first."""


class MissingStructureError(StoreError):
    """Something counted is not in the graph although it was: it must be written again."""


class TransactionTooLargeError(StoreError):
    """A transaction wants more memory than the server allows: do it in smaller parts."""


class PrivacyError(RingtraceError):
    """The keys that identifiers are written with are missing, foreign or being changed."""


class BrokerError(RingtraceError):
    """Kafka does not answer or refused."""


class ServerError(RingtraceError):
    """A local server cannot be fetched, started or stopped."""


class QueryError(RingtraceError):
    """A .cypher or .sql file is malformed or unknown."""


class InputError(RingtraceError):
    """A file, a mapping or an argument from outside is unusable."""


class NotFoundError(RingtraceError):
    """The thing asked for is not in the graph."""
