// Makes a failing sequence short.
#pragma once

#include <cstddef>
#include <vector>

namespace neffs::test {

// Leaves out what `fails` fails without, in ever smaller pieces, until no single one can be left
// out or `tries` are used up. `items` fail.
template <typename Item, typename Fails>
std::vector<Item> shrunk(std::vector<Item> items, Fails fails, std::size_t tries) {
  for (std::size_t piece = (items.size() + 1) / 2; piece > 0 && tries > 0;) {
    bool is_shorter = false;
    for (std::size_t end = items.size(); end > 0 && tries > 0; --tries) {
      const std::size_t begin = end > piece ? end - piece : 0;
      std::vector<Item> rest(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(begin));
      rest.insert(rest.end(), items.begin() + static_cast<std::ptrdiff_t>(end), items.end());
      if (fails(rest)) {
        items = std::move(rest);
        is_shorter = true;
      }
      end = begin;
    }
    if (piece > 1)
      piece /= 2;
    else if (!is_shorter)
      break;
  }
  return items;
}

}  // namespace neffs::test
