// A small cache repo in the exact shape of the public one: several compilers, finished, failed,
// locked and half-made modules, a traced model, and the registry in all its layouts.
#pragma once

#include <string>
#include <vector>

#include "tests/hub/test_hub.h"

namespace neffs::test::sample {

inline const std::string kRepo = "aws-neuron/optimum-neuron-cache";

// Compilers: the current one, one before it, and one of the time before model.done.
inline const std::string kVersion = "neuronxcc-2.21.33363.0+82129205";
inline const std::string kPreviousVersion = "neuronxcc-2.19.8089.0+8ab9f450";
inline const std::string kOldVersion = "neuronxcc-2.14.227.0+2d4f85be";

// Finished modules of the current compiler: flags, input, NEFF, done mark.
inline const std::string kTrainingModule = kVersion + "/MODULE_18108742649528384371+e30acd3a";
inline const std::string kTransformerModule = kVersion + "/MODULE_4421937650087324102+39f12043";
// … this one with wrapped_neff.hlo, as NxD's priority graphs have it,
inline const std::string kInferenceModule = kVersion + "/MODULE_3f9ac41d07be52816a0c+839ddec0";
// … and this one with a lock that a killed process left and an upload took along.
inline const std::string kFinishedLockedModule = kVersion + "/MODULE_9013377642198750034+e30acd3a";

// A whole traced pipeline: config files, unet/model.neuron and so on, no done mark.
inline const std::string kTracedModule = kVersion + "/MODULE_7a1c09e4b85d2f63e0a9";

// Entries that nobody may see: failed (model.log), locked, and one that has only its inputs.
inline const std::string kFailedModule = kVersion + "/MODULE_5550192837465647382+e30acd3a";
inline const std::string kLockedModule = kVersion + "/MODULE_6661029384756473829+e30acd3a";
inline const std::string kHalfModule = kVersion + "/MODULE_7772910384756291038+e30acd3a";

// The compiler before.
inline const std::string kPreviousModule =
    kPreviousVersion + "/MODULE_12750842663219004185+e30acd3a";

// The oldest compiler: a NEFF alone is finished; text in its place is a failure, whatever its size.
inline const std::string kOldModule = kOldVersion + "/MODULE_2938475610293847561+2c2d707e";
inline const std::string kOldFailedModule = kOldVersion + "/MODULE_3847561029384756102+2c2d707e";
inline const std::string kOldLongFailedModule =
    kOldVersion + "/MODULE_4756102938475610293+2c2d707e";

// The model that the registries know, and its registry folders.
inline const std::string kModel = "meta-llama/Llama-3.2-1B";
inline const std::string kRegistry = kVersion + "/0_REGISTRY/0.4.5";       // digest and alias
inline const std::string kPlainRegistry = kVersion + "/0_REGISTRY/0.3.0";  // type/model
inline const std::string kModeRegistry = kPreviousVersion + "/0_REGISTRY/0.1.0";  // mode/type/model
inline const std::string kOldRegistry = kOldVersion + "/0_REGISTRY/0.0.18";

// Every file of the repo with the bytes it must have.
const std::vector<NewFile>& files();
// The bytes of one of them; throws std::invalid_argument if there is no such file.
std::string bytes_of(const std::string& path);

// Makes the repo, in several commits, with a tag "v1" and a pull request "refs/pr/1".
TestRepo& create(TestHub& hub, const std::string& name = kRepo);

}  // namespace neffs::test::sample
