#include "store/catalog/sqlite.h"

#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

namespace telltale::store {
namespace {

using base::Error;
using base::ErrorCode;

// Another process (`telltale token`) may hold the write lock for a moment.
constexpr int busy_timeout_ms = 5000;

ErrorCode code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::store_corrupt;
    case SQLITE_FULL:
      return ErrorCode::disk_full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::timeout;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorCode::permission_denied;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return ErrorCode::io_error;
    default:
      return ErrorCode::internal;
  }
}

Error error_of(sqlite3* database, std::string_view what) {
  const int result = sqlite3_extended_errcode(database);
  const char* path = sqlite3_db_filename(database, "main");
  return {code_of(result), fmt::format("{} in {}: {}", what, path == nullptr ? "the catalog" : path, sqlite3_errmsg(database)),
          code_of(result) == ErrorCode::store_corrupt ? "Start the engine: it keeps the damaged file aside and makes a new one." : ""};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::bind(int index, std::int64_t value) {
  const int result = sqlite3_bind_int64(statement_.get(), index, value);
  if (bind_result_ == SQLITE_OK) bind_result_ = result;
}

void Statement::bind(int index, std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  const int result = sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (bind_result_ == SQLITE_OK) bind_result_ = result;
}

base::Result<bool> Statement::step() {
  if (bind_result_ != SQLITE_OK) return std::unexpected(error_of(database_, "binding a value"));
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return std::unexpected(error_of(database_, "running a statement"));
}

base::Status Statement::run() {
  auto stepped = step();
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_result_ = SQLITE_OK;
  if (!stepped) return base::pass(stepped);
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

base::Result<Database> Database::open(const std::string& path, DatabaseMode mode) {
  const int flags =
      (mode == DatabaseMode::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
  sqlite3* raw = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database(raw);
  if (raw == nullptr) return base::fail(ErrorCode::internal, fmt::format("opening {}: no memory", path));
  if (result != SQLITE_OK) return std::unexpected(error_of(raw, "opening the catalog"));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, busy_timeout_ms);
  const char* settings = mode == DatabaseMode::read_write ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON"
                                                          : "PRAGMA query_only=ON; SELECT count(*) FROM sqlite_schema";
  if (auto set = database.run(settings); !set) return base::pass(set);
  return database;
}

base::Status Database::run(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(error_of(database_.get(), "running a statement"));
}

base::Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    return std::unexpected(error_of(database_.get(), "preparing a statement"));
  }
  return Statement(database_.get(), statement);
}

base::Result<std::int64_t> Database::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return base::pass(statement);
  auto row = statement->step();
  if (!row) return base::pass(row);
  return *row ? statement->integer(0) : 0;
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(database_.get());
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(database_.get());
}

base::Status Database::check() {
  auto statement = prepare("PRAGMA quick_check(1)");
  if (!statement) return base::pass(statement);
  auto row = statement->step();
  if (!row) return base::pass(row);
  const std::string answer = *row ? statement->text(0) : "no answer";
  if (answer == "ok") return {};
  return base::fail(ErrorCode::store_corrupt, fmt::format("the catalog is damaged: {}", answer));
}

base::Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return base::pass(begun);
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // Nothing is left to do when even this fails: SQLite rolls back at the next opening.
  if (database_ != nullptr) static_cast<void>(database_->run("ROLLBACK"));
}

base::Status Transaction::commit() {
  auto committed = database_->run("COMMIT");
  if (committed) database_ = nullptr;
  return committed;
}

}  // namespace telltale::store
