// The test Hub's controls for those who are not in its process: shell scripts and other languages.
// Everything is JSON; what a request leaves out keeps its default.
//
//   GET    /__test__/requests?kind=&text=       the log         DELETE  forgets it
//   GET    /__test__/counts                     {"tree": 3, …}
//   GET    /__test__/wait?kind=&count=&seconds= waits for requests; 408 when the time is over
//   POST   /__test__/faults   {"match": {"kind","text","host","method"}, "times": 1,
//                              "fault": {"type": "truncate", "at": 100}}  → {"rule": 1}
//                              types: answer html hang-up redirect-loop ignore-range expired-url
//                              endless-pages invalid-json truncate corrupt stall resize
//                              wrong-content-range drop-header set-header slow cut-upload
//                              stall-upload slow-upload commit-running head-moved commit-quota
//                              fields: status body headers at delta name value after_effect
//   DELETE /__test__/faults                     removes all rules
//   POST   /__test__/hold     {"match": {…}, "before_answering": false,
//                              "while_committing": false} → {"gate": 1}
//   POST   /__test__/release  {"gate": 1}
//   POST   /__test__/settings {"latency_ms", "bytes_per_second", "advance_clock_s",
//                              "direct_git_files", "answers_compare", "page_size", "offers_verify",
//                              "commit_duration_ms", "rate": {"api", "resolvers", "window_s",
//                              "commits_per_hour"}, "limits": {"preupload_files", "git_file",
//                              "parts_from", "part_size", "directory_entries"}}
//   POST   /__test__/repos    {"name", "private", "gated", "disabled"}    made, or changed
//   POST   /__test__/renames  {"from", "to"}
//   GET    /__test__/files?repo=&revision=      {"<path>": {"sha256", "size"}}, not taken from the wire
//   POST   /__test__/tokens   {"token", "user", "roles": {"ns/name": "write"}, "elsewhere": "read",
//                              "organizations": ["ns"]}
//   POST   /__test__/commits  {"repo", "branch", "message", "files": [{"path", "text" | "base64" |
//                              "seed"+"size", "lfs"}], "deletes": […]}   → {"commit": "<sha>"}
#pragma once

#include "tests/hub/exchange.h"

namespace neffs::test {

class TestHub;

bool is_control_request(Host host, const Request& request);
Answer serve_control(TestHub& hub, const Request& request);

}  // namespace neffs::test
