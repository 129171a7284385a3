#include "tests/hub/sample_repo.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "tests/hub/digest.h"

namespace neffs::test::sample {
namespace {

using nlohmann::json;

constexpr std::size_t kKiB = 1024;

// A NEFF as it looks from outside: a header of 1 KiB (version, header size, data size, the rest
// mostly zero), then compressed data.
std::string neff(std::uint64_t seed, std::size_t size) {
  constexpr std::uint64_t kHeaderSize = 1024;
  const std::uint64_t fields[] = {2, kHeaderSize, size - kHeaderSize};
  std::string bytes(kHeaderSize, '\0');
  std::memcpy(bytes.data(), fields, sizeof fields);
  return bytes + read_all(*generated_content(seed, size - kHeaderSize));
}

std::string noise(std::uint64_t seed, std::size_t size) {
  return read_all(*generated_content(seed, size));
}

// The text whose MD5 gives a module's flag hash, written as Python's json.dumps does.
std::string flags_json(const std::vector<std::string>& flags) {
  std::string text = "[";
  for (const std::string& flag : flags) text += (text.size() > 1 ? ", " : "") + json(flag).dump();
  return text + "]";
}

// The flags that end in the given hash.
std::string flags_of(const std::string& module) {
  const std::string hash = module.substr(module.rfind('+') + 1);
  if (hash == "39f12043") {
    return flags_json({"--model-type=transformer", "--auto-cast=none", "--execute-repetition=1"});
  }
  if (hash == "839ddec0") {
    return flags_json({"--target=trn2", "--model-type=transformer", "--optlevel=1",
                       "--enable-saturate-infinity", "--lnc=2"});
  }
  if (hash == "2c2d707e") return flags_json({"--model-type=transformer", "--auto-cast=none"});
  return flags_json({"--target=trn1"});
}

class Builder {
 public:
  void text(const std::string& path, std::string bytes) {
    files_.emplace_back(path, std::move(bytes), false);
  }
  void large(const std::string& path, std::string bytes) {
    files_.emplace_back(path, std::move(bytes), true);
  }
  void inputs(const std::string& module) {
    text(module + "/compile_flags.json", flags_of(module));
    ++seed_;
    large(module + "/model.hlo_module.pb", noise(seed_, 20 * kKiB + 977 * seed_));
  }
  void finished(const std::string& module, std::size_t neff_size) {
    inputs(module);
    large(module + "/model.neff", neff(++seed_, neff_size));
    text(module + "/model.done", "");
  }
  std::vector<NewFile> take() { return std::move(files_); }

 private:
  std::vector<NewFile> files_;
  std::uint64_t seed_ = 0;
};

std::string failure_text() {
  return "Failed compilation with ['neuronx-cc', 'compile', '--target=trn1', '--framework=XLA', "
         "'/tmp/no-user/neuroncc_compile_workdir/model.hlo_module.pb']: 2024-02-11T09:12:44Z "
         "[ERROR] Non-signal exit. Subcommand returned with exitcode=70.\n";
}

void add_front_matter(Builder& repo) {
  repo.text("README.md", "---\nlicense: apache-2.0\ntags:\n- aws-neuron\n---\n\n# Neuron cache\n");
  const json llama = {{kModel, json::array({{{"batch_size", 1},
                                             {"sequence_length", 4096},
                                             {"tensor_parallel_size", 2},
                                             {"instance_type", "trn1"}}})}};
  repo.text("inference-cache-config/llama.json", llama.dump(2));
  const json diffusion = {
      {"stabilityai/stable-diffusion-2-1", json::array({{{"batch_size", 1}, {"num_cores", 2}}})}};
  repo.text("inference-cache-config/diffusers/stable-diffusion.json", diffusion.dump(2));
  // What the trainer of early optimum-neuron left behind.
  repo.text("registry.json", "{}\n");
}

void add_current_modules(Builder& repo) {
  repo.finished(kTrainingModule, 1577984);
  repo.finished(kTransformerModule, 758784);
  repo.finished(kInferenceModule, 2621440);
  repo.large(kInferenceModule + "/wrapped_neff.hlo", neff(91, 2740339));
  repo.finished(kFinishedLockedModule, 1048576);
  repo.text(kFinishedLockedModule + "/model.hlo_module.pb.lock", "");
  repo.inputs(kFailedModule);
  repo.text(kFailedModule + "/model.log", failure_text());
  repo.inputs(kLockedModule);
  repo.text(kLockedModule + "/model.hlo_module.pb.lock", "");
  repo.inputs(kHalfModule);
}

void add_traced_module(Builder& repo) {
  const json index = {{"_class_name", "StableDiffusionPipeline"},
                      {"text_encoder", {"optimum", "NeuronModelTextEncoder"}},
                      {"tokenizer", {"transformers", "CLIPTokenizer"}},
                      {"unet", {"optimum", "NeuronModelUnet"}}};
  repo.text(kTracedModule + "/model_index.json", index.dump(2));
  repo.text(kTracedModule + "/unet/config.json", json({{"sample_size", 64}}).dump(2));
  repo.large(kTracedModule + "/unet/model.neuron", noise(101, 3 * kKiB * kKiB));
  repo.text(kTracedModule + "/text_encoder/config.json", json({{"hidden_size", 1024}}).dump(2));
  repo.large(kTracedModule + "/text_encoder/model.neuron", noise(102, 900 * kKiB));
  repo.text(kTracedModule + "/tokenizer/vocab.json", json({{"a</w>", 320}, {"é", 7}}).dump());
}

void add_older_compilers(Builder& repo) {
  repo.finished(kPreviousModule, 1200000);
  // Up to 2.14 there was no done mark.
  repo.inputs(kOldModule);
  repo.large(kOldModule + "/model.neff", neff(201, 1310720));
  repo.inputs(kOldFailedModule);
  repo.large(kOldFailedModule + "/model.neff", failure_text());
  repo.inputs(kOldLongFailedModule);
  std::string log;
  while (log.size() < 4 * kKiB) log += failure_text();
  repo.large(kOldLongFailedModule + "/model.neff", log);
}

std::string registry_json(const std::string& optimum_version, const std::string& compiler,
                          int batch_size) {
  return json({{"_entry_class", "SingleModelCacheEntry"},
               {"_model_id", kModel},
               {"_task", "text-generation"},
               {"model_type", "llama"},
               {"hidden_size", 2048},
               {"neuron",
                {{"batch_size", batch_size},
                 {"sequence_length", 4096},
                 {"tp_degree", 2},
                 {"torch_dtype", "bfloat16"},
                 {"target", "trn1"},
                 {"checkpoint_id", kModel},
                 {"optimum_neuron_version", optimum_version},
                 {"neuronxcc_version", compiler.substr(compiler.find('-') + 1)}}}})
      .dump(2);
}

// The name of a registry entry: the start of the SHA-512 of its text.
std::string entry_name(const std::string& text) {
  return "/" + digest_hex(DigestKind::kSha512, text).substr(0, 20) + ".json";
}

void add_registries(Builder& repo) {
  const std::string current = registry_json("0.4.5", kVersion, 1);
  const std::string architecture = digest_hex(DigestKind::kSha256, "llama 2048");
  repo.text(kRegistry + "/" + architecture + entry_name(current), current);
  repo.text(kRegistry + "/llama/" + kModel + entry_name(current), current);
  const std::string plain = registry_json("0.3.0", kVersion, 4);
  repo.text(kPlainRegistry + "/llama/" + kModel + entry_name(plain), plain);
  for (const auto& [mode, batch_size] : {std::pair("/inference", 1), std::pair("/training", 8)}) {
    const std::string entry = registry_json("0.1.0", kPreviousVersion, batch_size);
    std::string path = kModeRegistry;
    path.append(mode).append("/llama/").append(kModel).append(entry_name(entry));
    repo.text(path, entry);
  }
  const std::string old = registry_json("0.0.18", kOldVersion, 1);
  repo.text(kOldRegistry + "/llama/" + kModel + entry_name(old), old);
}

bool is_below(const NewFile& file, const std::string& directory) {
  return file.path.starts_with(directory + "/");
}

}  // namespace

const std::vector<NewFile>& files() {
  static const std::vector<NewFile> files = [] {
    Builder repo;
    add_front_matter(repo);
    add_older_compilers(repo);
    add_current_modules(repo);
    add_traced_module(repo);
    add_registries(repo);
    return repo.take();
  }();
  return files;
}

std::string bytes_of(const std::string& path) {
  const auto found = std::find_if(files().begin(), files().end(),
                                  [&](const NewFile& file) { return file.path == path; });
  if (found == files().end()) throw std::invalid_argument("no sample file " + path);
  return read_all(*found->content);
}

TestRepo& create(TestHub& hub, const std::string& name) {
  TestRepo& repo = hub.create_repo(name);
  std::vector<NewFile> front;
  std::vector<NewFile> older;
  std::vector<NewFile> current;
  for (const NewFile& file : files()) {
    if (is_below(file, kVersion)) {
      current.push_back(file);
    } else if (is_below(file, kPreviousVersion) || is_below(file, kOldVersion)) {
      older.push_back(file);
    } else {
      front.push_back(file);
    }
  }
  CommitOptions options;
  options.message = "Add configurations";
  repo.commit(front, {}, options);
  options.message = "Synchronizing local compiler cache.";
  repo.commit(older, {}, options);
  repo.set_ref("refs/tags/v1", "main");
  repo.set_ref("refs/pr/1", "main");
  repo.commit(current, {}, options);
  return repo;
}

}  // namespace neffs::test::sample
