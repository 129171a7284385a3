#include "hub/credentials.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/hub/hub_under_test.h"

namespace neffs::test {
namespace {

using hub::Credentials;
using hub::find_token;
using hub::HubErrorKind;
using Variables = std::map<std::string, std::string>;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() { home_ = ::mkdtemp(pattern_.data()); }
  ~CredentialsTest() override { std::filesystem::remove_all(home_); }

  // Returns the path.
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = home_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  std::string path(const std::string& name) const { return home_ / name; }

 private:
  std::string pattern_ = ::testing::TempDir() + "neffs-credentials-XXXXXX";
  std::filesystem::path home_;
};

TEST_F(CredentialsTest, LooksInTheHubsOrder) {
  const std::string of_option = write("option", "from_option\r\n");
  write(".cache/huggingface/token", " from_home \n");
  write("xdg/huggingface/token", "from_xdg");
  write("hf/token", "from_hf_home");
  const std::string of_path = write("elsewhere", "from_path");
  const Variables home{{"HOME", path("")}};

  struct Row {
    const char* name;
    std::string option;
    Variables variables;
    std::string token;
    std::string origin;
  };
  const Row rows[] = {
      {"option before all", of_option, {{"HF_TOKEN", "x"}}, "from_option", of_option},
      {"HF_TOKEN", "", {{"HF_TOKEN", " t\n"}, {"HUGGING_FACE_HUB_TOKEN", "u"}}, "t", "HF_TOKEN"},
      {"old name",
       "",
       {{"HF_TOKEN", " "}, {"HUGGING_FACE_HUB_TOKEN", "u"}},
       "u",
       "HUGGING_FACE_HUB_TOKEN"},
      {"HF_TOKEN_PATH",
       "",
       {{"HF_TOKEN_PATH", of_path}, {"HF_HOME", path("hf")}},
       "from_path",
       of_path},
      {"~ in HF_TOKEN_PATH",
       "",
       {{"HF_TOKEN_PATH", "~/elsewhere"}},
       "from_path",
       path("") + "/elsewhere"},
      {"$VAR in HF_HOME",
       "",
       {{"HF_HOME", "${B}/hf"}, {"B", path("")}},
       "from_hf_home",
       path("") + "/hf/token"},
      {"XDG_CACHE_HOME",
       "",
       {{"XDG_CACHE_HOME", path("xdg")}},
       "from_xdg",
       path("xdg/huggingface/token")},
      {"default", "", {}, "from_home", path("") + "/.cache/huggingface/token"},
      {"implicit off",
       "",
       {{"HF_TOKEN", "x"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "yes"}},
       "",
       "anonymous"},
      {"nothing", "", {{"HF_HOME", path("none")}}, "", "anonymous"},
  };
  for (const Row& row : rows) {
    Variables variables = row.variables;
    variables.insert(home.begin(), home.end());
    const auto found = find_token(row.option, environment_of(variables));
    EXPECT_EQ(found.token, row.token) << row.name;
    EXPECT_EQ(found.origin, row.origin) << row.name;
  }
}

TEST_F(CredentialsTest, OptionMustBeReadable) {
  const auto error = error_of([&] { find_token(path("missing"), environment_of({})); });
  EXPECT_EQ(error.kind, HubErrorKind::kLocal);
  EXPECT_EQ(error.local_errno, ENOENT);
  const std::string empty = write("empty", "\n");
  EXPECT_EQ(error_of([&] { find_token(empty, environment_of({})); }).kind,
            HubErrorKind::kUnauthorized);
  EXPECT_EQ(error_of([&] { find_token(path(""), environment_of({})); }).kind, HubErrorKind::kLocal);
}

TEST_F(CredentialsTest, RefusesATokenThatWouldBreakItsHeaderLine) {
  const auto error = error_of([] {
    find_token("", environment_of({{"HF_TOKEN", "hf_SecretSecretSecret\r\nHost: x"}}));
  });
  EXPECT_EQ(error.kind, HubErrorKind::kUnauthorized);
}

TEST_F(CredentialsTest, ReadsAgainAfterHalfAMinute) {
  const std::string file = write("token", "old");
  std::chrono::steady_clock::time_point now{};
  Credentials credentials(file, environment_of({}), [&] { return now; });
  EXPECT_EQ(credentials.token(), "old");
  write("token", "new");
  now += std::chrono::seconds(29);
  EXPECT_EQ(credentials.token(), "old");
  now += std::chrono::seconds(2);
  EXPECT_EQ(credentials.token(), "new");
  std::filesystem::remove(file);
  now += std::chrono::seconds(31);
  EXPECT_EQ(credentials.token(), "new") << "a file that is being replaced is no log-out";
}

TEST_F(CredentialsTest, ReadsAgainWhenItIsToldTo) {
  const std::string file = write("token", "old");
  const std::chrono::steady_clock::time_point now{};
  Credentials credentials(file, environment_of({}), [&] { return now; });
  write("token", "new");
  EXPECT_EQ(credentials.token(), "old");
  credentials.renew();
  EXPECT_EQ(credentials.token(), "new");
  write("token", "\n");
  EXPECT_EQ(error_of([&] { credentials.renew(); }).kind, HubErrorKind::kUnauthorized);
  EXPECT_EQ(credentials.token(), "new");
}

TEST_F(CredentialsTest, ReadsAgainAtOnceAfterARefusal) {
  const std::string file = write("token", "old");
  Credentials credentials(file, environment_of({}));
  EXPECT_FALSE(credentials.renewed_after("old"));
  write("token", "new");
  EXPECT_TRUE(credentials.renewed_after("old"));
  EXPECT_EQ(credentials.token(), "new");
  EXPECT_EQ(credentials.origin(), file);
}

TEST(Environment, ExpandsHomeAndVariables) {
  const auto environment = environment_of({{"HOME", "/h"}, {"A", "x"}, {"EMPTY", ""}});
  EXPECT_EQ(environment.expand("~/a/$A/${A}b"), "/h/a/x/xb");
  EXPECT_EQ(environment.expand("~"), "/h");
  EXPECT_EQ(environment.expand("~user/a~"), "~user/a~");
  EXPECT_EQ(environment.expand("$NONE/${NONE}/${A/$"), "$NONE/${NONE}/${A/$");
  EXPECT_FALSE(environment.get("EMPTY"));
}

TEST(Environment, KnowsTheHubsTruths) {
  for (const char* yes : {"1", "on", "Yes", "TRUE"}) {
    EXPECT_TRUE(environment_of({{"X", yes}}).is_true("X")) << yes;
  }
  for (const char* no : {"0", "", "off", "2", "y"}) {
    EXPECT_FALSE(environment_of({{"X", no}}).is_true("X")) << no;
  }
}

}  // namespace
}  // namespace neffs::test
