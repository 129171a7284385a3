// One commit of several modules: asked for, hashed, uploaded, looked at once more, and sent.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "fs/layer.h"
#include "fs/remote_view.h"
#include "hub/hub_client.h"
#include "hub/push_repo.h"
#include "hub/remote_repo.h"
#include "index/index.h"

namespace neffs::fs {

// What a push works with. All of it outlives who is given it.
struct PushParts {
  const Layer& layer;
  index::Index& index;
  hub::PushRepo& repo;      // where it goes
  hub::RemoteRepo& reader;  // the same branch
  index::UploadTarget target;
  std::string source;  // what the files are copies of afterwards, as LayerFile has it
  // Somebody has the file open for writing, or may store through a mapping.
  std::function<bool(const std::string& path)> is_written;
  // The branch has a new head: before files become copies of what it holds, whoever shows the repo has to
  // show this commit.
  std::function<void(const std::string& parent, const std::string& commit,
                     const std::vector<RemoteView::Added>& added)>
      head_is;
  // The module changed while it was pushed: it is to be looked at again.
  std::function<void(const std::string& path)> look_again;
  // The repo has somebody else's: ours is not pushed.
  std::function<void()> superseded = [] {};
  bool only_private = true;  // no commit is made in a repo that is public by then
  std::string mountpoint;    // where absolute aliases of a registry lead to; "" if nowhere
};

struct PushResult {
  std::string parent;
  std::string commit;   // the new head; the parent if nothing had to be sent
  bool is_new = false;  // a commit was made
  index::PushOutcome outcome;
  std::vector<RemoteView::Added> added;
};

// Used once, by one thread; others of its own help to hash and upload.
class PushBatch {
 public:
  // uploads: uploading, by mark_uploading()
  PushBatch(const PushParts& parts, std::vector<index::Upload> uploads, std::stop_token stop);

  // What is wrong with one upload takes it out of the batch and is noted in the index: failed,
  // superseded, put back. What concerns all of them is thrown, as by PushRepo::commit(), and leaves the
  // rest uploading; after kUnknownOutcome and kCancelled the push may have been made, and is in the
  // index for find_out(). nullopt: nothing was left to push. Throws HubError, IndexError,
  // std::system_error.
  std::optional<PushResult> push();

 private:
  struct FileState {
    std::string sample;  // its first bytes
    hub::FilePlan plan;
    bool is_there = false;          // the branch has these very bytes
    std::optional<hub::Seal> seal;  // of what was hashed just now
  };
  struct Item {
    index::Upload upload;
    std::vector<FileState> files;        // in the order of the upload's
    std::vector<std::string> leftovers;  // of the repo, to be deleted
    bool is_new = false;                 // the repo has nothing of it
  };
  using Items = std::vector<Item>;
  struct Question;

  // Each takes out of the items what cannot go on.
  void look();
  void plan();
  void bring();
  void hash(Items& items);
  void judge(Items& items);
  void upload(Items& items);
  void look_again();
  std::optional<PushResult> send();

  // Where the bytes of a file are: elsewhere for an alias in a registry, which is a symlink.
  std::string bytes_of(const std::string& path) const;
  bool look(Item& item);
  bool hash(Item& item);
  bool hash(Item& item, std::size_t number);
  bool is_unchanged(const Item& item) const;
  Question question() const;
  bool note_plans(Item& item);
  bool judge(Item& item);
  std::vector<Items> take_parts();
  hub::UploadRequest uploads_to_make(const Items& items) const;
  hub::CommitRequest request_for(const index::Push& push) const;
  void check_private() const;
  hub::RegularFile read_regular(const index::UploadFile& file) const;
  static RemoteView::Added added(const Item& item);
  void release_written(const Item& item);
  void fail(const Item& item, const std::string& why);
  void changed(const Item& item);

  const PushParts& parts_;
  const std::stop_token stop_;
  Items items_;
  std::string head_;
  std::atomic<std::uint64_t> superseded_ = 0;
};

// What the storage of the target knows a hashed file by.
hub::LfsObject object_of(const index::UploadFile& file);

// Why a repo that has become public gets nothing.
hub::HubError public_now(const std::string& repo);

// Looks in the repo for a push whose answer was lost, and finishes or ends it: the same commit cannot
// be made twice, because its parent is named. True if it had been made. Throws HubError, IndexError.
bool find_out(const PushParts& parts, const index::Push& push);

}  // namespace neffs::fs
