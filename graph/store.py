"""The Neo4j store: statements by name, in one transaction when they belong together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from neo4j import (
    Driver,
    GraphDatabase,
    ManagedTransaction,
    NotificationMinimumSeverity,
    Result,
)
from neo4j import exceptions as driver_errors

from graph.errors import StoreAwayError, StoreError, TransactionTooLargeError
from graph.queries import Access, query

Row = dict[str, Any]
#: what a server says to running statements while it stops or starts
_PASSING = {
    "Neo.ClientError.Transaction.Terminated",
    "Neo.ClientError.Transaction.LockClientStopped",
    "Neo.DatabaseError.Database.UnableToStartDatabase",
}
_TOO_LARGE = {
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
    "Neo.TransientError.General.TransactionOutOfMemoryError",
}
T = TypeVar("T")
#: rows in one transaction, and values asked about in one statement
_ROWS, _VALUES = 20_000, 5_000


class _Quiet(list[Any]):
    """Rows that are not spelled out: the driver would, for a debug log that nobody keeps."""

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


class Transaction:
    """Statements that become visible together or not at all."""

    def __init__(self, transaction: ManagedTransaction) -> None:
        self._transaction = transaction

    def run(self, name: str, **parameters: Any) -> list[Row]:
        """Run the statement of one .cypher file and return its rows."""
        return self.send(name, **parameters)()

    def run_values(self, name: str, **parameters: Any) -> list[list[Any]]:
        """As `run`, each row a plain list in the order of the statement's columns."""
        result = self._start(query(name).text, parameters)
        with _never_again():
            return result.values()

    def run_packed(self, name: str, **parameters: Any) -> list[list[Any]]:
        """As `run_values`, all in one message: one for each row costs more than most rows do."""
        result = self._start(query(name).packed, parameters)
        with _never_again():
            rows: list[list[Any]] = result.single(strict=True)[0]
            return rows

    def send(self, name: str, **parameters: Any) -> Callable[[], list[Row]]:
        """Start the statement of one .cypher file and return what will say its rows.

        The next statement can be sent meanwhile; the server does one after the other.
        """
        result = self._start(query(name).text, parameters)

        def rows() -> list[Row]:
            with _never_again():
                return result.data()

        return rows

    def _start(self, text: str, parameters: dict[str, Any]) -> Result:
        quiet = {n: _Quiet(v) if isinstance(v, list) else v for n, v in parameters.items()}
        with _never_again():
            return self._transaction.run(text, quiet)


@contextmanager
def _never_again() -> Iterator[None]:
    """What is too large is not the driver's to try again: the same would happen."""
    try:
        yield
    except driver_errors.Neo4jError as error:
        if error.code in _TOO_LARGE:
            raise TransactionTooLargeError(_first_line(error)) from error
        raise


class GraphStore:
    """A Neo4j database; safe to share between threads."""

    def __init__(self, uri: str, user: str, password: str, database: str = "neo4j") -> None:
        self.database = database
        self._driver: Driver = GraphDatabase.driver(
            uri,
            auth=(user, password),
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            connection_acquisition_timeout=30,
            # what a transaction wants too much of at its commit the driver would try again, too
            max_transaction_retry_time=10,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._driver.close()

    def check(self) -> None:
        """Raise StoreError, in one line, when the graph cannot be reached."""
        with _one_line():
            self._driver.verify_connectivity()

    def read(self, name: str, **parameters: Any) -> list[Row]:
        """Rows of one read statement; it is tried again after a passing trouble."""
        with _one_line(), self._driver.session(database=self.database) as session:
            return session.execute_read(lambda tx: Transaction(tx).run(name, **parameters))

    def read_values(self, name: str, **parameters: Any) -> list[list[Any]]:
        """Rows of one read statement as plain lists in the order of its columns.

        For many rows: without a dict for each.
        """
        with _one_line(), self._driver.session(database=self.database) as session:
            return session.execute_read(lambda tx: Transaction(tx).run_values(name, **parameters))

    def read_about(
        self, name: str, values: Sequence[str], parameter: str = "account_ids", **others: Any
    ) -> list[list[Any]]:
        """As `read_values`, for a statement about accounts, or others: some thousands at a time."""
        rows: list[list[Any]] = []
        with _one_line(), self._driver.session(database=self.database) as session:
            for start in range(0, len(values), _VALUES):
                asked = others | {parameter: list(values[start : start + _VALUES])}
                rows += session.execute_read(
                    lambda tx, asked: Transaction(tx).run_packed(name, **asked), asked
                )
        return rows

    def at_once(self, reads: Iterable[Callable[[], Any]]) -> list[Any]:
        """The results of some reads, in order, two of them at a time: the server has two cores."""
        with self.meanwhile(reads) as results:
            return [result() for result in results]

    @contextmanager
    def meanwhile(self, reads: Iterable[Callable[[], Any]]) -> Iterator[list[Callable[[], Any]]]:
        """As `at_once`, while other work goes on: what gives each result when it is asked for."""
        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(read) for read in reads]
            try:
                yield [each.result for each in running]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` in one transaction; after a deadlock it is done again from the start."""
        with _one_line(), self._driver.session(database=self.database) as session:
            return session.execute_write(lambda tx: work(Transaction(tx)))

    def write_rows(self, name: str, rows: Sequence[Any]) -> None:
        """Run a statement that takes $rows over many, some of them in each transaction.

        For rows that stand each for itself: after a trouble the first parts are written.
        """
        for start in range(0, len(rows), _ROWS):
            part = list(rows[start : start + _ROWS])
            self.write(partial(Transaction.run, name=name, rows=part))

    def run_schema(self, text: str) -> list[Row]:
        """Run one schema statement on its own, as Neo4j wants it."""
        with _one_line(), self._driver.session(database=self.database) as session:
            return session.run(text).data()

    def explain(self, name: str) -> list[str]:
        """Columns of a statement as the server understands it, without running it."""
        statement = query(name)
        nothing = dict.fromkeys(statement.parameters)
        mode = "READ" if statement.access is Access.READ else "WRITE"
        with (
            _one_line(),
            self._driver.session(database=self.database, default_access_mode=mode) as session,
        ):
            return list(session.run("EXPLAIN " + statement.text, nothing).keys())


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except driver_errors.AuthError as error:
        raise StoreError(
            "Neo4j refused the password: set RINGTRACE_GRAPH_PASSWORD or …_PASSWORD_FILE"
        ) from error
    except (driver_errors.ServiceUnavailable, driver_errors.SessionExpired) as error:
        raise StoreAwayError(f"Neo4j cannot be reached: {_first_line(error)}") from error
    except driver_errors.Neo4jError as error:
        if error.code in _TOO_LARGE:
            # at its commit
            raise TransactionTooLargeError(_first_line(error)) from error
        if error.is_retryable() or error.code in _PASSING:
            raise StoreAwayError(f"Neo4j is not ready: {_first_line(error)}") from error
        raise StoreError(f"Neo4j refused a statement: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
