// JSON's code is made once for all tests, and not in each file: it is most of what there is to compile.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
