BEGIN TRANSACTION;
CREATE TABLE answers (
	id VARCHAR(64) NOT NULL, 
	record JSON NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "answers" VALUES('e5e4863d57d046999dc1694853bc7144','{"id": "e5e4863d57d046999dc1694853bc7144", "answer": "The okapi of the zoo eats leaves every morning. [1]", "abstained": false, "reason": null, "language": "en", "question_used": "", "sentences": [{"text": "The okapi of the zoo eats leaves every morning.", "citations": [1], "kind": "quote", "layout": "text", "highlight": null}], "citations": [{"number": 1, "document": "8cc45a4feccbee42", "title": "The okapi", "uri": "zoo/okapi.md", "url": null, "anchor": {"heading": ["Food"], "fragment": "food", "page": null, "label": null, "slide": null, "start": null, "end": null, "sheet": null, "row": null, "speaker": null}, "link": "/read/8cc45a4feccbee42?edition=1&start=22&end=69#quote", "quote": "The okapi of the zoo eats leaves every morning.", "span": [22, 69], "valid_from": null, "valid_until": null, "edition": 1, "digest": "930c539c6d1bca57562131f38094c85f7ecfaf2d5e0bdcf4b68d9658c10142fc", "publisher": null, "language": "en", "event_date": null, "retrieved": null, "related": [], "superseded_by": null}], "suggestions": [], "edition": 1, "engine": "quotes", "margin": -6.44, "timings_ms": {}}','2026-11-26T06:42:42+00:00');
CREATE TABLE chunks (
	digest VARCHAR(64) NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	record JSON NOT NULL, 
	PRIMARY KEY (digest, id), 
	FOREIGN KEY(digest) REFERENCES versions (digest)
);
INSERT INTO "chunks" VALUES('930c539c6d1bca57562131f38094c85f7ecfaf2d5e0bdcf4b68d9658c10142fc','417d06dd0fbf7a7a4dd83244',0,'{"id": "417d06dd0fbf7a7a4dd83244", "document": "8cc45a4feccbee42", "text": "The okapi of the zoo eats leaves every morning.", "start": 22, "end": 69, "anchor": {"heading": ["Food"], "fragment": "food", "page": null, "label": null, "slide": null, "start": null, "end": null, "sheet": null, "row": null, "speaker": null}, "period": {"start": null, "until": null}, "gap": false, "units": [{"start": 0, "end": 47, "kind": "sentence"}], "sources": [], "asked": [], "cues": []}');
INSERT INTO "chunks" VALUES('45ca225840064d7d5ed212f6d2c63e743da1872f922910accb700253feb5bb40','b08906e0959fa7bc7626c42d',0,'{"id": "b08906e0959fa7bc7626c42d", "document": "2ca30a6b871318eb", "text": "The quokka lives on an island near Perth.", "start": 23, "end": 64, "anchor": {"heading": ["Home"], "fragment": "home", "page": null, "label": null, "slide": null, "start": null, "end": null, "sheet": null, "row": null, "speaker": null}, "period": {"start": null, "until": null}, "gap": false, "units": [{"start": 0, "end": 41, "kind": "sentence"}], "sources": [], "asked": [], "cues": []}');
CREATE TABLE claims (
	mark VARCHAR(32) NOT NULL, 
	answer VARCHAR(64) NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (mark)
);
INSERT INTO "claims" VALUES('mark','e5e4863d57d046999dc1694853bc7144','2026-11-26T06:42:42+00:00');
CREATE TABLE editions (
	number INTEGER NOT NULL, 
	embedder TEXT NOT NULL, 
	dimension INTEGER NOT NULL, 
	status VARCHAR(12) NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "editions" VALUES(1,'words',64,'ready','2026-11-26T06:42:39+00:00');
CREATE TABLE feedback (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	answer VARCHAR(64) NOT NULL, 
	rating VARCHAR(4) NOT NULL, 
	reason VARCHAR(16), 
	comment TEXT NOT NULL, 
	question TEXT, 
	document VARCHAR(64), 
	language VARCHAR(8) NOT NULL, 
	edition INTEGER NOT NULL, 
	asker VARCHAR(16), 
	vector BLOB, 
	embedder TEXT, 
	created VARCHAR(32) NOT NULL, 
	done VARCHAR(32)
);
INSERT INTO "feedback" VALUES(1,'e5e4863d57d046999dc1694853bc7144','down',NULL,'Say more.',NULL,NULL,'en',1,NULL,NULL,NULL,'2026-11-26T06:42:42+00:00',NULL);
CREATE TABLE keys (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	role VARCHAR(12) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	revoked VARCHAR(32), 
	handle VARCHAR(16), 
	expires VARCHAR(10), 
	used VARCHAR(10), 
	scopes TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (digest)
);
INSERT INTO "keys" VALUES(1,'anna','staff','0000000000000000000000000000000000000000000000000000000000000000','2026-11-26',NULL,'h',NULL,NULL,NULL);
CREATE TABLE members (
	edition INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (edition, digest), 
	FOREIGN KEY(edition) REFERENCES editions (number), 
	FOREIGN KEY(digest) REFERENCES versions (digest)
);
INSERT INTO "members" VALUES(1,'930c539c6d1bca57562131f38094c85f7ecfaf2d5e0bdcf4b68d9658c10142fc');
INSERT INTO "members" VALUES(1,'45ca225840064d7d5ed212f6d2c63e743da1872f922910accb700253feb5bb40');
CREATE TABLE missed (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	answer VARCHAR(64) NOT NULL, 
	question TEXT NOT NULL, 
	language VARCHAR(8) NOT NULL, 
	reason VARCHAR(16) NOT NULL, 
	document VARCHAR(64), 
	edition INTEGER NOT NULL, 
	asker VARCHAR(16) NOT NULL, 
	vector BLOB, 
	embedder TEXT, 
	created VARCHAR(32) NOT NULL, 
	done VARCHAR(32)
);
INSERT INTO "missed" VALUES(1,'b','Where?','en','unclear',NULL,1,'x',NULL,NULL,'2026-11-26T06:42:42+00:00',NULL);
CREATE TABLE pointer (
	name VARCHAR(16) NOT NULL, 
	edition INTEGER NOT NULL, 
	PRIMARY KEY (name), 
	FOREIGN KEY(edition) REFERENCES editions (number)
);
INSERT INTO "pointer" VALUES('current',1);
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	status VARCHAR(12) NOT NULL, 
	asked JSON NOT NULL, 
	progress FLOAT NOT NULL, 
	stage TEXT NOT NULL, 
	report JSON, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'done','{"do": "ingest", "here": true}',0.0,'','{"edition": 1}','2026-11-26T06:42:42+00:00');
CREATE TABLE secrets (
	name VARCHAR(16) NOT NULL, 
	value BLOB NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "secrets" VALUES('other',X'78');
CREATE TABLE sessions (
	digest VARCHAR(64) NOT NULL, 
	"key" INTEGER NOT NULL, 
	expires VARCHAR(32) NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "sessions" VALUES('5c24716e9257dae1127da2f9b9ccce84c11ad93f1ac256f8eac1baa1df479ad7',1,'2026-11-26T14:42:42+00:00');
CREATE TABLE sketches (
	digest VARCHAR(64) NOT NULL, 
	sketch JSON NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(digest) REFERENCES versions (digest)
);
INSERT INTO "sketches" VALUES('930c539c6d1bca57562131f38094c85f7ecfaf2d5e0bdcf4b68d9658c10142fc','[355008403, 469407473, 1005731191, 2821292462, 2976187199, 3014476617, 3218322053, 4025022595]');
INSERT INTO "sketches" VALUES('45ca225840064d7d5ed212f6d2c63e743da1872f922910accb700253feb5bb40','[523163347, 1298939830, 1314206296, 1379102813, 1981238093, 3076307972, 3449439628]');
CREATE TABLE versions (
	digest VARCHAR(64) NOT NULL, 
	document VARCHAR(32) NOT NULL, 
	uri TEXT NOT NULL, 
	record JSON NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "versions" VALUES('930c539c6d1bca57562131f38094c85f7ecfaf2d5e0bdcf4b68d9658c10142fc','8cc45a4feccbee42','zoo/okapi.md','{"id": "8cc45a4feccbee42", "uri": "zoo/okapi.md", "title": "The okapi", "digest": "930c539c6d1bca57562131f38094c85f7ecfaf2d5e0bdcf4b68d9658c10142fc", "root": "", "kind": "zoo", "language": "en", "url": null, "publisher": null, "licence": null, "retrieved": null, "period": {"start": null, "until": null}, "supersedes": null, "event_date": null, "topics": [], "format": ".md", "part_of": null}','# The okapi

## Food

The okapi of the zoo eats leaves every morning.
');
INSERT INTO "versions" VALUES('45ca225840064d7d5ed212f6d2c63e743da1872f922910accb700253feb5bb40','2ca30a6b871318eb','zoo/quokka.md','{"id": "2ca30a6b871318eb", "uri": "zoo/quokka.md", "title": "The quokka", "digest": "45ca225840064d7d5ed212f6d2c63e743da1872f922910accb700253feb5bb40", "root": "", "kind": "zoo", "language": "en", "url": null, "publisher": null, "licence": null, "retrieved": null, "period": {"start": null, "until": null}, "supersedes": null, "event_date": null, "topics": [], "format": ".md", "part_of": null}','# The quokka

## Home

The quokka lives on an island near Perth.
');
CREATE TABLE visits (
	address TEXT NOT NULL, 
	etag TEXT, 
	modified TEXT, 
	digest VARCHAR(64) NOT NULL, 
	said TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (address)
);
INSERT INTO "visits" VALUES('https://zoo.example/','"1"',NULL,'0000000000000000000000000000000000000000000000000000000000000000','','2026-11-26T06:42:42+00:00');
CREATE INDEX ix_versions_document ON versions (document);
CREATE UNIQUE INDEX ix_keys_handle ON keys (handle);
CREATE INDEX ix_feedback_answer ON feedback (answer);
CREATE INDEX ix_feedback_created ON feedback (created);
CREATE INDEX ix_missed_answer ON missed (answer);
CREATE INDEX ix_missed_created ON missed (created);
CREATE INDEX ix_answers_created ON answers (created);
CREATE INDEX ix_claims_created ON claims (created);
CREATE INDEX ix_claims_answer ON claims (answer);
CREATE INDEX ix_chunks_id ON chunks (id);
CREATE INDEX ix_members_digest ON members (digest);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('feedback',1);
INSERT INTO "sqlite_sequence" VALUES('missed',1);
COMMIT;
