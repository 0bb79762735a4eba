// SQLite with Result and ownership. An object is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace telltale::store {

// A prepared statement. Values are bound from 1, columns read from 0. A failed bind is reported by the next step().
class Statement {
 public:
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  // True: there is a row, whose columns may be read until the next step. False: done.
  base::Result<bool> step();
  // For statements without rows: runs it and makes it ready to be bound again.
  base::Status run();

  std::int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_result_ = 0;
};

enum class DatabaseMode : std::uint8_t { read_write, read_only };

// A connection. It outlives its statements.
class Database {
 public:
  // read_write: the file exists or is created; write-ahead log, synchronous NORMAL (a power cut may take the last transactions, never the
  // file). store_corrupt for a file that is no database.
  static base::Result<Database> open(const std::string& path, DatabaseMode mode);

  // Statements without values or rows, separated by semicolons.
  base::Status run(const std::string& sql);
  base::Result<Statement> prepare(std::string_view sql);
  // The first column of the first row.
  base::Result<std::int64_t> integer(std::string_view sql);
  // Rows that the last statement changed.
  std::int64_t changes() const;
  std::int64_t last_insert_id() const;
  // SQLite's own check of the file: store_corrupt names what is wrong.
  base::Status check();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Close> database_;
};

// Rolled back unless committed.
class Transaction {
 public:
  static base::Result<Transaction> begin(Database& database);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  base::Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // null: over
};

}  // namespace telltale::store
