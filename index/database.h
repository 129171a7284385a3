// One connection to SQLite. Only database.cc includes SQLite's headers; above it there are SQL
// texts, values and rows.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

namespace SQLite {
class Statement;
}

namespace neffs::index {

// A value for a `?`. Refers to the string it was made from, for no longer than the call of run().
class Value {
 public:
  Value(const std::string& text) : text_(&text) {}  // implicit: a list of values is read as such
  template <std::integral Number>
  Value(Number number) : number_(static_cast<std::int64_t>(number)) {}

 private:
  friend class Database;
  const std::string* text_ = nullptr;
  std::int64_t number_ = 0;
};

// One row of an answer, for as long as the function runs that was given it.
class Row {
 public:
  std::string text(int column) const;
  std::int64_t integer(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  explicit Row(SQLite::Statement& statement) : statement_(statement) {}
  SQLite::Statement& statement_;
};

// A connection with the statements it has prepared. One thread at a time; calls throw IndexError.
class Database {
 public:
  enum class Access { kRead, kWrite };

  // Opens a file, which exists. Nothing of it has been read yet when this returns.
  Database(const std::filesystem::path& file, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  using OnRow = std::function<void(const Row&)>;
  // Runs one statement to its end. It is prepared the first time and kept: `sql` is a constant of
  // the program. Returns how many rows an INSERT, UPDATE or DELETE changed.
  int run(const std::string& sql, std::initializer_list<Value> values = {},
          const OnRow& on_row = {});
  // Runs several statements without values, once.
  void run_script(const std::string& sql);
  // The first column of the first row of a question that has an answer.
  std::int64_t integer(const std::string& sql);
  std::string text(const std::string& sql);

  // Everything that `work` does happens, durable against kill -9, or nothing of it.
  void transaction(const std::function<void()>& work);

  // Pages in the WAL when the last transaction of this connection was committed.
  int wal_pages() const;
  // Moves what the WAL holds into the file, as far as no reader needs it there. Waits for nobody
  // but the disk.
  void checkpoint();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace neffs::index
