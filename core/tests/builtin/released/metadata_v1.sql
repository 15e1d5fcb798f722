PRAGMA user_version=1;
PRAGMA application_id=1148155493;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE artifacts (
	id VARCHAR(32) NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	pipeline VARCHAR(100) NOT NULL, 
	step VARCHAR(200) NOT NULL, 
	output VARCHAR(200) NOT NULL, 
	type_prefix VARCHAR(200) NOT NULL, 
	type TEXT NOT NULL, 
	materializer TEXT NOT NULL, 
	digest VARCHAR(80) NOT NULL, 
	size BIGINT NOT NULL, 
	files TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	metadata TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "artifacts" VALUES('01m7ynr2hpy4m754mbt9vc7kfh','01m7ynr2hkmebm177p6b4jp77a','training','load','output','builtins.int','builtins.int','{"name":"builtin/json","reference":"dovetail.materializers.json_value:JsonMaterializer"}','blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487',1,'[["value.json",1,"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487"]]','{}','{}',1795252030014665);
INSERT INTO "artifacts" VALUES('01m7ynr2hy6vbq3de6a4y0avzy','01m7ynr2hkmebm177p6b4jp77a','training','train','output','builtins.int','builtins.int','{"name":"builtin/json","reference":"dovetail.materializers.json_value:JsonMaterializer"}','blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487',1,'[["value.json",1,"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487"]]','{}','{}',1795252030014769);
CREATE TABLE attempts (
	sequence INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	step VARCHAR(200) NOT NULL, 
	number BIGINT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	started BIGINT NOT NULL, 
	finished BIGINT, 
	duration DOUBLE, 
	reason VARCHAR(32), 
	error TEXT, 
	traceback TEXT, 
	log TEXT, 
	PRIMARY KEY (sequence)
);
INSERT INTO "attempts" VALUES(1,'01m7ynr2hy930v02vnhemvz07p','01m7ynr2hkmebm177p6b4jp77a','load',1,'completed',1795252030014696,1795252030014697,0.25,'completed',NULL,NULL,NULL);
INSERT INTO "attempts" VALUES(2,'01m7ynr2hyxydt2x64hka20f1f','01m7ynr2hkmebm177p6b4jp77a','train',1,'completed',1795252030014776,1795252030014777,0.25,'completed',NULL,NULL,NULL);
INSERT INTO "attempts" VALUES(3,'01m7ynr2jb5r5zdd4edzzwntm7','01m7ynr2jambyjssvnayfw3rgv','train',1,'failed',1795252030027403,1795252030027404,0.25,'error','ValueError: no','Traceback ...',NULL);
CREATE TABLE leases (
	run_id VARCHAR(32) NOT NULL, 
	epoch BIGINT NOT NULL, 
	owner VARCHAR(255) NOT NULL, 
	taken BIGINT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "leases" VALUES('01m7ynr2hkmebm177p6b4jp77a',1,'process 31687 on vm',1795252030003519);
INSERT INTO "leases" VALUES('01m7ynr2jambyjssvnayfw3rgv',1,'process 31687 on vm',1795252030026995);
INSERT INTO "leases" VALUES('01m7ynr2jjc9z23f2b8c3ds880',1,'process 31687 on vm',1795252030034990);
CREATE TABLE links (
	artifact_id VARCHAR(32) NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	step VARCHAR(200) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	PRIMARY KEY (artifact_id, run_id, step, kind, name)
)
 WITHOUT ROWID

;
INSERT INTO "links" VALUES('01m7ynr2hpy4m754mbt9vc7kfh','01m7ynr2hkmebm177p6b4jp77a','load','output','output');
INSERT INTO "links" VALUES('01m7ynr2hpy4m754mbt9vc7kfh','01m7ynr2hkmebm177p6b4jp77a','train','input','data');
INSERT INTO "links" VALUES('01m7ynr2hpy4m754mbt9vc7kfh','01m7ynr2jambyjssvnayfw3rgv','load','output','output');
INSERT INTO "links" VALUES('01m7ynr2hy6vbq3de6a4y0avzy','01m7ynr2hkmebm177p6b4jp77a','train','output','output');
CREATE TABLE metrics (
	sequence INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	step VARCHAR(200) NOT NULL, 
	name TEXT NOT NULL, 
	value DOUBLE, 
	special VARCHAR(4), 
	step_index BIGINT, 
	time BIGINT NOT NULL, 
	PRIMARY KEY (sequence)
);
INSERT INTO "metrics" VALUES(1,'01m7ynr2hkmebm177p6b4jp77a','train','loss',0.5,NULL,0,1795252030014799);
INSERT INTO "metrics" VALUES(2,'01m7ynr2hkmebm177p6b4jp77a','train','loss',NULL,'nan',1,1795252030014808);
INSERT INTO "metrics" VALUES(3,'01m7ynr2hkmebm177p6b4jp77a','train','loss',NULL,'inf',2,1795252030014810);
CREATE TABLE plans (
	digest VARCHAR(80) NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "plans" VALUES('blake3:b95a32cf1cc70704db08c53b16a6b4bdc6fcedbf55189768a50be3a953fcbe1d','{"format":1,"pipeline":"training","steps":[{"name":"load","outputs":[{"materializer":{"name":"builtin/json","reference":"dovetail.materializers.json_value:JsonMaterializer"},"name":"output","type":"builtins.int"}],"parameters":{"rate":0.5},"source":{"digest":"blake3:5110c20629b9420034c85ba8522bdcc623744e8d39a9034b015af1ff72049d7c","module":"run","path":"run.py","qualname":"load"}},{"inputs":{"data":{"output":"output","step":"load"}},"name":"train","outputs":[{"materializer":{"name":"builtin/json","reference":"dovetail.materializers.json_value:JsonMaterializer"},"name":"output","type":"builtins.int"}],"parameters":{"rate":0.5},"source":{"digest":"blake3:4164c05580806a157d3dc6db8c3bc17c5625cc86cce39e4dd067048a2591795a","module":"run","path":"run.py","qualname":"train"}}]}');
INSERT INTO "plans" VALUES('blake3:decc15bdc0bd34b63b4b6092b4102a36d1ae5cf6fabef439380bc491cca04a41','{"format":1,"pipeline":"other","steps":[{"name":"only","outputs":[{"materializer":{"name":"builtin/json","reference":"dovetail.materializers.json_value:JsonMaterializer"},"name":"output","type":"builtins.int"}],"parameters":{"rate":0.5},"source":{"digest":"blake3:3bf2bad95f75f3f8f212d5a59d92423554fe45cbcbad5e9217dccb218bc7fc29","module":"run","path":"run.py","qualname":"only"}}]}');
CREATE TABLE runs (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	pipeline VARCHAR(100) NOT NULL, 
	plan_digest VARCHAR(80) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	epoch BIGINT NOT NULL, 
	started BIGINT NOT NULL, 
	finished BIGINT, 
	duration DOUBLE, 
	code_commit VARCHAR(80), 
	dirty SMALLINT, 
	host VARCHAR(255) NOT NULL, 
	parent VARCHAR(32), 
	source_root TEXT NOT NULL, 
	stack TEXT NOT NULL, 
	versions TEXT NOT NULL, 
	options TEXT NOT NULL, 
	error TEXT
);
INSERT INTO "runs" VALUES(1,'01m7ynr2hkmebm177p6b4jp77a','first','training','blake3:b95a32cf1cc70704db08c53b16a6b4bdc6fcedbf55189768a50be3a953fcbe1d','completed',1,1795252030003351,1795252030022729,1.5,'abc',1,'häst',NULL,'','{"name":"default"}','{"python":"3.11.7"}','{"max_workers":2}',NULL);
INSERT INTO "runs" VALUES(2,'01m7ynr2jambyjssvnayfw3rgv','second','training','blake3:b95a32cf1cc70704db08c53b16a6b4bdc6fcedbf55189768a50be3a953fcbe1d','failed',1,1795252030003352,1795252030027636,1.5,NULL,NULL,'',NULL,'','{"name":"default"}','{"python":"3.11.7"}','{}','no');
INSERT INTO "runs" VALUES(3,'01m7ynr2jjc9z23f2b8c3ds880','third','other','blake3:decc15bdc0bd34b63b4b6092b4102a36d1ae5cf6fabef439380bc491cca04a41','running',1,1795252030003353,NULL,NULL,NULL,NULL,'',NULL,'','{"name":"default"}','{"python":"3.11.7"}','{}',NULL);
CREATE TABLE step_runs (
	sequence INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	step VARCHAR(200) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	cache_key VARCHAR(80) NOT NULL, 
	started BIGINT, 
	finished BIGINT, 
	duration DOUBLE, 
	attempts BIGINT NOT NULL, 
	cached_from VARCHAR(32), 
	inputs TEXT NOT NULL, 
	outputs TEXT NOT NULL, 
	parameters TEXT NOT NULL, 
	error TEXT, 
	PRIMARY KEY (sequence)
);
INSERT INTO "step_runs" VALUES(1,'01m7ynr2hkmebm177p6b4jp77a','load','completed','key of load',1795252030014696,1795252030014697,0.25,1,NULL,'{}','{"output":"01m7ynr2hpy4m754mbt9vc7kfh"}','{"rate":0.5}',NULL);
INSERT INTO "step_runs" VALUES(2,'01m7ynr2hkmebm177p6b4jp77a','train','completed','key of train',1795252030014776,1795252030014777,0.25,1,NULL,'{"data":"01m7ynr2hpy4m754mbt9vc7kfh"}','{"output":"01m7ynr2hy6vbq3de6a4y0avzy"}','{"rate":0.5}',NULL);
INSERT INTO "step_runs" VALUES(3,'01m7ynr2jambyjssvnayfw3rgv','load','cached','key of load',1795252030014696,1795252030014697,0.25,0,'01m7ynr2hkmebm177p6b4jp77a','{}','{"output":"01m7ynr2hpy4m754mbt9vc7kfh"}','{"rate":0.5}',NULL);
INSERT INTO "step_runs" VALUES(4,'01m7ynr2jambyjssvnayfw3rgv','train','failed','',1795252030027403,1795252030027404,0.25,1,NULL,'{}','{}','{}','ValueError: no');
INSERT INTO "step_runs" VALUES(5,'01m7ynr2jjc9z23f2b8c3ds880','only','running','',NULL,NULL,NULL,0,NULL,'{}','{}','{}',NULL);
CREATE INDEX artifacts_pipeline ON artifacts (pipeline, id);
CREATE INDEX artifacts_run ON artifacts (run_id, id);
CREATE INDEX artifacts_type ON artifacts (type_prefix, id);
CREATE UNIQUE INDEX attempts_id ON attempts (id);
CREATE INDEX attempts_step ON attempts (run_id, step, sequence);
CREATE INDEX metrics_step ON metrics (run_id, step, sequence);
CREATE UNIQUE INDEX runs_id ON runs (id);
CREATE INDEX runs_name ON runs (name, sequence);
CREATE INDEX runs_pipeline ON runs (pipeline, sequence);
CREATE INDEX runs_pipeline_status ON runs (pipeline, status, sequence);
CREATE INDEX runs_plan ON runs (plan_digest);
CREATE INDEX runs_status ON runs (status, sequence);
CREATE INDEX step_runs_key ON step_runs (cache_key, status, sequence);
CREATE UNIQUE INDEX step_runs_step ON step_runs (run_id, step);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',3);
COMMIT;
