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
