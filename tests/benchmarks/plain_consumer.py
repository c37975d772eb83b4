"""What people write first: poll 1,000, one statement with MERGEs, commit.

No exactly-once, no archive, no privacy, no checks; the same constraints, the same counters and the
same spelling of values.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition
from neo4j import Driver

from graph.kinds import identifier_kinds
from graph.normalise import normalise

_STATEMENT = """
UNWIND $rows AS row
MERGE (account:Account {id: row.id})
ON CREATE SET account.event_count = 0
SET account.event_count = account.event_count + 1,
    account.first_seen = CASE
      WHEN account.first_seen < row.at THEN account.first_seen ELSE row.at END,
    account.last_seen = CASE
      WHEN account.last_seen > row.at THEN account.last_seen ELSE row.at END
WITH account, row
CALL (account, row) {
  UNWIND row.identifiers AS each
  MERGE (identifier:Identifier {key: each.key})
  ON CREATE SET identifier.kind = each.kind, identifier.value = each.value,
                identifier:$(each.label)
  MERGE (account)-[used:USED]->(identifier)
  ON CREATE SET used.event_count = 1, used.first_seen = row.at, used.last_seen = row.at
  ON MATCH SET used.event_count = used.event_count + 1,
    used.first_seen = CASE WHEN used.first_seen < row.at THEN used.first_seen ELSE row.at END,
    used.last_seen = CASE WHEN used.last_seen > row.at THEN used.last_seen ELSE row.at END
}
CALL (account, row) {
  UNWIND row.transfers AS each
  MERGE (other:Account {id: each.other})
  ON CREATE SET other.event_count = 0
  MERGE (account)-[sent:TRANSFERRED {currency: each.currency}]->(other)
  ON CREATE SET sent.event_count = 1, sent.amount_micros = each.micros,
    sent.first_seen = row.at, sent.last_seen = row.at
  ON MATCH SET sent.event_count = sent.event_count + 1,
    sent.amount_micros = sent.amount_micros + each.micros,
    sent.first_seen = CASE WHEN sent.first_seen < row.at THEN sent.first_seen ELSE row.at END,
    sent.last_seen = CASE WHEN sent.last_seen > row.at THEN sent.last_seen ELSE row.at END
}
CALL (account, row) {
  UNWIND row.referrals AS each
  MERGE (other:Account {id: each})
  ON CREATE SET other.event_count = 0
  MERGE (account)-[referral:REFERRED]->(other)
  ON CREATE SET referral.event_count = 1, referral.at = row.at
  ON MATCH SET referral.event_count = referral.event_count + 1,
    referral.at = CASE WHEN referral.at < row.at THEN referral.at ELSE row.at END
}
"""


def consume(driver: Driver, brokers: str, topic: str, events: int) -> Iterator[int]:
    """Put the first `events` messages of a topic into the graph; yields how many are there."""
    consumer = KafkaConsumer(
        bootstrap_servers=brokers,
        group_id=f"plain-{topic}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=1000,
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
    partitions = sorted(consumer.partitions_for_topic(topic))
    consumer.assign([TopicPartition(topic, number) for number in partitions])
    done = 0
    try:
        while done < events:
            polled = consumer.poll(timeout_ms=250, max_records=1000)
            rows = [_row(record.value) for records in polled.values() for record in records]
            if not rows:
                continue
            yield done
            with driver.session(database="neo4j") as session:
                session.execute_write(lambda tx, rows=rows: tx.run(_STATEMENT, rows=rows).consume())
            consumer.commit()
            done += len(rows)
            yield done
    finally:
        consumer.close()


def _row(value: bytes) -> dict[str, Any]:
    event = msgspec.json.decode(value)
    at, other = event["occurred_at"], event.get("counterparty_account_id")
    is_referral = event["type"] == "referral"
    transfer = {
        "other": other,
        "currency": event.get("currency", "XXX"),
        "micros": round(float(event.get("amount", 0)) * 1_000_000),
    }
    return {
        "id": event["account_id"],
        "at": at,
        "identifiers": [_identifier(*each) for each in dict.fromkeys(_identifiers(event))],
        "transfers": [transfer] if other and not is_referral else [],
        "referrals": [other] if other and is_referral else [],
    }


def _identifiers(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, kind in identifier_kinds().items():
        value = event.get(kind.field) if kind.field else None
        if value is not None:
            text = value["id"] if isinstance(value, dict) else value
            yield name, normalise(kind.normaliser, text)
    for name, values in event.get("identifiers", {}).items():
        for value in [values] if isinstance(values, str) else values:
            yield name, normalise(identifier_kinds()[name].normaliser, value)


def _identifier(kind: str, value: str) -> dict[str, str]:
    label = identifier_kinds()[kind].label
    return {"key": f"{kind}:{value}", "kind": kind, "label": label, "value": value}
