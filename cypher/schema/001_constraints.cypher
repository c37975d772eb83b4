// Keys and indexes, before any data: MERGE without a constraint makes doubles.
//
// Access: schema
CREATE CONSTRAINT account_id IF NOT EXISTS FOR (n:Account) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT identifier_key IF NOT EXISTS FOR (n:Identifier) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT ring_id IF NOT EXISTS FOR (n:Ring) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT finding_id IF NOT EXISTS FOR (n:Finding) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT alert_id IF NOT EXISTS FOR (n:Alert) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT delivery_id IF NOT EXISTS FOR (n:Delivery) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT run_id IF NOT EXISTS FOR (n:DetectionRun) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT world_name IF NOT EXISTS FOR (n:World) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT position_key IF NOT EXISTS FOR (n:Position) REQUIRE (n.topic_id, n.partition) IS UNIQUE;
CREATE CONSTRAINT touched_id IF NOT EXISTS FOR (n:Touched) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT quality_key IF NOT EXISTS FOR (n:Quality) REQUIRE (n.hour, n.measure, n.source) IS UNIQUE;
CREATE CONSTRAINT disposition_id IF NOT EXISTS FOR (n:Disposition) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT learner_name IF NOT EXISTS FOR (n:Learner) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT calibration_name IF NOT EXISTS FOR (n:Calibration) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT job_name IF NOT EXISTS FOR (n:Job) REQUIRE n.name IS UNIQUE;
CREATE INDEX ring_rank IF NOT EXISTS FOR (n:Ring) ON (n.status, n.risk_score);
CREATE INDEX delivery_state IF NOT EXISTS FOR (n:Delivery) ON (n.state, n.due_at);
CREATE INDEX account_anomaly IF NOT EXISTS FOR (n:Account) ON (n.anomaly_score);
CREATE INDEX alert_time IF NOT EXISTS FOR (n:Alert) ON (n.at);
CREATE INDEX account_due IF NOT EXISTS FOR (n:Account) ON (n.due_at);
CREATE INDEX account_component IF NOT EXISTS FOR (n:Account) ON (n.component);
CREATE INDEX identifier_hub IF NOT EXISTS FOR (n:Identifier) ON (n.hub_until);
CREATE INDEX identifier_benign IF NOT EXISTS FOR (n:Identifier) ON (n.benign_at);
CREATE INDEX must_link_ring IF NOT EXISTS FOR ()-[r:MUST_LINK]-() ON (r.ring_id);
CREATE INDEX cannot_link_ring IF NOT EXISTS FOR ()-[r:CANNOT_LINK]-() ON (r.ring_id);
CREATE INDEX run_number IF NOT EXISTS FOR (n:DetectionRun) ON (n.number);
