#include <gtest/gtest.h>
#include "tests/hub/test_hub.h"
TEST(TestHub, Starts) {
  neffs::test::TestHub hub;
  EXPECT_FALSE(hub.endpoint().empty());
}
