-- The whole history of the database, from nothing to today. A step ends where it sets user_version;
-- a database that says N runs what stands behind "user_version = N;", all in one transaction.
-- Steps are only ever appended: files that were written by an older one are out there.

-- Step 1: what the first version remembers: trees and sources (facts of the Hub), files (facts of
-- the layer).
PRAGMA application_id = 0x6e656666;

-- A row here says that a git tree is known, also if it is empty. The short id keeps the 40 digits of
-- git's id out of every entry.
CREATE TABLE trees (
  id INTEGER PRIMARY KEY,
  git_id TEXT NOT NULL,
  depth INTEGER NOT NULL CHECK (depth IN (0, 1)),  -- TreeDepth
  UNIQUE (git_id, depth)
) STRICT;

CREATE TABLE tree_entries (
  tree INTEGER NOT NULL REFERENCES trees (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  is_directory INTEGER NOT NULL,
  oid TEXT NOT NULL,
  size INTEGER NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (tree, path)
) WITHOUT ROWID, STRICT;

CREATE TABLE sources (
  endpoint TEXT NOT NULL,
  repo TEXT NOT NULL,
  revision TEXT NOT NULL,
  canonical_id TEXT NOT NULL,
  head TEXT NOT NULL,
  last_modified_s INTEGER NOT NULL,
  is_private INTEGER NOT NULL,
  PRIMARY KEY (endpoint, repo, revision)
) WITHOUT ROWID, STRICT;

CREATE TABLE layer_files (
  path TEXT PRIMARY KEY,
  origin INTEGER NOT NULL CHECK (origin IN (0, 1)),        -- Origin
  placement INTEGER NOT NULL CHECK (placement IN (0, 1)),  -- Placement
  source TEXT NOT NULL,
  fetched_at TEXT NOT NULL,  -- the commit
  content TEXT NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Answers both "which copies were never placed" and "how much do the placed ones hold" by itself.
CREATE INDEX copies ON layer_files (placement, size) WHERE origin = 0;

PRAGMA user_version = 1;

-- Step 2: what a host does with the cache by itself: names it has deleted although a source has them,
-- and who made the locks that lie in the layer.
CREATE TABLE whiteouts (
  path TEXT PRIMARY KEY,
  content TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE locks (
  path TEXT PRIMARY KEY,
  process INTEGER NOT NULL,
  started INTEGER NOT NULL,
  boot TEXT NOT NULL,
  pid_namespace INTEGER NOT NULL,
  taken_s INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

PRAGMA user_version = 2;

-- Step 3: what is to be published, and where.
ALTER TABLE layer_files ADD COLUMN is_queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE layer_files ADD COLUMN target INTEGER NOT NULL DEFAULT 0;  -- upload_targets.id or 0

CREATE TABLE upload_targets (
  id INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  repo TEXT NOT NULL,
  branch TEXT NOT NULL,
  UNIQUE (endpoint, repo, branch)
) STRICT;

-- A path that is queued anew gets a new row, and with it a number that no row ever had.
CREATE TABLE uploads (
  generation INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL UNIQUE,
  target INTEGER NOT NULL REFERENCES upload_targets (id),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),  -- UploadState
  attempts INTEGER NOT NULL,
  not_before_s INTEGER NOT NULL,
  error TEXT NOT NULL,
  pushed_at TEXT NOT NULL,  -- the commit
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  updated_s INTEGER NOT NULL,
  ended INTEGER NOT NULL  -- 0, or the greatest number of all when it ended: clocks go back
) STRICT;

-- Answers both "which is due next" and "how much is in each state" by itself.
CREATE INDEX due_uploads ON uploads (target, state, not_before_s, generation, bytes);
CREATE INDEX ended_uploads ON uploads (ended, state) WHERE ended > 0;

CREATE TABLE upload_files (
  upload INTEGER NOT NULL REFERENCES uploads (generation) ON DELETE CASCADE,
  path TEXT NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  sha1 TEXT NOT NULL,
  mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 2),  -- UploadMode
  uploaded TEXT NOT NULL,  -- the sha256 of the bytes that the target has, which may be earlier ones
  PRIMARY KEY (upload, path)
) WITHOUT ROWID, STRICT;

-- Commits that were about to be sent. What was in them stays told when an upload is queued anew.
CREATE TABLE pushes (
  id TEXT PRIMARY KEY,
  target INTEGER NOT NULL REFERENCES upload_targets (id),
  parent TEXT NOT NULL,
  begun_s INTEGER NOT NULL
) STRICT;

CREATE TABLE push_files (
  push TEXT NOT NULL REFERENCES pushes (id) ON DELETE CASCADE,
  upload_path TEXT NOT NULL,
  generation INTEGER NOT NULL,
  path TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (push, upload_path, path)
) WITHOUT ROWID, STRICT;

PRAGMA user_version = 3;

-- Step 4: small facts that are worth remembering, each by its name.
CREATE TABLE notes (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

PRAGMA user_version = 4;

-- Step 5: what modules are for: the models that have used them, and a use that is to come.
CREATE TABLE model_modules (
  model TEXT NOT NULL,
  module TEXT NOT NULL,
  PRIMARY KEY (model, module)
) WITHOUT ROWID, STRICT;

CREATE TABLE pins (
  module TEXT PRIMARY KEY,
  until_s INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

PRAGMA user_version = 5;
